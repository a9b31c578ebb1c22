"""Boundary IoU as boundary-iou-api has it: OpenCV's erosion, pycocotools' IoU, the smaller one."""

from __future__ import annotations

import mask_scenes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools import mask

from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import KINDS
from detmetrics.overlap.masks.segmentations import Segmentations

cv2 = pytest.importorskip("cv2", reason="needs opencv-python-headless: make test-peers")


def boundary(pixels: np.ndarray) -> np.ndarray:
    """After ``boundary_iou/utils/boundary_utils.py``, ``mask_to_boundary``."""
    high, wide = pixels.shape
    depth = max(1, round(0.02 * float(np.sqrt(high**2 + wide**2))))
    framed = cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=depth)
    return pixels - eroded[1 : high + 1, 1 : wide + 1]


def codes(masks: list[np.ndarray]) -> list[dict]:
    return [mask.encode(np.asfortranarray(one)) for one in masks]


@st.composite
def sides(draw):
    size = draw(st.sampled_from([(12, 9), (1, 1), (200, 150), (640, 480), (333, 500)]))
    some = st.lists(mask_scenes.pixels(*size), min_size=1, max_size=3)
    return size, draw(some), draw(some)


@examples(200)
@given(sides(), st.integers(0, 7))
def test_equals_the_reference_to_the_last_bit(scene, flags):
    size, mine, other = scene
    crowd = np.array([bool(flags >> place & 1) for place in range(len(other))])
    flagged = crowd.astype(np.uint8)
    # After ``coco_instance_api/cocoeval.py``, ``computeBoundaryIoU``.
    wanted = mask.iou(codes(mine), codes(other), flagged)
    edges = mask.iou(codes(list(map(boundary, mine))), codes(list(map(boundary, other))), flagged)
    wanted[:, ~crowd] = np.minimum(wanted, edges)[:, ~crowd]

    def made(masks):
        sizes = np.full((len(masks), 2), size, float)
        return KINDS["boundary"].made(Segmentations(object_column(codes(masks))), sizes, False)

    d, g = np.indices(wanted.shape).reshape(2, -1)
    ours = made(mine).overlaps(d, made(other), g, crowd[g], 5e-324)
    np.testing.assert_array_equal(ours.reshape(wanted.shape), wanted)
