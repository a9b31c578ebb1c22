"""What throwing detections or digits away leaves behind: a mark, but nothing that can be undone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints, used
from detmetrics.foundation.messages import counted
from detmetrics.matching.matches import Matches
from detmetrics.rules import Rules
from detmetrics.tables import Detections, GroundTruth

__all__ = [
    "SHARE_WITHOUT",
    "images_without",
    "marks",
    "objects_on",
    "score_decimals",
    "score_marks",
]

LEAST_DETECTIONS = 50
LEAST_SCORES = 10
"""Of so many scores all equal ones, or all whole ones, are no accident."""
LEAST_CUT = 0.1
"""Files of evaluations hold scores down to 0.05 or less."""
LEAST_IMAGES = 5
SHARE_AT_LIMIT = 0.02
LEAST_LIMIT, USUAL_LIMIT = 10, 100
SHARE_WITHOUT = 0.25
"""A good detector finds nothing on some images with objects, but not on so many."""
CUT_CURE = (
    "write all detections, from a confidence of 0.001 on: AP needs those of low score, and what "
    "is missing can only lower it"
)
MOST_DECIMALS = 3
"""Scores of more decimals hardly ever meet."""
WHOLE_CURE = "write coordinates as the detector has them, with their fractions"
LIMIT_CURE = f"write all detections, at least {USUAL_LIMIT} an image"


def marks(detections: Detections) -> Iterator[tuple[str, str]]:
    """What seems to have been thrown away, and what to do about it."""
    if len(detections) < LEAST_DETECTIONS:
        return
    yield from _limit(np.bincount(detections.image), "an image")
    count = int(detections.category.max()) + 1
    yield from _limit(
        np.bincount(detections.image * count + detections.category), "an image and class"
    )
    lowest = float(detections.scores.min())
    if lowest >= LEAST_CUT:
        cut = _round_below(lowest)
        name = f"a confidence cut at {cut:g}: no score is below {lowest:g}"
        yield name, CUT_CURE
    drawn = detections.natural == "mask"  # boxes around pixels are whole
    if (
        (np.round(detections.boxes) == detections.boxes).all()
        and not detections.relative
        and not drawn
    ):
        yield "coordinates are whole numbers: each side may be half a pixel off", WHOLE_CURE


def score_decimals(detections: Detections) -> int | None:
    """To how many decimals the scores are rounded, None where they do not seem to be."""
    if len(detections) < LEAST_DETECTIONS or len(np.unique(detections.scores)) < 2:
        return None
    for decimals in range(1, MOST_DECIMALS + 1):
        if (np.round(detections.scores, decimals) == detections.scores).all():
            return decimals
    return None


def objects_on(ground_truth: GroundTruth) -> int:
    """How many images have objects."""
    return len(used(ground_truth.image[~ground_truth.crowd]))


def images_without(ground_truth: GroundTruth, detections: Detections) -> Bools:
    """(N,) images that have objects and no detection."""
    images = len(ground_truth.catalog.image_ids)
    objects = np.bincount(ground_truth.image[~ground_truth.crowd], minlength=images)
    without: Bools = (objects > 0) & (np.bincount(detections.image, minlength=images) == 0)
    return without


def score_marks(detections: Detections, matches: Matches, metric: str) -> Iterator[str]:
    """Sentences on scores and limits; metric: the name of the first metric."""
    kind = _kind(detections, metric)
    if kind:
        yield kind
        return
    # Other metrics choose the score from which on detections count.
    if matches.rules.metrics[0] == "ap":
        yield from _cut(detections, matches.rules, metric)
        yield from _image_limit(detections, matches.rules, metric)


def _kind(detections: Detections, metric: str) -> str | None:
    """Whether scores can order detections at all."""
    scores = detections.scores
    if len(scores) < LEAST_SCORES:
        return None
    lowest, highest = float(scores.min()), float(scores.max())
    if lowest == highest:
        return (
            f"all {len(scores):,} detections have the score {lowest:g}: {metric} depends on the "
            "order of detections by score. Fix: write the confidence of each detection as its "
            "score, or say that there is none (--scores none)"
        )
    if scores[0] == np.floor(scores[0]) and (scores == np.floor(scores)).all():
        return (
            f"all {len(scores):,} scores are whole numbers ({lowest:g} to {highest:g}): if they "
            f"are track ids, classes or ranks, {metric} orders detections by the wrong number. "
            "Fix: check which number of each detection is its confidence"
        )
    return None


def _cut(detections: Detections, rules: Rules, metric: str) -> Iterator[str]:
    """No score below a round number that is too high."""
    if len(detections) < LEAST_DETECTIONS:
        return
    lowest, highest = float(detections.scores.min()), float(detections.scores.max())
    if lowest < LEAST_CUT or highest > 1 or (rules.min_score or 0) >= LEAST_CUT:
        return
    cut = _round_below(lowest)
    # Scores without a cut thin out towards the lowest; one that was cut has it close by.
    if lowest - cut > max(1.0 / len(detections), 0.01):
        return
    yield (
        f"no score is below {cut:g} (lowest of {len(detections):,}: {lowest:.4g}): detections "
        f"below a confidence of {cut:g} seem to be removed, and {metric} needs them. Fix: write "
        "all detections, from a confidence of 0.001 on"
    )


def _image_limit(detections: Detections, rules: Rules, metric: str) -> Iterator[str]:
    """A limit of detections per image in the file, below that of the rules."""
    if len(detections) < LEAST_DETECTIONS:
        return
    found = _at_limit(np.bincount(detections.image))
    if found is None or found[0] >= (rules.image_limit or USUAL_LIMIT):
        return
    most, full = found
    yield (
        f"{counted(full, 'image has', 'images have')} {most} detections and none has more: the "
        f"detector seems to write at most {most} per image, and {metric} needs the others. Fix: "
        f"write at least {USUAL_LIMIT} detections per image"
    )


def _limit(numbers: Ints, of: str) -> Iterator[tuple[str, str]]:
    found = _at_limit(numbers)
    if found is not None:
        most, full = found
        many = counted(full, "has", "have")
        name = f"at most {most} detections {of}: {many} exactly so many, and none has more"
        yield name, LIMIT_CURE


def _at_limit(numbers: Ints) -> tuple[int, int] | None:
    """A pile of those that hold exactly as many as none exceeds: numbers thin out by themselves.

    The limit, and how many reach it.
    """
    counts = np.bincount(numbers[numbers > 0])
    most = len(counts) - 1
    full, below = int(counts[most]), int(counts[most - 1])
    enough = max(LEAST_IMAGES, SHARE_AT_LIMIT * int(counts.sum()))
    if LEAST_LIMIT <= most < USUAL_LIMIT and full >= enough and full > below:
        return most, full
    return None


def _round_below(value: float) -> float:
    """The largest usual cut that is not above."""
    cuts = np.arange(0.0, 1.0, 0.05)
    return float(round(cuts[cuts <= value + 1e-9].max(), 2))
