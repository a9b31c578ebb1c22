"""The course of a training: train loss, validation loss and a metric, epoch by epoch.

**One epoch in parts.** Rows of one epoch that stand together and measure different things, one of
them of role ``train``, are one epoch. Rows of role ``test`` are no part of the course.

**Restarts.** The epoch (and the step within it) grows as long as a training goes on. Where it does
not, the training was started again: the model of the new row does not descend from those of the
same epoch and later ones, so the new rows take their place. What is left may be too short to be
judged; then all rows are taken in the order in which they were written.

**An epoch column that stays.** Where every row has the same epoch, the column does not count, and
rows are counted instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.messages import counted, few
from detmetrics.training.history.epoch_rows import Epoch, Row
from detmetrics.training.history.losses import Pairing, losses_of

__all__ = ["FEWEST", "Course", "course_of"]

FEWEST = 5
"""With fewer epochs nothing can be said: a smoothed curve needs a before and an after."""


@dataclass(slots=True)
class _Point:
    epoch: Epoch
    step: int
    row: int
    parts: bool
    train: Mapping[str, float]
    val: Mapping[str, float]
    metrics: Mapping[str, float]

    @property
    def at(self) -> tuple[Epoch, int]:
        return self.epoch, self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """epochs : (N,) as the log counts them, or rows where it does not; rows : (N,) positions in the
    history; train, val, metric : (N,) float64, nan where not measured or undefined.

    column: of the metric; losses: which were added up; lost: from where on to the end the train
    loss is nan or infinite wherever it was measured, None where it ends finite; counted_by:
    ``epoch`` or ``row``; restarted: whether rows of several attempts stand behind one another;
    notes: what is to be said.
    """

    epochs: tuple[Epoch, ...]
    rows: tuple[int, ...]
    train: Floats
    val: Floats
    metric: Floats
    column: str | None
    losses: Pairing
    lost: int | None = None
    counted_by: str = "epoch"
    restarted: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def axis(self) -> Sequence[Epoch]:
        """What to draw the curves over: epochs, or rows where epochs do not rise."""
        return [row + 1 for row in self.rows] if self.restarted else self.epochs

    def place(self, index: int) -> str:
        """How a sentence names an epoch."""
        name = f"{self.counted_by} {self.epochs[index]:,}"
        return f"{name} (row {self.rows[index] + 1:,})" if self.restarted else name


@dataclass(slots=True)
class _Told:
    notes: list[str] = field(default_factory=list)
    counted_by: str = "epoch"
    restarted: bool = False


def course_of(rows: Sequence[Row], column: str | None) -> Course:
    """The course that rows describe; column: the metric that is followed, or a validation loss."""
    told = _Told()
    points = _judged(_points(rows), told)
    losses = _losses(points, told)
    train = _sum(points, losses.train, lambda point: point.train)
    val = _sum(points, losses.val, lambda point: point.val)
    metric = _sum(points, [column] if column else [], lambda point: {**point.val, **point.metrics})
    told.notes += _gaps(points, told)
    told.notes += _unlogged(points)
    for name, values, columns in (
        ("the train loss", train, losses.train),
        ("the validation loss", val, losses.val),
        (column or "", metric, (column,) if column else ()),
    ):
        told.notes += _holes(points, name, values, columns)
    by_row = told.counted_by == "row"
    return Course(
        epochs=tuple(point.row + 1 if by_row else point.epoch for point in points),
        rows=tuple(point.row for point in points),
        train=train,
        val=val,
        metric=metric,
        column=column,
        losses=losses,
        lost=_lost(points, losses.train),
        counted_by=told.counted_by,
        restarted=told.restarted,
        notes=tuple(told.notes),
    )


def _points(rows: Sequence[Row]) -> list[_Point]:
    points: list[_Point] = []
    for index, row in enumerate(rows):
        if row.role == "test":
            continue
        step = row.step or 0
        new = _Point(row.epoch, step, index, row.role == "train", row.train, row.val, row.metrics)
        if points and _belongs(points[-1], new):
            points[-1] = _joined(points[-1], new)
        else:
            points.append(new)
    return points


def _belongs(last: _Point, new: _Point) -> bool:
    """Whether two rows are parts of one epoch: one is a train row, and nothing is in both."""
    if last.epoch != new.epoch or not (last.parts or new.parts):
        return False
    return not (
        last.train.keys() & new.train.keys()
        or last.val.keys() & new.val.keys()
        or last.metrics.keys() & new.metrics.keys()
    )


def _joined(last: _Point, new: _Point) -> _Point:
    """Both parts as one; its row is that of the validation, where one of them is."""
    return _Point(
        last.epoch,
        max(last.step, new.step),
        last.row if new.parts else new.row,
        last.parts and new.parts,
        {**last.train, **new.train},
        {**last.val, **new.val},
        {**last.metrics, **new.metrics},
    )


def _judged(points: list[_Point], told: _Told) -> list[_Point]:
    """The points that are left of all attempts, or all of them where too few are."""
    if len(points) > 1 and len({point.at for point in points}) == 1:
        told.counted_by = "row"
        what = f"the epoch is {points[0].epoch:,} in every one of {len(points):,} rows"
        told.notes.append(f"{what}: rows are counted instead")
        return points
    # Epochs in `kept` rise at all times: a point that does not go on takes the place of all those
    # that stand at its epoch or later.
    kept: list[_Point] = []
    again: list[tuple[_Point, _Point]] = []
    for point in points:
        if kept and point.at <= kept[-1].at:
            again.append((kept[-1], point))
            while kept and kept[-1].at >= point.at:
                kept.pop()
        kept.append(point)
    if not again:
        return points
    told.restarted = len(kept) < FEWEST
    told.notes.append(_restarts(again, len(points) - len(kept), all_kept=told.restarted))
    return points if told.restarted else kept


def _restarts(again: list[tuple[_Point, _Point]], lost: int, *, all_kept: bool) -> str:
    where = few([f"row {new.row + 1:,}: {_step_back(old, new)}" for old, new in again], 3)
    times = "" if len(again) == 1 else f" {len(again):,} times"
    if all_kept:
        then = "too few rows are left to be judged alone, so all are, in the order of the file"
    else:
        then = f"{counted(lost, 'earlier row')} of the same epochs and later ones are left aside"
    return f"the training was started again{times} ({where}); {then}"


def _step_back(old: _Point, new: _Point) -> str:
    if old.epoch == new.epoch:
        return f"epoch {new.epoch:,} again"
    return f"from epoch {old.epoch:,} back to {new.epoch:,}"


def _losses(points: list[_Point], told: _Told) -> Pairing:
    """The losses that make up the sums; those that are nan throughout are said and left out."""
    losses, lost = losses_of([point.train for point in points], [point.val for point in points])
    if lost:
        verb = "is" if len(lost) == 1 else "are"
        told.notes.append(f"{few(lost)} {verb} nan or infinite in every row")
    return losses


def _sum(
    points: list[_Point], names: Sequence[str], part: Callable[[_Point], Mapping[str, float]]
) -> Floats:
    """(N,) the sum of some columns; nan where one of them was not measured."""
    total = np.zeros(len(points)) if names else np.full(len(points), np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        for name in names:
            total += np.array([part(point).get(name, np.nan) for point in points])
    return total


def _gaps(points: list[_Point], told: _Told) -> list[str]:
    """A note on epochs that are missing between others."""
    if told.restarted or told.counted_by == "row" or len(points) < 3:
        return []
    epochs = np.array([point.epoch for point in points], np.float64)
    # Logs of every fifth epoch have no gaps: a gap is wider than what is usual here.
    steps = np.diff(epochs)
    usual = float(np.median(steps))
    wide = np.flatnonzero(steps > 1.5 * usual)
    if usual < 1 or not len(wide):
        return []
    where = few([f"{points[at].epoch:,} to {points[at + 1].epoch:,}" for at in wide.tolist()], 3)
    return [f"epochs are missing: {where} follow each other"]


def _lost(points: list[_Point], names: Sequence[str]) -> int | None:
    """Where the train loss stops being finite and never is again; None where it ends finite."""
    start = None
    for index, point in enumerate(points):
        values = [point.train[name] for name in names if name in point.train]
        if values and np.isfinite(values).all():
            start = None
        elif values and start is None:
            start = index
    return start


def _unlogged(points: list[_Point]) -> list[str]:
    logged = {part for part in ("train", "val") if any(getattr(p, part) for p in points)}
    words = {"train": "train", "val": "validation"}
    return [f"no {word} loss is logged" for part, word in words.items() if part not in logged]


def _holes(points: list[_Point], name: str, values: Floats, columns: Sequence[str]) -> list[str]:
    """Notes on epochs in which a curve was not measured, or came out undefined."""
    if not columns:
        return []
    present = np.array(
        [all(c in p.train or c in p.val or c in p.metrics for c in columns) for p in points], bool
    )
    undefined = present & ~np.isfinite(values)
    notes = []
    if not present.all():
        notes.append(f"{name} was measured in {present.sum():,} of {len(points):,} epochs")
    if undefined.any():
        first = points[int(np.argmax(undefined))].epoch
        where = "" if undefined.all() else f", first in epoch {first:,}"
        notes.append(
            f"{name} is nan or infinite in {counted(int(undefined.sum()), 'epoch')}{where}"
        )
    return notes
