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

from dataclasses import dataclass, fields, replace

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.matching.candidates import Regions
from detmetrics.matching.matches import Matched, Matches, in_order_of_detections
from detmetrics.metrics.average_precision import RECALL
from detmetrics.metrics.curves import TINY, Curves, running
from detmetrics.metrics.interpolation import least_found
from detmetrics.metrics.summary import metrics_of
from detmetrics.overlap import Pairs

__all__ = ["Resampler", "image_weights", "resampled"]


def image_weights(images: int, seed: np.random.SeedSequence) -> Ints:
    """(N,) how often each image stands in a bootstrap sample: N draws with replacement."""
    drawn = np.random.default_rng(seed).integers(0, images, images)
    return np.bincount(drawn, minlength=images)


def resampled(result: Evaluation, weights: Ints) -> Matches:
    """The matches of a data set in which image ``i`` stands ``weights[i]`` times.

    Their catalog stays that of the originals.
    """
    # Each row is repeated as often as its image, copies side by side: rows 1, 2 of images with the
    # weights 2, 1 are 1, 1, 2. Scores stay in order, and so does what stands by category.
    matches = result.matching
    found = weights[matches.image]  # (D,) how often each detection is repeated
    there = weights[matches.truth_image]  # (G,) and each ground truth
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
        fp_if_unmatched=matches.fp_if_unmatched.repeat(found, axis=1),
        images=int(weights.sum()),
        truth_row=matches.truth_row.repeat(there),
        truth_category=matches.truth_category.repeat(there),
        truth_image=_numbered(matches.truth_image, weights),
        ignored=matches.ignored.repeat(there, axis=1),
        regions=regions,
        pairs=pairs,
        strays=matches.strays and _copies_of_pairs(matches.strays, found, there)[0],
        matched=tuple(_copies_of_matched(one, times, moved) for one in matches.matched),
    )


def _numbered(image: Ints, weights: Ints) -> Ints:
    """The image of each copy: copies of an image have numbers of their own."""
    # Copy c of image i is image c + sum(weights[:i]).
    times = weights[image]
    return np.repeat((np.cumsum(weights) - weights)[image], times) + _copy(times)


def _copy(times: Ints) -> Ints:
    """Which copy of its original each is, from 0."""
    ends = np.cumsum(times)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - times, times)


def _copies_of_pairs(pairs: Pairs, found: Ints, there: Ints) -> tuple[Pairs, Ints]:
    """All pairs in order of detection, and where the copies, pair by pair, went."""
    # Copy c of a detection is paired with copy c of the ground truth: both are in copy c of their
    # image. Copies of a pair stand side by side, and are then brought in order of detection.
    times = found[pairs.detection]
    copy = _copy(times)
    detection = np.repeat((np.cumsum(found) - found)[pairs.detection], times) + copy
    truth = np.repeat((np.cumsum(there) - there)[pairs.ground_truth], times) + copy
    overlap = pairs.overlap.repeat(times)
    return in_order_of_detections(Pairs(detection=detection, ground_truth=truth, overlap=overlap))


def _copies_of_matched(matched: Matched, times: Ints, moved: Ints) -> Matched:
    """Each as often as its image; times : (P,) of each pair; moved: where the copies went."""
    own = times[matched.pair]
    first = (np.cumsum(times) - times)[matched.pair]
    pair = moved[np.repeat(first, own) + _copy(own)]
    total = running(own)
    ends = np.cumsum(matched.count)
    return Matched(
        pair=pair,
        true_positive=matched.true_positive.repeat(own),
        count=total[ends] - total[ends - matched.count],
    )


@dataclass(frozen=True, slots=True)
class _Within:
    """The true positives of the first detections of each image and class.

    hit : (W,) which of the H; start : (T * K + 1,) where each curve begins among them.
    """

    hit: Ints
    start: Ints


