"""A data set in which images stand several times or not at all, from matches made once.

Nothing is matched across images, so a resample of images changes no match: it changes how often
each counts. Copies of an image stand next to one another among equal scores.

:func:`resampled` writes the copies down, for every metric. :class:`Resampler` counts instead of
copying, for AP and AR: precision at a true positive is ``tp / (fp + tp)`` of weights, down to and
with it, and a recall point is reached at the first true positive at which the weight of true
positives, over that of ground truths, is enough. Of the copies of a true positive the last has
the highest precision (a fraction below 1 grows when both sides grow alike), so the envelope needs
no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints
from detmetrics.candidates import Regions
from detmetrics.curves import TINY, Curves, running
from detmetrics.matches import Matched, Matches
from detmetrics.overlap import Pairs
from detmetrics.ranking import by_group
from detmetrics.result import Evaluation
from detmetrics.sampling import least_found
from detmetrics.summary import FREQUENCIES, metrics_of

__all__ = ["Resampler", "image_weights", "resampled"]


def image_weights(images: int, seed: np.random.SeedSequence) -> Ints:
    """(N,) how often each image stands in a bootstrap sample: N draws with replacement."""
    drawn = np.random.default_rng(seed).integers(0, images, images)
    return np.bincount(drawn, minlength=images)


def resampled(result: Evaluation, weights: Ints) -> Matches:
    """The matches of a data set in which image ``i`` stands ``weights[i]`` times."""
    matches = result.matching
    found = weights[matches.image]
    there = weights[result.ground_truth.image[matches.truth_row]]
    pairs, moved = _copies_of_pairs(matches.pairs, found, there)
    times = found[matches.pairs.detection]
    regions = matches.regions
    if regions is not None:
        count = weights[regions.image]
        own = {one.name: getattr(regions, one.name).repeat(count) for one in fields(Regions)}
        own["image"] = _numbered(regions.image, weights)
        regions = Regions(**own)
    return replace(
        matches,
        detections=int(weights[result.detections.image].sum()),
        row=matches.row.repeat(found),
        category=matches.category.repeat(found),
        image=_numbered(matches.image, weights),
        score=matches.score.repeat(found),
        rank=matches.rank.repeat(found),
        in_range=matches.in_range.repeat(found, axis=1),
        liable=matches.liable.repeat(found, axis=1),
        images=int(weights.sum()),
        truth_row=matches.truth_row.repeat(there),
        truth_category=matches.truth_category.repeat(there),
        ignored=matches.ignored.repeat(there, axis=1),
        regions=regions,
        pairs=pairs,
        strays=matches.strays and _copies_of_pairs(matches.strays, found, there)[0],
        matched=tuple(_copies_of_matched(one, times, moved) for one in matches.matched),
    )


def _numbered(image: Ints, weights: Ints) -> Ints:
    """The image of each copy: copies of an image have numbers of their own."""
    times = weights[image]
    return np.repeat((np.cumsum(weights) - weights)[image], times) + _copy(times)


def _copy(times: Ints) -> Ints:
    """Which copy of its original each is, from 0."""
    ends = np.cumsum(times)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - times, times)


def _copies_of_pairs(pairs: Pairs, found: Ints, there: Ints) -> tuple[Pairs, Ints]:
    """All pairs in order of detection, and where the copies, pair by pair, went."""
    times = found[pairs.detection]
    copy = _copy(times)
    detection = np.repeat((np.cumsum(found) - found)[pairs.detection], times) + copy
    truth = np.repeat((np.cumsum(there) - there)[pairs.ground_truth], times) + copy
    order = by_group(detection, np.arange(len(detection)))
    moved = np.empty_like(order)
    moved[order] = np.arange(len(order))
    overlap = pairs.overlap.repeat(times)
    return Pairs(
        detection=detection[order], ground_truth=truth[order], overlap=overlap[order]
    ), moved


def _copies_of_matched(matched: Matched, times: Ints, moved: Ints) -> Matched:
    """Each as often as its image; times : (P,) of each pair; moved: where the copies went."""
    own = times[matched.pair]
    first = (np.cumsum(times) - times)[matched.pair]
    pair = moved[np.repeat(first, own) + _copy(own)]
    total = running(own)
    ends = np.cumsum(matched.count)
    return Matched(
        pair=pair,
        right=matched.right.repeat(own),
        count=total[ends] - total[ends - matched.count],
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What no weights change, of one area range.

    detection : (Q,) of each matched pair that tells something; right : (Q,) it is a true
    positive; correction : (Q,) right, less that it would have counted unmatched; curve : (Q,)
    threshold and category; start : (T * K + 1,) where each curve begins; origin : (Q,) the first
    detection of its category; hit : (H,) which of the Q are right.
    """

    liable: Ints
    detection: Ints
    right: Ints
    correction: Ints
    curve: Ints
    start: Ints
    origin: Ints
    hit: Ints


