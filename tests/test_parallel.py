"""Parts at once: the results of all, in order, and the first failure."""

from __future__ import annotations

import numpy as np
import pytest
from report_pages import scene

import detmetrics as dm
from detmetrics.foundation import parallel
from detmetrics.foundation.parallel import each


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    monkeypatch.setattr(parallel, "WORKERS", 2)


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
    assert len(begun) <= 2


def test_threads_change_no_number(monkeypatch):
    """Of a set that is large enough for them, in any cell."""
    whole = scene(300, ["cat", "dog"], 10, 40)
    assert len(whole.detections) > parallel.FEW
    both = []
    for workers in (1, 2):
        monkeypatch.setattr(parallel, "WORKERS", workers)
        both.append(dm.evaluate(whole.ground_truth, whole.detections, "coco").arrays())
    for name, cells in both[0].items():
        assert np.array_equal(cells, both[1][name], equal_nan=True), name
