"""Precision-recall curves, from true positives only.

Precision falls at every detection but a true positive, and recall changes at true positives
alone: the envelope of a curve is therefore a running maximum over its true positives, and its
value at a recall ``r`` stands at the first true positive whose recall reaches ``r``. So only
matched detections are touched (tens of thousands), never the cells of all detections.

Precision is ``tp / (fp + tp + spacing(1))`` as pycocotools takes it. Of the detections up to
some place, ``fp + tp`` are those that are not ignored: all whose area is in range, corrected at
matched detections, which count by their ground truth and not by their own area. Source:
``pycocotools/cocoeval.py``, ``accumulate``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints
from detmetrics.matching import Matches

__all__ = ["Curve", "Curves"]

TINY = np.spacing(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TruePositives:
    """True positives of one area range and limit, by threshold, category and falling score.

    detection : (Q,) index into the matches; precision : (Q,) at that detection;
    first, count : (T * K,) the slice of each threshold and category.
    """

    detection: Ints
    precision: Floats
    first: Ints
    count: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One precision-recall curve: a point at every detection that counts, best score first.

    Attributes:
        recall, precision : (n,) of all detections down to this one; recall is nan where there
            is no ground truth.
        envelope : (n,) the highest precision at this recall or beyond: what AP averages.
        scores : (n,) of the detections.
        truths: how many ground truths count.
    """

    recall: Floats
    precision: Floats
    envelope: Floats
    scores: Floats
    truths: int


