"""The answer of a gate: lines with a verdict, floors, and what follows for each candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from detmetrics.analysis.gating.settings import GateSettings
from detmetrics.analysis.gating.verdicts import Verdict
from detmetrics.analysis.support import FEW_IMAGES
from detmetrics.foundation.messages import counted, few

__all__ = ["Gate", "GateCandidate", "GateFloor", "GateLine", "Outcome"]

SCHEMA = 1
Outcome = Literal["pass", "fail", "cannot tell"]
WORST_CLASSES = 3
MOST_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """One metric of all images, of a class, or of a slice; nan where undefined.

    scope: ``"all"``, ``"class"`` or ``"slice"``, name: of which. baseline, candidate: the values.
    low, high: the interval of candidate minus baseline, at the level of :class:`Gate`. images: it
    rests on; images_to_settle: of a line that cannot tell, None where a billion would not.
    """

    scope: str
    name: str
    metric: str
    baseline: float
    candidate: float
    difference: float
    low: float
    high: float
    margin: float
    lower_is_better: bool
    verdict: Verdict
    images: int
    images_to_settle: int | None

    @property
    def title(self) -> str:
        """What it is of, in words: ``AP``, ``AP of class person``."""
        return title_of(self.scope, self.name, self.metric)

    @property
    def why_no_interval(self) -> str:
        """Why nothing can be told, of a line without an interval."""
        if math.isnan(self.difference):
            return "it is undefined"
        return f"fewer than {FEW_IMAGES} images have objects"

    @property
    def reason(self) -> str:
        """The verdict with its numbers, in a few words."""
        ends = f"{self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"
        if math.isnan(self.low):
            return f"{self.title} has no interval: {self.why_no_interval}"
        if self.verdict != "cannot tell":
            return f"{self.title} is {self.verdict}, {ends}"
        more = "more images would not settle it"
        if self.images_to_settle is not None:
            more = f"some {self.images_to_settle:,} images would settle it"
        return f"{self.title} {ends}, {more}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        return _plain(self, ("baseline", "candidate", "difference", "low", "high"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFloor:
    """A value that the candidate must reach, whatever the baseline is.

    on: ``"value"`` or ``"lower"``; tested: the value that is held against the floor.
    """

    scope: str
    name: str
    metric: str
    floor: float
    on: str
    tested: float
    lower_is_better: bool

    @property
    def holds(self) -> bool:
        """Whether the floor is reached; an undefined value reaches none."""
        return self.tested <= self.floor if self.lower_is_better else self.tested >= self.floor

    @property
    def title(self) -> str:
        """As of :attr:`GateLine.title`."""
        return title_of(self.scope, self.name, self.metric)

    @property
    def reason(self) -> str:
        """What was tested against the floor, in a few words."""
        if math.isnan(self.tested):
            return f"{self.title} is undefined, its floor is {self.floor:g}"
        end = "upper" if self.lower_is_better else "lower"
        what = self.title if self.on == "value" else f"the {end} end of {self.title}"
        side = "above" if self.lower_is_better else "below"
        side = f"not {side}" if self.holds else side
        tested = f"{self.tested:.6g}"
        if replace(self, tested=float(tested)).holds != self.holds:
            tested = repr(self.tested)  # rounded, it would be on the other side
        return f"{what} is {tested}, {side} its floor {self.floor:g}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        return {**_plain(self, ("tested",)), "holds": self.holds}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCandidate:
    """The verdicts on one model.

    losses: both values of the first metric in each class, the largest loss first. attention: what
    a reader of its numbers should know.
    """

    name: str
    lines: tuple[GateLine, ...]
    floors: tuple[GateFloor, ...]
    losses: Mapping[str, tuple[float, float]]
    attention: tuple[str, ...]

    @property
    def failures(self) -> tuple[GateLine | GateFloor, ...]:
        """The lines that are worse, and the floors that are not reached."""
        worse = [line for line in self.lines if line.verdict == "worse"]
        return (*worse, *(floor for floor in self.floors if not floor.holds))

    @property
    def undecided(self) -> tuple[GateLine, ...]:
        """The lines that cannot tell."""
        return tuple(line for line in self.lines if line.verdict == "cannot tell")

    @property
    def outcome(self) -> Outcome:
        """``"fail"`` where a line or a floor fails, else ``"cannot tell"`` where a line cannot."""
        return "fail" if self.failures else "cannot tell" if self.undecided else "pass"

    @property
    def conclusion(self) -> str:
        """What follows for this model, in a sentence."""
        if self.failures:
            return f"fails: {few([one.reason for one in self.failures], MOST_REASONS)}"
        if self.undecided:
            return f"cannot tell: {few([one.reason for one in self.undecided], MOST_REASONS)}"
        decided = sum(line.verdict != "undefined" for line in self.lines)
        floors = f", {counted(len(self.floors), 'floor')} reached" if self.floors else ""
        return f"passes: {counted(decided, 'line')} better or not worse{floors}"

    @property
    def worst_classes(self) -> list[tuple[str, float, float]]:
        """The classes that lost most, three at most, with both values."""
        sign = -1 if self.lines[0].lower_is_better else 1
        lost = [(name, a, b) for name, (a, b) in self.losses.items() if sign * (b - a) < 0]
        return lost[:WORST_CLASSES]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; undefined is None."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "lines": [line.to_dict() for line in self.lines],
            "floors": [floor.to_dict() for floor in self.floors],
            "classes": [
                {"class": name, "baseline": a, "candidate": b, "difference": b - a}
                for name, (a, b) in self.losses.items()
            ],
            "attention": [*self.attention],
        }


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Gate:
    """Candidates against one baseline.

    saved_in: the file that the baseline was read from, None where it is a result itself. level: of
    the intervals of lines, which Holm's correction raised from that of the settings;
    family: how many lines can fail. notes: on the baseline and the settings.
    """

    baseline: str
    candidates: tuple[GateCandidate, ...]
    settings: GateSettings
    metrics: tuple[str, ...]
    slices_by: str | None
    level: float
    family: int
    images: int
    signature: str
    notes: tuple[str, ...] = ()
    saved_in: str | None = None

    @property
    def reference(self) -> str:
        """The baseline, with the file that it was saved in."""
        return self.baseline if self.saved_in is None else f"{self.baseline} ({self.saved_in})"

    @property
    def outcome(self) -> Outcome:
        """``"fail"`` where a candidate fails, else ``"cannot tell"`` where one is undecided."""
        found = {one.outcome for one in self.candidates}
        return next(one for one in ("fail", "cannot tell", "pass") if one in found)

    @property
    def passes(self) -> bool:
        """Whether all may ship: none fails and, under ``fail_undecided``, none is undecided."""
        return self.outcome == "pass" or (
            self.outcome == "cannot tell" and not self.settings.fail_undecided
        )

    @property
    def words(self) -> str:
        """What the ends of the intervals are, in a sentence."""
        text = (
            f"low to high: {100 * self.level:.4g}% intervals of candidate minus baseline from "
            f"{self.settings.resamples:,} half-samples of the images (seed "
            f"{self.settings.seed})"
        )
        if self.level == self.settings.level:
            return text
        lines = counted(self.family, "line")
        usual = f"{100 * self.settings.level:g}%"
        return f"{text}; {usual} for the {lines} that can fail, all together (Holm)"

    def __repr__(self) -> str:
        """The outcome; ``to_dict()`` holds all."""
        return f"<Gate: {self.outcome}, {counted(self.family, 'line')} that can fail>"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as ``docs/json.md`` has them; undefined is None."""
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "passes": self.passes,
            "baseline": self.baseline,
            "candidates": [one.to_dict() for one in self.candidates],
            "metrics": [*self.metrics],
            "slices_by": self.slices_by,
            "level": self.level,
            "family": self.family,
            "images": self.images,
            "settings": self.settings.to_dict(),
            "signature": self.signature,
            "notes": [*self.notes],
        }


def title_of(scope: str, name: str, metric: str) -> str:
    """What a line is of, in words.

    >>> title_of("all", "", "AP"), title_of("slice", "night", "AP50")
    ('AP', 'AP50 of slice night')
    """
    return metric if scope == "all" else f"{metric} of {scope} {name}"


def _plain(record: Any, numbers: Sequence[str]) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    known = {name: None if math.isnan(values[name]) else values[name] for name in numbers}
    return {**values, **known}
