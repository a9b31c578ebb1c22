"""What a benchmark counts, as a value.

A rule set is frozen, has a name, and is summed up by a signature that travels with every
number. Nothing that changes a number lives anywhere else.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from detmetrics.foundation.errors import RulesError
from detmetrics.overlap import SHAPES
from detmetrics.rules.areas import ALL_AREAS, ANY_SIZE, COCO_RANGES, AreaRange, checked_ranges
from detmetrics.rules.class_rules import ClassRule, checked_class_rules
from detmetrics.rules.signature import UNLIMITED, signature_of

__all__ = [
    "ALL_AREAS",
    "ANY_SIZE",
    "CHOICES",
    "COCO_RANGES",
    "METRIC_GROUPS",
    "UNLIMITED",
    "AreaRange",
    "ClassRule",
    "CombinationError",
    "Rules",
    "boxes_alone",
]

CHOICES: dict[str, tuple[Any, ...]] = {
    "shape": SHAPES,
    "detection_area": ("shape", "box"),
    "interpolation": ("points", "every", "trapezoid", "linear", "slope", "cuts"),
    "class_agnostic": (False, True),
    "federated": (False, True),
    "crowd": ("absorb", "ignore", "count", "drop", "group"),
    "group_weight": (0, 1),
    "difficult": ("crowd", "ignore", "count", "drop"),
    "ignore": ("overwrite", "honour", "region"),
    "assignment": ("free", "nearest", "truths"),
    "equal_overlaps": ("last", "first"),
    "strict": (False, True),
    "pixel": (0, 1),
    "arithmetic": ("float64", "float32"),
    "ties": ("image", "file"),
    "zero_area": ("kept", "missing"),
    "empty_boxes": ("kept", "drop"),
    "clip": (False, True),
    "low_end": ("inside", "outside"),
    "out_of_range": ("ignore", "region"),
    "miss_rate": ("reached", "within"),
    "classes": ("truth", "detected", "all"),
}
"""What each setting that is a choice may be, COCO's first."""

METRIC_GROUPS = (
    *("ap", "ap_iou", "ap_area", "ap_frequency", "ar", "ar_area", "pr", "olrp"),
    *("mr_area", "mr", "ji"),
)
"""What a rule set may report, in the order in which it is reported."""


