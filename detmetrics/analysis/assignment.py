"""Who found which object, at one threshold and over all sizes: what some analyses ask anew.

Their definitions set how detections are matched, and a result's rules say the rest: which
detections count, what an object is, how overlap is measured. The matching itself is the one of
:mod:`detmetrics.matching.matching`.

An object that does not count (a crowd, an ignored one, one outside the first range of sizes) is
matched by nobody. A detection without a partner that overlaps one of its own class enough (lies in
it, where it is a region) is *set aside*: neither right nor wrong. The same holds where not every
object of its class is marked in the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.arrays import Bools, Floats, Ints, among, by_group, read_only
from detmetrics.foundation.errors import InputError
from detmetrics.matching import roles
from detmetrics.matching.candidates import NEARLY_ONE, Memory, measure_of, measured
from detmetrics.matching.matching import match
from detmetrics.matching.ranking import Ranking, best_first
from detmetrics.overlap import candidate_pairs, shared_groups
from detmetrics.rules import UNLIMITED, Rules
from detmetrics.rules.areas import ANY_SIZE
from detmetrics.tables import Detections, GroundTruth

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
    matching, ground_truth, detections = result.matching, result.ground_truth, result.detections
    if matching.unsized[0]:
        raise InputError("image sizes are unknown, so nothing counts: --image-dir or --image-sizes")
    counts = np.zeros(len(ground_truth), bool)
    counts[matching.truth_row] = ~matching.ignored[0]
    counts &= ~roles.groups(ground_truth, result.rules)
    there = np.flatnonzero(counts)  # rows of objects that may be partners
    rows = np.sort(matching.row)  # rows of detections that the result looks at
    if chosen is not None:
        rows = rows[chosen[rows]]

    own = detections if len(rows) == len(detections) else detections.take(rows)
    memory = _known_order(result, rules, rows) if chosen is None else None
    matches = match(*_tables(ground_truth.take(there), own, rules), rules, memory=memory)
    pair, _ = matches.matched[0].at(0)
    # From numbers in the matches to rows of the small tables, and from these to rows of the result.
    partner, overlap = np.full(len(matches.row), -1), np.full(len(matches.row), np.nan)
    holder = matches.pairs.detection[pair]
    partner[holder] = there[matches.truth_row[matches.pairs.ground_truth[pair]]]
    overlap[holder] = matches.pairs.overlap[pair]
    order = np.argsort(matches.row)
    detection, partner = rows[matches.row[order]], partner[order]
    aside = np.zeros(len(detection), bool)
    if sets_aside:
        left = np.flatnonzero(partner < 0)
        aside[left] = _set_aside(
            result, detection[left], np.flatnonzero(~counts), rules.iou_thresholds[0]
        )
    return Assignment(
        detection=detection,
        partner=partner,
        overlap=overlap[order],
        set_aside=aside,
        positives=there,
    )


def _known_order(result: Evaluation, rules: Rules, rows: Ints) -> Memory | None:
    """The order in which a result ranked its detections; None if these rules need another order.

    rows : (n,) rows of the table, all that the result evaluates.
    """
    if rules.class_agnostic or result.rules.class_agnostic or rules.ties != result.rules.ties:
        return None
    matching = result.matching
    # The rules may have dropped detections. Ranks within an image and class are still valid if only
    # the lowest-ranked were dropped: every rank is then below the number of those that are left.
    group = matching.category * matching.images + matching.image
    if (matching.rank >= np.bincount(group)[group]).any():
        return None
    place = np.zeros(len(result.detections), np.int64)
    place[rows] = np.arange(len(rows))
    ranking = Ranking(
        row=place[matching.row],
        category=matching.category,
        image=matching.image,
        rank=matching.rank,
    )
    return Memory(lowest=1.0, ranked={(False, rules.ties): ranking})


def _tables(
    ground_truth: GroundTruth, detections: Detections, rules: Rules
) -> tuple[GroundTruth, Detections]:
    """Of one class where classes are pooled: pooled ones of equal rank stand by class first."""
    if not rules.class_agnostic:
        return ground_truth, detections
    return (
        replace(ground_truth, category=read_only(np.zeros_like(ground_truth.category))),
        replace(detections, category=read_only(np.zeros_like(detections.category))),
    )


def _set_aside(result: Evaluation, rows: Ints, excused: Ints, iou: float) -> Bools:
    """Which of these detections say nothing; excused: rows of objects that do not count."""
    # for d in detections: any(overlap(d, g) >= iou for g in excused ones of its image and class)
    ground_truth, detections, rules = result.ground_truth, result.detections, result.rules
    aside = np.zeros(len(rows), bool)
    if len(excused):
        images = len(ground_truth.catalog.image_ids)
        own = 0 if rules.class_agnostic else images
        group = detections.category[rows] * own + detections.image[rows]
        truth_group = ground_truth.category * own + ground_truth.image
        excused = by_group(truth_group, excused)
        measure = measure_of(rules)
        near = candidate_pairs(
            measured(detections, measure),
            rows,
            measured(ground_truth, measure).take(excused),
            roles.regions(ground_truth, rules)[excused],
            shared_groups(group, truth_group[excused]),
            min(iou, NEARLY_ONE),
        )
        aside[near.detection] = True
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
