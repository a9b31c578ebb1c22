"""Who is matched, and who is set aside: every policy once.

**Free** (COCO and most others). Detections of an image and category, best score first, each take
the best ground truth that is still free. All ground truths thus rank detections alike, by score,
which makes the greedy result the *only* stable matching, and deferred acceptance finds it
without a loop over detections: every unplaced detection proposes to its next choice, every ground
truth keeps the best proposer so far, the refused propose on. A round is a handful of array
operations over all images and categories at once, and only conflicts make a further round.
The choices of a detection, first to last: ground truths that count before ignored ones, then
larger overlap, then the later ground truth on equal overlap; a region accepts everyone. Source:
``pycocotools/cocoeval.py``, ``evaluateImg``; proof in ``docs/architecture.md``.

**Nearest** (PASCAL VOC). A detection answers to the ground truth that it overlaps most, whether
that is taken or not; of those that answer to the same one the best is right, all others are
wrong, and on an ignored one all are set aside. Source: ``VOCevaldet.m``, ``voc_eval.py``.

**Groups** (Open Images), on top of either: what matched no single object may match a group, by
the share inside; the best detection of a group stands for all of them. Source: ``tf-models``,
``per_image_evaluation.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detmetrics.arrays import Bools, Floats, Ints, keep_freed_memory, run_starts, slots_of_repeats
from detmetrics.candidates import NEARLY_ONE, Candidates, Memory, Regions, candidates, regions_of
from detmetrics.overlap import Pairs
from detmetrics.parallel import each
from detmetrics.ranges import in_ranges, unsized
from detmetrics.ranking import by_group
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["Matched", "Matches", "match", "reaches"]

PAIR_COLUMNS = ("detection", "ground_truth", "overlap")
Slots = list[Ints]
"""For each threshold indices of pairs, rising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The matched pairs of one area range: by threshold, then in order of detection.

    pair : (Q,) index into the pairs of :class:`Matches`; right : (Q,) the detection is a true
    positive, otherwise it is set aside; count : (T,) how many at each threshold.
    """

    pair: Ints
    right: Bools
    count: Ints

    @property
    def threshold(self) -> Ints:
        """(Q,) the index of the threshold of each."""
        return np.repeat(np.arange(len(self.count)), self.count)

    def at(self, threshold: int) -> tuple[Ints, Bools]:
        """The matched pairs of one threshold, and which of them are right."""
        end = int(self.count[: threshold + 1].sum())
        slots = slice(end - int(self.count[threshold]), end)
        return self.pair[slots], self.right[slots]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Everything that curves and analyses need to know; boxes are no longer needed.

    Detections that the rules leave out (beyond a limit, below a score) are gone. The others
    stand by category, best first.

    Attributes:
        rules: the rules that were applied.
        categories: K, 1 where categories are pooled.
        detections: how many stand in the table, those left out included.
        row : (D,) row of each detection in its table.
        category, image : (D,) indices.
        score : (D,) of each detection.
        rank : (D,) place inside its image and category, from 0: it counts for a limit M where
            ``rank < M``.
        liable : (A, D) where it matches nothing it is a false positive; it is set aside
            otherwise, as its size is out of range or its class not marked in full.
        images: how many images there are, those without detections included.
        truth_row, truth_category : (G,) of each ground truth.
        ignored : (A, G) ground truths that count neither for nor against.
        regions: where objects and regions stand, where a metric asks for it.
        unsized : (A,) ranges that nothing can be told to lie in, as image sizes are unknown.
        frequency : (K,) how frequent each class is, as LVIS has it; empty where unknown.
        pairs: the candidates, of one range behind the other where ranges differ in whom a
            detection may match, with indices into these detections and ground truths.
        matched: (A,) which of the pairs are matched, a record an area range.
    """

    rules: Rules
    categories: int
    detections: int
    row: Ints
    category: Ints
    image: Ints
    score: Floats
    rank: Ints
    liable: Bools
    images: int
    truth_row: Ints
    truth_category: Ints
    ignored: Bools
    regions: Regions | None
    unsized: Bools
    frequency: tuple[str, ...]
    pairs: Pairs
    matched: tuple[Matched, ...]


