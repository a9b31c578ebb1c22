"""The table of matches: what became of every detection and of every missed ground truth.

Analyses, reports and exports all read this one table. Verdicts are those of one IoU threshold
and one area range, at the largest detection limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detmetrics.foundation.arrays import Floats, Ints, Objects
from detmetrics.foundation.errors import InputError
from detmetrics.matching import roles
from detmetrics.matching.candidates import measure_of, measured
from detmetrics.matching.matches import Matches
from detmetrics.matching.policies import reaches
from detmetrics.matching.selection import left_out, looked_for
from detmetrics.overlap import ANY_OVERLAP, Pairs, candidate_pairs, largest, shared_groups
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = ["FALSE_POSITIVE", "IGNORED", "MISSED", "TRUE_POSITIVE", "Verdicts", "verdicts"]

TRUE_POSITIVE = "true positive"
FALSE_POSITIVE = "false positive"
IGNORED = "ignored"
MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """Rows of the match table: first the detections in order of their source, then the missed.

    Attributes:
        detection : (V,) row in the table of detections, -1 for a missed ground truth.
        ground_truth : (V,) row of the partner, -1 without one: the match, or for a false
            positive or a miss the counterpart that it overlaps most.
        overlap : (V,) with the partner: IoU, or for a crowd the share of the detection inside;
            nan without partner.
        verdict, reason : (V,) text.
    """

    detection: Ints
    ground_truth: Ints
    overlap: Floats
    verdict: Objects
    reason: Objects


def verdicts(
    ground_truth: GroundTruth, detections: Detections, matches: Matches, threshold: int, area: int
) -> Verdicts:
    """The match table; ``threshold`` and ``area`` are indices into the rules."""
    rules = matches.rules
    if matches.unsized[area]:
        raise InputError(
            "image sizes are unknown, so no matches by area: --image-dir or --image-sizes"
        )
    pair, right = matches.matched[area].at(threshold)
    taken, holder = matches.pairs.ground_truth[pair], matches.pairs.detection[pair]
    ignored = matches.ignored[area]
    least = matches.least[threshold]
    near = _overlaps(ground_truth, detections, matches)

    count = len(detections)
    partner, overlap = np.full(count, -1), np.full(count, np.nan)
    verdict, reason = np.full(count, IGNORED, object), np.empty(count, object)
    reason[:] = left_out(rules)
    if rules.federated:
        reason[~looked_for(ground_truth, detections)] = "nobody looked for its class in the image"

    rows = matches.row
    outcomes = matches.outcomes(area, threshold)
    verdict[rows[outcomes.true_positive]] = TRUE_POSITIVE
    verdict[rows[outcomes.false_positive]] = FALSE_POSITIVE
    reason[rows] = "no ground truth of this class in the image touches it"
    best = largest(near, near.detection, ~ignored[near.ground_truth])
    at, other = rows[near.detection[best]], near.ground_truth[best]
    partner[at], overlap[at] = matches.truth_row[other], near.overlap[best]
    asked = least[matches.category[near.detection[best]]]
    enough = TAKEN.format("closer" if rules.assignment == "overlap" else "better")
    reason[at] = _texts(near.overlap[best], asked, rules, enough)

    bounds = rules.area_ranges[area]
    reason[rows[~matches.fp_if_unmatched[area]]] = (
        "not every object of its class is marked in the image"
    )
    size = SIZES.get(bounds.of, bounds.of)
    reason[rows[~matches.in_range[area]]] = f"its {size} is outside the range {bounds.name}"

    at = rows[holder]
    partner[at] = matches.truth_row[taken]
    overlap[at] = matches.pairs.overlap[pair]
    reason[at] = np.where(
        roles.regions(ground_truth, rules)[partner[at]] & ~right,
        "inside a crowd",
        np.where(
            right,
            _why_right(least[matches.category[holder]], rules),
            f"its ground truth is ignored or outside the range {bounds.name}",
        ),
    )

    free = ~ignored
    free[taken[right]] = False
    missed = np.flatnonzero(free)
    closest = largest(near, near.ground_truth, free[near.ground_truth])
    seen = np.zeros(len(free))
    seen[near.ground_truth[closest]] = near.overlap[closest]
    asked = least[matches.truth_category[missed]]
    missing = _texts(seen[missed], asked, rules, TAKERS)
    return Verdicts(
        detection=np.concatenate([np.arange(count), np.full(len(missed), -1)]),
        ground_truth=np.concatenate([partner, matches.truth_row[missed]]),
        overlap=np.concatenate([overlap, np.where(seen[missed] > 0, seen[missed], np.nan)]),
        verdict=np.concatenate([verdict, np.full(len(missed), MISSED, object)]),
        reason=np.concatenate([reason, np.array(missing, object)]),
    )


SIZES = {"share": "area", "x": "centre", "y": "centre", "border": "distance to the border"}
TAKEN = "duplicate: a {} detection took the ground truth"
TAKERS = "the detections that overlap it matched other ground truths"


def _texts(overlaps: Floats, least: Floats, rules: Rules, enough: str) -> list[str]:
    """Why the best overlap did not make a match; enough: where it would have been enough."""
    reached = reaches(overlaps, least, rules).tolist()
    return [
        enough if reach else _short_of(overlap, iou, rules)
        for overlap, iou, reach in zip(overlaps.tolist(), least.tolist(), reached, strict=True)
    ]


def _short_of(overlap: float, iou: float, rules: Rules) -> str:
    if overlap == 0:
        return "no detection of this class in the image touches it"
    return f"best overlap {overlap:.3f} is {'not above' if rules.strict else 'below'} {iou:g}"


CHOSEN = {
    "free": "the best free ground truth",
    "nearest": "the nearest ground truth",
    "truths": "the ground truth that chose it",
    "overlap": "a ground truth that no detection closer to it took",
}


def _why_right(least: Floats, rules: Rules) -> Objects:
    """(n,) what made each match; least : (n,) the overlap that was asked for."""
    values, at = np.unique(least, return_inverse=True)
    reach = [f"above {iou:g}" if rules.strict else f"{iou:g} or more" for iou in values.tolist()]
    words = [f"overlap {asked} with {CHOSEN[rules.assignment]}" for asked in reach]
    return np.array(words, object)[at]


def _overlaps(ground_truth: GroundTruth, detections: Detections, matches: Matches) -> Pairs:
    """Every pair of a group that overlaps at all."""
    rules, measure = matches.rules, measure_of(matches.rules)
    images = len(ground_truth.catalog.image_ids)
    group = matches.category * images + matches.image
    truth_group = matches.truth_category * images + ground_truth.image[matches.truth_row]
    return candidate_pairs(
        measured(detections, measure),
        matches.row,
        measured(ground_truth, measure).take(matches.truth_row),
        roles.regions(ground_truth, rules)[matches.truth_row],
        shared_groups(group, truth_group),
        ANY_OVERLAP,
    )
