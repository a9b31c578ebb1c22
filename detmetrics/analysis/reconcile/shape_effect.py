"""The same files by every shape that they hold: what measuring by another one changes.

An IoU of hulls says little of what they hold: upright boxes around oriented ones overlap where
these do not, and fit where these do not. So a number by one shape cannot be compared with one by
another, and who compares them finds a difference that no other setting explains.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from detmetrics.analysis.reconcile.workbench import Workbench
from detmetrics.foundation.errors import DetmetricsError
from detmetrics.matching.shape_choice import shaped
from detmetrics.metrics.summary import Summary
from detmetrics.overlap import KINDS, TITLES
from detmetrics.rules import COCO, Rules
from detmetrics.rules.combinations import CombinationError
from detmetrics.tables import Detections, GroundTruth

__all__ = ["ByShape", "by_shape", "measured_as", "other_shapes", "shapes_of_both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByShape:
    """The metrics of rules that measure one shape; rules: with this shape."""

    rules: Rules
    summary: Summary

    @property
    def measured(self) -> str:
        """What overlap is measured of, in words."""
        return measured_as(self.rules)


def measured_as(rules: Rules) -> str:
    """What these rules measure, in words.

    >>> from detmetrics.rules import COCO
    >>> measured_as(COCO), measured_as(COCO.replace(shape="mask"))
    ('upright boxes', 'masks')
    """
    title = TITLES[rules.shape]
    if rules.shape == "box" or rules.detection_area == "shape":
        return title
    return f"{title}, detections as large as their boxes"


def shapes_of_both(ground_truth: GroundTruth, detections: Detections) -> tuple[str, ...]:
    """Upright boxes, and what can be made of the outlines of both sides.

    Masks of the ground truth alone are what every COCO file has, and make no difference.
    """
    natural = {ground_truth.natural, detections.natural}
    if None in natural and "oriented" not in natural:
        return ("box",)
    made = (name for name in KINDS if _can_be_made(ground_truth, detections, name))
    return "box", *made


def _can_be_made(ground_truth: GroundTruth, detections: Detections, shape: str) -> bool:
    try:
        shaped(ground_truth, detections, COCO.replace(shape=shape))
    except DetmetricsError:
        return False
    return True


def other_shapes(rules: Rules, shapes: tuple[str, ...]) -> Iterator[Rules]:
    """The rules by each of the shapes that is not theirs, and by another area of detections."""
    for shape in shapes:
        try:
            changed = rules.replace(shape=shape)
        except CombinationError:
            continue  # of upright boxes alone
        if shape != rules.shape:
            yield changed
        if shape != "box" and {"ap_area", "ar_area"} & set(rules.metrics):
            other = "box" if rules.detection_area == "shape" else "shape"
            yield changed.replace(detection_area=other)


def by_shape(bench: Workbench, rules: Rules, shapes: tuple[str, ...]) -> tuple[ByShape, ...]:
    """The metrics of these rules by each shape, their own first; nothing where there is one."""
    if len(shapes) < 2:
        return ()
    every = (rules, *other_shapes(rules, shapes))
    return tuple(ByShape(rules=one, summary=bench.evaluation(one).summary) for one in every)
