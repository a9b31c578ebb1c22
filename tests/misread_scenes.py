"""A detector that is good, in small scenes of any size, and the usual mistakes made on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

import detmetrics as dm
from detmetrics.foundation.arrays import read_only

SIZES = ((640, 480), (480, 640), (800, 600), (500, 375))
Tables = tuple[dm.GroundTruth, dm.Detections]


def scene(
    seed: int = 0,
    images: int = 8,
    classes: int = 3,
    per_image: float = 3.5,
    *,
    blur: float = 0.05,
    found: float = 0.85,
    confused: float = 0.03,
    noise: float = 0.5,
    ids: int = 1,
    sized: bool = True,
    names: list[str] | None = None,
) -> Tables:
    """Objects of log-normal sizes, and a detector that finds most of them nearly in place.

    found: the share of objects that it finds; confused: the share of these with another class;
    noise: background detections for each object; ids: of the first class.
    """
    rng = np.random.default_rng(seed)
    sizes = np.array([SIZES[k % len(SIZES)] for k in range(images)], float)
    catalog = dm.Catalog.from_ids(
        images=range(1, images + 1),
        categories=range(ids, ids + classes),
        category_names=[f"kind {k}" for k in range(classes)],
        image_names=names or [f"shot_{k:04d}.jpg" for k in range(1, images + 1)],
        image_sizes=sizes if sized else None,
    )
    image = np.sort(
        np.r_[np.arange(images), rng.integers(0, images, int((per_image - 1) * images))]
    )
    category = rng.integers(0, classes, len(image))
    boxes = _boxes(rng, sizes[image])
    truth = dm.GroundTruth.from_arrays(
        image_ids=image + 1, categories=category + ids, boxes=boxes, catalog=catalog
    )
    hit = np.flatnonzero(rng.random(len(image)) < found)
    off = rng.normal(0, blur, (len(hit), 4)) * boxes[hit][:, [2, 3, 2, 3]]
    kind = category[hit].copy()
    wrong = rng.random(len(hit)) < confused
    kind[wrong] = rng.integers(0, classes, int(wrong.sum()))
    extra = rng.integers(0, images, int(noise * len(image)))
    detections = dm.Detections.from_arrays(
        image_ids=np.r_[image[hit], extra] + 1,
        categories=np.r_[kind, rng.integers(0, classes, len(extra))] + ids,
        boxes=np.r_[boxes[hit] + off, _boxes(rng, sizes[extra])],
        scores=np.r_[rng.beta(6, 2, len(hit)), rng.beta(1, 8, len(extra))],
        catalog=catalog,
    )
    return truth, detections


def _boxes(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    side = np.minimum(np.exp(rng.normal(np.log(0.2), 0.6, len(sizes))), 0.8)
    stretch = np.exp(rng.normal(0, 0.35, len(sizes)))
    shares = np.clip(np.column_stack([side * stretch, side / stretch]), 0.02, 0.9)
    first = rng.random((len(sizes), 2)) * (1 - shares)
    return np.column_stack([first, shares]) * np.tile(sizes, 2)


@dataclass(frozen=True)
class Made:
    """A mistake made: how, what the sentence names it, and whether all of AP comes back."""

    spoil: Callable[[dm.Detections], dm.Detections]
    said: str
    exact: bool = True


def boxes(change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable:
    """Other boxes x y w h, from these and the sizes of their images."""

    def spoil(found: dm.Detections) -> dm.Detections:
        sizes = found.catalog.image_sizes[found.image]
        changed = change(found.xywh, np.tile(sizes, 2))
        return replace(found, boxes=read_only(changed), box_format="xywh")

    return spoil


def classes(place: Callable[[np.ndarray, int], np.ndarray]) -> Callable:
    """Other classes, of which those below 0 are left out."""

    def spoil(found: dm.Detections) -> dm.Detections:
        count = len(found.catalog.category_ids)
        moved = place(found.category, count)
        kept = (moved >= 0) & (moved < count)
        return replace(found, category=read_only(np.clip(moved, 0, count - 1))).keep(kept)

    return spoil


def images(place: Callable[[np.ndarray, int], np.ndarray]) -> Callable:
    """Other images."""
    return lambda found: replace(
        found, image=read_only(place(found.image, len(found.catalog.image_ids)))
    )


def letterboxed(side: int) -> Callable:
    def change(b: np.ndarray, s: np.ndarray) -> np.ndarray:
        scale = side / s[:, :2].max(axis=1, keepdims=True)
        gap = (side - s[:, :2] * scale) / 2
        return np.hstack([b[:, :2] * scale + gap, b[:, 2:] * scale])

    return boxes(change)


def _corners(b: np.ndarray) -> np.ndarray:
    return np.hstack([b[:, :2], b[:, :2] + b[:, 2:]])


def _centres(b: np.ndarray) -> np.ndarray:
    return np.hstack([b[:, :2] + b[:, 2:] / 2, b[:, 2:]])


def turned(b: np.ndarray, s: np.ndarray) -> np.ndarray:
    """As in the image turned left: what was at the right is at the top."""
    return np.column_stack([b[:, 1], s[:, 0] - b[:, 0] - b[:, 2], b[:, 3], b[:, 2]])


SWAP = [1, 0, 3, 2]
OF_BOXES = {
    "y x h w": Made(boxes(lambda b, _: b[:, SWAP]), "y before x"),
    "ymin xmin ymax xmax as x y w h": Made(boxes(lambda b, _: _corners(b)[:, SWAP]), "y before x"),
    "cy cx h w as x y w h": Made(boxes(lambda b, _: _centres(b)[:, SWAP]), "y before x"),
    "x y h w": Made(boxes(lambda b, _: b[:, [0, 1, 3, 2]]), "width and height swapped"),
    "corners as x y w h": Made(boxes(lambda b, _: _corners(b)), "corners x1 y1 x2 y2 read as x y"),
    "centres as x y w h": Made(boxes(lambda b, _: _centres(b)), "centres cx cy w h read as"),
    "x y w h as centres": Made(
        boxes(lambda b, _: np.hstack([b[:, :2] - b[:, 2:] / 2, b[:, 2:]])),
        "x y w h read as centres",
    ),
    "x y w h as corners": Made(
        boxes(lambda b, _: np.hstack([b[:, :2], b[:, 2:] - b[:, :2]])), "x y w h read as corners"
    ),
    "normalized": Made(boxes(lambda b, s: b / s), "normalized coordinates read as pixels"),
    "normalized centres": Made(boxes(lambda b, s: _centres(b / s)), "normalized centres cx cy w h"),
    "normalized ymin xmin ymax xmax": Made(
        boxes(lambda b, s: _corners(b / s)[:, SWAP]), "normalized ymin xmin ymax xmax"
    ),
    "thousandths, y first": Made(
        boxes(lambda b, s: _corners(1000 * b / s)[:, SWAP]), "thousandths of the image, ymin xmin"
    ),
    "target sizes": Made(
        boxes(lambda b, s: b / s * s[:, SWAP]), "width and height of the image swapped"
    ),
    "normalized y first, scaled": Made(
        boxes(lambda b, s: (b / s)[:, SWAP] * s), "y before x in normalized boxes"
    ),
    "stretched": Made(boxes(lambda b, s: b / s * 640), "the stretched frame of 640 x 640"),
    "letterboxed": Made(letterboxed(416), "the letterboxed frame of 416 x 416"),
    "a frame of no usual size": Made(
        boxes(lambda b, s: b / s * [1280, 720, 1280, 720]), "the stretched frame of 1280 x 720"
    ),
    "three quarters": Made(boxes(lambda b, _: b * 0.75), "images of 0.75 times the size"),
    "short side": Made(
        boxes(lambda b, s: b * (800 / s[:, :2].min(axis=1, keepdims=True))), "a short side of 800"
    ),
    "half": Made(boxes(lambda b, _: b / 2), "images of half the size"),
    "mirrored": Made(
        boxes(lambda b, s: np.hstack([s[:, :1] - b[:, :1] - b[:, 2:3], b[:, 1:]])),
        "boxes of the mirrored image",
    ),
    "from the bottom": Made(
        boxes(lambda b, s: np.hstack([b[:, :1], s[:, 1:2] - b[:, 1:2] - b[:, 3:], b[:, 2:]])),
        "y from the bottom of the image",
    ),
    "upside down": Made(
        boxes(lambda b, s: np.hstack([s[:, :2] - b[:, :2] - b[:, 2:], b[:, 2:]])),
        "the image upside down",
    ),
    "turned": Made(boxes(lambda b, s: turned(b, s)), "the image turned left by 90 degrees"),
}
OF_CLASSES = {
    "from 1": Made(classes(lambda c, _: c + 1), "look off by one: subtracting 1", False),
    "from -1": Made(classes(lambda c, _: c - 1), "look off by one: adding 1", False),
    "another order": Made(
        classes(lambda c, k: np.r_[1, 2, 0, np.arange(3, k)][c]),
        "the class names of the two files look ordered differently",
    ),
}
OF_IMAGES = {
    "next": Made(images(lambda i, n: (i + 1) % n), "to the previous image gives"),
    "previous": Made(images(lambda i, n: (i - 1) % n), "to the next image gives"),
    "reverse": Made(images(lambda i, n: n - 1 - i), "reverse order"),
}
EVERY = OF_BOXES | OF_CLASSES | OF_IMAGES
