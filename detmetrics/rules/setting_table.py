"""The settings of a benchmark: name, type, COCO's value, and how each is described.

A further setting is a field here. Its choices, its place in the signature and in ``reconcile``, and
its documentation follow; the one room that it concerns reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from detmetrics.overlap import SHAPES
from detmetrics.rules.areas import AreaRange
from detmetrics.rules.class_rules import ClassRule
from detmetrics.rules.setting import (
    CLASS_SET,
    CLIPPED,
    CROWDS,
    DIFFICULT,
    FLOAT32,
    INTERPOLATION,
    LIMIT,
    MATCHING,
    PIXEL,
    POOLED,
    ROUNDING,
    SCORE_CUT,
    SHAPE,
    SIZES,
    STRICT,
    THRESHOLDS,
    TIES,
    choices_of,
    setting,
    settings_of,
)

__all__ = ["CHOICES", "SETTINGS", "Settings"]


# No generated methods: Rules generates its own.
@dataclass(frozen=True, slots=True, kw_only=True, init=False, repr=False, eq=False)
class Settings:
    """The fields of :class:`Rules`, unchecked."""

    name: str = field(
        metadata=setting(
            "the benchmark, first part of the signature.",
            signed=False,
        ),
    )
    iou_thresholds: tuple[float, ...] = field(
        metadata=setting(
            "(T,) a pair can match at ``IoU >= threshold``; in (0, 1], ascending.",
            cause=THRESHOLDS,
            signed=False,
        ),
    )
    recall_points: tuple[float, ...] = field(
        metadata=setting(
            "(R,) where precision is sampled; in [0, 1], ascending.",
            cause=INTERPOLATION,
            signed=False,
        ),
    )
    max_detections: tuple[float, ...] = field(
        metadata=setting(
            "(M,) how many detections of an image and category count, best scores first; "
            "ascending, ``inf`` for all. Precision is reported at the largest, recall at "
            "each.",
            cause=LIMIT,
            signed=False,
        ),
    )
    area_ranges: tuple[AreaRange, ...] = field(
        metadata=setting(
            "(A,) the ranges; the first is always ``all``, put there where missing.",
            cause=SIZES,
            signed=False,
        ),
    )
    class_rules: tuple[ClassRule, ...] = field(
        default=(),
        metadata=setting(
            "the classes that are evaluated, the threshold of each, which stands for "
            "``iou_thresholds``, and the classes whose objects are ignored next to it; empty "
            "evaluates all classes alike.",
            cause=THRESHOLDS,
            signed=False,
            changes_tables=True,
        ),
    )
    shape: str = field(
        default="box",
        metadata=setting(
            'what overlap is measured of: upright boxes (``"box"``), or a kind of shape by '
            'its name in :data:`detmetrics.overlap.KINDS`: ``"oriented"`` boxes and polygons, '
            '``"probabilistic"`` IoU of oriented boxes, ``"mask"``, and ``"boundary"`` IoU of '
            "masks.",
            cause=SHAPE,
            choices=SHAPES,
            place=0,
            changes_tables=True,
        ),
    )
    detection_area: Literal["shape", "box"] = field(
        default="shape",
        metadata=setting(
            'the area of a detection that ranges of sizes look at: of its ``"shape"``, or of '
            'its ``"box"``, as pycocotools takes it where results have both.',
            cause=SHAPE,
            place=0,
            changes_tables=True,
        ),
    )
    class_agnostic: bool = field(
        default=False,
        metadata=setting(
            "pool the categories of an image (pycocotools' ``useCats=0``).",
            cause=POOLED,
        ),
    )
    crowd: Literal["absorb", "ignore", "count", "drop", "group"] = field(
        default="absorb",
        metadata=setting(
            'what a crowd (Open Images: a group) is. ``"absorb"`` takes any number of '
            "detections, by the share of them that lies inside, and is never missed; "
            '``"ignore"`` takes one by IoU, and neither counts; ``"count"`` is like any other '
            'object; ``"drop"`` is as if it were not there; ``"group"`` takes those '
            "detections that match nothing else by the share inside, the best of which stands "
            "for all.",
            cause=CROWDS,
            changes_tables=True,
        ),
    )
    group_weight: Literal[0, 1] = field(
        default=0,
        metadata=setting(
            'of ``"group"``: 1 counts a group as an object and its best detection as right, 0 '
            "counts neither.",
            cause=CROWDS,
        ),
    )
    difficult: Literal["crowd", "ignore", "count", "drop"] = field(
        default="crowd",
        metadata=setting(
            'what an object is that its source calls difficult: ``"crowd"`` is a crowd, as '
            'the usual converters have it; ``"ignore"``, ``"count"`` and ``"drop"`` as above.',
            cause=DIFFICULT,
            changes_tables=True,
        ),
    )
    ignore: Literal["overwrite", "honour", "region"] = field(
        default="overwrite",
        metadata=setting(
            '``"overwrite"`` drops the ``ignore`` flag of a ground truth in favour of its '
            'crowd flag, as pycocotools does; ``"honour"`` keeps both, and what is ignored '
            'takes one detection by IoU; ``"region"`` takes any number, as a crowd does.',
            cause=CROWDS,
        ),
    )
    federated: bool = field(
        default=False,
        metadata=setting(
            "not every class was looked for in every image: detections of a class that is "
            "neither in the image nor known not to be there are dropped, and where not every "
            "object of a class was marked, none is false.",
            cause=CROWDS,
        ),
    )
    min_score: float | None = field(
        default=None,
        metadata=setting(
            "detections count where ``score > min_score``; None for all.",
            cause=SCORE_CUT,
        ),
    )
    image_limit: int | None = field(
        default=None,
        metadata=setting(
            "how many detections of an image count, over all classes; None for all.",
            cause=LIMIT,
            least=1,
        ),
    )
    class_limit: int | None = field(
        default=None,
        metadata=setting(
            "how many detections of a class count, over all images; None for all.",
            cause=LIMIT,
            least=1,
        ),
    )
    ties: Literal["image", "file"] = field(
        default="image",
        metadata=setting(
            'how detections of equal score are ordered: by ``"image"``, then by place in the '
            'file, as pycocotools does; or by place in the ``"file"`` alone.',
            cause=TIES,
        ),
    )
    pixel: Literal[0, 1] = field(
        default=0,
        metadata=setting(
            "1 adds a pixel to width and height, for coordinates that name first and last pixel.",
            cause=PIXEL,
            of_boxes=True,
        ),
    )
    arithmetic: Literal["float64", "float32"] = field(
        default="float64",
        metadata=setting(
            'of overlaps: ``"float64"``, or ``"float32"`` with 1e-7 added to the union.',
            cause=FLOAT32,
            of_boxes=True,
        ),
    )
    box_decimals: int | None = field(
        default=None,
        metadata=setting(
            "round coordinates to so many decimals, as some tools do when they write their "
            "files; None leaves them as they are.",
            cause=ROUNDING,
            least=0,
            place=0,
            changes_tables=True,
            of_boxes=True,
        ),
    )
    score_decimals: int | None = field(
        default=None,
        metadata=setting(
            "round scores to so many decimals, as some tools do when they write their files; "
            "None leaves them as they are.",
            cause=ROUNDING,
            least=0,
            place=0,
            changes_tables=True,
        ),
    )
    zero_area: Literal["kept", "missing"] = field(
        default="kept",
        metadata=setting(
            'what an area of 0 in the ground truth means: no area (``"kept"``), or that it is '
            '``"missing"``, and ``w * h`` is used.',
            cause=SIZES,
            changes_tables=True,
        ),
    )
    empty_boxes: Literal["kept", "drop"] = field(
        default="kept",
        metadata=setting(
            'boxes without a positive width and height are ``"kept"``, or ``"drop"`` is as if '
            "they were not there.",
            cause=SIZES,
            changes_tables=True,
        ),
    )
    clip: bool = field(
        default=False,
        metadata=setting(
            "corners are clipped to the image, the left and upper one to its last pixel at "
            "most, before anything is measured.",
            cause=CLIPPED,
            changes_tables=True,
            of_boxes=True,
        ),
    )
    low_end: Literal["inside", "outside"] = field(
        default="inside",
        metadata=setting(
            'whether an object whose size is the low end of a range lies ``"inside"`` or '
            '``"outside"``; a detection lies inside.',
            cause=SIZES,
        ),
    )
    out_of_range: Literal["ignore", "region"] = field(
        default="ignore",
        metadata=setting(
            'what an object outside a range is: ``"ignore"`` takes one detection by IoU and '
            'neither counts; ``"region"`` takes any number, as a crowd does.',
            cause=SIZES,
        ),
    )
    range_slack: float | None = field(
        default=None,
        metadata=setting(
            "detections below ``low / slack`` or from ``high * slack`` on are left out of a "
            "range before anything is matched; None sets those outside a range aside that "
            "match nothing.",
            cause=SIZES,
        ),
    )
    strict: bool = field(
        default=False,
        metadata=setting(
            "a pair can match at ``IoU > threshold`` instead.",
            cause=STRICT,
        ),
    )
    assignment: Literal["free", "nearest", "truths", "overlap"] = field(
        default="free",
        metadata=setting(
            '``"free"``: a detection takes the best ground truth that no better detection has '
            'taken; ``"nearest"``: it answers to the one that it overlaps most, taken or not; '
            '``"truths"``: ground truths, in the order of the file, each take the detection '
            "that is free and overlaps them most, one in range where there is one; regions "
            'take what is left; ``"overlap"``: of all pairs those of the largest overlap come '
            "first, whatever the scores: the order of detections without scores.",
            cause=MATCHING,
        ),
    )
    equal_overlaps: Literal["last", "first"] = field(
        default="last",
        metadata=setting(
            "which of several ground truths of equal overlap is better.",
            cause=MATCHING,
            label="equal",
        ),
    )
    interpolation: Literal["points", "every", "trapezoid", "linear", "slope", "cuts"] = field(
        default="points",
        metadata=setting(
            "how AP comes from a curve: the mean of the envelope at ``recall_points`` "
            '(``"points"``); the area under the envelope (``"every"`` point of it); the area '
            'under the curve itself, by trapezoids (``"trapezoid"``); the area under straight '
            "lines between the points of the envelope, read at ``recall_points``, which drop "
            'to zero at the highest recall (``"linear"``) or fall from there to zero at '
            'recall 1 (``"slope"``); or the mean over ``recall_points`` of precision at 41 '
            'cuts of the score, each matched without the detections below it (``"cuts"``).',
            cause=INTERPOLATION,
            signed=False,
        ),
    )
    miss_rate: Literal["reached", "within"] = field(
        default="reached",
        metadata=setting(
            "where the miss rate stands for a rate of false positives an image: the first "
            'place that has ``"reached"`` it, or the last ``"within"`` it.',
            cause=INTERPOLATION,
        ),
    )
    classes: Literal["truth", "detected", "all"] = field(
        default="truth",
        metadata=setting(
            'which classes a mean is taken over: those with ground truth (``"truth"``), those '
            'of them with detections (``"detected"``), or ``"all"``, 0 where there is none.',
            cause=CLASS_SET,
        ),
    )
    metrics: tuple[str, ...] = field(
        default=("ap", "ap_iou", "ap_area", "ar", "ar_area"),
        metadata=setting(
            "which groups of metrics are reported.",
            signed=False,
        ),
    )


SETTINGS = settings_of(Settings)
"""How each setting is described, by name."""

CHOICES = choices_of(Settings)
"""What each setting that is a choice may be, COCO's first."""
