"""Scenes for matches under any named rule set, and what it means that matches are the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np
from pycocotools import mask

import detmetrics as dm
from detmetrics.foundation.arrays import object_column
from detmetrics.tables.federation import Federation

IMAGES, CLASSES = 6, ("Car", "Van", "Pedestrian")
WIDE, HIGH = 400, 300
Scene = tuple[dm.GroundTruth, dm.Detections]


def assert_same(ours: object, theirs: object, name: str = "matches") -> None:
    """Equal in every field, in every bit of arrays, and in their types."""
    assert type(ours) is type(theirs), name
    if is_dataclass(ours):
        for field in fields(ours):
            one, other = getattr(ours, field.name), getattr(theirs, field.name)
            assert_same(one, other, f"{name}.{field.name}")
    elif isinstance(ours, tuple):
        assert len(ours) == len(theirs), name
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, name)
    elif isinstance(ours, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), name
        if ours.dtype == object:
            assert ours.tolist() == theirs.tolist(), name
        else:
            assert ours.tobytes() == theirs.tobytes(), name
    else:
        assert ours == theirs, name


def boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    """On a coarse grid, so that overlaps are large and equal ones common."""
    corner = rng.integers(0, 3, (count, 2)) * 40.0
    return np.column_stack([corner, rng.choice([40.0, 60.0, 120.0], (count, 2))])


def drawn(box: np.ndarray, shape: str) -> object:
    """The boxes as shapes that rules of such shapes take."""
    if shape in ("oriented", "probabilistic"):
        return dm.Rectangles.from_cxcywhr(
            np.column_stack([box[:, :2] + box[:, 2:] / 2, box[:, 2:], box[:, 0] / 40])
        )
    if shape != "mask":
        return None
    planes = np.zeros((len(box), HIGH, WIDE), np.uint8)
    for plane, (x, y, w, h) in zip(planes, box.astype(int).tolist(), strict=True):
        plane[y : y + h, x : x + w] = 1
    return dm.Masks(object_column([mask.encode(np.asfortranarray(plane)) for plane in planes]))


def scene_of(seed: int, shape: str) -> Scene:
    """Six images and three classes, with all that any named rule set asks of a table.

    Rows stand in any order of images, and scores are mostly equal.
    """
    rng = np.random.default_rng(seed)
    catalog = dm.Catalog.from_ids(
        images=rng.permutation(IMAGES).tolist(),
        categories=[3, 5, 9],
        category_names=CLASSES,
        image_sizes=[(WIDE, HIGH)] * IMAGES,
    )
    objects, found = rng.integers(0, 25), rng.integers(0, 50)

    def rows(count: int) -> dict[str, object]:
        box = boxes(rng, count)
        return {
            "image_ids": rng.integers(0, IMAGES, count),
            "categories": rng.choice([3, 5, 9], count),
            "boxes": box,
            "shapes": drawn(box, shape),
            "catalog": catalog,
        }

    def marks(count: int) -> np.ndarray:
        return rng.random(count) < 0.2

    truth = dm.GroundTruth.from_arrays(
        **rows(objects),
        crowd=marks(objects),
        ignore=marks(objects),
        difficult=marks(objects),
        attributes={
            "visibility": rng.choice([0.3, 0.9], objects),
            "occlusion": rng.choice([0.0, 1.0], objects),
            "truncation": rng.choice([0.0, 0.4], objects),
        },
    )
    some = (np.argwhere(rng.random((IMAGES, 3)) < 0.5) for _ in range(2))
    truth = replace(
        truth,
        federation=Federation(
            **dict(zip(("verified", "not_exhaustive"), some, strict=True)),
            frequency=("r", "c", "f"),
        ),
    )
    detections = dm.Detections.from_arrays(**rows(found), scores=rng.choice([0.5, 0.7], found))
    return truth, detections
