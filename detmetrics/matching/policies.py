"""Which detection takes which object: every policy once.

**Free** (COCO and most others). Detections of an image and category, best score first, each take
the best ground truth that is still free, which
:mod:`~detmetrics.matching.deferred_acceptance` finds without a loop over detections, and
:mod:`~detmetrics.matching.first_come` where no detection has several choices.
The choices of a detection, first to last: ground truths that count before ignored ones, then
larger overlap, then the later ground truth on equal overlap; a region accepts everyone. Source:
``pycocotools/cocoeval.py``, ``evaluateImg``.

**Nearest** (PASCAL VOC). A detection answers to the ground truth that it overlaps most, whether
that is taken or not; of those that answer to the same one the best is right, all others are
wrong, and on an ignored one all are set aside. Source: ``VOCevaldet.m``, ``voc_eval.py``.

**Truths** (KITTI). The ground truths choose, in the order of the file: the same theorem with the
sides exchanged, each proposing to the detections that it overlaps, which all prefer who stands
first in the file. Regions take what is left. Source: ``evaluate_object.cpp``,
``computeStatistics``.

**Overlap** (detections without scores). The pairs of largest overlap first, whoever the detections
are: see :mod:`~detmetrics.matching.closest_first`.

**Groups** (Open Images), on top of any: what matched no single object may match a group, by
the share inside; the best detection of a group stands for all of them. Source: ``tf-models``,
``per_image_evaluation.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, by_group, run_starts, used
from detmetrics.foundation.parallel import each
from detmetrics.matching.candidates import NEARLY_ONE, Candidates
from detmetrics.matching.closest_first import by_falling_overlap, closest_first
from detmetrics.matching.deferred_acceptance import deferred_acceptance
from detmetrics.matching.first_come import contested, crowds_apart, first_come
from detmetrics.overlap import Pairs
from detmetrics.rules import Rules

__all__ = [
    "Slots",
    "chosen_pairs",
    "in_order_of_truths",
    "reaches",
    "taken_by_truths",
    "with_groups",
]

Slots = list[Ints]
"""For each threshold indices of pairs, rising."""


def reaches(overlap: Floats, threshold: float | Floats, rules: Rules) -> Bools:
    """Whether an overlap is enough to match; threshold: one, or one for each overlap."""
    if rules.strict:
        return overlap > threshold
    # evaluateImg: iou = min([t, 1 - 1e-10]), so that equal boxes match at a threshold of 1,
    # whatever rounding does to their IoU.
    return overlap >= np.minimum(threshold, NEARLY_ONE)


def _of(threshold: float | Floats, truth: Ints) -> float | Floats:
    """What these ground truths ask for, of a threshold that may be of classes."""
    return threshold[truth] if isinstance(threshold, np.ndarray) else threshold


def chosen_pairs(
    choices: Candidates, wanted: Bools, ignored: Bools, in_range: Bools, rules: Rules
) -> Iterable[Slots]:
    """Of each range the matched pairs at each threshold, among the pairs that are wanted."""
    match rules.assignment:
        case "free":
            return _free(choices, wanted, ignored, rules)
        case "nearest":
            return _nearest(choices, wanted, ignored, rules)
        case "truths":
            return _truths(choices, wanted, in_range, rules)
        case "overlap":
            return _closest(choices, wanted, ignored, in_range, rules)


def _free(choices: Candidates, wanted: Bools, ignored: Bools, rules: Rules) -> Iterator[Slots]:
    """Detections take the best ground truth that is free, among the pairs that are wanted."""
    pairs, slots = choices.pairs, np.flatnonzero(wanted)
    truth = crowds_apart(pairs.ground_truth, choices.region)
    rivalled = contested(pairs.detection[slots], truth[slots])
    at_once = _at_once(choices, slots[~rivalled], truth, rules)
    in_rounds = _in_rounds(choices, slots[rivalled], truth, ignored, rules)
    for own in in_rounds:  # one by one: those of all ranges take more memory than anything else
        yield [_joined(*both) for both in zip(at_once, own, strict=True)]


def _joined(one: Ints, other: Ints) -> Ints:
    """Two rising columns as one, which rises."""
    return np.sort(np.concatenate([one, other]), kind="stable")


def _at_once(choices: Candidates, slots: Ints, truth: Ints, rules: Rules) -> Slots:
    """For each threshold the matched pairs, in any range, among those that no choice concerns.

    slots : (S,) those pairs; truth : (P,) crowds apart.
    """
    overlap, of = choices.pairs.overlap[slots], choices.pairs.ground_truth[slots]
    reached = np.zeros(len(slots), np.min_scalar_type(len(choices.least)))
    for threshold in choices.least:
        reached += reaches(overlap, _of(threshold, of), rules)
    start = first_come(truth[slots], reached)
    return [
        slots[np.flatnonzero((start <= place) & (place < reached))]
        for place in range(len(choices.least))
    ]


def _in_rounds(
    choices: Candidates, slots: Ints, truth: Ints, ignored: Bools, rules: Rules
) -> list[Slots]:
    """Of each range the matched pairs at each threshold, among those with several choices.

    Ranges differ in what they ignore, and that changes a choice only where a detection overlaps
    both kinds. So only the groups with such a detection are matched again; all others end as in
    the first range.

    slots : (S,) those pairs, rising; truth : (P,) crowds apart.
    """
    pairs = choices.pairs
    truth = _counted_anew(truth, slots)
    # (S,) the group of each pair, counted from 0: ground truths stand by group.
    starts = np.zeros(len(choices.truth_group), np.int64)
    starts[run_starts(choices.truth_group)] = 1
    group = (np.cumsum(starts) - 1)[pairs.ground_truth[slots]]
    orders = [_ignored_last(pairs, slots, late) for late in ignored]
    matched = [_proposed(choices, orders[0], truth, rules)]
    for order in orders[1:]:
        # An order moves pairs inside their detection only. So place p is of the same detection in
        # every order, and where orders differ, the choices of that group do.
        changed = np.zeros(len(choices.truth_group), bool)
        changed[group[order != orders[0]]] = True
        again = np.zeros(len(pairs.detection), bool)
        again[slots] = changed[group]
        fresh = _proposed(choices, order[again[order]], truth, rules)
        # Who is matched in a group depends on that group alone: old matches of the others, new of
        # these. (Whether a match is right or set aside is asked later, range by range.)
        matched.append(
            [_joined(old[~again[old]], new) for old, new in zip(matched[0], fresh, strict=True)]
        )
    return matched


def _counted_anew(truth: Ints, slots: Ints) -> Ints:
    """(P,) numbers of the ground truths of these pairs that leave none out; 0 for other pairs."""
    known = used(truth[slots])
    number = np.zeros_like(truth)
    number[slots] = np.searchsorted(known, truth[slots])
    return number


def _ignored_last(pairs: Pairs, slots: Ints, late: Bools) -> Ints:
    """These pairs with ignored ground truths last among a detection's choices.

    slots : (S,) all pairs of some detections, rising; late : (G,) ignored ones.
    """
    # sorted(slots, key=lambda pair: (detection, ignored)), stable, so that the order by overlap
    # holds among those that count and among the ignored.
    keys = pairs.detection[slots] * 2 + late[pairs.ground_truth[slots]]
    return slots[by_group(keys, np.arange(len(slots)))]


def _proposed(choices: Candidates, order: Ints, truth: Ints, rules: Rules) -> Slots:
    """For each threshold the matched pairs among these.

    order : (S,) pairs by detection, and then by its choice; truth : (P,) crowds apart.
    """
    pairs = choices.pairs
    detection, apart = pairs.detection[order], truth[order]
    overlap, of = pairs.overlap[order], pairs.ground_truth[order]

    def at(threshold: float | Floats) -> Ints:
        reach = np.flatnonzero(reaches(overlap, _of(threshold, of), rules))
        return order[reach[deferred_acceptance(detection[reach], apart[reach])]]

    return each(at, choices.least, rows=len(order))


def _nearest(choices: Candidates, wanted: Bools, ignored: Bools, rules: Rules) -> list[Slots]:
    """Detections answer to the ground truth that they overlap most, among the pairs wanted.

    The best of those that answer to one is matched; an ignored one takes them all.
    """
    pairs = choices.pairs
    # for d in detections, best first (tests/reference_rules.py: _nearest):
    #     g = the ground truth of largest overlap, taken or not
    #     if overlap(d, g) < threshold: d is wrong
    #     elif g is ignored: d is set aside
    #     elif g was taken: d is wrong
    #     else: d takes g, and is right
    # One pair a detection, the first of its run: pairs stand by detection, largest overlap first.
    slots = np.flatnonzero(wanted)
    slots = slots[run_starts(pairs.detection[slots])]
    overlap, truth = pairs.overlap[slots], pairs.ground_truth[slots]

    def at(threshold: float | Floats, excused: Bools) -> Ints:
        reach = np.flatnonzero(reaches(overlap, _of(threshold, truth), rules))
        # What is left stands best detection first, so the first of each ground truth takes it;
        # np.unique gives the first index of each.
        first = np.zeros(len(reach), bool)
        first[np.unique(truth[reach], return_index=True)[1]] = True
        return slots[reach[first | excused[truth[reach]]]]

    return [[at(threshold, excused) for threshold in choices.least] for excused in ignored]


def _truths(choices: Candidates, wanted: Bools, in_range: Bools, rules: Rules) -> list[Slots]:
    """Ground truths choose among the pairs that are wanted; regions take what is left."""
    # for g in ground truths that are no region, as in the file (tests/reference_rules.py: _truths):
    #     options = detections not yet taken with overlap >= threshold, as in the file
    #     inside = those of them that are in range
    #     g takes the one of inside with the largest overlap, or else the first of options
    # for d in detections that nobody took: if any region overlaps it enough, it is set aside
    #
    # The first loop is deferred acceptance with the sides exchanged: all detections prefer whoever
    # stands first in the file, so the only stable matching is what the loop gives.
    pairs = choices.pairs
    to_region = choices.region[pairs.ground_truth]
    single, of_region = np.flatnonzero(wanted & ~to_region), np.flatnonzero(wanted & to_region)

    def at(threshold: float | Floats, order: Ints) -> Ints:
        least = _of(threshold, pairs.ground_truth)
        enough = reaches(pairs.overlap, least, rules)
        reach = order[enough[order]]
        truth, detection = pairs.ground_truth[reach], pairs.detection[reach]
        chosen = reach[taken_by_truths(truth, detection)]
        free = np.ones(len(choices.ranking.row), bool)
        free[pairs.detection[chosen]] = False
        left = of_region[(enough & free[pairs.detection])[of_region]]
        left = left[run_starts(pairs.detection[left])]  # one region is enough to be set aside
        return np.sort(np.concatenate([chosen, left]))

    slots = []
    for inside in in_range:
        order = in_order_of_truths(pairs, single, choices.truth_row, choices.ranking.row, inside)
        slots.append([at(threshold, order) for threshold in choices.least])
    return slots


def _closest(
    choices: Candidates, wanted: Bools, ignored: Bools, in_range: Bools, rules: Rules
) -> list[Slots]:
    """Pairs of the largest overlap first, among those that are wanted."""
    pairs = choices.pairs

    def of(excused: Bools, inside: Bools) -> Slots:
        order = by_falling_overlap(pairs, np.flatnonzero(wanted), excused)
        truth, overlap = pairs.ground_truth[order], pairs.overlap[order]

        def at(threshold: float | Floats) -> Ints:
            enough = reaches(overlap, _of(threshold, truth), rules)
            return closest_first(pairs, order[enough], choices.region, inside)

        return each(at, choices.least, rows=len(order))

    return [of(excused, inside) for excused, inside in zip(ignored, in_range, strict=True)]


def in_order_of_truths(
    pairs: Pairs, slots: Ints, truth_row: Ints, row: Ints, in_range: Bools
) -> Ints:
    """These pairs by ground truth, in the order of the file, and then by its choice.

    That is a detection in range before one that is not; of those in range the one that it overlaps
    most; then the first in the file.

    slots : (S,) pairs; truth_row, row : (G,), (D,) rows in the tables; in_range : (D,).
    """
    detection, truth = pairs.detection[slots], pairs.ground_truth[slots]
    inside = in_range[detection]
    # computeStatistics keeps the first detection out of range, and looks for no larger overlap
    # among those: all of them are alike but for their row.
    overlap = np.where(inside, -pairs.overlap[slots], 0.0)
    return slots[np.lexsort((row[detection], overlap, ~inside, truth_row[truth]))]


def taken_by_truths(truth: Ints, detection: Ints) -> Ints:
    """Which pairs, that stand in order of ground truths and of their choices, are matched.

    truth, detection : (P,) of each pair; returns indices of pairs, rising.
    """
    return deferred_acceptance(truth, detection)


def with_groups(
    choices: Candidates, of_group: Ints, excused: Bools, matched: Slots, rules: Rules
) -> tuple[Slots, list[Bools]]:
    """Add what is left to the group that holds most of it; the best of each group may be right.

    of_group: the pairs with groups; matched: at each threshold the pairs with single objects.
    """
    # for d in detections that took no object, best first (tests/reference_rules.py: _groups):
    #     g = the group that holds the largest share of d
    #     if share >= threshold: d is right if it is the first in g and g counts, else set aside
    pairs = choices.pairs

    def at(threshold: float | Floats, singles: Ints) -> tuple[Ints, Bools]:
        free = np.ones(len(choices.ranking.row), bool)
        free[pairs.detection[singles]] = False
        left = of_group[free[pairs.detection[of_group]]]
        least = _of(threshold, pairs.ground_truth[left])
        left = left[reaches(pairs.overlap[left], least, rules)]
        left = left[run_starts(pairs.detection[left])]  # the largest share of each stands first
        ranked = left
        if rules.assignment == "overlap":  # where no detection is better, the largest share is
            ranked = left[np.argsort(-pairs.overlap[left], kind="stable")]
        best = ranked[np.unique(pairs.ground_truth[ranked], return_index=True)[1]]
        first = np.isin(left, best, assume_unique=True)
        pair = np.concatenate([singles, left])
        right = ~excused[pairs.ground_truth[pair]]
        right[len(singles) :] &= first
        order = np.argsort(pair, kind="stable")  # pairs rise with their detections again
        return pair[order], right[order]

    both = [at(*of_threshold) for of_threshold in zip(choices.least, matched, strict=True)]
    return [pair for pair, _ in both], [right for _, right in both]