@dataclass(frozen=True, slots=True)
class _Plan:
    """What no weights change, of one area range.

    The H true positives stand by curve, which is a threshold and category, and score.

    Attributes:
        unmatched : (D,) detections that count where they match nothing.
        detection, origin : (H,) of each true positive, and the first detection of its category.
        start : (T * K + 1,) where each curve begins; begin : (H,) where its own does.
        corrected, correction : (C,) detections that count by their ground truth and not by
            themselves, and by how much; done, before : (H,) how many of them stand up to a true
            positive, and before its curve.
        within: by limit, of those that a metric asks for; None stands for all.
    """

    unmatched: Ints
    detection: Ints
    origin: Ints
    start: Ints
    begin: Ints
    corrected: Ints
    correction: Ints
    done: Ints
    before: Ints
    within: dict[int, _Within | None]


def _plan_of(matches: Matches, area: int, limits: set[int]) -> _Plan:
    """limits: indices of those at which recall is asked for."""
    matched, unmatched = matches.matched[area], matches.fp_if_unmatched[area]
    detection = matches.pairs.detection[matched.pair]
    category = matches.category[detection]
    curve = matched.threshold * matches.categories + category
    curves = np.arange(len(matched.count) * matches.categories + 1)
    # A matched detection counts 1 if it is right and 0 if it is set aside, whatever it would count
    # unmatched. So a sum over all detections is the sum of "unmatched", and of the differences.
    correction = matched.true_positive.astype(np.int64) - unmatched[detection]
    changed = np.flatnonzero(correction)
    hit = np.flatnonzero(matched.true_positive)
    start = np.searchsorted(curve[hit], curves)
    first = np.searchsorted(matches.category, np.arange(matches.categories))
    within: dict[int, _Within | None] = {}
    for limit in limits:
        inside = matches.rank[detection[hit]] < matches.rules.max_detections[limit]
        kept = np.flatnonzero(inside)
        whole = len(kept) == len(hit)
        within[limit] = None if whole else _Within(kept, np.searchsorted(curve[hit][kept], curves))
    return _Plan(
        unmatched=unmatched.astype(np.int64),
        detection=detection[hit],
        origin=first[category[hit]],
        start=start,
        begin=start[curve[hit]],
        corrected=detection[changed],
        correction=correction[changed],
        done=np.searchsorted(changed, hit, side="right"),
        before=np.searchsorted(curve[changed], curve[hit]),
        within=within,
    )


class Resampler:
    """AP and AR of a result for any weights of its images."""

    def __init__(self, result: Evaluation) -> None:
        self._matches = matches = result.matching
        self._truth_image = matches.truth_image
        metrics = metrics_of(matches.rules)
        self._plans = {
            area: _plan_of(
                matches, area, {m.limit for m in metrics if m.area == area and m.kind is RECALL}
            )
            for area in {metric.area for metric in metrics}
        }

    @staticmethod
    def follows(result: Evaluation) -> bool:
        """Whether all metrics of the rules are means of the cells that it counts."""
        rules = result.rules
        return (
            all(metric.kind.of_curves for metric in metrics_of(rules))
            and rules.interpolation in ("points", "every")
            and rules.classes != "detected"
        )

    def curves(self, weights: Ints) -> Curves:
        """The cells under these weights, as :func:`~detmetrics.metrics.summary.summarize` reads
        them.
        """
        return _Weighted(self._matches, self._plans, self._truth_image, weights)


class _Weighted(Curves):
    """The cells of AP and AR where image ``i`` counts ``weights[i]`` times; nan where no metric
    asks for them.
    """

    def __init__(
        self, matches: Matches, plans: dict[int, _Plan], truth_image: Ints, weights: Ints
    ) -> None:
        super().__init__(matches)
        rules = matches.rules
        weight, there = weights[matches.image], weights[truth_image]
        counts = [
            np.bincount(
                matches.truth_category, np.where(ignored, 0, there), matches.categories
            ).astype(np.int64)
            for ignored in matches.ignored
        ]
        self.positives = np.stack(counts, axis=1)
        areas, limits = len(rules.area_ranges), len(rules.max_detections)
        shape = len(rules.iou_thresholds), matches.categories
        points = np.array(rules.recall_points)
        every = rules.interpolation == "every"
        cells = np.full((*(shape if every else (shape[0], len(points), shape[1])), areas), np.nan)
        self.recall = np.full((*shape, areas, limits), np.nan)
        for area, plan in plans.items():
            hits, truths = _Hits(plan, weight, shape), self.positives[:, area]
            cells[..., area] = hits.area(truths) if every else hits.envelope(truths, points)
            for limit, within in plan.within.items():
                self.recall[:, :, area, limit] = hits.recall(truths, within)
        cells[..., self.positives == 0] = np.nan
        self.recall[:, self.positives == 0] = np.nan
        if every:
            self.headline_area = cells
        else:
            self.headline_precision = cells