def match(
    truth: GroundTruth,
    detections: Detections,
    rules: Rules,
    progress: Callable[[float], None] | None = None,
    memory: Memory | None = None,
) -> Matches:
    """Match every detection at every threshold and in every area range.

    memory: what evaluations of the same tables under other rules have left.
    """
    keep_freed_memory()
    pooled = rules.class_agnostic
    categories = 1 if pooled else len(truth.catalog.category_ids)
    without_size = unsized(truth, rules)
    excused = truth.excused(rules) | ~in_ranges(truth, rules) | without_size[:, None]
    if rules.out_of_range == "region":
        found = [
            candidates(truth, detections, rules, progress, memory, truth.regions(rules) | out)
            for out in excused
        ]
    else:
        found = [candidates(truth, detections, rules, progress, memory)]
    row, truth_row = found[0].row, found[0].truth_row
    ignored = excused[:, truth_row]
    liable, federation = in_ranges(detections, rules)[:, row], truth.federation
    left = None if rules.range_slack is None else ~liable
    pairs, matched = _matched(found, truth.groups(rules)[truth_row], ignored, left, rules)
    if rules.federated and federation is not None:
        liable &= ~federation.is_open(detections.image[row], detections.category[row])
    return Matches(
        rules=rules,
        categories=categories,
        detections=len(detections),
        row=row,
        category=np.zeros_like(row) if pooled else detections.category[row],
        image=detections.image[row],
        score=detections.scores[row],
        rank=found[0].rank,
        liable=liable,
        images=len(truth.catalog.image_ids),
        truth_row=truth_row,
        truth_category=np.zeros_like(truth_row) if pooled else truth.category[truth_row],
        ignored=ignored,
        regions=regions_of(truth, truth_row, rules) if "ji" in rules.metrics else None,
        unsized=without_size,
        frequency=federation.frequency if federation is not None else (),
        pairs=pairs,
        matched=matched,
    )


def reaches(overlap: Floats, threshold: float, rules: Rules) -> Bools:
    """Whether an overlap is enough to match."""
    if rules.strict:
        return overlap > threshold
    return overlap >= min(threshold, NEARLY_ONE)


def _matched(
    found: list[Candidates], groups: Bools, ignored: Bools, left: Bools | None, rules: Rules
) -> tuple[Pairs, tuple[Matched, ...]]:
    """Match in every area range; the pairs, and which of them are matched.

    found: the candidates of all ranges, or a record a range; groups : (G,) are matched last, by
    what is left; left : (A, D) detections that are left out of a range, None for none.
    """
    if len(found) == 1 and left is None:
        return found[0].pairs, _in_ranges(found[0], groups, ignored, None, rules)
    # Ranges that differ in who may match whom have nothing in common: each has its own pairs.
    own = found * len(ignored) if len(found) == 1 else found
    matched, start = [], 0
    for area, (of_range, excused) in enumerate(zip(own, ignored, strict=True)):
        kept = None if left is None else ~left[area]
        (here,) = _in_ranges(of_range, groups, excused[None], kept, rules)
        matched.append(replace(here, pair=here.pair + start))
        start += len(of_range.pairs.detection)
    pairs = Pairs(
        **{name: np.concatenate([getattr(one.pairs, name) for one in own]) for name in PAIR_COLUMNS}
    )
    return pairs, tuple(matched)


def _in_ranges(
    found: Candidates, groups: Bools, ignored: Bools, kept: Bools | None, rules: Rules
) -> tuple[Matched, ...]:
    """Match in the ranges of which each is a row of ``ignored``; kept : (D,) who may match."""
    pairs = found.pairs
    wanted = np.ones(len(pairs.detection), bool) if kept is None else kept[pairs.detection]
    of_group = np.zeros(0, np.int64)
    if groups.any():
        to_group = groups[pairs.ground_truth]
        of_group = np.flatnonzero(wanted & to_group)
        wanted &= ~to_group
    policy = {"free": _free, "nearest": _nearest}[rules.assignment]
    matched = []
    for slots, excused in zip(policy(found, wanted, ignored, rules), ignored, strict=True):
        if len(of_group):
            slots, rights = _with_groups(found, of_group, excused, slots, rules)
            pair, right = np.concatenate(slots), np.concatenate(rights)
        else:
            pair = np.concatenate(slots)
            right = ~excused[pairs.ground_truth][pair]
        count = np.array([len(part) for part in slots])
        matched.append(Matched(pair=pair, right=right, count=count))
    return tuple(matched)