class CombinationError(RulesError):
    """Settings that fit, each alone, and not together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of one benchmark; build variants with :meth:`replace`.

    What stands behind a colon is COCO's, unless another value is given. Settings stand in the
    order in which they take effect.

    Attributes:
        name: the benchmark, first part of the signature.
        box_decimals, score_decimals: round coordinates and scores to so many decimals, as some
            tools do when they write their files; None leaves them as they are.
        shape: what overlap is measured of: upright boxes (``"box"``), or a kind of shape by its
            name in :data:`detmetrics.overlap.KINDS`: ``"oriented"`` boxes and polygons,
            ``"probabilistic"`` IoU of oriented boxes, ``"mask"``, and ``"boundary"`` IoU of masks.
        detection_area: the area of a detection that ranges of sizes look at: of its
            ``"shape"``, or of its ``"box"``, as pycocotools takes it where results have both.
        class_agnostic: pool the categories of an image (pycocotools' ``useCats=0``).
        crowd: what a crowd (Open Images: a group) is. ``"absorb"`` takes any number of
            detections, by the share of them that lies inside, and is never missed; ``"ignore"``
            takes one by IoU, and neither counts; ``"count"`` is like any other object;
            ``"drop"`` is as if it were not there; ``"group"`` takes those detections that match
            nothing else by the share inside, the best of which stands for all.
        group_weight: of ``"group"``: 1 counts a group as an object and its best detection as
            right, 0 counts neither.
        difficult: what an object is that its source calls difficult: ``"crowd"`` is a crowd, as
            the usual converters have it; ``"ignore"``, ``"count"`` and ``"drop"`` as above.
        ignore: ``"overwrite"`` drops the ``ignore`` flag of a ground truth in favour of its
            crowd flag, as pycocotools does; ``"honour"`` keeps both, and what is ignored takes
            one detection by IoU; ``"region"`` takes any number, as a crowd does.
        federated: not every class was looked for in every image: detections of a class that is
            neither in the image nor known not to be there are dropped, and where not every
            object of a class was marked, none is false.
        min_score: detections count where ``score > min_score``; None for all.
        image_limit: how many detections of an image count, over all classes; None for all.
        class_limit: how many detections of a class count, over all images; None for all.
        max_detections: (M,) how many detections of an image and category count, best scores
            first; ascending, ``inf`` for all. Precision is reported at the largest, recall at
            each.
        ties: how detections of equal score are ordered: by ``"image"``, then by place in the
            file, as pycocotools does; or by place in the ``"file"`` alone.
        pixel: 1 adds a pixel to width and height, for coordinates that name first and last
            pixel.
        arithmetic: of overlaps: ``"float64"``, or ``"float32"`` with 1e-7 added to the union.
        zero_area: what an area of 0 in the ground truth means: no area (``"kept"``), or that it
            is ``"missing"``, and ``w * h`` is used.
        empty_boxes: boxes without a positive width and height are ``"kept"``, or ``"drop"`` is as
            if they were not there.
        clip: corners are clipped to the image, the left and upper one to its last pixel at most,
            before anything is measured.
        area_ranges: (A,) the ranges; the first is always ``all``, put there where missing.
        low_end: whether an object whose size is the low end of a range lies ``"inside"`` or
            ``"outside"``; a detection lies inside.
        out_of_range: what an object outside a range is: ``"ignore"`` takes one detection by IoU
            and neither counts; ``"region"`` takes any number, as a crowd does.
        range_slack: detections below ``low / slack`` or from ``high * slack`` on are left out of
            a range before anything is matched; None sets those outside a range aside that match
            nothing.
        class_rules: the classes that are evaluated, the threshold of each, which stands for
            ``iou_thresholds``, and the classes whose objects are ignored next to it; empty
            evaluates all classes alike.
        iou_thresholds: (T,) a pair can match at ``IoU >= threshold``; in (0, 1], ascending.
        strict: a pair can match at ``IoU > threshold`` instead.
        assignment: ``"free"``: a detection takes the best ground truth that no better detection
            has taken; ``"nearest"``: it answers to the one that it overlaps most, taken or not;
            ``"truths"``: ground truths, in the order of the file, each take the detection that is
            free and overlaps them most, one in range where there is one; regions take what is
            left.
        equal_overlaps: which of several ground truths of equal overlap is better.
        interpolation: how AP comes from a curve: the mean of the envelope at ``recall_points``
            (``"points"``); the area under the envelope (``"every"`` point of it); the area under
            the curve itself, by trapezoids (``"trapezoid"``); the area under straight lines
            between the points of the envelope, read at ``recall_points``, which drop to zero at
            the highest recall (``"linear"``) or fall from there to zero at recall 1
            (``"slope"``); or the mean over ``recall_points`` of precision at 41 cuts of the
            score, each matched without the detections below it (``"cuts"``).
        recall_points: (R,) where precision is sampled; in [0, 1], ascending.
        miss_rate: where the miss rate stands for a rate of false positives an image: the first
            place that has ``"reached"`` it, or the last ``"within"`` it.
        classes: which classes a mean is taken over: those with ground truth (``"truth"``), those
            of them with detections (``"detected"``), or ``"all"``, 0 where there is none.
        metrics: which groups of metrics are reported.

    Raises:
        RulesError: a setting is empty, out of its range, out of order or double.

    >>> from detmetrics.rules import COCO
    >>> COCO.replace(iou_thresholds=(0.5,), max_detections=(300,)).signature.split("|")[1:4]
    ['iou:.5', 'recall:101', 'dets:300']
    """

    name: str
    iou_thresholds: tuple[float, ...]
    recall_points: tuple[float, ...]
    max_detections: tuple[float, ...]
    area_ranges: tuple[AreaRange, ...]
    class_rules: tuple[ClassRule, ...] = ()
    shape: str = "box"
    detection_area: Literal["shape", "box"] = "shape"
    class_agnostic: bool = False
    crowd: Literal["absorb", "ignore", "count", "drop", "group"] = "absorb"
    group_weight: Literal[0, 1] = 0
    difficult: Literal["crowd", "ignore", "count", "drop"] = "crowd"
    ignore: Literal["overwrite", "honour", "region"] = "overwrite"
    federated: bool = False
    min_score: float | None = None
    image_limit: int | None = None
    class_limit: int | None = None
    ties: Literal["image", "file"] = "image"
    pixel: Literal[0, 1] = 0
    arithmetic: Literal["float64", "float32"] = "float64"
    box_decimals: int | None = None
    score_decimals: int | None = None
    zero_area: Literal["kept", "missing"] = "kept"
    empty_boxes: Literal["kept", "drop"] = "kept"
    clip: bool = False
    low_end: Literal["inside", "outside"] = "inside"
    out_of_range: Literal["ignore", "region"] = "ignore"
    range_slack: float | None = None
    strict: bool = False
    assignment: Literal["free", "nearest", "truths"] = "free"
    equal_overlaps: Literal["last", "first"] = "last"
    interpolation: Literal["points", "every", "trapezoid", "linear", "slope", "cuts"] = "points"
    miss_rate: Literal["reached", "within"] = "reached"
    classes: Literal["truth", "detected", "all"] = "truth"
    metrics: tuple[str, ...] = ("ap", "ap_iou", "ap_area", "ar", "ar_area")

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        _check_name(self.name)
        set_field(self, "iou_thresholds", _numbers("iou_thresholds", self.iou_thresholds))
        set_field(self, "recall_points", _numbers("recall_points", self.recall_points))
        set_field(self, "max_detections", _limits(self.max_detections))
        set_field(self, "area_ranges", checked_ranges(self.area_ranges))
        set_field(self, "class_rules", checked_class_rules(self.class_rules))
        set_field(self, "metrics", _metrics(self.metrics))
        if self.iou_thresholds[0] <= 0 or self.iou_thresholds[-1] > 1:
            raise RulesError(f"iou_thresholds: expected 0 < t <= 1, got {self.iou_thresholds}")
        if self.recall_points[0] < 0 or self.recall_points[-1] > 1:
            raise RulesError(f"recall_points: expected 0 <= r <= 1, got {self.recall_points}")
        for setting, choices in CHOICES.items():
            set_field(self, setting, _choice(setting, getattr(self, setting), choices))
        if self.min_score is not None:
            set_field(self, "min_score", _number("min_score", self.min_score))
        set_field(self, "range_slack", _slack(self.range_slack))
        for setting, least in LEAST.items():
            set_field(self, setting, _whole(setting, getattr(self, setting), least))
        _refuse_combinations(self)

    def replace(self, **changes: Any) -> Rules:
        """These rules with some settings changed; the result is checked again.

        Raises:
            RulesError: no such setting, or a value that does not fit.

        >>> from detmetrics.rules import COCO
        >>> COCO.replace(max_detections=[10, 1]).max_detections
        (1, 10)
        """
        known = {field.name for field in dataclasses.fields(self)}
        if unknown := sorted(set(changes) - known):
            near = difflib.get_close_matches(unknown[0], known, n=1)
            meant = f" (do you mean {near[0]}?)" if near else ""
            have = ", ".join(sorted(known))
            raise RulesError(f"no setting {unknown[0]!r}{meant}; there are {have}")
        if "area_ranges" in changes:  # the range of all sizes is ours where none is given
            changes["area_ranges"] = checked_ranges(changes["area_ranges"], self.area_ranges[0])
        return dataclasses.replace(self, **changes)

    @property
    def max_limit(self) -> float:
        """The largest detection limit: the one of every headline metric."""
        return self.max_detections[-1]

    @property
    def signature(self) -> str:
        """Everything that decides a number, on one line.

        >>> from detmetrics.rules import COCO
        >>> COCO.signature.rpartition("|")[0]
        'coco|iou:.50:.05:.95|recall:101|dets:1,10,100'
        """
        return signature_of(self)

    def threshold_index(self, iou: float) -> int | None:
        """Where a threshold stands, to seven decimals (0.9 is 0.8999... in float64, and
        0.8999999762 in float32), or None.
        """
        distance = np.abs(np.array(self.iou_thresholds) - iou)
        nearest = int(np.argmin(distance))
        return nearest if distance[nearest] < 1e-7 else None

    def area_index(self, name: str) -> int:
        """Where an area range stands.

        Raises:
            RulesError: no range has this name.
        """
        names = [area.name for area in self.area_ranges]
        if name not in names:
            raise RulesError(f"no area range {name!r}; there are {', '.join(names)}")
        return names.index(name)