class _Hits:
    """The true positives of an area range under weights."""

    def __init__(self, plan: _Plan, weight: Ints, shape: tuple[int, int]) -> None:
        self._plan, self._shape = plan, shape
        # for each curve, true positives best first:
        #     found = weights of true positives down to this one
        #     counted = weights of all detections of the class that count, down to this one
        #     precision = found / counted
        # Differences of running sums: what stands before a curve or category is subtracted.
        self._own = weight[plan.detection]
        self._total = running(self._own)  # (H + 1,) of all true positives before
        # All that count down to a detection; a matched one counts by its ground truth.
        unmatched = running(plan.unmatched * weight)
        corrected = running(plan.correction * weight[plan.corrected])
        counted = unmatched[plan.detection + 1] - unmatched[plan.origin]
        counted += corrected[plan.done] - corrected[plan.before]
        found = self._total[1:] - self._total[plan.begin]
        self._precision = found / (counted + TINY)

    def envelope(self, truths: Ints, points: Floats) -> Floats:
        """(T, R, K) the highest precision at each recall point or beyond."""
        # for each curve and point: max(precision[h] for h in its hits if found[h] >= needed), or 0
        start, total = self._plan.start, self._total
        needed = least_found(truths, points)
        base = total[start[:-1]].reshape(*self._shape, 1)
        count = total[start[1:]].reshape(*self._shape, 1) - base
        reached = needed <= count
        # The first true positive at which the weight is enough.
        slot = np.searchsorted(total[1:], (base + np.minimum(needed, count)).ravel())
        end = start[1:].reshape(*self._shape, 1)
        slot = np.where(reached, slot.reshape(reached.shape), end)
        # Slots rise with the points, so the maxima between one slot and the next, taken from the
        # last point backwards, are those from each slot to the end. reduceat takes one element
        # where two slots are equal, which is the first of the next maximum anyway. What begins at
        # the end of a curve belongs to the next one: it is cut off, or was not reached.
        cuts = np.concatenate([slot, end], axis=2)
        padded = np.append(self._precision, 0.0)
        highest = np.maximum.reduceat(padded, cuts.ravel()).reshape(cuts.shape)[:, :, :-1]
        highest[~reached] = 0.0
        cells: Floats = np.maximum.accumulate(highest[:, :, ::-1], axis=2)[:, :, ::-1]
        return cells.swapaxes(1, 2)

    def area(self, truths: Ints) -> Floats:
        """(T, K) the area under each envelope."""
        # sum(envelope[h] * weight[h]) / weight of ground truths: at each hit recall rises by that.
        start = self._plan.start
        areas = np.zeros(len(start) - 1)
        for curve in np.flatnonzero(np.diff(start)).tolist():
            hit = slice(start[curve], start[curve + 1])
            highest = np.maximum.accumulate(self._precision[hit][::-1])[::-1]
            areas[curve] = (highest * self._own[hit]).sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return areas.reshape(self._shape) / truths

    def recall(self, truths: Ints, within: _Within | None) -> Floats:
        """(T, K) of these true positives alone."""
        if within is None:
            total, start = self._total, self._plan.start
        else:
            total, start = running(self._own[within.hit]), within.start
        with np.errstate(invalid="ignore"):
            return np.diff(total[start]).reshape(self._shape) / truths
