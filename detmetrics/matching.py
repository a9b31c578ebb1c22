"""Who is matched, and who is ignored.

COCO's rule is greedy: detections of an image and category, best score first, each take the best
ground truth that is still free. All ground truths thus rank detections alike, by score, which
makes the greedy result the *only* stable matching, and deferred acceptance finds it without a
loop over detections: every unplaced detection proposes to its next choice, every ground truth
keeps the best proposer so far, the refused propose on. A round is a handful of array operations
over all images and categories at once, and only conflicts make a further round.

The choices of a detection, first to last: ground truths that count before ignored ones, then
larger overlap, then the later ground truth on equal overlap; a crowd accepts everyone. Source:
``pycocotools/cocoeval.py``, ``evaluateImg``; proof in ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints, keep_freed_memory, run_starts, slots_of_repeats
from detmetrics.overlap import Pairs, candidate_pairs, shared_groups
from detmetrics.parallel import each
from detmetrics.ranking import best_first, by_group, rank_in_runs
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Matched", "Matches", "match"]

NEARLY_ONE = 1 - 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The matched pairs of one area range: by threshold, then in order of detection.

    pair : (Q,) index into the pairs of :class:`Matches`; count : (T,) how many at each threshold.
    """

    pair: Ints
    count: Ints

    @property
    def threshold(self) -> Ints:
        """(Q,) the index of the threshold of each."""
        return np.repeat(np.arange(len(self.count)), self.count)

    def at(self, threshold: int) -> Ints:
        """The matched pairs of one threshold."""
        end = int(self.count[: threshold + 1].sum())
        return self.pair[end - int(self.count[threshold]) : end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Everything that curves and analyses need to know; boxes are no longer needed.

    Detections beyond the largest limit are gone. The others stand by category, best first.

    Attributes:
        rules: the rules that were applied.
        categories: K, 1 where categories are pooled.
        detections: how many stand in the table, those beyond the limit included.
        row : (D,) row of each detection in its table.
        category, image : (D,) indices.
        score, area : (D,) of each detection.
        rank : (D,) place inside its image and category, from 0: it counts for a limit M where
            ``rank < M``.
        truth_row, truth_category : (G,) of each ground truth.
        ignored : (A, G) ground truths that count neither for nor against.
        relative: boxes are shares of the image, so no area is known: everything outside the
            first range is ignored.
        pairs: the candidates, with indices into these detections and ground truths.
        matched: (A,) which of the pairs are matched, a record an area range.
    """

    rules: Rules
    categories: int
    detections: int
    row: Ints
    category: Ints
    image: Ints
    score: Floats
    area: Floats
    rank: Ints
    truth_row: Ints
    truth_category: Ints
    ignored: Bools
    relative: bool
    pairs: Pairs
    matched: tuple[Matched, ...]


def match(
    truth: GroundTruth,
    detections: Detections,
    rules: Rules,
    progress: Callable[[float], None] | None = None,
) -> Matches:
    """Match every detection at every threshold and in every area range."""
    keep_freed_memory()
    images, categories = len(truth.catalog.image_ids), len(truth.catalog.category_ids)
    pooled = rules.class_agnostic
    category = np.zeros_like(detections.category) if pooled else detections.category
    truth_category = np.zeros_like(truth.category) if pooled else truth.category
    group = category * images + detections.image
    row, rank = _ranked(detections, category, group, rules)

    truth_row, truth_group = _later_first(truth, truth_category * images + truth.image)
    crowd = truth.absorbing(rules)[truth_row]
    ignored = _ignored(truth, rules)[:, truth_row]
    lowest = min(rules.iou_thresholds[0], NEARLY_ONE)
    pairs = candidate_pairs(
        detections.xywh,
        row,
        truth.xywh[truth_row],
        crowd,
        shared_groups(group[row], truth_group),
        lowest,
        progress,
    )
    pairs = _by_overlap(pairs)
    return Matches(
        rules=rules,
        categories=1 if pooled else categories,
        detections=len(detections),
        row=row,
        category=category[row],
        image=detections.image[row],
        score=detections.scores[row],
        area=detections.area[row],
        rank=rank,
        truth_row=truth_row,
        truth_category=truth_category[truth_row],
        ignored=ignored,
        relative=truth.relative,
        pairs=pairs,
        matched=_match_ranges(pairs, truth_group, crowd, ignored, rules),
    )


def _ranked(detections: Detections, category: Ints, group: Ints, rules: Rules) -> tuple[Ints, Ints]:
    """Rows by category and score, and their place in their group, as far as the limit lets them."""
    places = detections.image
    if rules.class_agnostic:  # pycocotools lists the detections of an image class by class
        places = places * len(detections.catalog.category_ids) + detections.category
    row = by_group(category, best_first(detections.scores, places))
    rank = _rank_in_group(group, detections.image, row)
    within = rank < rules.max_limit
    return (row, rank) if within.all() else (row[within], rank[within])


def _rank_in_group(group: Ints, image: Ints, row: Ints) -> Ints:
    """Of rows sorted by category and score: their place inside image and category."""
    gathered = by_group(image, row)
    rank = np.empty_like(row)  # by row of the table
    rank[gathered] = rank_in_runs(group[gathered])
    return rank[row]


def _later_first(truth: GroundTruth, group: Ints) -> tuple[Ints, Ints]:
    """Ground truths by group, in reverse of pycocotools' order (category, then file) inside."""
    listed = by_group(truth.category, np.arange(len(truth)))[::-1]
    rows = by_group(group, listed)
    return rows, group[rows]


def _ignored(truth: GroundTruth, rules: Rules) -> Bools:
    """(A, G): a crowd, ignored by its file where the rules honour it, or out of range."""
    always = truth.excused(rules)
    if truth.relative:  # no range of areas can be told but the first, which is everything
        beyond_first = np.arange(len(rules.area_ranges))[:, None] > 0
        return beyond_first | always
    low = np.array([area.low for area in rules.area_ranges])[:, None]
    high = np.array([area.high for area in rules.area_ranges])[:, None]
    return always | (truth.area < low) | (truth.area > high)


def _by_overlap(pairs: Pairs) -> Pairs:
    """Sort the pairs of each detection by falling overlap; equal overlaps keep their order."""
    detection = pairs.detection
    slots = slots_of_repeats(detection)
    if len(slots) == 0:
        return pairs
    order = np.arange(len(detection))
    order[slots] = slots[np.lexsort((-pairs.overlap[slots], detection[slots]))]
    return Pairs(
        detection=detection,
        ground_truth=pairs.ground_truth[order],
        overlap=pairs.overlap[order],
    )


def _match_ranges(
    pairs: Pairs, truth_group: Ints, crowd: Bools, ignored: Bools, rules: Rules
) -> tuple[Matched, ...]:
    """Match every area range.

    Ranges differ in what they ignore, and that changes a choice only where a detection overlaps
    both kinds. So only the groups with such a detection are matched again; all others end as in
    the first range.
    """
    starts = np.zeros(len(truth_group), np.int64)
    starts[run_starts(truth_group)] = 1
    pair_group = (np.cumsum(starts) - 1)[pairs.ground_truth]
    orders = [_ignored_last(pairs, late) for late in ignored]
    everywhere = np.arange(len(pairs.detection))
    matched = [_matched_pairs(pairs, orders[0], everywhere, crowd, rules)]
    for order in orders[1:]:
        changed = np.zeros(len(truth_group), bool)
        changed[pair_group[order != orders[0]]] = True
        again = changed[pair_group]
        fresh = _matched_pairs(pairs, order, np.flatnonzero(again), crowd, rules)
        matched.append(
            [
                np.sort(np.concatenate([old[~again[old]], new]), kind="stable")
                for old, new in zip(matched[0], fresh, strict=True)
            ]
        )
    return tuple(
        Matched(pair=np.concatenate(found), count=np.array([len(part) for part in found]))
        for found in matched
    )


def _ignored_last(pairs: Pairs, late: Bools) -> Ints:
    """An order of pairs that puts ignored ground truths last among a detection's choices."""
    order = np.arange(len(pairs.detection))
    slots = slots_of_repeats(pairs.detection)
    keys = pairs.detection[slots] * 2 + late[pairs.ground_truth[slots]]
    order[slots] = slots[by_group(keys, np.arange(len(keys)))]
    return order


def _matched_pairs(
    pairs: Pairs, order: Ints, slots: Ints, crowd: Bools, rules: Rules
) -> list[Ints]:
    """For each threshold the matched pairs, rising, among those at ``order[slots]``."""
    order = order[slots]
    detection, truth = pairs.detection[order], pairs.ground_truth[order]
    overlap = pairs.overlap[order]

    def at(threshold: float) -> Ints:
        reach = np.flatnonzero(overlap >= min(threshold, NEARLY_ONE))
        accepted = reach[_deferred_acceptance(detection[reach], truth[reach], crowd)]
        return order[accepted]

    return each(at, rules.iou_thresholds)


def _deferred_acceptance(detection: Ints, truth: Ints, crowd: Bools) -> Ints:
    """Indices of the matched pairs, among pairs sorted by detection and then by choice.

    Detections stand best first inside a category, so of two pairs that want the same ground
    truth the one that stands first has the better detection.
    """
    nobody = len(detection)
    first_choice = np.ones(nobody + 1, bool)
    np.not_equal(detection[1:], detection[:-1], out=first_choice[1:nobody])
    last_choice = first_choice[1:]
    holder = np.full(len(crowd), nobody)
    matched = np.zeros(nobody + 1, bool)
    proposals = np.flatnonzero(first_choice[:nobody])
    while len(proposals):
        target = truth[proposals]
        before = holder[target]
        np.minimum.at(holder, target, proposals)
        won = holder[target] == proposals
        displaced = won & (before < nobody)
        if (into_crowd := crowd[target]).any():
            matched[proposals[into_crowd]] = True
            won |= into_crowd
            displaced &= ~into_crowd
        refused = np.concatenate([proposals[~won], before[displaced]])
        proposals = refused[~last_choice[refused]] + 1
    matched[holder[~crowd]] = True
    return np.flatnonzero(matched[:nobody])
