"""Masks: every cell of precision, recall and scores equals pycocotools' ``iouType="segm"``."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import mask_scenes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from pycocotools import mask

import detmetrics as dm
from detmetrics.compat.pycocotools import COCOeval
from detmetrics.overlap.masks.rle import decoded, encoded, lengths_of

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

SAMPLE = "coco_val2014_100/instances_val2014_100.json"
SAMPLE_FOUND = "coco_val2014_100/instances_val2014_fakesegm100_results.json"


def same(ours, theirs) -> None:
    for name in ("precision", "recall", "scores"):
        other = np.where(theirs[name] == -1, np.nan, theirs[name])
        mine = np.where(ours[name] == -1, np.nan, ours[name])
        np.testing.assert_array_equal(mine, other, err_msg=name)


def measured(folder: Path, truth: dict, found: list[dict]) -> dm.Evaluation:
    """From files, by the rules that pycocotools follows: areas of boxes where there are some."""
    paths = folder / "truth.json", folder / "found.json"
    for path, content in zip(paths, (truth, found), strict=True):
        path.write_text(json.dumps(content))
    area = "box" if "bbox" in found[0] else "shape"
    return dm.evaluate(*paths, dm.COCO.replace(shape="mask", detection_area=area))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("masks")


@given(scene=mask_scenes.documents())
def test_every_cell_from_files(folder, scene):
    result = measured(folder, *scene)
    same(result.arrays(), mask_scenes.cells(*scene).eval)
    check = dm.crosscheck(result)
    assert check.agrees, str(check)


PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "iouThrs": st.sampled_from([[0.5], [0.1, 0.5, 1.0]]),
        "maxDets": st.sampled_from([[1, 2, 100], [100, 1, 10]]),
        "useCats": st.sampled_from([0, 1]),
        "imgIds": st.just([5]),
    },
)


@examples(15)
@given(scene=mask_scenes.documents(), params=PARAMS)
def test_the_stand_in_for_pycocotools(scene, params):
    ours = mask_scenes.cells(*scene, COCOeval, **params)
    theirs = mask_scenes.cells(*scene, **params)
    assert ours.result is not None
    assert ours.result.rules.shape == "mask"
    same(ours.eval, theirs.eval)
    np.testing.assert_array_equal(np.array(ours.stats), np.array(theirs.stats))
    for key, overlaps in theirs.ious.items():
        np.testing.assert_array_equal(ours.ious[key], overlaps)
    for mine, other in zip(ours.evalImgs, theirs.evalImgs, strict=True):
        assert (mine is None) == (other is None)
        for name in other or ():
            np.testing.assert_array_equal(mine[name], other[name], err_msg=name)


@pytest.mark.parametrize("boxed", [False, True])
def test_the_coco_sample_in_every_cell(shared: Path, folder: Path, boxed):
    truth = json.loads((shared / SAMPLE).read_text())
    found = json.loads((shared / SAMPLE_FOUND).read_text())
    for one in found if boxed else []:
        one["bbox"] = mask.toBbox(one["segmentation"]).tolist()
    result = measured(folder, truth, found)
    theirs = mask_scenes.cells(truth, found)
    same(result.arrays(), theirs.eval)
    assert list(result.summary.values()) == theirs.stats.tolist()
    assert dm.crosscheck(result).agrees


def test_areas_of_detections_are_those_of_masks_unless_boxes_are_asked_for(folder: Path):
    # A mask of 30 x 30 pixels, which is small, in a box of 40 x 40, which is not.
    pixels = np.zeros((60, 80), np.uint8)
    pixels[:30, :30] = 1
    code = {"size": [60, 80], "counts": mask.encode(np.asfortranarray(pixels))["counts"].decode()}
    one = {"image_id": 1, "category_id": 3, "segmentation": code, "bbox": [0, 0, 40, 40]}
    other = {**one, "segmentation": {"size": [60, 80], "counts": [0, 4, 4796]}, "area": 4.0}
    truth = {
        "images": [{"id": 1, "width": 80, "height": 60}],
        "annotations": [{**other, "id": 1, "iscrowd": 0}],
        "categories": [{"id": 3, "name": "c"}],
    }
    found = [{**one, "score": 0.9}, {**one, "score": 0.5, "segmentation": truth_code(other)}]
    small = {
        area: dm.evaluate(
            *written(folder, truth, found), dm.COCO.replace(shape="mask", detection_area=area)
        ).summary["APs"]
        for area in ("shape", "box")
    }
    # As a small one, the wrong detection stands before the right one.
    assert small == {"shape": pytest.approx(0.5), "box": pytest.approx(1.0)}


def truth_code(annotation: dict) -> dict:
    return mask_scenes.coded(annotation["segmentation"], 80, 60)


def written(folder: Path, truth: dict, found: list[dict]) -> tuple[Path, Path]:
    paths = folder / "truth.json", folder / "found.json"
    for path, content in zip(paths, (truth, found), strict=True):
        path.write_text(json.dumps(content))
    return paths


# --- run lengths ---------------------------------------------------------------------------------


@given(
    st.lists(
        st.sampled_from([(12, 9), (1, 1), (1, 30), (30, 1), (300, 5)]).flatmap(
            lambda size: mask_scenes.pixels(*size)
        ),
        min_size=1,
        max_size=8,
    )
)
def test_runs_are_what_pycocotools_says(masks):
    codes = [mask.encode(np.asfortranarray(one)) for one in masks]
    runs = decoded([code["counts"] for code in codes], np.array([one.shape for one in masks]))
    assert runs.sound.all()
    assert runs.area.tolist() == mask.area(codes).tolist()
    assert runs.total.tolist() == [one.size for one in masks]
    np.testing.assert_array_equal(runs.boxes, mask.toBbox(codes))
    lengths = lengths_of([code["counts"] for code in codes])
    wanted = [mask_scenes.lengths(one) for one in masks]
    assert lengths.length.tolist() == [*chain.from_iterable(wanted)]
    assert [encoded(np.array(one)) for one in wanted] == [code["counts"] for code in codes]


@given(st.lists(st.integers(0, 1 << 28), min_size=1, max_size=9))
def test_lengths_of_any_size_are_written_and_read(lengths):
    text = encoded(np.array(lengths))
    assert lengths_of([text]).length.tolist() == lengths
    (code,) = mask.frPyObjects([{"size": [1, 1], "counts": lengths}], 1, 1)
    assert text == code["counts"]


@given(st.lists(st.binary(max_size=40) | st.text("0123PQRo_O^", max_size=40), max_size=6))
def test_any_bytes_can_be_decoded(texts):
    given = [text.encode() if isinstance(text, str) else text for text in texts]
    runs = decoded(given, np.full((len(given), 2), 7))
    for row, text in enumerate(given):
        alone = decoded([text], np.full((1, 2), 7))
        assert alone.sound[0] == runs.sound[row]
        if alone.sound[0]:  # what is sound does not depend on its neighbours
            assert alone.total[0] == runs.total[row]
            assert alone.area[0] == runs.area[row]
            assert min(slow_lengths(text)) >= 0
            assert sum(slow_lengths(text)) == runs.total[row]


def slow_lengths(text: bytes) -> list[int]:
    """``rleFrString`` as it is written."""
    lengths: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        more = True
        while more:
            digit = text[at] - 48
            value |= (digit & 31) << shift
            more = bool(digit & 32)
            at, shift = at + 1, shift + 5
            if not more and digit & 16:
                value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
    return lengths
