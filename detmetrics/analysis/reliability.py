"""Whether a score of 0.8 means that four of five such detections are right.

Scores are put in equal bins ``(low, high]`` of [0, 1], the first closed. Of a bin with ``n_b`` of
``N`` detections, ``score_b`` is their mean score, ``precision_b`` the share that is right, and
``iou_b`` the sum of the overlaps of those that are right, over ``n_b``. Detections that the rules
set aside (those on ignored ground truth among them) are in no bin.

ECE
    ``sum n_b / N |score_b - precision_b|``, and MCE the largest of these gaps. Source: Guo et
    al., On Calibration of Modern Neural Networks (2017).
D-ECE
    The ECE of 25 bins over the detections of all classes with ground truth, pooled. Source:
    Kuzucu et al., On Calibration of Object Detectors (2024), ``fiveai/detection_calibration``,
    ``coco_calibration.py``. With bins of position and size too (:func:`detection_ece`): Küppers et
    al., Multivariate Confidence Calibration for Object Detection (2020), ``netcal``.
LaECE
    Of a class ``sum n_b / N |score_b - iou_b|`` over 25 bins, so that a score should tell how well
    a box fits, too; then the mean over classes with ground truth and detections. Source: Oksuz et
    al., Towards Building Self-Aware Object Detectors (2023), and as above. A gap of exactly 0
    counts as 0. The papers match at an IoU of 0.1 or 0: evaluate with ``iou_thresholds=0.1``.
LaACE
    Of a class the mean of ``|score - iou|``, of detections one by one, 0 the overlap of a wrong
    one; then the mean over the same classes. Source: Kuzucu et al. Their code takes detections on
    ignored ground truth in; here they are left out, as in the other numbers.

0 is best in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Self

import numpy as np

from detmetrics.analysis.outcomes import outcomes
from detmetrics.evaluation.required_scores import require_scores
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted

__all__ = ["Calibration", "Reliability", "calibration", "detection_ece"]

FINE = 25
"""The bins of D-ECE and LaECE in the papers."""

Along = Literal["cx", "cy", "w", "h"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The reliability table of some detections: a row a bin, from low scores to high ones.

    low, high : (B,) bounds; count : (B,); score, precision : (B,) means, nan in an empty bin; iou :
    (B,) the mean overlap of those that are right, nan where none is. ece, mce, laece, laace: of
    these detections, nan where there are none.
    """

    low: Floats
    high: Floats
    count: Ints
    score: Floats
    precision: Floats
    iou: Floats
    ece: float
    mce: float
    laece: float
    laace: float

    @property
    def gap(self) -> Floats:
        """(B,) mean score less precision: above 0 where scores promise too much."""
        return self.score - self.precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """pooled: of the detections of all classes; classes: by name. d_ece, laece, laace: over
    classes with ground truth, as the papers have them; nan where there are no detections.
    """

    iou: float
    area: str
    pooled: Reliability
    classes: Mapping[str, Reliability]
    d_ece: float
    laece: float
    laace: float


def calibration(
    result: Evaluation, bins: int = 10, iou: float = 0.5, area: str = "all"
) -> Calibration:
    """How well scores tell what is right, pooled and of each class.

    bins: of the reliability tables, their ECE and their MCE; D-ECE and LaECE have 25. iou: one of
    the thresholds of the rules, at which a detection is right; area: the name of one of their
    ranges.

    Raises:
        RulesError: the rules have no such threshold or range.
        InputError: no bins, or scores beyond [0, 1].

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> found = calibration(result)
    >>> round(found.pooled.ece, 4), found.pooled.count.sum().item()
    (0.1075, 131)
    """
    _check(bins)
    matched = outcomes(result, iou, area)
    scores = _scores(result, matched.counts)
    counted = np.flatnonzero(matched.counts)
    every = _Binned.of(
        scores[counted], matched.true_positive[counted], matched.overlap[counted], bins
    )
    # Matches are sorted by category, so each class is a slice.
    category, names = result.matching.category[counted], result.class_names
    bounds = np.searchsorted(category, np.arange(len(names) + 1)).tolist()
    tables = {
        name: _reliability(every.part(slice(first, end)), bins)
        for name, (first, end) in zip(names, pairwise(bounds), strict=True)
    }
    has_truth = matched.positives > 0
    known = [one for one, there in zip(tables.values(), has_truth, strict=True) if there]
    of_known = every if has_truth.all() else every.part(has_truth[category])
    return Calibration(
        iou=iou,
        area=area,
        pooled=_reliability(every, bins),
        classes=tables,
        d_ece=_error(of_known.fine, of_known.scores, of_known.right),
        laece=_mean([one.laece for one in known]),
        laace=_mean([one.laace for one in known]),
    )


