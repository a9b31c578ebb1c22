"""Which rows are of one training: runs, and what a restart left of one.

A journal may hold several trainings, each with a name: its *run*. Rows without one are the first
run. A training that is started from its first epoch again, in a file that holds it already, is
another run; one that goes on from a later epoch is the same, and its new rows take the place of
those of the same epoch and later ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import count

from detmetrics.training.history.epoch_rows import Row

__all__ = ["Edges", "descent", "latest", "named_apart", "runs_of", "shown_run"]

FIRST = "run 1"
NUMBERED = re.compile(r"run \d+")


def runs_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """The names of all runs in order of appearance, empty for rows without one."""
    return tuple(dict.fromkeys(row.run for row in rows))


def shown_run(run: str, runs: Sequence[str]) -> str:
    """How a sentence names a run.

    >>> shown_run("", ["", "b"]), shown_run("b", ["", "b"]), shown_run("", ["", "run 1"])
    ('run 1', 'b', 'the run without a name')
    """
    return run or ("the run without a name" if FIRST in runs else FIRST)


def named_apart(run: str, runs: Sequence[str]) -> str:
    """A name for a further run of the same training.

    >>> named_apart("", [""]), named_apart("run 2", ["", "run 2"])
    ('run 2', 'run 3')
    >>> named_apart("b", ["b", "b (2)"]), named_apart("b (2)", ["b", "b (2)"])
    ('b (3)', 'b (3)')
    """
    base = re.sub(r" \(\d+\)$", "", run)
    unnamed = not run or NUMBERED.fullmatch(run)
    names = (f"run {n}" if unnamed else f"{base} ({n})" for n in count(2))
    return next(name for name in names if name not in runs)


def latest(run: str, runs: Sequence[str]) -> str:
    """The last of a run and of those that were named apart from it.

    >>> latest("b", ["a", "b", "b (2)"]), latest("c", ["a"])
    ('b (2)', 'c')
    """
    own = re.compile(rf"{re.escape(run)}( \(\d+\))?")
    return next((name for name in reversed(runs) if own.fullmatch(name)), run)


class Edges:
    """The first and the last epoch of a run, without rows of test data, which are measured of any
    epoch.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.rows: list[Row] = []
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """One more row of the run."""
        if row.role != "test":
            self.rows.append(row)

    def starts_over(self, new: Row, *, reopened: bool) -> bool:
        """Whether a row begins the training from its first epoch again.

        reopened: it is the first that is added to a file that was there, so that the first epoch,
        measured again, is that of another training and no second look at the same one.
        """
        if new.role == "test" or not self.rows:
            return False
        first, last = self.rows[0], self.rows[-1]
        if new.epoch > first.epoch:
            return False
        if new.epoch < last.epoch:
            return True
        return reopened and not self._stays() and _repeats(last, new)

    def _stays(self) -> bool:
        """Whether several rows measure one epoch: the column does not count epochs."""
        return any(_repeats(old, new) for old, new in zip(self.rows, self.rows[1:], strict=False))


def _repeats(old: Row, new: Row) -> bool:
    """Whether both measure the same thing of one epoch."""
    if old.epoch != new.epoch:
        return False
    named = ({*row.train, *(("val", n) for n in row.val), *(("", n) for n in row.metrics)}
             for row in (old, new))  # fmt: skip
    return bool(set.intersection(*named))


def descent(rows: Sequence[Row], run: str) -> list[int]:
    """Places of the rows of role ``val`` of a run whose models descend from one another.

    >>> descent([Row(epoch=epoch) for epoch in (0, 1, 2, 3, 2, 3)], "")
    [0, 1, 4, 5]
    """
    kept: list[int] = []
    for at, row in enumerate(rows):
        if row.run != run or row.role != "val":
            continue
        if kept and _before(row, rows[kept[-1]]):
            # What went on from here before, this epoch included, is left behind.
            while kept and not _before(rows[kept[-1]], row):
                kept.pop()
        kept.append(at)
    return kept


def _before(one: Row, other: Row) -> bool:
    """Whether one is of an earlier epoch, or of an earlier step of the same epoch."""
    if one.epoch != other.epoch or one.step is None or other.step is None:
        return one.epoch < other.epoch
    return one.step < other.step
