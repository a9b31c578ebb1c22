"""What throwing detections or digits away leaves behind: a mark, but nothing that can be undone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.messages import counted
from detmetrics.tables import Detections

__all__ = ["marks", "score_decimals"]

LEAST_DETECTIONS = 50
LEAST_CUT = 0.1
"""Files of evaluations hold scores down to 0.05 or less."""
LEAST_IMAGES = 5
SHARE_AT_LIMIT = 0.02
LEAST_LIMIT, USUAL_LIMIT = 3, 100
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


def _limit(numbers: Ints, of: str) -> Iterator[tuple[str, str]]:
    """A pile of those that hold exactly as many as none exceeds: numbers thin out by themselves."""
    counts = np.bincount(numbers[numbers > 0])
    most = len(counts) - 1
    full, below = int(counts[most]), int(counts[most - 1])
    enough = max(LEAST_IMAGES, SHARE_AT_LIMIT * int(counts.sum()))
    if LEAST_LIMIT <= most < USUAL_LIMIT and full >= enough and full > below:
        many = counted(full, "has", "have")
        name = f"at most {most} detections {of}: {many} exactly so many, and none has more"
        yield name, LIMIT_CURE


def _round_below(value: float) -> float:
    """The largest usual cut that is not above."""
    cuts = np.arange(0.0, 1.0, 0.05)
    return float(round(cuts[cuts <= value + 1e-9].max(), 2))
