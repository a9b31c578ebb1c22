"""The curves of a course, and what a sentence says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.messages import counted
from detmetrics.training.history.course import Course
from detmetrics.training.history.epoch_rows import Epoch
from detmetrics.training.history.smoothing import SmoothedCurve, curve_of

__all__ = ["Case", "case_of"]


@dataclass(frozen=True, slots=True)
class Case:
    """A course and its curves; None where nothing finite was measured."""

    course: Course
    train: SmoothedCurve | None
    val: SmoothedCurve | None
    metric: SmoothedCurve | None

    @property
    def main(self) -> SmoothedCurve:
        """What decides: the metric, or the validation loss where there is none."""
        curve = self.metric if self.metric is not None else self.val
        assert curve is not None
        return curve

    def place(self, curve: SmoothedCurve, at: int) -> str:
        """How a sentence names an epoch of a curve."""
        return self.course.place(int(curve.index[at]))

    def epoch(self, curve: SmoothedCurve, at: int) -> Epoch:
        """An epoch of a curve."""
        return self.course.epochs[int(curve.index[at])]

    def name(self, curve: SmoothedCurve) -> str:
        """How a sentence names a curve."""
        if curve is self.metric:
            return self.course.column or "the metric"
        return "the train loss" if curve is self.train else "the validation loss"

    def train_since(self, curve: SmoothedCurve) -> tuple[float, float]:
        """The level of the train loss where a curve is best, turned round, and at the end."""
        assert self.train is not None
        # Curves have places of their own, as each leaves out what it did not measure: the first
        # epoch of the train loss that is not before that of the curve.
        index = int(curve.index[curve.top])
        at = min(int(np.searchsorted(self.train.index, index)), len(self.train) - 1)
        return float(self.train.levels[at]), self.train.end

    def fall(self, curve: SmoothedCurve) -> Iterator[str]:
        """From its best to its end."""
        best, end = curve.shown(curve.values[curve.top]), curve.shown(curve.end)
        turn = "peaks at" if curve.sign > 0 else "has its minimum of"
        last = number(curve.shown(curve.values[-1]))
        place = self.place(curve, curve.top)
        yield (
            f"{self.name(curve)} {turn} {number(best)} at {place}; the median of the last "
            f"{curve.width} epochs is {number(end)} ({percent(best, end)}), the last {last}"
        )

    def rest(self, curve: SmoothedCurve) -> Iterator[str]:
        """Its best and its end, where it did not fall by a change."""
        best, end = curve.shown(curve.values[curve.best]), curve.shown(curve.end)
        word = "best" if curve.sign > 0 else "lowest"
        level, least = curve.shown(curve.highest), curve.change(curve.highest)
        yield (
            f"{self.name(curve)} is {word} at {self.place(curve, curve.best)}, {number(best)}; the "
            f"{word} level of {curve.width} epochs is {number(level)}, the last {number(end)} "
            f"(a change is more than {number(least)})"
        )

    def learnt(self) -> Iterator[str]:
        """The train loss from the first epoch to the last."""
        if self.train is not None:
            first, end = float(self.train.levels[0]), self.train.end
            yield self._train_words(first, end, "")

    def learnt_since(self, curve: SmoothedCurve) -> Iterator[str]:
        """The train loss from where a curve is best to the last epoch."""
        if self.train is not None:
            yield self._train_words(*self.train_since(curve), f" at {self.place(curve, curve.top)}")

    def _train_words(self, first: float, end: float, where: str) -> str:
        assert self.train is not None
        before, after = self.train.shown(first), self.train.shown(end)
        moves = "falls" if after < before else "goes"
        return (
            f"the train loss {moves} from {number(before)}{where} to {number(after)} at the end "
            f"({percent(before, after)})"
        )

    def waited(self) -> Iterator[str]:
        """How long the main curve has not been bettered."""
        late = len(self.main) - 1 - self.main.best
        if late:
            yield f"{counted(late, 'epoch')} since then have not bettered it"


def case_of(course: Course, *, lower: bool) -> Case:
    """The curves of a course; lower: whether the metric is better when it is lower."""
    return Case(
        course,
        curve_of(course.train, lower=True),
        curve_of(course.val, lower=True),
        curve_of(course.metric, lower=lower),
    )


def number(value: float) -> str:
    """Four digits that count."""
    return f"{value:#.4g}".rstrip(".") if 1e-4 <= abs(value) < 1e4 else f"{value:.4g}"


def percent(before: float, after: float) -> str:
    """A change as a share of what was there before."""
    return f"{(after - before) / abs(before):+.1%}" if before else "from 0"
