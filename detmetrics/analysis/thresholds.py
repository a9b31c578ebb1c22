"""Precision, recall and F-beta at every cut of the score, and which cut to run a detector at.

A threshold ``t`` keeps the detections with ``score >= t``. Detections of equal score are kept or
left together, so the cuts are the distinct scores, and the numbers at a cut are exact:
``precision = TP / (TP + FP)``, ``recall = TP / (TP + FN)``, ``F_beta = (1 + b^2) TP /
((1 + b^2) TP + b^2 FN + FP)``, and false positives an image over all images, those without
detections included. What the rules set aside counts for nothing. Unlike the mean F1 of
Ultralytics (:mod:`detmetrics.metrics.best_f1`) nothing is interpolated and nothing smoothed.

**Over all classes**, at one threshold for all: *pooled* (micro) sums TP, FP and FN, those of
classes without ground truth included, as a false alarm is one; the *mean* (macro) of classes with
ground truth takes recall and F-beta of each, 0 where a class keeps nothing, and precision over
those that keep something.

**Filtering and matching again gives the same numbers.** Where detections choose, best score
first (``assignment`` free or nearest, groups included), what is below a cut changes nothing above
it; and every limit keeps the best scores, so that it cuts the same ones off. Three settings break
that, and are refused rather than promised wrongly: ground truths that choose among detections of
all scores (``assignment="truths"``, KITTI); scores that the rules round (``score_decimals``), since
a file is filtered by its own; and a limit an image over all classes (``image_limit``) with a
threshold for each class, where a detection that the limit had cut off is above its own threshold
and would move up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from detmetrics.analysis.objectives import Objective
from detmetrics.analysis.outcomes import outcomes
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted
from detmetrics.matching.selection import looked_for

__all__ = [
    "MeanCurve",
    "OperatingCurve",
    "OperatingCurves",
    "OperatingPoint",
    "OperatingPoints",
    "operating_curves",
    "operating_points",
]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCurve:
    """Numbers at every cut, highest first.

    thresholds : (S,) distinct scores, falling; true_positives, false_positives : (S,) of the
    detections kept; truths: ground truths that count; images: how many there are.
    """

    thresholds: Floats
    true_positives: Ints
    false_positives: Ints
    positives: int
    images: int

    @property
    def false_negatives(self) -> Ints:
        """(S,) ground truths that no kept detection found."""
        return self.positives - self.true_positives

    @property
    def precision(self) -> Floats:
        """(S,) share of right ones among the kept."""
        precision: Floats = self.true_positives / (self.true_positives + self.false_positives)
        return precision

    @property
    def recall(self) -> Floats:
        """(S,) share of the ground truths that is found; nan without ground truth."""
        with np.errstate(invalid="ignore"):
            recall: Floats = self.true_positives / np.float64(self.positives)
        return recall

    @property
    def fp_an_image(self) -> Floats:
        """(S,) false positives an image."""
        rate: Floats = self.false_positives / np.float64(max(self.images, 1))
        return rate

    def f(self, beta: float = 1.0) -> Floats:
        """(S,) F-beta; nan without ground truth."""
        right = (1 + beta**2) * self.true_positives
        below = right + beta**2 * self.false_negatives + self.false_positives
        return right / below if self.positives else np.full(len(self.thresholds), np.nan)

    def kept(self, threshold: float) -> tuple[int, int]:
        """How many true and false positives have this score or more."""
        # Thresholds fall, so their negatives rise: the last one that is not below this threshold.
        at = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        return (int(self.true_positives[at]), int(self.false_positives[at])) if at >= 0 else (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanCurve:
    """Means over classes with ground truth at one threshold for all of them; counts are pooled.

    pooled: the curve of all classes together; classes: those with ground truth.
    """

    pooled: OperatingCurve
    classes: tuple[OperatingCurve, ...]

    @property
    def thresholds(self) -> Floats:
        """(S,) distinct scores of all classes, falling."""
        return self.pooled.thresholds

    @property
    def true_positives(self) -> Ints:
        """(S,) of all classes."""
        return self.pooled.true_positives

    @property
    def fp_an_image(self) -> Floats:
        """(S,) of all classes."""
        return self.pooled.fp_an_image

    @property
    def precision(self) -> Floats:
        """(S,) over the classes that keep something."""
        return self._mean([curve.precision for curve in self.classes], empty=math.nan)

    @property
    def recall(self) -> Floats:
        """(S,) 0 in a class that keeps nothing."""
        return self._mean([curve.recall for curve in self.classes], empty=0.0)

    def f(self, beta: float = 1.0) -> Floats:
        """(S,) 0 in a class that keeps nothing."""
        return self._mean([curve.f(beta) for curve in self.classes], empty=0.0)

    def _mean(self, columns: Sequence[Floats], empty: float) -> Floats:
        """(S,) the mean of columns with a value at the cuts of each class; empty: before them."""
        # Between two scores of a class its numbers stay what they were at the higher one: at every
        # cut of all classes, the value of the class at the last of its own cuts.
        total, known = np.zeros(len(self.thresholds)), np.zeros(len(self.thresholds))
        for curve, column in zip(self.classes, columns, strict=True):
            at = np.searchsorted(-curve.thresholds, -self.thresholds, side="right")
            values = np.concatenate([[empty], column])[at]
            defined = ~np.isnan(values)
            total += np.where(defined, values, 0.0)
            known += defined
        with np.errstate(invalid="ignore"):
            return total / known


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingCurves:
    """classes: by name; pooled (micro) and mean (macro): over all of them."""

    classes: Mapping[str, OperatingCurve]
    pooled: OperatingCurve
    mean: MeanCurve


def operating_curves(result: Evaluation, iou: float = 0.5, area: str = "all") -> OperatingCurves:
    """Numbers at every cut of the score, of each class and over all.

    iou: one of the thresholds of the rules; area: the name of one of their ranges.

    Raises:
        RulesError: the rules have no such threshold or range.
        InputError: a cut of the score would change what is matched above it.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> curve = operating_curves(result).classes["dog"]
    >>> curve.thresholds[:2].tolist(), curve.precision[:2].tolist(), curve.positives
    ([0.874, 0.795], [0.0, 0.0], 7)
    """
    require_scores(result.detections, "a curve over the confidence")
    _refuse_unlike_prefixes(result)
    matched, matches = outcomes(result, iou, area), result.matching

    def curve(rows: Ints, truths: int) -> OperatingCurve:
        return _curve(matches.score[rows], matched.true_positive[rows], truths, matches.images)

    rows = np.flatnonzero(matched.counts)
    bounds = np.searchsorted(rows, matches.first)
    truths: list[int] = matched.positives.tolist()
    classes = {
        name: curve(rows[bounds[index] : bounds[index + 1]], truths[index])
        for index, name in enumerate(result.class_names)
    }
    pooled = curve(rows[np.argsort(-matches.score[rows], kind="stable")], sum(truths))
    known = tuple(one for one in classes.values() if one.positives)
    return OperatingCurves(
        classes=classes, pooled=pooled, mean=MeanCurve(pooled=pooled, classes=known)
    )


def _curve(scores: Floats, right: Bools, truths: int, images: int) -> OperatingCurve:
    """From the detections that count, best first."""
    # for each score: true positives = right ones with this score or more; the others are false.
    # Equal scores are kept or dropped together, so only the last of each is a cut.
    last = np.ones(len(scores), bool)  # of its score
    last[:-1] = scores[1:] != scores[:-1]
    ends = np.flatnonzero(last)
    found: Ints = np.cumsum(right, dtype=np.int64)[ends]
    return OperatingCurve(
        thresholds=scores[ends],
        true_positives=found,
        false_positives=ends + 1 - found,
        positives=truths,
        images=images,
    )


def _refuse_unlike_prefixes(result: Evaluation) -> None:
    rules = result.rules
    if rules.assignment in ("truths", "overlap"):
        chosen = (
            "pairs match by overlap" if rules.assignment == "overlap" else "ground truths choose"
        )
        raise InputError(
            f"rules {rules.name}: {chosen} among detections of all scores, so a "
            "threshold changes who is matched above it: .replace(assignment='free'), or other rules"
        )
    if rules.score_decimals is not None:
        raise InputError(
            f"rules {rules.name} round scores to {counted(rules.score_decimals, 'decimal')}, so a "
            "threshold of theirs is none of the file: .replace(score_decimals=None)"
        )


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
            filtered file, see :mod:`detmetrics.analysis.thresholds`.

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
