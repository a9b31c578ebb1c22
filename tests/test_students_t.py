"""Student's t distribution: tables in print, closed forms, and laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detmetrics.foundation.students_t import quantile, upper_tail

# Two-sided 95 % points as every table in print has them.
TABLE = {1: 12.706, 2: 4.303, 3: 3.182, 5: 2.571, 10: 2.228, 30: 2.042, 120: 1.980, 1e9: 1.960}


@pytest.mark.parametrize(("freedom", "value"), TABLE.items())
def test_the_table(freedom, value):
    assert quantile(0.975, freedom) == pytest.approx(value, abs=5e-4)
    assert upper_tail(value, freedom) == pytest.approx(0.025, abs=2e-5)


@given(t=st.floats(-1e6, 1e6))
def test_one_and_two_degrees_have_closed_forms(t):
    assert upper_tail(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-6, abs=1e-12)
    two = 0.5 - t / math.sqrt(2 + t * t) / 2
    assert upper_tail(t, 2) == pytest.approx(two, rel=1e-6, abs=1e-10)


@given(t=st.floats(-50, 50), freedom=st.floats(0.1, 1e6))
def test_both_tails_are_all(t, freedom):
    assert upper_tail(t, freedom) + upper_tail(-t, freedom) == pytest.approx(1)


@given(share=st.floats(0.001, 0.999), freedom=st.floats(1, 1e5))
def test_the_quantile_undoes_the_tail(share, freedom):
    assert upper_tail(quantile(share, freedom), freedom) == pytest.approx(1 - share, rel=1e-6)


def test_what_is_no_number_stays_none():
    assert math.isnan(upper_tail(math.nan, 3))
    assert (upper_tail(math.inf, 3), upper_tail(-math.inf, 3)) == (0.0, 1.0)
