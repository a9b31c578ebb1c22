"""What a benchmark counts, as a value.

A rule set is frozen, has a name, and is summed up by a signature that travels with every
number. Nothing that changes a number lives anywhere else.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

import numpy as np

from detmetrics.errors import RulesError

__all__ = ["COCO", "AreaRange", "Rules"]

IgnorePolicy = Literal["overwrite", "honour"]
DifficultPolicy = Literal["crowd", "ignore", "count"]
DIFFICULT_POLICIES = ("crowd", "ignore", "count")


class AreaRange(NamedTuple):
    """A named range of areas in square pixels; both ends belong to it.

    >>> import detmetrics as dm
    >>> rules = dm.COCO.replace(area_ranges=[dm.AreaRange("tiny", 0, 256)])
    >>> [area.name for area in rules.area_ranges]
    ['all', 'tiny']
    """

    name: str
    low: float
    high: float


ALL_AREAS = AreaRange("all", 0.0, 1e10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of one benchmark; build variants with :meth:`replace`.

    Attributes:
        name: the benchmark, first part of the signature.
        iou_thresholds: (T,) a pair can match at ``IoU >= threshold``; in (0, 1], ascending.
        recall_points: (R,) where precision is sampled; in [0, 1], ascending.
        max_detections: (M,) how many detections of an image and category count, best scores
            first; ascending. Precision is reported at the largest, recall at each.
        area_ranges: (A,) the ranges; the first is always ``all``, put there where missing.
        class_agnostic: pool the categories of an image (pycocotools' ``useCats=0``).
        ignore: ``"overwrite"`` drops the ``ignore`` flag of a ground truth in favour of its
            crowd flag, as pycocotools does; ``"honour"`` keeps both.
        difficult: what an object is that its source calls difficult: ``"crowd"`` absorbs
            detections and is never missed, as the usual converters have it; ``"ignore"`` takes
            one detection, and neither counts; ``"count"`` is like any other.

    Raises:
        RulesError: a setting is empty, out of its range, out of order or double.

    >>> COCO.replace(iou_thresholds=(0.5,), max_detections=(300,)).signature.split("|")[1:4]
    ['iou:.5', 'recall:101', 'dets:300']
    """

    name: str
    iou_thresholds: tuple[float, ...]
    recall_points: tuple[float, ...]
    max_detections: tuple[int, ...]
    area_ranges: tuple[AreaRange, ...]
    class_agnostic: bool = False
    ignore: IgnorePolicy = "overwrite"
    difficult: DifficultPolicy = "crowd"

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "iou_thresholds", _numbers("iou_thresholds", self.iou_thresholds))
        set_field(self, "recall_points", _numbers("recall_points", self.recall_points))
        set_field(self, "max_detections", _limits(self.max_detections))
        set_field(self, "area_ranges", _area_ranges(self.area_ranges))
        if self.iou_thresholds[0] <= 0 or self.iou_thresholds[-1] > 1:
            raise RulesError(f"iou_thresholds: expected 0 < t <= 1, got {self.iou_thresholds}")
        if self.recall_points[0] < 0 or self.recall_points[-1] > 1:
            raise RulesError(f"recall_points: expected 0 <= r <= 1, got {self.recall_points}")
        if not isinstance(self.class_agnostic, bool):
            raise RulesError(f"class_agnostic: expected True or False, got {self.class_agnostic!r}")
        if self.ignore not in ("overwrite", "honour"):
            raise RulesError(f"ignore: expected 'overwrite' or 'honour', got {self.ignore!r}")
        if self.difficult not in DIFFICULT_POLICIES:
            expected = ", ".join(map(repr, DIFFICULT_POLICIES))
            raise RulesError(f"difficult: expected one of {expected}, got {self.difficult!r}")

    def replace(self, **changes: Any) -> Rules:
        """These rules with some settings changed; the result is checked again.

        Raises:
            RulesError: no such setting, or a value that does not fit.

        >>> COCO.replace(max_detections=[10, 1]).max_detections
        (1, 10)
        """
        known = {field.name for field in dataclasses.fields(self)}
        if unknown := sorted(set(changes) - known):
            raise RulesError(f"no setting {unknown[0]!r}; there are {', '.join(sorted(known))}")
        return dataclasses.replace(self, **changes)

    @property
    def max_limit(self) -> int:
        """The largest detection limit: the one of every headline metric."""
        return self.max_detections[-1]

    @property
    def signature(self) -> str:
        """Everything that decides a number, on one line.

        >>> COCO.signature.rpartition("|")[0]
        'coco|iou:.50:.05:.95|recall:101|dets:1,10,100'
        """
        from detmetrics.version import __version__

        parts = [
            self.name,
            f"iou:{_grid(self.iou_thresholds)}",
            f"recall:{_recall_grid(self.recall_points)}",
            f"dets:{','.join(map(str, self.max_detections))}",
        ]
        if self.area_ranges != COCO.area_ranges:
            given = [area for area in self.area_ranges if area != ALL_AREAS]
            ranges = (f"{area.name}={_short(area.low)}-{_short(area.high)}" for area in given)
            parts.append(f"areas:{','.join(ranges)}")
        if self.class_agnostic:
            parts.append("class-agnostic")
        if self.ignore != "overwrite":
            parts.append(f"ignore:{self.ignore}")
        if self.difficult != "crowd":
            parts.append(f"difficult:{self.difficult}")
        return "|".join([*parts, f"detmetrics:{__version__}"])

    def threshold_index(self, iou: float) -> int | None:
        """Where a threshold stands, to nine decimals (0.9 is stored as 0.8999...), or None."""
        distance = np.abs(np.array(self.iou_thresholds) - iou)
        nearest = int(np.argmin(distance))
        return nearest if distance[nearest] < 1e-9 else None

    def area_index(self, name: str) -> int:
        """Where an area range stands.

        Raises:
            RulesError: no range has this name.
        """
        names = [area.name for area in self.area_ranges]
        if name not in names:
            raise RulesError(f"no area range {name!r}; there are {', '.join(names)}")
        return names.index(name)


