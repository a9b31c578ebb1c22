"""Which detections are matched and which are set aside, in every area range.

The policies that decide who takes whom are in :mod:`~detmetrics.matching.policies`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detmetrics.foundation.arrays import Bools, by_group, keep_freed_memory
from detmetrics.foundation.progress import Share
from detmetrics.matching import roles
from detmetrics.matching.candidates import (
    Candidates,
    Memory,
    candidates,
    least_overlaps,
    measure_of,
    measured,
    regions_of,
)
from detmetrics.matching.matches import Matched, Matches, in_order_of_detections
from detmetrics.matching.policies import chosen_pairs, with_groups
from detmetrics.matching.size_ranges import in_ranges, unsized
from detmetrics.overlap import Pairs, candidate_pairs, shared_groups
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["asks_for_regions", "match", "matched_anew"]

PAIR_COLUMNS = ("detection", "ground_truth", "overlap")


def match(
    ground_truth: GroundTruth,
    detections: Detections,
    rules: Rules,
    progress: Share | None = None,
    memory: Memory | None = None,
) -> Matches:
    """Match every detection at every threshold and in every area range.

    ground_truth, detections: as :func:`~detmetrics.matching.preparation.prepare` returns them;
    progress: is told the share of the pairs that have been found; memory: what evaluations of the
    same tables under other rules have left.
    """
    keep_freed_memory()
    pooled = rules.class_agnostic
    categories = 1 if pooled else len(ground_truth.catalog.category_ids)
    without_size = unsized(ground_truth, rules)
    # (A, rows) counts neither for nor against: ignored whatever its size, or out of the range.
    excused = (
        roles.excused(ground_truth, rules) | ~in_ranges(ground_truth, rules) | without_size[:, None]
    )
    if rules.out_of_range == "region":
        # Being a region changes how overlap is measured, so each range has candidates of its own.
        choices = [
            candidates(
                ground_truth,
                detections,
                rules,
                progress,
                memory,
                roles.regions(ground_truth, rules) | out,
            )
            for out in excused
        ]
    else:
        choices = [candidates(ground_truth, detections, rules, progress, memory)]
    # The order of both sides depends on no range: from here on D and G count in that order.
    ranking, truth_row = choices[0].ranking, choices[0].truth_row
    row = ranking.row
    ignored = excused.take(truth_row, axis=1)
    in_range, federation = in_ranges(detections, rules).take(row, axis=1), ground_truth.federation
    pairs, matched = _matched(
        choices, roles.groups(ground_truth, rules)[truth_row], ignored, in_range, rules
    )
    strays = None
    if matched_anew(rules) and not pooled:
        strays = _strays(ground_truth, detections, choices[0], in_range, rules)
    liable = in_range
    # Where a class was not marked in full, a detection without an object may be right all the same.
    if rules.federated and federation is not None:
        liable = in_range & ~federation.is_open(ranking.image, ranking.category)
    taken = np.ndarray.take if memory is None else memory.taken
    return Matches(
        rules=rules,
        catalog=ground_truth.catalog,
        categories=categories,
        detections=len(detections),
        row=row,
        category=ranking.category,
        image=ranking.image,
        score=taken(detections.scores, row),
        rank=ranking.rank,
        in_range=in_range,
        fp_if_unmatched=liable,
        images=len(ground_truth.catalog.image_ids),
        truth_row=truth_row,
        truth_category=np.zeros_like(truth_row) if pooled else ground_truth.category[truth_row],
        truth_image=ground_truth.image[truth_row],
        ignored=ignored,
        least=least_overlaps(rules, ground_truth.catalog.class_labels),
        regions=regions_of(ground_truth, truth_row, rules) if asks_for_regions(rules) else None,
        unsized=without_size,
        frequency=federation.frequency if federation is not None else (),
        pairs=pairs,
        strays=strays,
        matched=matched,
    )


def asks_for_regions(rules: Rules) -> bool:
    """Whether a metric of these rules looks at regions."""
    return "ji" in rules.metrics or matched_anew(rules)


def matched_anew(rules: Rules) -> bool:
    """Whether every cut of the score is matched anew, see ``metrics/kitti_precision.py``."""
    return rules.assignment == "truths" and rules.interpolation == "cuts"


def _matched(
    choices: list[Candidates], groups: Bools, ignored: Bools, in_range: Bools, rules: Rules
) -> tuple[Pairs, tuple[Matched, ...]]:
    """Match in every area range; the pairs, and which of them are matched.

    choices: the candidates of all ranges, or a record a range; groups : (G,) are matched last, by
    what is left; in_range : (A, D) detections.
    """
    if len(choices) == 1 and rules.range_slack is None:
        return choices[0].pairs, _in_ranges(choices[0], groups, ignored, in_range, rules)
    # Ranges that differ in who may match whom have nothing in common: each has its own pairs.
    own = choices * len(ignored) if len(choices) == 1 else choices
    matched, start = [], 0
    for area, of_range in enumerate(own):
        at = slice(area, area + 1)
        (here,) = _in_ranges(of_range, groups, ignored[at], in_range[at], rules)
        # The pairs of all ranges are joined below; here.pair counts among its own.
        matched.append(replace(here, pair=here.pair + np.int64(start)))
        start += len(of_range.pairs.detection)
    pairs = Pairs(
        **{name: np.concatenate([getattr(one.pairs, name) for one in own]) for name in PAIR_COLUMNS}
    )
    pairs, moved = in_order_of_detections(pairs)
    return pairs, tuple(replace(one, pair=moved[one.pair]) for one in matched)


def _in_ranges(
    choices: Candidates, groups: Bools, ignored: Bools, in_range: Bools, rules: Rules
) -> tuple[Matched, ...]:
    """Match in the ranges of which each is a row of ``ignored`` and of ``in_range``."""
    pairs = choices.pairs
    wanted = np.ones(len(pairs.detection), bool)  # (P,) the pairs that may match now
    if rules.range_slack is not None:  # one range, and who is out of it is left out
        wanted = in_range[0, pairs.detection]
    of_group = np.zeros(0, np.int64)
    if groups.any():
        to_group = groups[pairs.ground_truth]
        of_group = np.flatnonzero(wanted & to_group)
        wanted &= ~to_group
    chosen = chosen_pairs(choices, wanted, ignored, in_range, rules)
    matched = []
    # Of a matched pair the ground truth says what the detection is:
    #   right = not ignored; otherwise the detection is set aside, and no pair is ever wrong.
    # Groups take what these have left, and KITTI's detections must be in range themselves.
    for slots, excused, inside in zip(chosen, ignored, in_range, strict=True):
        if len(of_group):
            slots, rights = with_groups(choices, of_group, excused, slots, rules)
            pair, right = np.concatenate(slots), np.concatenate(rights)
        else:
            pair = np.concatenate(slots)
            right = ~excused[pairs.ground_truth][pair]
        if rules.assignment == "truths":
            right &= inside[pairs.detection[pair]]
        count = np.array([len(part) for part in slots])
        matched.append(Matched(pair=pair, true_positive=right, count=count))
    return tuple(matched)


def _strays(
    ground_truth: GroundTruth,
    detections: Detections,
    choices: Candidates,
    in_range: Bools,
    rules: Rules,
) -> Pairs:
    """Pairs of a detection out of a range with ground truths of other classes.

    Where truths choose by score, KITTI's kit lets them take those too: it asks for the height of
    a detection before it asks for its class. Source: ``evaluate_object.cpp``, ``cleanData``.
    """
    # cleanData, for each detection:
    #     if height < MIN_HEIGHT[difficulty]: ignored_det = 1 (may be taken, counts neither way)
    #     elif its class is the one that is evaluated: ignored_det = 0
    #     else: ignored_det = -1 (as if it were not there)
    # Here the group is the image alone, so ground truths are brought in order of images.
    row = np.flatnonzero(~in_range.all(axis=0))
    by_image = by_group(ground_truth.image[choices.truth_row], np.arange(len(choices.truth_row)))
    single = by_image[~choices.region[by_image]]
    measure = measure_of(rules)
    pairs = candidate_pairs(
        measured(detections, measure),
        choices.ranking.row[row],
        measured(ground_truth, measure).take(choices.truth_row[single]),
        np.zeros(len(single), bool),
        shared_groups(choices.ranking.image[row], ground_truth.image[choices.truth_row[single]]),
        rules.iou_thresholds[0] if not rules.class_rules else min(r.iou for r in rules.class_rules),
    )
    # Back to the numbers of candidates; pairs of the same class are among those already.
    detection, of_truth = row[pairs.detection], single[pairs.ground_truth]
    other = np.not_equal(
        choices.ranking.category[detection],
        ground_truth.category[choices.truth_row[of_truth]],
    )
    return Pairs(
        detection=detection[other], ground_truth=of_truth[other], overlap=pairs.overlap[other]
    )