def detection_ece(
    result: Evaluation,
    along: Sequence[Along] = ("cx", "cy"),
    bins: int = 10,
    iou: float = 0.5,
    area: str = "all",
) -> float:
    """D-ECE over bins of the score and of position and size at once, all classes pooled.

    along: centre, width and height, as shares of the image; bins: of each of them and of the
    score; iou, area: as of :func:`calibration`. nan where there are no detections.

    Raises:
        RulesError: the rules have no such threshold or range.
        InputError: scores beyond [0, 1], or unknown sizes of images.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> detection_ece(result, ["cx", "cy"], bins=2) <= 1
    True
    """
    _check(bins)
    matched = outcomes(result, iou, area)
    rows = matched.counts & (matched.positives > 0)[result.matching.category]
    scores = _scores(result, matched.counts)[rows]
    cell = _bin(scores, bins)
    for shares in _places(result, rows, along):
        cell = cell * bins + _bin(np.clip(shares, 0.0, 1.0), bins)
    # One number for the bins of all dimensions, which may be large; most cells are empty, so those
    # that are not are counted from 0.
    cell = np.unique(cell, return_inverse=True)[1]
    return _error(cell, scores, matched.true_positive[rows].astype(np.float64))


def _check(bins: int) -> None:
    if bins < 1:
        raise InputError(f"bins: expected one or more, got {bins}")


def _scores(result: Evaluation, counts: Bools) -> Floats:
    """(D,) of all; those that count are in [0, 1].

    Raises:
        InputError: they are not.
    """
    require_scores(result.detections, "calibration")
    scores = result.matching.score
    beyond = counts & ((scores < 0) | (scores > 1))
    if number := int(beyond.sum()):
        first = scores[beyond][0].item()
        raise InputError(
            f"{result.detections.source.name}: calibration is about scores from 0 to 1, and "
            f"{counted(number, 'score lies', 'scores lie')} beyond, such as {first!r}: write "
            "confidences instead"
        )
    return scores


def _places(result: Evaluation, rows: Bools, along: Sequence[Along]) -> list[Floats]:
    detections = result.detections
    if odd := [name for name in along if name not in ("cx", "cy", "w", "h")]:
        raise InputError(f"along: expected some of cx, cy, w, h, got {odd[0]!r}")
    at = result.matching.row[rows]
    boxes, sides = detections.xywh[at], np.ones((len(at), 2))
    if not detections.relative:
        sides = detections.catalog.image_sizes[detections.image[at]]
    if np.isnan(sides).any():
        raise InputError(
            "the sizes of images are unknown, so no bins of position: --image-dir or --image-sizes"
        )
    shares = {
        "cx": (boxes[:, 0] + boxes[:, 2] / 2) / sides[:, 0],
        "cy": (boxes[:, 1] + boxes[:, 3] / 2) / sides[:, 1],
        "w": boxes[:, 2] / sides[:, 0],
        "h": boxes[:, 3] / sides[:, 1],
    }
    return [shares[name] for name in along]


def _bin(values: Floats, bins: int) -> Ints:
    """(n,) the bin (low, high] of each value of [0, 1], the first closed."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    place: Ints = np.searchsorted(edges, values, side="left") - 1
    return np.maximum(place, 0)


@dataclass(frozen=True, slots=True)
class _Binned:
    """Detections with their bins, which pooled and class by class are the same.

    scores, right, overlap : (n,) right: 1 or 0; coarse, fine : (n,) of the asked and of 25 bins.
    """

    scores: Floats
    right: Floats
    overlap: Floats
    coarse: Ints
    fine: Ints

    @classmethod
    def of(cls, scores: Floats, right: Bools, overlap: Floats, bins: int) -> Self:
        """All detections that count."""
        right_ones = right.astype(np.float64)
        return cls(scores, right_ones, overlap, _bin(scores, bins), _bin(scores, FINE))

    def part(self, rows: slice | Bools) -> Self:
        """Some of them."""
        return type(self)(
            self.scores[rows],
            self.right[rows],
            self.overlap[rows],
            self.coarse[rows],
            self.fine[rows],
        )


def _reliability(of: _Binned, bins: int) -> Reliability:
    # of each bin: mean score, right / count, mean overlap of those that are right; nan if empty
    edges = np.linspace(0.0, 1.0, bins + 1)
    count = np.bincount(of.coarse, minlength=bins)
    promised = np.bincount(of.coarse, of.scores, bins)
    hits = np.bincount(of.coarse, of.right, bins)
    with np.errstate(invalid="ignore"):
        score = promised / count
        precision = hits / count
        iou = np.bincount(of.coarse, of.overlap, bins) / hits
    gaps = np.abs(score - precision)
    total = len(of.scores)
    # Without the empty bins behind the last, which would change the order in which NumPy adds.
    filled = slice(int(of.coarse.max(initial=-1)) + 1)
    return Reliability(
        low=edges[:-1],
        high=edges[1:],
        count=count,
        score=score,
        precision=precision,
        iou=iou,
        ece=_gap((promised - hits)[filled], total) if total else math.nan,
        mce=float(np.nanmax(gaps)) if total else math.nan,
        laece=_error(of.fine, of.scores, of.overlap),
        laace=float(np.abs(of.scores - of.overlap).mean()) if total else math.nan,
    )


def _error(cell: Ints, scores: Floats, worth: Floats) -> float:
    """Sum of n_b / N |mean score - mean worth| over cells, nan without detections."""
    if not len(scores):
        return math.nan
    return _gap(np.bincount(cell, scores) - np.bincount(cell, worth), len(scores))


def _gap(apart: Floats | Ints, total: int) -> float:
    """The same of the sum of scores less that of worth in each cell, and N."""
    # n_b / N |a / n_b - b / n_b| = |a - b| / N
    return float(np.abs(apart).sum() / total)


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
