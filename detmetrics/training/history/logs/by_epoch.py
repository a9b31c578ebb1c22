"""Rows from records that each hold a part of an epoch.

Loggers write a record whenever they have something: a mean of the train loss every fifty steps,
metrics when validation ends. A row holds what belongs together: the metrics of a validation, and
the mean of the train losses that were logged since the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from detmetrics.training.history.epoch_rows import Epoch, Role, Row, named_role

__all__ = ["Record", "by_epoch", "by_evaluation"]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was logged; role: of the data that ``val`` and ``metrics`` are of."""

    epoch: Epoch
    step: Epoch | None = None
    role: str = "val"
    train: dict[str, float] = field(default_factory=dict)
    val: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def evaluates(self) -> bool:
        """Whether it holds what was measured on other than train data."""
        return bool(self.val or self.metrics)


def by_epoch(records: Sequence[Record]) -> list[Row]:
    """Rows of records that belong together where they stand together and name one epoch.

    What is logged after the validation of an epoch, and names that epoch, still belongs to it.
    Test data make rows of their own.
    """
    rows = []
    for (_, tested), group in groupby(records, key=lambda r: (r.epoch, r.role == "test")):
        members = [*group]
        rows += [_row([one], [one]) for one in members] if tested else _rows(members)
    return rows


def by_evaluation(records: Sequence[Record]) -> list[Row]:
    """Rows that each end with a validation; by epoch where nothing was ever validated."""
    if not any(record.evaluates for record in records):
        return by_epoch(records)
    rows: list[Row] = []
    waiting: list[Record] = []
    for record in records:
        waiting.append(record)
        if record.evaluates:
            rows.append(_row(waiting, [record]))
            waiting = []
    return rows + (by_epoch(waiting) if waiting else [])


def _rows(group: list[Record]) -> list[Row]:
    """Rows of one epoch: one where no name is measured twice, else one a validation."""
    evaluations: list[list[Record]] = []
    for record in group:
        if record.evaluates:
            if not evaluations or _repeats(record, evaluations[-1]):
                evaluations.append([])
            evaluations[-1].append(record)
    if len(evaluations) < 2:
        return [_row(group, group)]
    # The train losses of an epoch are counted once, with its first validation.
    first, *others = evaluations
    return [_row(group, first), *(_row(later, later, train=False) for later in others)]


def _repeats(record: Record, before: Iterable[Record]) -> bool:
    names = {*record.val, *record.metrics}
    return any(names & {*earlier.val, *earlier.metrics} for earlier in before)


def _row(group: Sequence[Record], evaluation: Sequence[Record], *, train: bool = True) -> Row:
    val: dict[str, float] = {}
    metrics: dict[str, float] = {}
    for record in evaluation:
        val |= record.val
        metrics |= record.metrics
    last = evaluation[-1]
    role: Role = named_role(last.role) if val or metrics else "train"
    steps = [int(record.step) for record in evaluation if record.step is not None]
    return Row(
        epoch=last.epoch,
        role=role,
        step=max(steps, default=None),
        train=_means(record.train for record in group) if train else {},
        val=val,
        metrics=metrics,
    )


def _means(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for name, value in _pairs(parts):
        values.setdefault(name, []).append(value)
    return {name: sum(column) / len(column) for name, column in values.items()}


def _pairs(parts: Iterable[dict[str, float]]) -> Iterator[tuple[str, float]]:
    for part in parts:
        yield from part.items()
