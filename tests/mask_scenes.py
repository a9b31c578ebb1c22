"""COCO documents with masks for Hypothesis, made to collide, and pycocotools' word on them."""

from __future__ import annotations

import contextlib
import copy
import io

import numpy as np
from hypothesis import strategies as st
from pycocotools import mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

WIDE, HIGH = 12, 9
SIZES = [(WIDE, HIGH), (1, 1), (1, 7), (80, 60)]
SCORES = [0.9, 0.5, 0.5, 0.1]


def lengths(pixels: np.ndarray) -> list[int]:
    """Runs of a mask, down its columns, 0 first."""
    flat = pixels.ravel(order="F")
    ends = np.append(np.flatnonzero(np.diff(flat, prepend=0)), len(flat))
    return np.diff(ends, prepend=0).tolist()


@st.composite
def pixels(draw: st.DrawFn, wide: int, high: int) -> np.ndarray:
    """A mask of a few blocks, often of none, of all, or up to a border."""
    found = np.zeros((high, wide), np.uint8)
    for _ in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(0, wide - 1)), draw(st.integers(0, high - 1))
        w = draw(st.sampled_from([1, 2, 3, 5, wide]))
        h = draw(st.sampled_from([1, 2, 4, high]))
        found[y : y + h, x : x + w] ^= 1
    return found


@st.composite
def polygons(draw: st.DrawFn, wide: int, high: int) -> list[list[float]]:
    """One part or several; points lie on half pixels, on borders, and beyond."""
    x = st.integers(-2, 2 * wide + 2).map(lambda v: v / 2)
    y = st.integers(-2, 2 * high + 2).map(lambda v: v / 2)
    part = st.lists(st.tuples(x, y), min_size=3, max_size=6).map(lambda p: [*sum(p, ())])
    return draw(st.lists(part, min_size=1, max_size=3))


@st.composite
def encoded(draw: st.DrawFn, wide: int, high: int, *, compressed: bool | None = None) -> dict:
    found = draw(pixels(wide, high))
    if compressed if compressed is not None else draw(st.booleans()):
        code = mask.encode(np.asfortranarray(found))
        return {"size": [high, wide], "counts": code["counts"].decode()}
    return {"size": [high, wide], "counts": lengths(found)}


def _box(code: dict) -> list[float]:
    return mask.toBbox(code).tolist()


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict, list[dict]]:
    """Ground truth and results, all with boxes or none."""
    wide, high = draw(st.sampled_from(SIZES))
    images = [{"id": number, "width": wide, "height": high} for number in (1, 5)]
    annotations = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        crowd = draw(st.sampled_from([0, 0, 0, 1]))
        outline = encoded(wide, high) if crowd else encoded(wide, high) | polygons(wide, high)
        annotations.append(
            {
                "id": number,
                "image_id": draw(st.sampled_from([1, 5])),
                "category_id": draw(st.sampled_from([3, 4])),
                "segmentation": draw(outline),
                "bbox": [0, 0, draw(st.integers(1, wide)), 1],
                "area": draw(st.sampled_from([1.0, 9.0, 1024.0, 1024.5, 9216.0, 1e10])),
                "iscrowd": crowd,
            }
        )
    found = []
    boxed = draw(st.booleans())
    for _ in range(draw(st.integers(1, 8))):
        code = draw(encoded(wide, high, compressed=True))
        shared = draw(st.sampled_from(annotations))
        if draw(st.booleans()):  # the same mask as an object
            code = coded(shared["segmentation"], wide, high)
        one = {
            "image_id": draw(st.sampled_from([1, 5, shared["image_id"]])),
            "category_id": draw(st.sampled_from([3, 4, shared["category_id"]])),
            "segmentation": code,
            "score": draw(st.sampled_from(SCORES)),
        }
        if boxed:
            box = draw(st.sampled_from([[0, 0, 32, 32], [1, 1, 96.0, 96.0], None]))
            one["bbox"] = box or _box(code)
        found.append(one)
    categories = [{"id": 3, "name": "c"}, {"id": 4, "name": "d"}]
    truth = {"images": images, "annotations": annotations, "categories": categories}
    return truth, found


def coded(segmentation: object, wide: int, high: int) -> dict:
    """As COCO's ``annToRLE``, with counts as text."""
    code = segmentation
    if isinstance(segmentation, list):
        code = mask.merge(mask.frPyObjects(segmentation, high, wide))
    elif isinstance(segmentation["counts"], list):
        code = mask.frPyObjects(segmentation, high, wide)
    counts = code["counts"]
    return {**code, "counts": counts.decode() if isinstance(counts, bytes) else counts}


def sides(truth: dict, found: list[dict]) -> tuple[COCO, COCO]:
    with contextlib.redirect_stdout(io.StringIO()):
        side = COCO()
        side.dataset = copy.deepcopy(truth)
        side.createIndex()
        return side, side.loadRes(copy.deepcopy(found))


def cells(truth: dict, found: list[dict], kind: type = COCOeval, **params: object) -> COCOeval:
    """pycocotools' evaluation of masks, or that of a stand-in."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = kind(*sides(truth, found), "segm")
        for name, value in params.items():
            setattr(evaluator.params, name, copy.copy(value))
        evaluator.evaluate()
        evaluator.accumulate()
        if not {"iouThrs", "maxDets"} & params.keys():
            evaluator.summarize()
    return evaluator