class Curves:
    """The curves of all categories, thresholds and area ranges of one set of matches."""

    def __init__(self, matches: Matches) -> None:
        self.matches = matches
        categories = np.arange(matches.categories + 1)
        self._first = np.searchsorted(matches.category, categories)
        self._hits: dict[tuple[int, int], _TruePositives] = {}

    @cached_property
    def truths(self) -> Ints:
        """(K, A) ground truths that count: the denominators of recall."""
        matches = self.matches
        counts = [
            np.bincount(matches.truth_category[~ignored], minlength=matches.categories)
            for ignored in matches.ignored
        ]
        return np.stack(counts, axis=1)

    @cached_property
    def headline_precision(self) -> Floats:
        """(T, R, K, A) :meth:`precision` at the largest limit."""
        return self.precision(self.matches.rules.max_limit)

    def precision(self, limit: int) -> Floats:
        """(T, R, K, A) the envelope at each recall point; nan without ground truth in range.

        limit: how many detections of an image and category count.
        """
        cells = [
            self._envelope(self._true_positives(area, limit), self._needed(area))
            for area in self._areas
        ]
        return self._axes(cells)

    def scores(self, limit: int) -> Floats:
        """(T, R, K, A) the score that reaches each recall point, 0 where none does.

        At recall 0 it is the best score of the category, as in pycocotools.
        """
        cells = [
            self._reaching(self._true_positives(area, limit), self._needed(area))
            for area in self._areas
        ]
        return self._axes(cells)

    @cached_property
    def recall(self) -> Floats:
        """(T, K, A, M) the highest recall at each limit; nan without ground truth in range."""
        matches, rules = self.matches, self.matches.rules
        shape = (len(rules.iou_thresholds), matches.categories)
        cells = np.empty((*shape, len(rules.area_ranges), len(rules.max_detections)))
        for area in self._areas:
            hits = self._true_positives(area, rules.max_limit)
            bounds = np.append(hits.first, len(hits.detection))
            rank = matches.rank[hits.detection]
            for index, limit in enumerate(rules.max_detections):
                found = np.diff(_running(rank < limit)[bounds]).reshape(shape)
                with np.errstate(invalid="ignore"):
                    cells[:, :, area, index] = found / self.truths[:, area]
        return cells

    def curve(self, category: int, threshold: int, area: int, limit: int) -> Curve:
        """The curve of one category, threshold and area range; all are indices but ``limit``."""
        matches = self.matches
        rows = slice(self._first[category], self._first[category + 1])
        matched = matches.matched[area]
        here = matched.threshold == threshold
        detection = matched.detection[here]
        ignored = matches.ignored[area][matched.ground_truth[here]]
        right = np.zeros(len(matches.row), bool)
        right[detection[~ignored]] = True
        counts = self._in_range(area)
        counts[detection] = ~ignored
        counts &= matches.rank < limit
        counted = counts[rows]
        found = np.cumsum(right[rows][counted])
        truths = int(self.truths[category, area])
        precision = found / (np.arange(1, len(found) + 1) + TINY)
        return Curve(
            recall=found / truths if truths else np.full(len(found), np.nan),
            precision=precision,
            envelope=np.maximum.accumulate(precision[::-1])[::-1],
            scores=matches.score[rows][counted],
            truths=truths,
        )

    def _in_range(self, area: int) -> Bools:
        bounds = self.matches.rules.area_ranges[area]
        return (self.matches.area >= bounds.low) & (self.matches.area <= bounds.high)

    @property
    def _areas(self) -> range:
        return range(len(self.matches.rules.area_ranges))

    def _true_positives(self, area: int, limit: int) -> _TruePositives:
        if (area, limit) not in self._hits:
            self._hits[area, limit] = self._find_true_positives(area, limit)
        return self._hits[area, limit]

    def _find_true_positives(self, area: int, limit: int) -> _TruePositives:
        matches = self.matches
        matched = matches.matched[area]
        in_range = self._in_range(area)
        detection, threshold = matched.detection, matched.threshold
        right = ~matches.ignored[area][matched.ground_truth]
        if limit < matches.rules.max_limit:
            in_range &= matches.rank < limit
        # The others neither are true positives nor would they have counted unmatched.
        telling = (right & (matches.rank[detection] < limit)) | in_range[detection]
        detection, threshold, right = detection[telling], threshold[telling], right[telling]
        category = matches.category[detection]
        curve = threshold * matches.categories + category
        curves = len(matches.rules.iou_thresholds) * matches.categories
        first = np.searchsorted(curve, np.arange(curves + 1))

        # A match counts by its ground truth, not by its own area.
        counted = _running(in_range)[detection + 1] - _running(in_range)[self._first[category]]
        corrected = _running(right.astype(np.int64) - in_range[detection])
        counted += corrected[1:] - corrected[first[curve]]
        hits = _running(right)
        found = hits[1:] - hits[first[curve]]

        # precision = tp / (fp + tp + spacing(1))
        precision = found[right] / (counted[right] + TINY)
        return _TruePositives(
            detection=detection[right],
            precision=precision,
            first=hits[first[:-1]],
            count=np.diff(hits[first]),
        )

    def _needed(self, area: int) -> Ints:
        """(K, R) how many true positives reach each recall point: least j, j / truths >= r.

        At least one, as the envelope at recall 0 is its value at the first true positive.
        """
        points = np.array(self.matches.rules.recall_points)
        truths = np.maximum(self.truths[:, area], 1)[:, None]
        # One below the rounded product cannot be too many; two comparisons make it enough.
        needed: Ints = np.maximum(np.ceil(points * truths).astype(np.int64) - 1, 1)
        for _ in range(2):
            needed += needed / truths < points
        return needed

    def _envelope(self, hits: _TruePositives, needed: Ints) -> Floats:
        """(T, K, R) the highest precision at or after the true positive that reaches a recall."""
        slot, reached = self._slots(hits, needed)
        ends = (hits.first + hits.count).reshape(*slot.shape[:2], 1)
        cuts = np.concatenate([slot, ends], axis=2)
        padded = np.append(hits.precision, 0.0)
        highest = np.maximum.reduceat(padded, cuts.ravel()).reshape(cuts.shape)[:, :, :-1]
        highest[~reached] = 0.0
        return np.maximum.accumulate(highest[:, :, ::-1], axis=2)[:, :, ::-1]

    def _reaching(self, hits: _TruePositives, needed: Ints) -> Floats:
        """(T, K, R) the score of the true positive that reaches a recall."""
        matches = self.matches
        slot, reached = self._slots(hits, needed)
        score = np.append(matches.score[hits.detection], 0.0)
        cells = np.where(reached, score[slot], 0.0)
        if matches.rules.recall_points[0] == 0:
            cells[:, :, 0] = self._best_scores()
        return cells

    def _best_scores(self) -> Floats:
        """(K,) the best score of each category, 0 without detections."""
        some = self._first[:-1] < self._first[1:]
        best = np.zeros(self.matches.categories)
        best[some] = self.matches.score[self._first[:-1][some]]
        return best

    def _slots(self, hits: _TruePositives, needed: Ints) -> tuple[Ints, Bools]:
        """(T, K, R) which true positive reaches each recall point, and whether one does."""
        first = hits.first.reshape(-1, len(needed), 1)
        count = hits.count.reshape(-1, len(needed), 1)
        return first + np.minimum(needed - 1, count), needed <= count

    def _axes(self, cells: list[Floats]) -> Floats:
        """From (T, K, R) for each area range to (T, R, K, A), undefined cells nan."""
        stacked = np.stack(cells, axis=-1).swapaxes(1, 2)
        stacked[:, :, self.truths == 0] = np.nan
        return stacked


def _running(values: Bools | Ints) -> Ints:
    """(n + 1,) the sum of all values before each place."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums
