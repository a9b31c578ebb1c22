"""Ranges of sizes, by which objects and detections are told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal, NamedTuple

from detmetrics.foundation.arrays import float_of
from detmetrics.foundation.errors import RulesError

__all__ = ["ALL_AREAS", "ANY_SIZE", "COCO_RANGES", "AreaRange", "checked_ranges"]


class AreaRange(NamedTuple):
    """A named range of sizes, shapes or places; both ends belong to it.

    of: what lies in the range: the ``"area"`` in square pixels, its ``"share"`` of the image
    (0 to 1), the ``"height"`` in pixels, the ``"aspect"`` (width by height), where the centre is
    (``"x"`` from the left and ``"y"`` from the top, 0 to 1), or how far the ``"border"`` of the
    image is, as a share of its side (0 to 0.5). also: what objects must be besides, as (attribute,
    low, high), see :attr:`GroundTruth.attributes`; of detections it is not known and not asked.

    >>> import detmetrics as dm
    >>> rules = dm.COCO.replace(area_ranges=[dm.AreaRange("tiny", 0, 256)])
    >>> [area.name for area in rules.area_ranges]
    ['all', 'tiny']
    """

    name: str
    low: float
    high: float
    of: Literal["area", "share", "height", "aspect", "x", "y", "border"] = "area"
    also: tuple[tuple[str, float, float], ...] = ()

    @property
    def words(self) -> str:
        """The range in words.

        >>> AreaRange("small", 0.0, 1024.0).words, AreaRange("far", 0.0, 25.0, "height").words
        ('0 to 1024 px²', '0 to 25 px high')
        """
        unit = UNITS[self.of]
        return ", ".join(
            [
                _bounds(self.low, self.high, unit),
                *(f"{name} {_bounds(low, high, '')}".rstrip() for name, low, high in self.also),
            ]
        )


UNITS = {
    "area": "px²",
    "share": "of the image",
    "height": "px high",
    "aspect": "wide by high",
    "x": "of the width from the left",
    "y": "of the height from the top",
    "border": "of the image from its border",
}
"""What a range may be of, and how that is measured."""


def _bounds(low: float, high: float, unit: str) -> str:
    if math.isinf(high) and math.isinf(low):
        return "any size"
    if high >= NO_END:
        return f"from {low:g} {unit}"
    if low == high:
        return f"{low:g} {unit}"
    return f"{low:g} to {high:g} {unit}"


NO_END = 1e10
"""An upper end that nothing reaches."""


ALL_AREAS = AreaRange("all", 0.0, NO_END)
ANY_SIZE = AreaRange("all", -math.inf, math.inf)
"""Every box, also one of negative size, which detectors that clip boxes do write."""

COCO_RANGES = (
    ALL_AREAS,
    AreaRange("small", 0.0, 32.0**2),
    AreaRange("medium", 32.0**2, 96.0**2),
    AreaRange("large", 96.0**2, 1e10),
)


def checked_ranges(values: Any, everything: AreaRange = ALL_AREAS) -> tuple[AreaRange, ...]:
    """The ranges, the one of everything first."""
    try:
        if isinstance(values, Mapping):
            values = [(name, *bounds) for name, bounds in values.items()]
        ranges = tuple(
            AreaRange(str(name), _bound(low), _bound(high), *_rest(*more))
            for name, low, high, *more in values
        )
    except (TypeError, ValueError):
        raise RulesError(f"area_ranges: expected (name, low, high), got {values!r}") from None
    for area in ranges:
        if area.of not in UNITS:
            raise RulesError(
                f"area_ranges: {area.name}: expected one of {', '.join(UNITS)}, got {area.of!r}"
            )
        if area != ANY_SIZE and not 0 <= area.low <= area.high < math.inf:
            raise RulesError(
                "area_ranges: expected 0 <= low <= high, 1e10 for no upper end, "
                f"got {area.name}: {area.low:g} to {area.high:g}"
            )
        if wrong := [name for name, low, high in area.also if not low <= high]:
            raise RulesError(f"area_ranges: {area.name}: {wrong[0]}: expected low <= high")
    names = [area.name for area in ranges]
    if len(set(names)) < len(names) or "" in names:
        raise RulesError(f"area_ranges: names must be given and differ, got {names}")
    widest = [area for area in ranges if area.name == "all"] or [everything]
    return (*widest, *(area for area in ranges if area.name != "all"))


def _rest(of: Any = "area", also: Any = ()) -> tuple[Any, tuple[tuple[str, float, float], ...]]:
    if isinstance(also, Mapping):
        also = [(name, *bounds) for name, bounds in also.items()]
    bounds = tuple((str(name), _bound(low), _bound(high)) for name, low, high in also)
    return of, bounds


def _bound(value: Any) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError
    return float_of(value)
