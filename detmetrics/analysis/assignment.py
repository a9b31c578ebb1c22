"""Who found which object, at one threshold and over all sizes: what some analyses ask anew.

Their definitions set how detections are matched, and a result's rules say the rest: which
detections count, what an object is, how overlap is measured. Detections, best score first (of equal
scores the first in the file), each take the free object that they overlap most (of equal overlaps
the first in the file).

An object that does not count (a crowd, an ignored one, one outside the first range of sizes) is
matched by nobody. A detection without a partner that overlaps one of its own class enough (lies in
it, where it is a region) is *set aside*: neither right nor wrong. The same holds where not every
object of its class is marked in the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import (
    Bools,
    Floats,
    Ints,
    among,
    by_group,
    rank_in_runs,
    run_starts,
    slices,
)
from detmetrics.foundation.errors import InputError
from detmetrics.matching import roles
from detmetrics.matching.candidates import NEARLY_ONE, first_choices_first, measure_of, measured
from detmetrics.matching.deferred_acceptance import deferred_acceptance
from detmetrics.matching.policies import reaches
from detmetrics.matching.ranking import best_first
from detmetrics.overlap import Pairs, candidate_pairs, shared_groups
from detmetrics.rules import UNLIMITED, Rules
from detmetrics.rules.areas import ANY_SIZE

__all__ = ["Assignment", "assigned", "at_one_threshold", "in_order", "share"]

# Every setting in which rule sets differ in who is matched. What the result's rules leave out or
# ignore has been left out of the tables by then, so here everything counts and nothing is a region.
FREE = {
    "area_ranges": (ANY_SIZE,),
    "max_detections": (UNLIMITED,),
    "class_rules": (),
    "crowd": "count",
    "difficult": "count",
    "ignore": "overwrite",
    "federated": False,
    "min_score": None,
    "image_limit": None,
    "class_limit": None,
    "range_slack": None,
    "out_of_range": "ignore",
    "strict": False,
    "assignment": "free",
    "equal_overlaps": "first",
    "interpolation": "points",
    "classes": "truth",
    "metrics": ("ap",),
}


def at_one_threshold(rules: Rules, iou: float, **changes: object) -> Rules:
    """These rules with one threshold, no limit, and detections that take the best free object;
    of objects of equal overlap the first in the file.
    """
    return rules.replace(**{**FREE, "iou_thresholds": (iou,), **changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Partners of detections; all are rows of the tables.

    Attributes:
        detection : (D,) those that are looked at, rising.
        partner : (D,) the object that each found, -1 without one.
        overlap : (D,) with it, nan without one.
        set_aside : (D,) neither right nor wrong.
        positives : (G,) the objects that count, rising.
    """

    detection: Ints
    partner: Ints
    overlap: Floats
    set_aside: Bools
    positives: Ints

    @property
    def unmatched(self) -> Bools:
        """(D,) detections that are wrong: no partner, and not set aside."""
        return (self.partner < 0) & ~self.set_aside

    @property
    def missed(self) -> Ints:
        """Objects that count and that nobody found."""
        return self.positives[~among(self.positives, self.partner)]


def assigned(
    result: Evaluation, rules: Rules, chosen: Bools | None = None, *, sets_aside: bool = True
) -> Assignment:
    """Match the detections that a result looks at.

    rules: from :func:`at_one_threshold`; chosen : (D,) rows of the table, all unless given.

    Raises:
        InputError: the result's objects have no size that its rules ask for.
    """
    if result.matching.unsized[0]:
        raise InputError("image sizes are unknown, so nothing counts: --image-dir or --image-sizes")
    counts = _objects(result)
    objects = np.flatnonzero(counts)
    detection = _looked_at(result, rules, chosen)
    partner, overlap = np.full(len(detection), -1), np.full(len(detection), np.nan)
    pairs = _pairs(result, rules, detection, objects)
    taken = _taken(pairs, detection, result.detections.scores, len(counts))
    holder = pairs.detection[taken]
    partner[holder], overlap[holder] = pairs.ground_truth[taken], pairs.overlap[taken]
    aside = np.zeros(len(detection), bool)
    if sets_aside:
        left = np.flatnonzero(partner < 0)
        aside[left] = _set_aside(
            result, detection[left], np.flatnonzero(~counts), rules.iou_thresholds[0]
        )
    return Assignment(
        detection=detection, partner=partner, overlap=overlap, set_aside=aside, positives=objects
    )


def _objects(result: Evaluation) -> Bools:
    """(G,) the ground truths that may be partners."""
    matching, ground_truth = result.matching, result.ground_truth
    counts = np.zeros(len(ground_truth), bool)
    counts[matching.truth_row] = ~matching.ignored[0]
    return counts & ~roles.groups(ground_truth, result.rules)


