"""Several trainings beside one another, and whether their numbers may be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few
from detmetrics.training.history.choosing import USUAL, Best
from detmetrics.training.history.course import Course
from detmetrics.training.history.metric_names import canonical, lower_is_better
from detmetrics.training.history.record import History
from detmetrics.training.history.verdict import Verdict, verdict_of

__all__ = ["TrainingComparison", "TrainingStanding", "compare"]

PERCENT = 1.5  # a metric that was ever above this is not in 0 to 1


@dataclass(frozen=True)
class TrainingStanding:
    """One history, judged by one metric; best is None where nothing can be chosen by.

    metric: as it was asked for, or what is usual; None where nothing was measured.
    """

    history: History
    metric: str | None

    @cached_property
    def best(self) -> Best | None:
        """The best epoch."""
        return None if self.metric is None else self.history.best(self.metric)

    @cached_property
    def course(self) -> Course:
        """The curves that are judged and drawn."""
        return self.history.course(self.metric)

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict with its evidence."""
        column = self.course.column
        return verdict_of(self.course, lower=column is not None and bool(lower_is_better(column)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of the log."""
        said = (*self.history.notes, *self.verdict.notes)
        row = self.best.row if self.best else None
        if row is None or row - 1 in self.course.rows:
            return said
        return (*said, f"the best epoch stands in row {row:,}, which a restart left behind")


@dataclass(frozen=True, slots=True)
class TrainingComparison:
    """standings: one a history; reasons: why their best values cannot be compared, if so."""

    standings: tuple[TrainingStanding, ...]
    reasons: tuple[str, ...] = ()


def compare(histories: Sequence[History], metric: str | None = None) -> TrainingComparison:
    """Every history by one metric: the one that is asked for, or the first usual one of all.

    Raises:
        InputError: a history lacks the metric that is asked for, or has only test data.

    >>> one, other = History(), History()
    >>> one.append(0, metrics={"AP": 0.3})
    >>> other.append(0, metrics={"mAP50": 0.5})
    >>> compare([one, other]).reasons
    ('not comparable: history is judged by AP, history by mAP50',)
    """
    shared = metric or _shared(histories)
    standings = tuple(TrainingStanding(history, shared or _own(history)) for history in histories)
    return TrainingComparison(standings, tuple(_reasons(standings)))


def _shared(histories: Sequence[History]) -> str | None:
    """The first usual metric that every history has."""
    return next((name for name in USUAL if all(_has(each, name) for each in histories)), None)


def _has(history: History, metric: str) -> bool:
    try:
        history.best(metric)
    except InputError:
        return False
    return True


def _own(history: History) -> str | None:
    return history.usual_metric()


def _reasons(standings: Sequence[TrainingStanding]) -> Iterable[str]:
    columns = [standing.best.column if standing.best else None for standing in standings]
    kinds = {canonical(column or "") or column for column in columns}
    if len(kinds) > 1:
        said = [
            f"{standing.history.source} {'is judged ' if not at else ''}by {column or 'nothing'}"
            for at, (standing, column) in enumerate(zip(standings, columns, strict=True))
        ]
        yield f"not comparable: {few(said)}"
        return
    percent = [
        standing.history.source
        for standing in standings
        if standing.best and not standing.best.lower_is_better and standing.best.value > PERCENT
    ]
    if percent and len(percent) < len(standings):
        yield f"not comparable: {few(percent)} in percent, the others not"
