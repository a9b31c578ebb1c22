"""What a gate asks for, as a value: metrics, margins, floors, and how the intervals are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from detmetrics.analysis.bootstrap import RESAMPLES, require_samples
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import no_such, shown

__all__ = ["Bounds", "GateSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A number for each line: by metric, by class and by slice, else a default.

    ``every`` is of all lines that have none of their own, None for none. Lines of classes and
    slices without one of their own have that of ``every_class`` and ``every_slice``.
    """

    every: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    every_class: float | None = None
    classes: Mapping[str, float] = field(default_factory=dict)
    every_slice: float | None = None
    slices: Mapping[str, float] = field(default_factory=dict)

    def of(self, scope: str, name: str, metric: str) -> float | None:
        """The bound of a line; scope: ``"all"``, ``"class"`` or ``"slice"``, name: of which."""
        if scope == "all":
            return self.metrics.get(metric, self.every)
        own, usual = (
            (self.classes, self.every_class)
            if scope == "class"
            else (self.slices, self.every_slice)
        )
        return own.get(name, usual)

    @property
    def numbers(self) -> dict[str, float]:
        """All of them, by what they are of."""
        told = {"every": self.every, "classes": self.every_class, "slices": self.every_slice}
        named = {name: value for name, value in told.items() if value is not None}
        return {**named, **self.metrics, **self.classes, **self.slices}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, of those that are set."""
        told: dict[str, Any] = {} if self.every is None else {"every": self.every}
        told |= self.metrics
        for name, usual, own in (
            ("classes", self.every_class, self.classes),
            ("slices", self.every_slice, self.slices),
        ):
            if usual is not None or own:
                told[name] = {**({} if usual is None else {"every": usual}), **own}
        return told


NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """The settings of a gate; all are checked.

    Attributes:
        metrics: those that can fail the gate, of the rules; all of them where empty. The first is
            that of the lines of classes and slices.
        margins: how much of a metric may be lost; 0 unless given, for classes and slices the
            margin of the first metric.
        floors: what a metric must reach; for metrics of which a lower value is better, what it
            must not exceed.
        floor_on: what floors test: the ``"value"``, or the end of its interval that is worse
            (``"lower"``).
        per_class: a line for each class, of the first metric.
        fail_undecided: a line that cannot tell stops the model, too.
        level, resamples, seed: of the intervals, as in
            :func:`~detmetrics.analysis.bootstrap.confidence_intervals`.

    Raises:
        InputError: a setting is out of its range.

    >>> from detmetrics.analysis import GateSettings
    >>> GateSettings(metrics=("AP",), margins=0.005, floors={"AP": 0.4}).margin("all", "", "AP")
    0.005
    """

    metrics: Sequence[str] = ()
    margins: Bounds | Mapping[str, Any] | float = NO_BOUNDS
    floors: Bounds | Mapping[str, Any] = NO_BOUNDS
    floor_on: Literal["value", "lower"] = "value"
    per_class: bool = False
    fail_undecided: bool = False
    level: float = 0.95
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "metrics", _names("metrics", self.metrics))
        set_field(self, "margins", bounds_of("margins", self.margins))
        set_field(self, "floors", bounds_of("floors", self.floors))
        self._refuse_out_of_range()
        if self.own_floors.every is not None:
            raise InputError("floors: expected a floor by metric, such as AP = 0.4")
        if self.floor_on not in ("value", "lower"):
            raise InputError(f"floor_on: expected 'value' or 'lower', got {shown(self.floor_on)}")
        for name in ("per_class", "fail_undecided"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(
                    f"{name}: expected true or false, got {shown(getattr(self, name))}"
                )
        _require_plain(self.resamples, self.level, self.seed)
        self._refuse_unused()

    def _refuse_out_of_range(self) -> None:
        for name, number in self.own_margins.numbers.items():
            if not 0 <= number < 1:
                raise InputError(
                    f"margins: {name}: expected a number from 0 to below 1, as metrics are (0.005 "
                    f"is half a point), got {number!r}"
                )
        for name, number in self.own_floors.numbers.items():
            if not 0 <= number <= 1:
                raise InputError(
                    f"floors: {name}: expected a number from 0 to 1, as metrics are (0.4, not 40), "
                    f"got {number!r}"
                )

    def _refuse_unused(self) -> None:
        for name, bounds in (("margins", self.own_margins), ("floors", self.own_floors)):
            if not self.per_class and (bounds.classes or bounds.every_class is not None):
                raise InputError(
                    f"{name}: those of classes have no effect without lines of classes. Fix: "
                    "per_class = true"
                )

    @property
    def own_margins(self) -> Bounds:
        """``margins`` as a record."""
        assert isinstance(self.margins, Bounds)
        return self.margins

    @property
    def own_floors(self) -> Bounds:
        """``floors`` as a record."""
        assert isinstance(self.floors, Bounds)
        return self.floors

    def margin(self, scope: str, name: str, metric: str) -> float:
        """The margin of a line; scope: ``"all"``, ``"class"`` or ``"slice"``, name: of which."""
        margins = self.own_margins
        own = margins.of(scope, name, metric)
        usual = margins.of("all", "", metric)
        return next((known for known in (own, usual) if known is not None), 0.0)

    def require_known(self, what: str, known: Iterable[str]) -> None:
        """Refuse names that the rules, the classes or the slices do not have.

        what: ``"metrics"``, ``"classes"`` or ``"slices"``.

        Raises:
            InputError: there are some.
        """
        listed = [*known]
        asked = [("metrics", [*self.metrics])] if what == "metrics" else []
        asked += [
            (name, [*getattr(bounds, what)])
            for name, bounds in (("margins", self.own_margins), ("floors", self.own_floors))
        ]
        for place, names in asked:
            for name in names:
                if name not in listed:
                    raise InputError(f"{place}: {_unknown(what, name, listed)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "metrics": [*self.metrics],
            "margins": self.own_margins.to_dict(),
            "floors": self.own_floors.to_dict(),
            "floor_on": self.floor_on,
            "per_class": self.per_class,
            "fail_undecided": self.fail_undecided,
            "level": self.level,
            "resamples": self.resamples,
            "seed": self.seed,
        }


def bounds_of(name: str, given: Any) -> Bounds:
    """Bounds from one number, or from numbers by metric with tables of classes and slices.

    Raises:
        InputError: it is something else.

    >>> bounds_of("margins", {"AP": 0.01, "classes": {"person": 0.02}}).classes
    {'person': 0.02}
    """
    if isinstance(given, Bounds):
        return given
    if not isinstance(given, Mapping):
        return Bounds(every=_number(name, given))
    every, metrics = _split(name, {k: v for k, v in given.items() if k not in PARTS})
    parts: dict[str, Any] = {"every": every, "metrics": metrics}
    for part, usual in PARTS.items():
        if part in given:
            parts[usual], parts[part] = _split(f"{name}.{part}", given[part])
    return Bounds(**parts)


PARTS = {"classes": "every_class", "slices": "every_slice"}


def _split(name: str, given: Any) -> tuple[float | None, dict[str, float]]:
    """The number of all, and those by name."""
    if not isinstance(given, Mapping):
        return _number(name, given), {}
    numbers = {str(key): _number(f"{name}: {key}", value) for key, value in given.items()}
    return numbers.pop("every", None), numbers


def _number(name: str, given: Any) -> float:
    plain = isinstance(given, int | float) and not isinstance(given, bool)
    if not plain or not math.isfinite(given):
        raise InputError(f"{name}: expected a finite number, got {shown(given)}")
    return float(given)


def _names(name: str, given: Any) -> tuple[str, ...]:
    several = isinstance(given, Iterable) and not isinstance(given, str | Mapping)
    if not several or not all(isinstance(one, str) for one in given):
        raise InputError(f"{name}: expected a list of names, got {shown(given)}")
    if len(set(given)) < len(given):
        raise InputError(f"{name}: expected each name once, got {shown(given)}")
    return tuple(given)


def _require_plain(resamples: Any, level: Any, seed: Any) -> None:
    if any(isinstance(one, bool) for one in (resamples, level, seed)) or not isinstance(
        level, int | float
    ):
        raise InputError(
            f"expected numbers as resamples, level and seed, got {shown((resamples, level, seed))}"
        )
    require_samples(resamples, level, seed)


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    return no_such({"metrics": "metric", "classes": "class", "slices": "slice"}[what], name, known)
