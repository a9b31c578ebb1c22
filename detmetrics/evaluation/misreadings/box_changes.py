"""Which changes of boxes are tried, and how close each brings them to objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detmetrics.evaluation.misreadings.confident import Confident, Hits
from detmetrics.evaluation.misreadings.forms import forms
from detmetrics.evaluation.misreadings.frames import NORMALIZED, frames, letterboxes, normalized
from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.evaluation.misreadings.voted_frames import voted_frames, voted_offset
from detmetrics.foundation.arrays import Bools, Floats
from detmetrics.tables import Detections, GroundTruth

__all__ = [
    "FEW_PAIRS",
    "best_boxes",
    "best_objects",
    "blame",
    "box_changes",
    "part_changes",
    "truth_changes",
]

FEW_PAIRS = 1_000
STANDS_OUT = 0.05
BEYOND = 0.03
"""Boxes may reach so far beyond their image, as a share of its side."""


def box_changes(confident: Confident, detections: Detections) -> tuple[Mistake, ...]:
    """Those that all detections may need."""
    few = confident.fewer(FEW_PAIRS)
    with np.errstate(all="ignore"):  # of boxes and images without a size
        voted = [*voted_frames(few, detections), *voted_offset(few, detections)]
    return (*forms(detections), *frames(detections), *voted)


def part_changes(
    confident: Confident, detections: Detections, missed: Detections
) -> tuple[Mistake, ...]:
    """Those that a part of the detections may need; missed: the surest that lie on no object."""
    if missed.relative:
        return tuple(forms(detections))
    tiny: Bools = np.asarray((missed.xywh <= NORMALIZED).all(axis=1))
    return (
        *box_changes(confident, missed.keep(~tiny)),
        *(letterboxes(missed) if missed.catalog.sized else ()),
        *(normalized(missed.keep(tiny)) if tiny.any() and missed.catalog.sized else ()),
    )


def truth_changes(ground_truth: GroundTruth) -> tuple[Mistake, ...]:
    """Those that the ground truth may need."""
    every = (*forms(ground_truth), *frames(ground_truth))
    return tuple(one.of_ground_truth() for one in every)


def best_boxes(
    confident: Confident, every: Sequence[Mistake], most: int
) -> list[tuple[Mistake, Hits]]:
    """The mistakes that, undone, bring boxes closest to objects, the best first.

    every: mistakes of boxes.
    """
    few = confident.fewer(FEW_PAIRS)
    with np.errstate(all="ignore"):  # a wrong reading may be no box at all
        boxes = [one.boxes(few.boxes, few.sizes) for one in every if one.boxes is not None]
        closeness = few.closeness(np.concatenate(boxes), np.tile(few.image, len(boxes)))
        ranked = [every[at] for at in np.argsort(-closeness, kind="stable")[:most]]
        return [
            (one, confident.hits(one.boxes(confident.boxes, confident.sizes)))
            for one in ranked
            if one.boxes is not None
        ]


def best_objects(confident: Confident, every: Sequence[Mistake]) -> tuple[Mistake, Hits] | None:
    """The mistake that, undone in the ground truth, brings its objects closest to detections."""
    few, sizes = confident.fewer(FEW_PAIRS), confident.object_sizes
    best, most = None, 0.0
    with np.errstate(all="ignore"):
        for one in every:
            assert one.boxes is not None
            objects = one.boxes(confident.objects, sizes)
            closeness = few.hits(objects=objects).closeness
            if closeness > most:
                best, most = (one, objects), closeness
        return best and (best[0], confident.hits(objects=best[1]))


def blame(confident: Confident) -> str | None:
    """The side with more boxes that cannot be in their images; None where neither stands out."""
    detections = _misplaced(confident.boxes, confident.sizes)
    objects = _misplaced(confident.objects, confident.object_sizes)
    if abs(detections - objects) < STANDS_OUT:
        return None
    return "detections" if detections > objects else "ground truth"


def _misplaced(boxes: Floats, sizes: Floats) -> float:
    """The share of boxes ``x y w h`` that reach beyond their image, or are no pixel wide and high.

    sizes : (n, 2) of their images, nan where unknown.
    """
    if not len(boxes):
        return 0.0
    with np.errstate(all="ignore"):
        far = boxes[:, :2] + boxes[:, 2:]
    beyond = (far > sizes * (1 + BEYOND)).any(axis=1)
    tiny = (far <= NORMALIZED).all(axis=1) & (sizes > NORMALIZED).all(axis=1)
    return float((beyond | tiny).mean())
