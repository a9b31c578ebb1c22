"""A mistake in a part of the detections: in some of the images, or in rows here and there.

Undone everywhere it spoils more than it brings back. So it is looked for in those of the surest
detections that lie on no object. Some of these any change brings to an object by chance; how many,
those tell that lie on one as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detmetrics.evaluation.misreadings.box_changes import FEW_PAIRS
from detmetrics.evaluation.misreadings.confident import HIT, Confident, Hits
from detmetrics.evaluation.misreadings.mistake import Mistake, with_boxes
from detmetrics.evaluation.misreadings.turned import TURNED
from detmetrics.foundation.arrays import Bools, Floats, used
from detmetrics.foundation.messages import counted, few
from detmetrics.tables import Detections

__all__ = ["FEW_MISSES", "part_of"]

FEW_MISSES = 0.1
"""Of the surest detections as many as there are objects, so many miss in good files too."""
LEAST_BACK, LEAST_SHARE, OF_CHANCE = 4, 0.15, 3.0
"""So many come back to an object, such a share of those that miss, and so much more than others."""
LEAST_ROWS = 6
"""Rows here and there are no evidence of each other, as those of one image are."""
EXPLAINED = 0.6
"""Of a poor detector some boxes come to an object whatever is done to them."""
MOST_MIXED = 0.15
"""Where whole images are concerned, hardly a detection there lies on an object as it is."""
CURE = "write all detections in the same way"


def part_of(
    confident: Confident, hits: Hits, every: Sequence[Mistake], detections: Detections
) -> tuple[Mistake, Hits] | None:
    """The mistake that explains most of those that miss, to be undone for its part alone.

    every: mistakes of boxes. Returns that change of these detections, and what the surest lie on
    once it is made.
    """
    mistake = _best(confident.fewer(FEW_PAIRS), every)
    if mistake is None:
        return None
    boxes = _undone(confident, mistake)
    back = confident.hits(boxes).hit & ~hits.hit
    images = _images(confident, hits.hit, back)
    if images is None and int(back.sum()) < LEAST_ROWS:
        return None
    if images is None:
        part = _rows(confident.with_all(detections), mistake)
        which = _which_rows(confident, back, detections)
    else:
        part = images[detections.image]
        which = _which_images(confident, images, detections)
    chosen = part[confident.row]
    changed = confident.hits(np.where(chosen[:, None], boxes, confident.boxes))
    if changed.count < EXPLAINED * len(confident):
        return None
    return _partial(mistake, part, which, images is not None), changed


def _best(confident: Confident, every: Sequence[Mistake]) -> Mistake | None:
    """The one that brings most of those that miss to an object, and more than chance does."""
    hit = confident.hits().hit
    least = max(LEAST_BACK, LEAST_SHARE * int((~hit).sum()))
    boxes = np.concatenate([_undone(confident, mistake) for mistake in every])
    on = confident.overlaps(boxes, np.tile(confident.image, len(every))) >= HIT
    back = (on & ~hit).sum(axis=1)
    chance = on[:, hit].mean(axis=1) if hit.any() else np.zeros(len(every))
    back[(back < least) | (back < OF_CHANCE * chance * int((~hit).sum()))] = 0
    return every[int(back.argmax())] if back.any() else None


def _undone(confident: Confident, mistake: Mistake) -> Floats:
    assert mistake.boxes is not None
    with np.errstate(all="ignore"):  # a wrong reading may be no box at all
        return mistake.boxes(confident.boxes, confident.sizes)


def _images(confident: Confident, hit: Bools, back: Bools) -> Bools | None:
    """(N,) the images concerned, None where detections of the same image differ."""
    images = len(confident.image_sizes)
    own = np.bincount(confident.image[hit], minlength=images)
    brought = np.bincount(confident.image[back], minlength=images)
    if np.minimum(own, brought).sum() > MOST_MIXED * brought.sum():
        return None
    concerned: Bools = brought > own
    return concerned


def _rows(every: Confident, mistake: Mistake) -> Bools:
    """(D,) the detections that lie on an object once it is undone, and on none before."""
    rows: Bools = ~every.hits().hit & every.hits(_undone(every, mistake)).hit
    return rows


def _which_images(confident: Confident, images: Bools, detections: Detections) -> str:
    looked_at = used(confident.image)
    chosen = looked_at[images[looked_at]]
    return (
        f"the detections of {len(chosen):,} of {counted(len(looked_at), 'image')} looked at "
        f"({few([detections.catalog.image_names[image] for image in chosen.tolist()])})"
    )


def _which_rows(confident: Confident, back: Bools, detections: Detections) -> str:
    first = int(confident.row[back].min())
    place = detections.source.place(int(detections.place[first]), "boxes")
    return (
        f"{int(back.sum()):,} of the {counted(len(back), 'surest detection')} looked at (first at "
        f"{place})"
    )


def _partial(mistake: Mistake, part: Bools, which: str, of_images: bool) -> Mistake:
    undoing = "there" if of_images else "where it brings a detection to an object"

    def change(detections: Detections) -> Detections:
        every = mistake.change(detections)
        return with_boxes(detections, np.where(part[:, None], every.xywh, detections.xywh))

    return replace(
        mistake,
        name=f"{mistake.name}, in a part of them",
        cure=mistake.cure if mistake.family == TURNED else CURE,
        change=change,
        boxes=None,
        seems=f"{which} look like {mistake.name}",
        undoing=f"undoing this {undoing}",
    )
