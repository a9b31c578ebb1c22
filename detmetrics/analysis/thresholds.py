"""Which cut of the score to run a detector at, and the numbers there.

The numbers at every cut, and the rules under which they are those of a filtered file, are in
:mod:`detmetrics.analysis.score_curves`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from detmetrics.analysis.objectives import Objective
from detmetrics.analysis.score_curves import (
    MeanCurve,
    OperatingCurve,
    operating_curves,
)
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted
from detmetrics.matching.selection import looked_for

__all__ = ["OperatingPoint", "OperatingPoints", "operating_points"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """What a threshold gives.

    threshold: keeps ``score >= threshold``; None keeps nothing, and reason says why; of several
    classes with a threshold each it is None, too. best: the number that was sought, F-beta,
    recall or precision. Undefined numbers are nan.
    """

    threshold: float | None
    precision: float
    recall: float
    f1: float
    best: float
    true_positives: int
    false_positives: int
    false_negatives: int
    fp_an_image: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values; undefined is None."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in values.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoints:
    """Thresholds that serve an objective, with the numbers that they give.

    objective, iou, area: what was asked for; signature: of the rules. per_class: each class has
    a threshold of its own; otherwise one serves all, the best by ``average``. classes: by name;
    overall: pooled; mean: precision, recall, f1 and best, means over classes with ground truth;
    attention: sentences on the result.
    """

    objective: Objective
    iou: float
    area: str
    average: str
    per_class: bool
    images: int
    signature: str
    classes: Mapping[str, OperatingPoint]
    overall: OperatingPoint
    mean: Mapping[str, float]
    attention: tuple[str, ...] = ()

    @property
    def thresholds(self) -> dict[str, float | None]:
        """Of each class; None where none is known."""
        return {name: point.threshold for name, point in self.classes.items()}

    def to_dict(self) -> dict[str, Any]:
        """As plain values, thresholds first: what ``detmetrics thresholds -o`` writes."""
        return {
            "schema": SCHEMA,
            "thresholds": self.thresholds,
            "keep": "score >= threshold",
            "objective": str(self.objective),
            "iou": self.iou,
            "area": self.area,
            "average": None if self.per_class else self.average,
            "per_class": self.per_class,
            "images": self.images,
            "signature": self.signature,
            "attention": [*self.attention],
            "overall": self.overall.to_dict(),
            "mean": {
                name: None if math.isnan(value) else value for name, value in self.mean.items()
            },
            "classes": {name: point.to_dict() for name, point in self.classes.items()},
        }


def operating_points(
    result: Evaluation,
    objective: str | Objective = "f1",
    iou: float = 0.5,
    area: str = "all",
    *,
    per_class: bool = False,
    average: Literal["micro", "macro"] = "micro",
) -> OperatingPoints:
    """The thresholds that serve an objective best.

    objective: see :mod:`detmetrics.analysis.objectives`. iou: one of the thresholds of the rules;
    area: the name of one of their ranges. per_class: a threshold for each class, not one for all.
    average: whether one for all is the best of the pooled counts (``"micro"``) or of the means over
    classes (``"macro"``).

    Raises:
        RulesError: the rules have no such threshold or range.
        InputError: no such objective or average, or the numbers would not be those of the
            filtered file, see :mod:`detmetrics.analysis.score_curves`.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = operating_points(result, "recall:0.6", per_class=True)
    >>> found.thresholds["bicycle"], found.classes["dog"].reason
    (0.387, 'not reached: recall is 0.2857 at most, at 0.509')
    """
    if average not in ("micro", "macro"):
        raise InputError(f"average: expected 'micro' or 'macro', got {average!r}")
    sought = Objective.parse(objective) if isinstance(objective, str) else objective
    curves = operating_curves(result, iou, area)
    if per_class:
        chosen = {name: _choice(curve, sought) for name, curve in curves.classes.items()}
        _refuse_moved_up(result, [threshold for threshold, _ in chosen.values()])
    else:
        over = curves.pooled if average == "micro" else curves.mean
        common = _choice(over, sought) if curves.pooled.positives else (None, "no ground truth")
        chosen = dict.fromkeys(curves.classes, common)
    classes = {name: _point(curve, *chosen[name], sought) for name, curve in curves.classes.items()}
    return OperatingPoints(
        objective=sought,
        iou=iou,
        area=area,
        average=average,
        per_class=per_class,
        images=result.matching.images,
        signature=result.signature,
        classes=classes,
        overall=_together(classes, curves.pooled, None if per_class else common, sought),
        mean=_means(classes),
        attention=result.attention,
    )


def _choice(curve: OperatingCurve | MeanCurve, objective: Objective) -> tuple[float | None, str]:
    """A threshold, or why there is none."""
    if isinstance(curve, OperatingCurve) and not curve.positives:
        return None, "no ground truth"
    if not len(curve.thresholds):
        return None, "no detections that count"
    index, reason = objective.best(curve)
    return (None, reason) if index is None else (curve.thresholds[index].item(), "")


def _point(
    curve: OperatingCurve, threshold: float | None, reason: str, objective: Objective
) -> OperatingPoint:
    right, wrong = (0, 0) if threshold is None else curve.kept(threshold)
    return _numbers(right, wrong, curve.positives, curve.images, objective, threshold, reason)


def _together(
    classes: Mapping[str, OperatingPoint],
    pooled: OperatingCurve,
    common: tuple[float | None, str] | None,
    objective: Objective,
) -> OperatingPoint:
    """All classes at their thresholds; common: the one of all of them, and why there is none."""
    right = sum(point.true_positives for point in classes.values())
    wrong = sum(point.false_positives for point in classes.values())
    threshold, reason = common or (None, "")
    return _numbers(right, wrong, pooled.positives, pooled.images, objective, threshold, reason)


def _numbers(
    right: int,
    wrong: int,
    truths: int,
    images: int,
    objective: Objective,
    threshold: float | None,
    reason: str,
) -> OperatingPoint:
    at = OperatingCurve(
        thresholds=np.zeros(1),
        true_positives=np.array([right]),
        false_positives=np.array([wrong]),
        positives=truths,
        images=images,
    )
    precision = float(at.precision[0]) if right + wrong else math.nan
    recall = float(at.recall[0])
    best = {"f": float(at.f(objective.beta)[0]), "recall": precision}
    return OperatingPoint(
        threshold=threshold,
        precision=precision,
        recall=recall,
        f1=float(at.f()[0]),
        best=best.get(objective.kind, recall),
        true_positives=right,
        false_positives=wrong,
        false_negatives=truths - right,
        fp_an_image=float(at.fp_an_image[0]),
        reason=reason,
    )


def _means(classes: Mapping[str, OperatingPoint]) -> dict[str, float]:
    """Over classes with ground truth; precision over those of them that keep something."""
    known = [point for point in classes.values() if not math.isnan(point.recall)]
    means = {}
    for name in ("precision", "recall", "f1", "best"):
        values = [getattr(point, name) for point in known]
        defined = [value for value in values if not math.isnan(value)]
        means[name] = sum(defined) / len(defined) if defined else math.nan
    return means


def _refuse_moved_up(result: Evaluation, thresholds: Sequence[float | None]) -> None:
    """A limit over all classes lets others in where a class above its threshold leaves room."""
    rules, detections = result.rules, result.detections
    if rules.image_limit is None:
        return
    # Detections that the limit leaves out, but that their own class's threshold would keep.
    out = np.ones(len(detections), bool)
    out[result.matching.row] = False
    if rules.federated:
        out &= looked_for(result.ground_truth, detections)
    least = np.array([math.inf if one is None else one for one in thresholds])
    category = np.zeros_like(detections.category) if rules.class_agnostic else detections.category
    if above := int((out & (detections.scores >= least[category])).sum()):
        raise InputError(
            f"rules {rules.name} count {rules.image_limit:,} detections an image, and "
            f"{counted(above, 'detection')} beyond that would move up and count once others are "
            "below the threshold of their class: one threshold for all classes, or "
            ".replace(image_limit=None)"
        )