def _looked_at(result: Evaluation, rules: Rules, chosen: Bools | None) -> Ints:
    """The rows of detections that a result evaluates, and of them those that rules look at."""
    looked_at = np.zeros(len(result.detections), bool)
    looked_at[result.matching.row] = True
    if chosen is not None:
        looked_at &= chosen
    rows = np.flatnonzero(looked_at)
    if rules.image_limit is None:
        return rows
    image = result.detections.image[rows]
    crowded = rows[(np.bincount(image) > rules.image_limit)[image]]
    ranked = crowded[in_order(result, crowded)]
    beyond = rank_in_runs(result.detections.image[ranked]) >= rules.image_limit
    looked_at[ranked[beyond]] = False
    return np.flatnonzero(looked_at)


def _pairs(result: Evaluation, rules: Rules, rows: Ints, objects: Ints) -> Pairs:
    """Who could take whom: of each of these detections the objects, those of largest overlap first.

    detection: indices of rows; ground_truth: rows of the table.
    """
    ground_truth, detections = result.ground_truth, result.detections
    group, truth_group = detections.image[rows], ground_truth.image
    if not rules.class_agnostic:  # one number for image and class
        images = len(ground_truth.catalog.image_ids)
        group = detections.category[rows] * images + group
        truth_group = ground_truth.category * images + truth_group
    objects = by_group(truth_group, objects)
    measure, (threshold,) = measure_of(rules), rules.iou_thresholds
    pairs = candidate_pairs(
        measured(detections, measure),
        rows,
        measured(ground_truth, measure).take(objects),
        np.zeros(len(objects), bool),
        shared_groups(group, truth_group[objects]),
        min(threshold, NEARLY_ONE),
    )
    enough = np.flatnonzero(reaches(pairs.overlap, threshold, rules))
    return first_choices_first(
        Pairs(
            detection=pairs.detection[enough],
            ground_truth=objects[pairs.ground_truth[enough]],
            overlap=pairs.overlap[enough],
        )
    )


def _taken(pairs: Pairs, rows: Ints, scores: Floats, truths: int) -> Ints:
    """Indices of the matched pairs; pairs: by detection, first choices first.

    rows : (n,) of the detections; scores : (D,) by row; truths: how many there are.
    """
    start = run_starts(pairs.detection)
    size = np.diff(start, append=len(pairs.detection))
    score = scores[rows[pairs.detection[start]]]
    # for d in detections with one choice: if a better one has that choice alone, d gets nothing
    # Nearly all go here, and what is left is quickly sorted.
    single = np.flatnonzero(size == 1)
    choice = pairs.ground_truth[start[single]]
    best = np.full(truths, -np.inf)
    np.maximum.at(best, choice, score[single])
    stays = size > 1
    stays[single] = score[single] == best[choice]
    start, size, score = start[stays], size[stays], score[stays]

    ranked = best_first(score, np.zeros_like(start))
    order = slices(start[ranked], size[ranked])
    return order[deferred_acceptance(pairs.detection[order], pairs.ground_truth[order])]


def _set_aside(result: Evaluation, rows: Ints, excused: Ints, iou: float) -> Bools:
    """Which of these detections say nothing; excused: rows of objects that do not count."""
    # for d in detections: any(overlap(d, g) >= iou for g in excused ones of its image and class)
    ground_truth, detections, rules = result.ground_truth, result.detections, result.rules
    aside = np.zeros(len(rows), bool)
    if len(excused):
        images = len(ground_truth.catalog.image_ids)
        near_some = np.bincount(ground_truth.image[excused], minlength=images) > 0
        place = np.flatnonzero(near_some[detections.image[rows]])
        of_image = rows[place]
        own = 0 if rules.class_agnostic else images
        group = detections.category[of_image] * own + detections.image[of_image]
        truth_group = ground_truth.category * own + ground_truth.image
        excused = by_group(truth_group, excused)
        measure = measure_of(rules)
        near = candidate_pairs(
            measured(detections, measure),
            of_image,
            measured(ground_truth, measure).take(excused),
            roles.regions(ground_truth, rules)[excused],
            shared_groups(group, truth_group[excused]),
            min(iou, NEARLY_ONE),
        )
        aside[place[near.detection]] = True
    if rules.federated and ground_truth.federation is not None:
        aside |= ground_truth.federation.is_open(detections.image[rows], detections.category[rows])
    return aside


def in_order(result: Evaluation, rows: Ints) -> Ints:
    """The order of these detections by image, then score, then place in the file.

    rows : (n,) of the table, rising.
    """
    detections = result.detections
    return best_first(detections.scores[rows], np.zeros_like(rows), detections.image[rows])


def share(iou: float, name: str = "iou") -> float:
    """An overlap that can be asked for.

    Raises:
        InputError: it is not above 0 and at most 1.
    """
    if not 0 < iou <= 1:
        raise InputError(f"{name}: expected 0 < {name} <= 1, got {iou}")
    return float(iou)
