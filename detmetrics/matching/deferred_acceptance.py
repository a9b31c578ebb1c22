"""The greedy matching of detections and ground truths, found without a loop over detections.

Detections, best score first, each take the best ground truth that is still free. All ground truths
thus rank detections alike, by score, which makes the greedy result the *only* stable matching, and
deferred acceptance finds it: every unplaced detection proposes to its next choice, every ground
truth keeps the best proposer so far, the refused propose on. A round is a handful of array
operations over all images and categories at once, and only conflicts make a further round.

Source: Gale and Shapley, College Admissions and the Stability of Marriage (1962); the proof that
there is one stable matching is in ``docs/architecture.md``.
"""

from __future__ import annotations

import numpy as np

from detmetrics.foundation.arrays import Ints

__all__ = ["deferred_acceptance"]


def deferred_acceptance(detection: Ints, truth: Ints) -> Ints:
    """Indices of the matched pairs, rising, among pairs sorted by detection and then by choice.

    detection, truth : (P,) of each pair; a crowd is another ground truth in each of its pairs, see
    :func:`~detmetrics.matching.first_come.crowds_apart`. Of two pairs that want the same ground
    truth the one that stands first has the better detection: detections stand best first inside a
    category. Where ground truths choose, they are the detections here, and detections the ground
    truths.
    """
    # The same by a loop (tests/property/test_deferred_acceptance.py: greedy):
    #     for d in detections, best first:
    #         for g in choices of d, first to last:
    #             if nobody has taken g: d takes g, and is done
    #
    # A pair stands for its detection and for the rank of that: "better" is "smaller". One past the
    # last pair is nobody, who is worse than anyone.
    #
    # Before and after every round of the loop below, of the pairs that were proposed so far:
    # - holder[g] is the first of those with g: its best proposer. It only ever gets better.
    # - A detection is held by one ground truth, or has one pair in proposals, or has run out of
    #   choices.
    # - Whoever g refused, it refused for a better detection, and would refuse for good.
    # When nobody proposes any more, no detection and ground truth prefer each other to what they
    # have: the matching is stable, so it is the greedy one.
    #
    # It ends: a refused detection goes on to its next pair, so that each pair is proposed once at
    # most. After the first round, every round continues a chain of refusals that follow from one
    # another; chains are short where few detections want the same ground truth.
    #
    # Ties were settled before, by the order of the pairs: of equal scores by the ranking of
    # detections; of equal overlaps by the order of choice, under COCO's rules the later ground
    # truth first, as in evaluateImg a later one of equal overlap replaces the best so far.
    nobody = len(detection)
    first_choice = np.ones(nobody + 1, bool)
    np.not_equal(detection[1:], detection[:-1], out=first_choice[1:nobody])
    last_choice = first_choice[1:]  # a view: pair p is a last choice where p + 1 is a first one
    holder = np.full(int(truth.max(initial=-1)) + 1, nobody)  # the pair of each ground truth
    proposals = np.flatnonzero(first_choice[:nobody])
    while len(proposals):
        # for p in proposals: holder[truth[p]] = min(holder[truth[p]], p)
        target = truth[proposals]
        before = holder[target]
        np.minimum.at(holder, target, proposals)
        won = holder[target] == proposals
        # At most one proposal wins a ground truth, so whom it displaces is named once.
        displaced = won & (before < nobody)
        # The next choice of a detection is the next pair; who has had the last one drops out.
        refused = np.concatenate([proposals[~won], before[displaced]])
        proposals = refused[~last_choice[refused]] + 1
    matched = np.zeros(nobody + 1, bool)
    matched[holder] = True  # matched[nobody] too, which is cut off
    return np.flatnonzero(matched[:nobody])
