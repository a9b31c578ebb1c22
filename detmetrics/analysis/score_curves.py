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

import numpy as np

from detmetrics.analysis.outcomes import outcomes
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted

__all__ = ["MeanCurve", "OperatingCurve", "OperatingCurves", "operating_curves"]


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