def _free(found: Candidates, wanted: Bools, ignored: Bools, rules: Rules) -> list[Slots]:
    """Detections take the best ground truth that is free, among the pairs that are wanted.

    Ranges differ in what they ignore, and that changes a choice only where a detection overlaps
    both kinds. So only the groups with such a detection are matched again; all others end as in
    the first range.
    """
    pairs = found.pairs
    starts = np.zeros(len(found.truth_group), np.int64)
    starts[run_starts(found.truth_group)] = 1
    pair_group = (np.cumsum(starts) - 1)[pairs.ground_truth]
    orders = [_ignored_last(pairs, late) for late in ignored]
    matched = [_proposed(found, orders[0], wanted, rules)]
    for order in orders[1:]:
        changed = np.zeros(len(found.truth_group), bool)
        changed[pair_group[order != orders[0]]] = True
        again = changed[pair_group]
        fresh = _proposed(found, order, again & wanted, rules)
        matched.append(
            [
                np.sort(np.concatenate([old[~again[old]], new]), kind="stable")
                for old, new in zip(matched[0], fresh, strict=True)
            ]
        )
    return matched


def _ignored_last(pairs: Pairs, late: Bools) -> Ints:
    """An order of pairs that puts ignored ground truths last among a detection's choices."""
    order = np.arange(len(pairs.detection))
    slots = slots_of_repeats(pairs.detection)
    keys = pairs.detection[slots] * 2 + late[pairs.ground_truth[slots]]
    order[slots] = slots[by_group(keys, np.arange(len(keys)))]
    return order


def _proposed(found: Candidates, order: Ints, wanted: Bools, rules: Rules) -> Slots:
    """For each threshold the matched pairs, rising, among those that are wanted."""
    pairs = found.pairs
    if not wanted.all():
        order = order[wanted[order]]
    detection, truth = pairs.detection[order], pairs.ground_truth[order]
    overlap = pairs.overlap[order]

    def at(threshold: float) -> Ints:
        reach = np.flatnonzero(reaches(overlap, threshold, rules))
        accepted = reach[_deferred_acceptance(detection[reach], truth[reach], found.region)]
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


def _nearest(found: Candidates, wanted: Bools, ignored: Bools, rules: Rules) -> list[Slots]:
    """Detections answer to the ground truth that they overlap most, among the pairs wanted.

    The best of those that answer to one is matched; an ignored one takes them all.
    """
    pairs = found.pairs
    slots = np.flatnonzero(wanted)
    slots = slots[run_starts(pairs.detection[slots])]  # the largest overlap of each stands first
    overlap, truth = pairs.overlap[slots], pairs.ground_truth[slots]

    def at(threshold: float, excused: Bools) -> Ints:
        reach = np.flatnonzero(reaches(overlap, threshold, rules))
        first = np.zeros(len(reach), bool)
        first[np.unique(truth[reach], return_index=True)[1]] = True
        return slots[reach[first | excused[truth[reach]]]]

    return [[at(threshold, excused) for threshold in rules.iou_thresholds] for excused in ignored]


def _with_groups(
    found: Candidates, of_group: Ints, excused: Bools, matched: Slots, rules: Rules
) -> tuple[Slots, list[Bools]]:
    """Add what is left to the group that holds most of it; the best of each group may be right.

    of_group: the pairs with groups.
    """
    pairs = found.pairs

    def at(threshold: float, singles: Ints) -> tuple[Ints, Bools]:
        free = np.ones(len(found.row), bool)
        free[pairs.detection[singles]] = False
        left = of_group[free[pairs.detection[of_group]]]
        left = left[reaches(pairs.overlap[left], threshold, rules)]
        left = left[run_starts(pairs.detection[left])]
        first = np.zeros(len(left), bool)
        first[np.unique(pairs.ground_truth[left], return_index=True)[1]] = True
        pair = np.concatenate([singles, left])
        right = ~excused[pairs.ground_truth[pair]]
        right[len(singles) :] &= first
        order = np.argsort(pair, kind="stable")
        return pair[order], right[order]

    both = [at(*of) for of in zip(rules.iou_thresholds, matched, strict=True)]
    return [pair for pair, _ in both], [right for _, right in both]
