"""What is said of a result whose files may have been misread: what, its effect, what to do."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from detmetrics.evaluation.misreadings.confident import Confident
from detmetrics.evaluation.misreadings.headline import LEAST_GAIN, LEAST_SHARE
from detmetrics.evaluation.misreadings.marks import score_marks
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.misreadings.search import Alternative, Search
from detmetrics.foundation.messages import counted
from detmetrics.matching.matches import Matches
from detmetrics.metrics.summary import lower_is_better
from detmetrics.tables import Detections, GroundTruth

__all__ = ["misreadings"]

OUTSIDE, LEAST_OUTSIDE = 0.2, 5
"""Detectors write boxes that reach beyond their image, but hardly any with its center there."""
LEAST_BOXES, NOTHING = 10, 0.005
"""From so many boxes on each side, below so low a metric, something is wrong with the files."""
LITTLE, FEW_ON_OBJECTS = 0.02, 0.15
"""The same where so few are on an object: boxes of other images are, by chance."""


def misreadings(
    ground_truth: GroundTruth,
    detections: Detections,
    matches: Matches,
    summary: Mapping[str, float],
) -> tuple[str, ...]:
    """Sentences on what the files may have been misread as; none where nothing speaks for it.

    ground_truth, detections: as :func:`~detmetrics.matching.preparation.prepare` returns them;
    summary: the metrics, the first of which is looked at.
    """
    if not len(detections) or not len(ground_truth) or not summary:
        return ()
    name, value = next(iter(summary.items()))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that a wrong reading makes of the boxes
        marks = tuple(score_marks(detections, matches, name)) if detections.scored else ()
        if not _can_improve(name, value):
            return marks
        search = Search(ground_truth, detections, matches.rules, name)
        return (*_found(search, name, value), *marks)


def _can_improve(name: str, value: float) -> bool:
    """Whether there is room for what is worth a sentence; metrics lie in [0, 1]."""
    if math.isnan(value):
        return False
    if lower_is_better(name):
        return value >= LEAST_GAIN
    return max(value + LEAST_GAIN, value * (1 + LEAST_SHARE)) <= 1


def _found(search: Search, name: str, value: float) -> Iterator[str]:
    best = search.best(value)
    if best is not None:
        images = len(search.sample.ground_truth.catalog.image_ids)
        yield _told(best, name, images)
        return
    yield from _outside(search.confident, search.sample.detections.relative)
    yield from _elsewhere(search, name, value)


def _elsewhere(search: Search, name: str, value: float) -> Iterator[str]:
    """Detections that are on none of the objects, whatever is done to them."""
    sizes = len(search.sample.ground_truth), len(search.sample.detections)
    looked_at = len(search.confident)
    hits = search.hits.count
    if min(sizes) < LEAST_BOXES or lower_is_better(name):
        return
    if value < NOTHING or (value < LITTLE and hits < FEW_ON_OBJECTS * looked_at):
        yield (
            f"{name} is next to nothing: {hits:,} of the {counted(looked_at, 'surest detection')} "
            f"looked at {'is' if hits == 1 else 'are'} on an object (IoU of at least 0.5), and no "
            "common mistake explains the others. Fix: check that both files are of the same images "
            "(another split can have the same file names), and try detmetrics reconcile, which "
            "searches all images"
        )


def _told(best: Alternative, name: str, images: int) -> str:
    looks = ", and ".join(mistake.looks for mistake in best.mistakes)
    if best.either:
        looks += " (or the ground truth is off the other way round)"
    sample = ""
    if best.images is not None:
        sample = f" on a sample of {best.images:,} of {counted(images, 'image')}"
    return (
        f"{looks}: {_undoing(best.mistakes)} gives {name} {best.after:.4f} instead of "
        f"{best.before:.4f}{sample}. Fix: {'; '.join(mistake.cure for mistake in best.mistakes)}"
    )


def _undoing(mistakes: tuple[Mistake, ...]) -> str:
    return " and ".join(dict.fromkeys(mistake.undoing for mistake in mistakes))


def _outside(confident: Confident, relative: bool) -> Iterator[str]:
    """Boxes that are in the pixels of something else than their image."""
    known = ~np.isnan(confident.sizes).any(axis=1)
    if relative or not known.any():
        return
    center = (confident.boxes[:, :2] + confident.boxes[:, 2:] / 2)[known]
    sizes = confident.sizes[known]
    outside = int(((center < 0) | (center > sizes)).any(axis=1).sum())
    if outside >= max(LEAST_OUTSIDE, OUTSIDE * len(center)):
        yield (
            f"{outside:,} of {counted(len(center), 'confident detection')} in a sample have their "
            "center outside their image and match nothing there. Fix: check the unit of the boxes, "
            "and the width and height of the images"
        )
