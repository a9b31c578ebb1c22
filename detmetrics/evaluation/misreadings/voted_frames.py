"""A frame of any size, or an offset, that the boxes vote for.

Every pair of a detection and an object of its image says how much wider and higher the one is, and
how much farther from the corner of the image; of pairs that belong together both agree. In a frame
that every image was stretched to, or scaled by the same factor to, these pairs agree with each
other too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detmetrics.evaluation.misreadings.confident import Confident
from detmetrics.evaluation.misreadings.frames import scaled_images, stretched_frame
from detmetrics.evaluation.misreadings.mistake import Mistake, boxes_placed
from detmetrics.foundation.arrays import Bools, Floats, first_equal
from detmetrics.tables import Detections

__all__ = ["voted_frames", "voted_offset"]

AGREE = 0.15
"""Sides of good detections differ by less, as a share."""
WIDTH = 0.08
"""Of a bin of votes, as a share."""
LEAST_VOTES = 5
LEAST_CHANGE = 0.04
SNAP = 0.01
OFFSET_WIDTH, LEAST_OFFSET = 8.0, 3.0
"""Of a bin of offsets, and the smallest that is worth a look, in pixels."""
SMALLEST, LARGEST = 16, 1 << 15
"""Sides of frames, in pixels: of others the unit is wrong, and no image was resized."""
SIDES = np.array(
    [
        *(240, 256, 270, 300, 320, 360, 384, 416, 448, 480, 512, 540, 544, 576, 600, 608, 640, 672),
        *(704, 720, 736, 768, 800, 832, 896, 900, 960, 1000, 1024, 1080, 1152, 1200, 1216, 1280),
        *(1333, 1440, 1536, 1600, 1920, 2048, 2160, 2560, 3840),
    ]
)


def voted_frames(confident: Confident, detections: Detections) -> Iterator[Mistake]:
    """One that all images were stretched to, and one factor for all, where enough votes agree."""
    if detections.relative or np.isnan(confident.sizes).any() or not len(confident):
        return
    detection, truth = confident.pairs(confident.image)
    mine, other = _centers_and_sides(confident.boxes), _centers_and_sides(confident.objects)
    ratio = mine[detection] / other[truth]  # (P, 4) of x, y, w, h
    agree = (np.abs(ratio[:, :2] / ratio[:, 2:] - 1) < AGREE).all(axis=1) & (ratio > 0).all(axis=1)
    place, sizes = ratio[agree, :2], confident.sizes[detection[agree]]
    frame = _mode(place * sizes)
    if frame is not None and _is_frame(frame) and _differs(frame / sizes):
        width, height = (_snapped(side) for side in frame.tolist())
        yield stretched_frame(detections, width, height)
    factor = _mode(place)
    if factor is not None and abs(factor[0] / factor[1] - 1) < SNAP and _differs(factor):
        yield scaled_images(detections, round(float(factor.mean()), 2))


def voted_offset(confident: Confident, detections: Detections) -> Iterator[Mistake]:
    """A number of pixels that all boxes are off by: a crop or a padding that was not undone."""
    if detections.relative or not len(confident):
        return
    detection, truth = confident.pairs(confident.image)
    mine, other = confident.boxes[detection], confident.objects[truth]
    agree = (np.abs(mine[:, 2:] - other[:, 2:]) < AGREE * other[:, 2:]).all(axis=1)
    off = (mine - other + (mine - other)[:, [2, 3, 2, 3]] / 2)[agree, :2]  # (V, 2) of the centers
    by = _most_common(off)
    if by is None or np.abs(by).max() < LEAST_OFFSET:
        return
    x, y = np.where(np.abs(by) < LEAST_OFFSET, 0, np.round(by)).astype(int).tolist()
    yield boxes_placed(
        detections,
        "offset",
        f"boxes off by {x:+d} pixels in x and {y:+d} in y",
        f"subtract {x} from x and {y} from y (padding or a crop that was not undone)",
        lambda boxes, _: boxes - np.array([x, y, 0, 0]),
    )


def _most_common(votes: Floats) -> Floats | None:
    """(2,) where most of the votes are within some pixels; votes : (V, 2)."""
    if not len(votes):
        return None
    together = _fullest(np.floor(votes / OFFSET_WIDTH))
    if np.count_nonzero(together) < LEAST_VOTES:
        return None
    middle = _median(votes[together])
    near = (np.abs(votes - middle) < OFFSET_WIDTH).all(axis=1)
    return _median(votes[near])


def _fullest(bins: Floats) -> Bools:
    """(V,) the votes of the bin that has most of them; bins : (V, 2), that of each vote."""
    first = first_equal(bins)
    return np.equal(first, np.bincount(first).argmax())


def _median(votes: Floats) -> Floats:
    """(2,) :func:`numpy.median` of each column, which would import masked arrays."""
    ranked = np.sort(votes, axis=0)
    middle: Floats = (ranked[(len(votes) - 1) // 2] + ranked[len(votes) // 2]) / 2
    return middle


def _centers_and_sides(boxes: Floats) -> Floats:
    """(n, 4) ``cx cy w h`` of ``x y w h``."""
    return np.concatenate([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]], axis=1)


def _is_frame(sides: Floats) -> bool:
    return bool(sides.min() >= SMALLEST and sides.max() <= LARGEST)


def _mode(votes: Floats) -> Floats | None:
    """(2,) where most of the votes are close to each other, None where few are; votes : (V, 2)."""
    if not len(votes):
        return None
    together = _fullest(np.floor(np.log(votes) / WIDTH))
    if np.count_nonzero(together) < LEAST_VOTES:
        return None
    middle = _median(votes[together])
    near = (np.abs(votes / middle - 1) < WIDTH).all(axis=1)
    return _median(votes[near]) if near.any() else None


def _differs(factors: Floats) -> bool:
    """Whether any box would move by enough."""
    return bool((np.abs(factors - 1) > LEAST_CHANGE).any())


def _snapped(side: float) -> int:
    nearest = int(SIDES[np.abs(SIDES - side).argmin()])
    return nearest if abs(nearest - side) < SNAP * side else round(side)