LEAST = {"image_limit": 1, "class_limit": 1, "box_decimals": 0, "score_decimals": 0}
"""Settings that are None or a whole number, and the least that it may be."""


def _listed(values: Any) -> list[Any]:
    """One value or several, as a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return [values]
    return list(values)


def _check_name(name: Any) -> None:
    """The name is the first part of the signature, and stands there unquoted."""
    if not isinstance(name, str) or not name.isprintable() or not name or set(name) & set(" |"):
        raise RulesError(f"name: expected text without blanks and '|', got {name!r}")


def _number(field: str, value: Any) -> float:
    if isinstance(value, Iterable):
        raise RulesError(f"{field}: expected one number, got {value!r}")
    return _numbers(field, value)[0]


def _slack(value: Any) -> float | None:
    if value is None:
        return None
    if (slack := _number("range_slack", value)) < 1:
        raise RulesError(f"range_slack: expected a number from 1, got {slack:g}")
    return slack


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


def _limits(values: Any) -> tuple[float, ...]:
    given = _listed(values)
    if not given or not all(value == UNLIMITED or _is_limit(value) for value in given):
        raise RulesError(f"max_detections: expected whole numbers from 1, or inf, got {values!r}")
    limits = tuple(sorted(value if value == UNLIMITED else int(value) for value in given))
    if len(set(limits)) < len(limits):
        raise RulesError(f"max_detections: {tuple(given)} names a limit twice")
    return limits


def _is_limit(value: Any) -> bool:
    return _is_whole(value) and 1 <= int(value) < 2**63


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _choice(setting: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """One of the choices; False is not 0, and 1 is not True."""
    if isinstance(value, np.bool_ | np.integer):
        value = value.item()
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    expected = (
        " or ".join(map(repr, choices))
        if len(choices) < 3
        else (f"one of {', '.join(map(repr, choices))}")
    )
    raise RulesError(f"{setting}: expected {expected}, got {value!r}")


def _whole(setting: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    if not _is_whole(value) or not least <= int(value) < 2**63:
        raise RulesError(f"{setting}: expected a whole number from {least}, got {value!r}")
    return int(value)


def _refuse_combinations(rules: Rules) -> None:
    apart = rules.out_of_range == "region" or rules.range_slack is not None
    if "ji" in rules.metrics and apart:
        raise CombinationError("metrics: ji is not defined with out_of_range or range_slack")
    if rules.shape != "box" and (of_boxes := boxes_alone(rules, rules.shape)):
        raise CombinationError(f"shape: {rules.shape} is not defined with {', '.join(of_boxes)}")
    if rules.class_rules and rules.class_agnostic:
        raise CombinationError("class_rules: class_agnostic pools the classes that they tell apart")
    if rules.class_rules and (count := len(rules.iou_thresholds)) > 1:
        raise CombinationError(
            f"class_rules: a class has one threshold, expected one of iou_thresholds, got {count}"
        )
    if rules.interpolation != "cuts":
        return
    if apart:
        raise CombinationError(
            "interpolation: cuts are not defined with out_of_range or range_slack"
        )
    cut = [point * 40 for point in rules.recall_points]  # precision is known at recalls 1/40 apart
    if odd := [place / 40 for place in cut if abs(place - round(place)) > 1e-5]:
        raise CombinationError(
            f"recall_points: expected multiples of 1/40 for cuts, got {odd[0]:g}"
        )


def boxes_alone(rules: Rules, shape: str) -> list[str]:
    """Settings of these rules that upright boxes have, and this shape has not."""
    return [
        f"{name} {getattr(rules, name)}"
        for name in OF_BOXES
        if not (name == "arithmetic" and shape in SINGLE)
        and getattr(rules, name) not in (None, CHOICES.get(name, (None,))[0])
    ]


OF_BOXES = ("pixel", "box_decimals", "clip", "arithmetic")
"""Settings that have a meaning for upright boxes, and for few shapes beside them."""

SINGLE = ("box", "probabilistic")
"""Shapes that are defined in float32 too."""


def _metrics(values: Any) -> tuple[str, ...]:
    given = _listed(values)
    if not given or (unknown := [value for value in given if value not in METRIC_GROUPS]):
        what = repr(unknown[0]) if given else "none"
        raise RulesError(f"metrics: expected some of {', '.join(METRIC_GROUPS)}, got {what}")
    return tuple(group for group in METRIC_GROUPS if group in given)