def _listed(values: Any) -> list[Any]:
    """One value or several, as a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values]
    return list(values)


def _numbers(field: str, values: Any) -> tuple[float, ...]:
    given = _listed(values)
    if not all(isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in given):
        raise RulesError(f"{field}: expected numbers, got {values!r}")
    numbers = tuple(float(value) for value in given)
    if not numbers or not all(map(math.isfinite, numbers)):
        raise RulesError(f"{field}: expected at least one finite number, got {values!r}")
    if any(b <= a for a, b in pairwise(numbers)):
        raise RulesError(f"{field}: expected ascending numbers, got {numbers}")
    return numbers


def _limits(values: Any) -> tuple[int, ...]:
    given = _listed(values)
    if not given or not all(_is_limit(value) for value in given):
        raise RulesError(f"max_detections: expected whole numbers from 1, got {values!r}")
    limits = tuple(sorted(int(value) for value in given))
    if len(set(limits)) < len(limits):
        raise RulesError(f"max_detections: {tuple(given)} names a limit twice")
    return limits


def _is_limit(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and 1 <= int(value) < 2**63


def _area_ranges(values: Any) -> tuple[AreaRange, ...]:
    try:
        if isinstance(values, Mapping):
            values = [(name, *bounds) for name, bounds in values.items()]
        ranges = tuple(AreaRange(str(n), float(low), float(high)) for n, low, high in values)
    except (TypeError, ValueError):
        raise RulesError(f"area_ranges: expected (name, low, high), got {values!r}") from None
    for area in ranges:
        if not 0 <= area.low <= area.high < math.inf:
            raise RulesError(
                "area_ranges: expected 0 <= low <= high, 1e10 for no upper end, "
                f"got {area.name}: {area.low:g} to {area.high:g}"
            )
    names = [area.name for area in ranges]
    if len(set(names)) < len(names) or "" in names:
        raise RulesError(f"area_ranges: names must be given and differ, got {names}")
    everything = [area for area in ranges if area.name == "all"] or [ALL_AREAS]
    return (*everything, *(area for area in ranges if area.name != "all"))


def _grid(values: tuple[float, ...]) -> str:
    """Numbers in full; an even grid that linspace gives bit for bit as start:step:stop."""
    first, last = values[0], values[-1]
    even = len(values) > 2 and values == tuple(np.linspace(first, last, len(values)))
    if even and (round(first, 2), round(last, 2)) == (first, last):
        step = (last - first) / (len(values) - 1)
        return f"{_cents(first)}:{_cents(step)}:{_cents(last)}"
    return ",".join(_short(value) for value in values)


def _cents(value: float) -> str:
    """Two decimals where they say it all, as in ``.50``; a step is said to nine digits."""
    value = round(value, 9)
    return f"{value:.2f}".removeprefix("0") if round(value, 2) == value else _short(value)


def _recall_grid(values: tuple[float, ...]) -> str:
    if values == tuple(np.linspace(0.0, 1.0, len(values))):
        return str(len(values))
    return _grid(values)


def _short(value: float) -> str:
    text = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return text[1:] if text.startswith("0.") else text


COCO = Rules(
    name="coco",
    iou_thresholds=tuple(np.linspace(0.5, 0.95, 10).tolist()),
    recall_points=tuple(np.linspace(0.0, 1.0, 101).tolist()),
    max_detections=(1, 10, 100),
    area_ranges=(
        ALL_AREAS,
        AreaRange("small", 0.0, 32.0**2),
        AreaRange("medium", 32.0**2, 96.0**2),
        AreaRange("large", 96.0**2, 1e10),
    ),
)
"""The COCO detection challenge for boxes, as pycocotools 2.0 computes it.

A detection takes, in order of score, the best free ground truth of its image and category with
``IoU >= threshold``; crowds absorb any number of detections; precision is the right-to-left
envelope sampled at 101 recall points. Source: ``pycocotools/cocoeval.py``.
"""
