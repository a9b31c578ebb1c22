"""Scores that order detections wrongly: upside down, or in two units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from detmetrics.evaluation.misreadings.confident import HIT, Confident
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.foundation.arrays import Bools, Floats, read_only
from detmetrics.tables import Detections

__all__ = ["other_scores"]

LEAST_SCORES = 20
SOME = 0.1
"""So many of the scores are of either unit; of all in percent hardly any is at most 1."""
PERCENT = 100.0
DEVIATIONS = 4.0
"""Scores by chance order detections upside down as often as not, but not so clearly."""


def other_scores(confident: Confident, detections: Detections) -> Iterator[Mistake]:
    """Those that the scores and the boxes give a sign of; confident: the surest detections."""
    scores = detections.scores
    if len(scores) < LEAST_SCORES or not detections.scored:
        return
    small = scores <= 1
    if scores.max() <= PERCENT and scores.min() >= 0 and SOME < small.mean() < 1 - SOME:
        yield _mistake(
            f"scores of two units: {int(small.sum()):,} of {len(scores):,} looked at are at most "
            f"1, and others reach {scores.max():g}",
            "multiplying those up to 1 by 100",
            "write all scores from 0 to 1, or all in percent",
            lambda scores: np.where(scores <= 1, scores * PERCENT, scores),
        )
    overlap = confident.best(detections.xywh, detections.image)
    if _upside_down(overlap >= HIT, scores):
        lowest, highest = float(scores.min()), float(scores.max())
        yield _mistake(
            "scores that are lowest for the best detections",
            "reversing their order",
            "write the confidence itself as the score, not 1 - confidence, a distance or a rank",
            lambda scores: lowest + highest - scores,
        )


def _upside_down(hit: Bools, scores: Floats) -> bool:
    """Whether detections on an object have the lower scores: Mann and Whitney's test."""
    hits, misses = int(hit.sum()), int((~hit).sum())
    if not hits or not misses:
        return False
    ordered = np.sort(scores)
    below, upto = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    ranks = (below + upto + 1) / 2
    surer = (ranks[hit].sum() - hits * (hits + 1) / 2) / (hits * misses)
    deviation = np.sqrt((hits + misses + 1) / (12 * hits * misses))
    return bool(surer < 0.5 - DEVIATIONS * deviation)


def _mistake(name: str, undoing: str, cure: str, change: Callable[[Floats], Floats]) -> Mistake:
    return Mistake(
        family="scores",
        name=name,
        cure=cure,
        change=lambda detections: replace(detections, scores=read_only(change(detections.scores))),
        seems=f"the detections have {name}",
        undoing=undoing,
    )
