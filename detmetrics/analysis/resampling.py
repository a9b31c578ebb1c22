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
from detmetrics.foundation.arrays import Counts, Floats, Ints, counting, running
from detmetrics.matching.candidates import Regions
from detmetrics.matching.matches import Matched, Matches, in_order_of_detections
from detmetrics.metrics.average_precision import RECALL
from detmetrics.metrics.curves import Curves
from detmetrics.metrics.interpolation import TINY, least_found
from detmetrics.metrics.summary import metrics_of
from detmetrics.overlap import Pairs

__all__ = ["Plan", "Resampler", "half_samples", "image_weights", "plan_of", "resampled"]

LIGHT = 4
"""Mean weight of true positives up to which a table of its units is worth its memory."""


def image_weights(images: int, seed: np.random.SeedSequence) -> Ints:
    """(N,) how often each image stands in a bootstrap sample: N draws with replacement."""
    drawn = np.random.default_rng(seed).integers(0, images, images)
    return np.bincount(drawn, minlength=images)


def half_samples(images: int, seed: np.random.SeedSequence) -> tuple[Ints, Ints]:
    """(N,) and (N,) two halves that share no image, as weights; an odd image is in neither."""
    order, half = np.random.default_rng(seed).permutation(images), images // 2
    weights = np.zeros((2, images), np.int64)
    weights[0, order[:half]] = 1
    weights[1, order[half : 2 * half]] = 1
    return weights[0], weights[1]


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

    image : (W,) of each; start : (T * K + 1,) where each curve begins among them.
    """

    image: Ints
    start: Ints


@dataclass(frozen=True, slots=True)
class Plan:
    """What no weights change, of one area range.

    The H true positives stand by curve, which is a threshold and category, and score. There are
    C = T * K curves.

    Attributes:
        unmatched : (U,) the images of the detections that count where they match nothing.
        down_to : (H,) how many of them stand down to each true positive; above : (C,) how many
            before the first detection of the class of each curve.
        hit : (H,) the image of each true positive; start : (C + 1,) where each curve begins.
        corrected, correction : (Q,) the images of the matched detections that do not count as
            they would unmatched, and by how much; done : (H,) how many of them stand down to each
            true positive; before : (C,) before each curve.
        within: by limit, of those that a metric asks for; None stands for all.
    """

    unmatched: Ints
    down_to: Ints
    above: Ints
    hit: Ints
    start: Ints
    corrected: Ints
    correction: Counts
    done: Ints
    before: Ints
    within: dict[int, _Within | None]


def plan_of(matches: Matches, area: int, limits: set[int]) -> Plan:
    """limits: indices of those at which recall is asked for."""
    matched, unmatched = matches.matched[area], matches.fp_if_unmatched[area]
    detection = matches.pairs.detection[matched.pair]
    category = matches.category[detection]
    curve = matched.threshold * matches.categories + category
    curves = np.arange(len(matched.count) * matches.categories + 1)
    # A matched detection counts 1 if it is right and 0 if it is set aside, whatever it would count
    # unmatched. So a sum over all detections is the sum of "unmatched", and of the differences.
    correction = matched.true_positive.astype(np.int32) - unmatched[detection]
    changed = np.flatnonzero(correction)
    hit = np.flatnonzero(matched.true_positive)
    start = np.searchsorted(curve[hit], curves)
    image = matches.image[detection[hit]]
    places = running(unmatched)
    within: dict[int, _Within | None] = {}
    for limit in limits:
        inside = matches.rank[detection[hit]] < matches.rules.max_detections[limit]
        kept = np.flatnonzero(inside)
        whole = len(kept) == len(hit)
        within[limit] = (
            None if whole else _Within(image[kept], np.searchsorted(curve[hit][kept], curves))
        )
    return Plan(
        unmatched=matches.image[unmatched],
        down_to=places[detection[hit] + 1],
        above=np.tile(places[matches.first[:-1]], len(matched.count)),
        hit=image,
        start=start,
        corrected=matches.image[detection[changed]],
        correction=correction[changed],
        done=np.searchsorted(changed, hit, side="right"),
        before=np.searchsorted(curve[changed], curves[:-1]),
        within=within,
    )


class Resampler:
    """AP and AR of a result for any weights of its images."""

    def __init__(self, result: Evaluation) -> None:
        self._matches = matches = result.matching
        self._truth_image = matches.truth_image
        metrics = metrics_of(matches.rules)
        self._plans = {
            area: plan_of(
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
        self, matches: Matches, plans: dict[int, Plan], truth_image: Ints, weights: Ints
    ) -> None:
        super().__init__(matches)
        rules = matches.rules
        there = weights[truth_image]
        narrow = _narrow(weights, len(matches.row))
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
            hits, truths = _Hits(plan, narrow, shape), self.positives[:, area]
            cells[..., area] = hits.area(truths) if every else hits.envelope(truths, points)
            for limit, within in plan.within.items():
                self.recall[:, :, area, limit] = hits.recall(truths, within)
        cells[..., self.positives == 0] = np.nan
        self.recall[:, self.positives == 0] = np.nan
        if every:
            self.headline_area = cells
        else:
            self.headline_precision = cells


def _narrow(weights: Ints, detections: int) -> Counts:
    """The weights in 32 bits, which halves what sums move, where no sum can overflow."""
    most = int(weights.max(initial=0)) * detections
    return weights.astype(counting(most))


def _sums(values: Counts) -> Counts:
    """(n + 1,) the sum of all values before each place, in their own width."""
    sums = np.zeros(len(values) + 1, values.dtype)
    np.add.accumulate(values, out=sums[1:], dtype=values.dtype)
    return sums


class _Hits:
    """The true positives of an area range under weights of images."""

    def __init__(self, plan: Plan, weights: Counts, shape: tuple[int, int]) -> None:
        self._plan, self._shape, self._weights = plan, shape, weights
        # A true positive of no weight lies behind another of the same number, with no higher
        # precision: no envelope needs it.
        own = weights.take(plan.hit)
        self._kept = kept = np.flatnonzero(own != 0)  # of bools, which is five times faster
        self._start = np.searchsorted(kept, plan.start)
        self._own = own.take(kept)
        # for each curve, true positives best first:
        #     found = weights of true positives down to this one
        #     counted = weights of all detections of the class that count, down to this one
        #     precision = found / counted
        # Differences of running sums: what stands before a curve or category is subtracted.
        self._total = _sums(self._own)  # (H + 1,) of all true positives before
        # All that count down to a detection; a matched one counts by its ground truth.
        unmatched = _sums(weights.take(plan.unmatched))
        corrected = _sums(plan.correction * weights.take(plan.corrected))
        counted = unmatched.take(plan.down_to.take(kept))
        counted += corrected.take(plan.done.take(kept))
        counted -= self._of_curve(unmatched[plan.above] + corrected[plan.before])
        found = self._total[1:] - self._of_curve(self._total[self._start[:-1]])
        self._precision = found / (counted + TINY)

    def _of_curve(self, values: Counts) -> Counts:
        """(H,) the value of the curve of each true positive; values : (C,)."""
        return np.repeat(values, np.diff(self._start))

    def envelope(self, truths: Ints, points: Floats) -> Floats:
        """(T, R, K) the highest precision at each recall point or beyond."""
        # for each curve and point: max(precision[h] for h in its hits if found[h] >= needed), or 0
        start, total = self._start, self._total
        base = total[start[:-1]].reshape(*self._shape, 1)
        count = total[start[1:]].reshape(*self._shape, 1) - base
        needed = least_found(truths, points)
        reached = needed <= count
        # The first true positive at which the weight is enough. What is not reached begins at the
        # end.
        end = start[1:].reshape(*self._shape, 1)
        slot = np.where(reached, self._holding(base + np.minimum(needed - 1, count)), end)
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

    def _holding(self, unit: Counts) -> Counts:
        """Which true positive holds each unit of their weight, counted from 0; the end for more."""
        if self._own.max(initial=1) == 1:
            return unit
        if self._total[-1] > LIGHT * len(self._own):
            return np.searchsorted(self._total[1:], unit, side="right")
        # A table of all units answers at once, where a search takes a step for each bit.
        table = np.arange(len(self._own) + 1).repeat(np.append(self._own, 1))
        return table.take(unit)

    def area(self, truths: Ints) -> Floats:
        """(T, K) the area under each envelope."""
        # sum(envelope[h] * weight[h]) / weight of ground truths: at each hit recall rises by that.
        areas = np.zeros(len(self._start) - 1)
        for curve in np.flatnonzero(np.diff(self._start)).tolist():
            hit = slice(self._start[curve], self._start[curve + 1])
            highest = np.maximum.accumulate(self._precision[hit][::-1])[::-1]
            # Those without weight have their place in the sum, so that it is rounded alike.
            terms = np.zeros(self._plan.start[curve + 1] - self._plan.start[curve])
            terms[self._kept[hit] - self._plan.start[curve]] = highest * self._own[hit]
            areas[curve] = terms.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return areas.reshape(self._shape) / truths

    def recall(self, truths: Ints, within: _Within | None) -> Floats:
        """(T, K) of these true positives alone."""
        if within is None:
            total, start = self._total, self._start
        else:
            total, start = _sums(self._weights.take(within.image)), within.start
        with np.errstate(invalid="ignore"):
            return np.diff(total[start]).reshape(self._shape) / truths
