"""The answer of a gate: lines with a verdict, floors, and what follows for each candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from detmetrics.analysis.gating.settings import GateSettings
from detmetrics.analysis.gating.verdicts import Verdict
from detmetrics.foundation.messages import counted

__all__ = ["Gate", "GateCandidate", "GateFloor", "GateLine", "Outcome"]

SCHEMA = 1
Outcome = Literal["pass", "fail", "cannot tell"]
WORST_CLASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """One metric of all images, of a class, or of a slice; nan where undefined.

    scope: ``"all"``, ``"class"`` or ``"slice"``, name: of which. baseline, candidate: the values.
    low, high: the interval of candidate minus baseline, at the level of :class:`Gate`. images: it
    rests on; images_to_settle: of a line that cannot tell, None where no number would.
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
    def worst_classes(self) -> list[tuple[str, float, float]]:
        """The three classes that lost most, with both values."""
        lost = ((name, *both) for name, both in self.losses.items() if both[0] != both[1])
        return [*lost][:WORST_CLASSES]

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

    level: of the intervals of lines, which Holm's correction raised from that of the settings;
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
