"""Boundary IoU against a slow loop of its definition."""

from __future__ import annotations

import json

import mask_scenes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

import detmetrics as dm
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import KINDS
from detmetrics.overlap.masks.boundary_iou import depths
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.masks.segmentations import Segmentations

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

KIND = KINDS["boundary"]


def boundary(pixels: np.ndarray) -> np.ndarray:
    """A mask minus its erosion by 3 x 3 pixels, again and again, with zeros around the image."""
    high, wide = pixels.shape
    inner = np.pad(pixels, 1)
    for _ in range(max(1, round(0.02 * float(np.sqrt(high**2 + wide**2))))):
        eroded = np.zeros_like(inner)
        for y in range(1, high + 1):
            for x in range(1, wide + 1):
                eroded[y, x] = inner[y - 1 : y + 2, x - 1 : x + 2].min()
        inner = eroded
    return pixels - inner[1:-1, 1:-1]


def iou(mine: np.ndarray, other: np.ndarray) -> float:
    shared = int((mine & other).sum())
    return shared / (int((mine | other).sum()) or 1)


def shapes(pixels: list[np.ndarray]):
    codes = [mask.encode(np.asfortranarray(one)) for one in pixels]
    sizes = np.array([one.shape[::-1] for one in pixels], float).reshape(-1, 2)
    return KIND.made(Segmentations(object_column(codes)), sizes, False)


@st.composite
def sides(draw):
    size = draw(st.sampled_from([(12, 9), (1, 1), (1, 7), (70, 40)]))
    some = st.lists(mask_scenes.pixels(*size), min_size=1, max_size=3)
    return draw(some), draw(some)


@given(sides(), st.data())
def test_the_smaller_of_both_overlaps_and_of_crowds_the_share_inside(scene, data):
    mine, other = scene
    first = np.zeros(len(mine), np.int64)
    count = np.full(len(mine), len(other))
    crowd = np.array(data.draw(st.lists(st.booleans(), min_size=len(other), max_size=len(other))))
    lowest = data.draw(st.sampled_from([5e-324, 0.25, 0.5]))
    d, g, overlap = shapes(mine).near(shapes(other), first, count, crowd, lowest)
    found = dict(zip(zip(d.tolist(), g.tolist(), strict=True), overlap.tolist(), strict=True))
    wanted = {}
    for i, one in enumerate(mine):
        for j, two in enumerate(other):
            value = min(iou(one, two), iou(boundary(one), boundary(two)))
            if crowd[j]:
                value = int((one & two).sum()) / (int(one.sum()) or 1)
            if value >= lowest:
                wanted[i, j] = value
    assert found == wanted
    pairs = np.indices((len(mine), len(other))).reshape(2, -1)
    every = shapes(mine).overlaps(pairs[0], shapes(other), pairs[1], crowd[pairs[1]], lowest)
    every = every.reshape(len(mine), len(other))
    reached = {(i, j): every[i, j] for i, j in pairs.T.tolist() if every[i, j] >= lowest}
    assert reached == wanted


def test_depth_is_two_hundredths_of_the_diagonal():
    # 0.02 * 125 is 2.5, which rounds to the even 2
    size = np.array([[480, 640], [1, 1], [75, 100], [3, 4], [1080, 1920]])
    assert depths(size).tolist() == [16, 1, 2, 1, 44]


def test_a_shift_costs_the_boundary_more_than_the_mask(tmp_path):
    truth = np.zeros((480, 640), np.uint8)
    truth[100:400, 100:400] = 1
    found = np.roll(truth, 20, axis=1)
    codes = [mask.encode(np.asfortranarray(one)) for one in (truth, found)]
    for code in codes:
        code["counts"] = code["counts"].decode()
    one = {"image_id": 1, "category_id": 1, "segmentation": codes[0], "bbox": [100, 100, 300, 300]}
    (tmp_path / "truth.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "width": 640, "height": 480}],
                "annotations": [{**one, "id": 1, "area": 90000, "iscrowd": 0}],
                "categories": [{"id": 1, "name": "c"}],
            }
        )
    )
    two = {"image_id": 1, "category_id": 1, "segmentation": codes[1], "score": 0.5}
    (tmp_path / "found.json").write_text(json.dumps([two]))
    paths = tmp_path / "truth.json", tmp_path / "found.json"
    masks = dm.evaluate(*paths)
    assert masks.rules.shape == "mask"
    assert masks.matches()["iou"].tolist() == [280 / 320]
    edges = dm.evaluate(*paths, shape="boundary")
    ring = 300**2 - 268**2
    shared = int((boundary_of(truth) & boundary_of(found)).sum())
    assert edges.matches()["iou"].tolist()[:1] == [shared / (2 * ring - shared)]
    assert edges.summary["AP"] < masks.summary["AP"]
    again = dm.evaluate(edges.ground_truth, edges.detections, shape="mask")
    assert again.summary["AP"] == masks.summary["AP"]
    with pytest.raises(dm.RulesError, match=r"pycocotools cannot follow .* no shape 'boundary'"):
        dm.crosscheck(edges)


def boundary_of(pixels: np.ndarray) -> np.ndarray:
    """The same of a rectangle inside an image of 640 x 480, at once."""
    y, x = np.nonzero(pixels)
    found = pixels.copy()
    found[y.min() + 16 : y.max() - 15, x.min() + 16 : x.max() - 15] = 0
    return found


def test_boundary_as_a_setting_of_rules():
    rules = dm.COCO.replace(shape="boundary")
    assert "|shape:boundary|" in rules.signature
    assert rules.replace(detection_area="box").shape == "boundary"
    with pytest.raises(dm.RulesError, match="boundary is not defined with pixel 1"):
        rules.replace(pixel=1)
    assert isinstance(shapes([np.ones((3, 3), np.uint8)]), Masks)
