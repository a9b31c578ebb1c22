"""Parts at once: the results of all, in order, and the first failure."""

from __future__ import annotations

import pytest

from detmetrics.foundation import parallel
from detmetrics.foundation.parallel import WORKERS, each


def test_results_stand_in_order():
    assert each(lambda n: n * n, range(1000)) == [n * n for n in range(1000)]
    assert each(abs, []) == []


def test_few_rows_start_no_thread(monkeypatch):
    def refuse(**_: object) -> None:
        raise AssertionError("a thread for a few rows")

    monkeypatch.setattr(parallel.threading, "Thread", refuse)
    assert each(abs, [-1, 2, -3], rows=10) == [1, 2, 3]


def test_a_failure_is_raised():
    with pytest.raises(ZeroDivisionError):
        each(lambda n: 1 / (n - 3), range(10))


def test_a_failure_ends_the_work():
    begun: list[int] = []

    def fail(part: int) -> None:
        begun.append(part)
        raise KeyError(part)

    with pytest.raises(KeyError):
        each(fail, range(10_000))
    assert len(begun) <= WORKERS
