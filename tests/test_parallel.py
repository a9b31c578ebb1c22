"""Parts at once: the results of all, in order, and the first failure."""

from __future__ import annotations

import pytest

from detmetrics.foundation.parallel import each


def test_results_stand_in_order():
    assert each(lambda n: n * n, range(1000)) == [n * n for n in range(1000)]
    assert each(abs, []) == []


def test_a_failure_is_raised_and_ends_the_work():
    done: list[int] = []

    def work(part: int) -> None:
        if part == 3:
            raise KeyError(part)
        done.append(part)

    with pytest.raises(KeyError, match="3"):
        each(work, range(10_000))
    assert len(done) < 10_000