class Resampler:
    """AP and AR of a result for any weights of its images."""

    def __init__(self, result: Evaluation) -> None:
        self._matches = matches = result.matching
        self._truth_image = result.ground_truth.image[matches.truth_row]
        self._curves = Curves(matches)
        used = {metric.area for metric in metrics_of(matches.rules)}
        self._plans = [
            self._plan(area) if area in used else None for area in range(len(matches.matched))
        ]

    @staticmethod
    def follows(result: Evaluation) -> bool:
        """Whether all metrics of the rules are means of the cells that it counts."""
        rules = result.rules
        kinds = {metric.kind for metric in metrics_of(rules)}
        return (
            kinds <= {"precision", "recall", *FREQUENCIES}
            and rules.interpolation in ("points", "every")
            and rules.classes != "detected"
        )

    def curves(self, weights: Ints) -> Curves:
        """The cells under these weights, as :func:`~detmetrics.summary.summarize` reads them."""
        return _Weighted(self._matches, self._plans, self._truth_image, weights)

    def _plan(self, area: int) -> _Plan:
        matches = self._matches
        matched, liable = matches.matched[area], matches.liable[area]
        detection = matches.pairs.detection[matched.pair]
        telling = matched.right | liable[detection]
        detection, right = detection[telling], matched.right[telling]
        category = matches.category[detection]
        curve = matched.threshold[telling] * matches.categories + category
        count = len(matched.count) * matches.categories
        first = np.searchsorted(matches.category, np.arange(matches.categories))
        return _Plan(
            liable=liable.astype(np.int64),
            detection=detection,
            right=right.astype(np.int64),
            correction=right.astype(np.int64) - liable[detection],
            curve=curve,
            start=np.searchsorted(curve, np.arange(count + 1)),
            origin=first[category],
            hit=np.flatnonzero(right),
        )


class _Weighted(Curves):
    """The cells of AP and AR where image ``i`` counts ``weights[i]`` times."""

    def __init__(
        self, matches: Matches, plans: list[_Plan | None], truth_image: Ints, weights: Ints
    ) -> None:
        super().__init__(matches)
        rules = matches.rules
        shape = len(rules.iou_thresholds), matches.categories
        self._weight = weights[matches.image]
        there = weights[truth_image]
        counts = [
            np.bincount(
                matches.truth_category, np.where(ignored, 0, there), matches.categories
            ).astype(np.int64)
            for ignored in matches.ignored
        ]
        self.truths = np.stack(counts, axis=1)
        hits = [None if plan is None else _Hits(plan, self._weight, shape) for plan in plans]
        if rules.interpolation == "every":
            self.headline_area = self._cells(hits, lambda one, truths: one.area(truths))
        else:
            points = np.array(rules.recall_points)
            self.headline_precision = self._cells(
                hits, lambda one, truths: one.envelope(truths, points)
            )
        limits = [self.matches.rank < limit for limit in rules.max_detections]
        found = [self._cells(hits, _recall_of(within)) for within in limits]
        self.recall = np.stack(found, axis=-1)

    def _cells(self, hits: list[_Hits | None], of: Callable[[_Hits, Ints], Floats]) -> Floats:
        """(..., K, A) of each range; nan without ground truth, and where no metric asks."""
        known = [
            None if one is None else of(one, self.truths[:, area]) for area, one in enumerate(hits)
        ]
        shape = next(cells.shape for cells in known if cells is not None)
        return self._defined(
            [np.full(shape, np.nan) if cells is None else cells for cells in known]
        )


def _recall_of(within: Bools) -> Callable[[_Hits, Ints], Floats]:
    return lambda hits, truths: hits.recall(truths, within)


class _Hits:
    """The true positives of an area range under weights, by threshold, category and score."""

    def __init__(self, plan: _Plan, weight: Ints, shape: tuple[int, int]) -> None:
        self._plan, self._shape = plan, shape
        own = weight[plan.detection]
        # All that count down to a detection; a matched one counts by its ground truth.
        before = running(plan.liable * weight)
        counted = before[plan.detection + 1] - before[plan.origin]
        corrected = running(plan.correction * own)
        begin = plan.start[plan.curve]
        counted += corrected[1:] - corrected[begin]
        self._own = own[plan.hit]
        right = running(plan.right * own)
        found = right[1:] - right[begin]
        self.precision = found[plan.hit] / (counted[plan.hit] + TINY)
        self.first = running(plan.right)[plan.start]  # (T * K + 1,) among the true positives
        self.total = running(self._own)  # (H + 1,) weight of those before

    def envelope(self, truths: Ints, points: Floats) -> Floats:
        """(T, R, K) the highest precision at each recall point or beyond."""
        thresholds, categories = self._shape
        needed = least_found(truths, points)
        base = self.total[self.first[:-1]].reshape(thresholds, categories, 1)
        count = self.total[self.first[1:]].reshape(thresholds, categories, 1) - base
        reached = needed <= count
        # The first true positive at which the weight is enough.
        slot = np.searchsorted(self.total[1:], (base + np.minimum(needed, count)).ravel())
        end = self.first[1:].reshape(thresholds, categories, 1)
        slot = np.where(reached, slot.reshape(reached.shape), end)
        cuts = np.concatenate([slot, end], axis=2)
        padded = np.append(self.precision, 0.0)
        highest = np.maximum.reduceat(padded, cuts.ravel()).reshape(cuts.shape)[:, :, :-1]
        highest[~reached] = 0.0
        cells: Floats = np.maximum.accumulate(highest[:, :, ::-1], axis=2)[:, :, ::-1]
        return cells.swapaxes(1, 2)

    def area(self, truths: Ints) -> Floats:
        """(T, K) the area under each envelope."""
        areas = np.zeros(len(self.first) - 1)
        for curve in np.flatnonzero(np.diff(self.first)).tolist():
            hit = slice(self.first[curve], self.first[curve + 1])
            highest = np.maximum.accumulate(self.precision[hit][::-1])[::-1]
            areas[curve] = (highest * self._own[hit]).sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return areas.reshape(self._shape) / truths

    def recall(self, truths: Ints, within: Bools) -> Floats:
        """(T, K) of these detections alone."""
        inside = within[self._plan.detection[self._plan.hit]]
        found = np.diff(running(self._own * inside)[self.first]).reshape(self._shape)
        with np.errstate(invalid="ignore"):
            return found / truths
