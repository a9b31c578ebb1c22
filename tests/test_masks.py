"""Masks that are none: one clear error with its place, before C code sees them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

import detmetrics as dm
from detmetrics.analysis.reconcile.shape_effect import shapes_of_both
from detmetrics.cli import cli
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.masks import Masks, masks_of
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

WIDE, HIGH = 8, 6
SQUARE = [1, 1, 5, 1, 5, 5, 1, 5]
FULL = {"size": [HIGH, WIDE], "counts": [0, HIGH * WIDE]}


def text(counts: list[int]) -> str:
    (code,) = mask.frPyObjects([{"size": [1, 1], "counts": counts}], 1, 1)
    return code["counts"].decode()


def files(folder: Path, truth: object, found: object) -> tuple[Path, Path]:
    """One object and one detection, with these segmentations."""
    document = {
        "images": [{"id": 1, "width": WIDE, "height": HIGH}],
        "categories": [{"id": 1, "name": "c"}],
        "annotations": [
            {
                "id": 1,
                "image_id": 1,
                "category_id": 1,
                "bbox": [1, 1, 4, 4],
                "area": 16,
                "iscrowd": 0,
                "segmentation": truth,
            }
        ],
    }
    one = {"image_id": 1, "category_id": 1, "score": 0.5, "segmentation": found}
    paths = folder / "truth.json", folder / "found.json"
    paths[0].write_text(json.dumps(document))
    paths[1].write_text(json.dumps([one]))
    return paths


POLYGON_FAULTS = {
    "no list": ("abc", "expected polygons or a run-length encoding, got 'abc'"),
    "a number": ([7, 8], "expected a polygon x1 y1 x2 y2 ..., got 7"),
    "text for a number": ([["1", 1, 5, 1, 5, 5]], "expected a polygon x1 y1 x2 y2"),
    "true for a number": ([[True, 1, 5, 1, 5, 5]], "expected a polygon x1 y1 x2 y2"),
    "a box": ([[1, 1, 4, 4]], "expected a polygon of 3 points or more, got"),
    "half a point": ([[1, 1, 4, 4, 4, 1, 1]], "expected a polygon of 3 points or more, got"),
    "far away": ([[1, 1, 5e5, 1, 5, 5]], "expected a polygon of finite numbers that can be pixels"),
    "farther": ([[1, 1, -1e300, 1, 5, 5]], "expected a polygon of finite numbers"),
    "no float": ([[1, 1, 10**400, 1, 5, 5]], "expected a polygon of finite numbers"),
    "endless": ([[0, 0, 900, 900] * 3000], "expected a polygon of finite numbers"),
}
ENCODING_FAULTS = {
    "no size": ({"counts": "0"}, r"expected size \[height, width\] of at most .* got None"),
    "one side": ({"size": [6], "counts": "0"}, r"expected size .* got \[6\]"),
    "a side of text": ({"size": ["6", 8], "counts": "0"}, r"expected size .* got \['6', 8\]"),
    "no side": ({"size": [0, 8], "counts": "0"}, r"expected size .* got \[0, 8\]"),
    "huge": ({"size": [2**40, 8], "counts": "0"}, "expected size .* at most 268,435,456 pixels"),
    "another image's": (
        {"size": [WIDE, HIGH], "counts": [48]},
        r"expected a mask of the size of its image, 8 x 6, got size \[8, 6\] \(height, width\)",
    ),
    "no counts": ({"size": [HIGH, WIDE]}, "expected counts of an encoding, got None"),
    "no numbers": ({"size": [HIGH, WIDE], "counts": [1, "2"]}, "expected counts of an encoding"),
    "below zero": (
        {"size": [HIGH, WIDE], "counts": [50, -2]},
        r"expected counts of whole pixels of the image, got \[50, -2\]",
    ),
    "half a pixel": ({"size": [HIGH, WIDE], "counts": [47.5, 0.5]}, "expected counts of whole"),
    "too few": (
        {"size": [HIGH, WIDE], "counts": [1, 46]},
        r"expected counts of 48 pixels \(height times width\), got 47",
    ),
    "none": ({"size": [HIGH, WIDE], "counts": []}, "expected counts of 48 pixels .*, got 0"),
    "too few, compressed": (
        {"size": [HIGH, WIDE], "counts": text([1, 46])},
        "expected counts of 48 pixels .*, got 47",
    ),
    "too many, compressed": (
        {"size": [HIGH, WIDE], "counts": text([1, 1 << 28])},
        "expected counts of 48 pixels .*, got 268,435,457",
    ),
    "cut": ({"size": [HIGH, WIDE], "counts": text([1, 47])[:-1]}, "were they cut or changed"),
    "empty": ({"size": [HIGH, WIDE], "counts": ""}, "were they cut or changed"),
    "a zero byte": ({"size": [HIGH, WIDE], "counts": "1\0P1"}, "were they cut or changed"),
    "no ASCII": ({"size": [HIGH, WIDE], "counts": "1é"}, "were they cut or changed"),
    "no Latin": ({"size": [HIGH, WIDE], "counts": "1中"}, "were they cut or changed"),
    "negative": ({"size": [HIGH, WIDE], "counts": "O"}, "were they cut or changed"),
    "seven digits": ({"size": [HIGH, WIDE], "counts": "PPPPPP0`1"}, "were they cut or changed"),
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [pytest.param(*case, id=name) for name, case in {**POLYGON_FAULTS, **ENCODING_FAULTS}.items()],
)
def test_what_is_no_mask_is_refused_with_its_place(tmp_path, wrong, message):
    with pytest.raises(dm.FormatError, match=message) as caught:
        dm.evaluate(*files(tmp_path, wrong, FULL), shape="mask")
    assert "truth.json: annotations[0].segmentation: " in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("wrong", "message"),
    [pytest.param(*case, id=name) for name, case in ENCODING_FAULTS.items()],
)
def test_detections_too(tmp_path, wrong, message):
    with pytest.raises(dm.FormatError, match=message) as caught:
        dm.evaluate(*files(tmp_path, [SQUARE], wrong), shape="mask")
    assert "found.json: [0].segmentation: " in str(caught.value)


def test_numbers_that_are_none_are_refused(tmp_path):
    paths = files(tmp_path, [[1, 1, 5, 1, 5, 12345]], FULL)
    for word in ("NaN", "1e999"):
        paths[0].write_text(paths[0].read_text().replace("12345", word))
        with pytest.raises(dm.FormatError, match=r"truth.json"):
            dm.evaluate(*paths, shape="mask")


def test_a_polygon_needs_the_size_of_its_image():
    outlines = Segmentations(object_column([[SQUARE]]))
    with pytest.raises(OutlineError, match="only on an image of known width and height"):
        masks_of(outlines, np.full((1, 2), np.nan))
    with pytest.raises(OutlineError, match=r"at most 67,108,864 pixels, got 9000 x 9000"):
        masks_of(outlines, np.full((1, 2), 9000.0))
    with pytest.raises(OutlineError, match=r"at most 67,108,864 pixels, got 0 x 6"):
        masks_of(Polygons(np.array(SQUARE).reshape(-1, 2), np.array([0, 4])), np.array([[0, 6]]))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text("0P_oé\0", max_size=6),
        lambda inner: (
            st.lists(inner, max_size=7)
            | st.fixed_dictionaries({}, optional={"size": inner, "counts": inner})
        ),
        max_leaves=12,
    )
)
def test_anything_is_a_mask_or_refused(value):
    outlines, size = Segmentations(object_column([value])), np.array([[WIDE, HIGH]], float)
    total = None
    with contextlib.suppress(OutlineError):
        total = masks_of(outlines, size).runs.total.tolist()
    assert total in (None, [WIDE * HIGH])


def test_all_faults_are_told_in_the_order_of_the_file():
    rows = [[SQUARE], {"size": [1, 1], "counts": "0"}, "x", [[1, 2]], FULL]
    with pytest.raises(OutlineError) as caught:
        masks_of(Segmentations(object_column(rows)), np.full((5, 2), [WIDE, HIGH], float))
    assert [row for row, _ in caught.value.faults] == [1, 2, 3]


def test_masks_from_arrays_are_checked_too():
    codes = object_column([{"size": [6, 8], "counts": b"`1"}, {"size": [6, 8], "counts": b"0"}])
    sizes = np.full((2, 2), [WIDE, HIGH], float)
    with pytest.raises(OutlineError, match="expected counts of 48 pixels") as caught:
        masks_of(Masks(codes), sizes)
    assert [row for row, _ in caught.value.faults] == [1]
    with pytest.raises(dm.TableError, match=r"masks: \[1\]: expected counts of 48 pixels"):
        _ = Masks(codes).hulls
    sound = masks_of(Masks(codes[:1]), sizes[:1])
    with pytest.raises(OutlineError, match="the size of its image, 6 x 8"):
        masks_of(sound, sizes[:1, ::-1])


def of_arrays(truth: Masks, found: Masks, images=(1, 2)) -> tuple[dm.GroundTruth, dm.Detections]:
    """Rows of one class on an image each, of unknown size."""
    catalog = dm.Catalog.from_ids(images=images, categories=["a"])
    rows = {"categories": ["a"] * len(truth), "catalog": catalog}
    return (
        dm.GroundTruth.from_arrays(image_ids=images[: len(truth)], shapes=truth, **rows),
        dm.Detections.from_arrays(
            image_ids=images[: len(found)], shapes=found, scores=[0.5] * len(found), **rows
        ),
    )


@pytest.mark.parametrize("counts", [[0, 9, 0, 0, 39], [9, 39], text([9, 39])])
@pytest.mark.parametrize("images", [None, [1]])
def test_masks_from_arrays_may_be_any_encoding(counts, images):
    column = Masks.from_codes([{"size": [6, 8], "counts": counts}] * 2)
    result = dm.evaluate(*of_arrays(column, column), images=images)
    assert result.rules.shape == "mask"
    assert result.summary["AP"] == pytest.approx(1)
    idle = {code["counts"] for code in column.take(np.array([1, 0])).sound}
    assert idle in ({text([0, 9, 39]).encode()}, {text([9, 39]).encode()})


def test_masks_of_one_image_have_one_size():
    """pycocotools makes -1 of their overlap, which looks like none."""
    column = Masks.from_codes([FULL, FULL])
    other = Masks.from_codes([FULL, {"size": [4, 8], "counts": [0, 32]}])
    with pytest.raises(dm.TableError, match=r"\[1\]: expected a mask of 8 x 6, .* got 8 x 4"):
        dm.evaluate(*of_arrays(column, other))
    with pytest.raises(dm.TableError, match=r"\[1\]: expected a mask of 8 x 4, .* got 8 x 6"):
        dm.evaluate(*of_arrays(other, column), shape="boundary", images=[2])
    dm.evaluate(*of_arrays(column, other), shape="box")
    assert shapes_of_both(*of_arrays(column, other)) == ("box",)
    assert shapes_of_both(*of_arrays(other, other)) == ("box", "mask", "boundary")
    dm.evaluate(*of_arrays(other, other))


def test_polygons_of_images_of_many_sizes_are_drawn_on_their_own():
    sizes = np.array([[8, 6], [20, 6], [8, 6], [6, 8]], float)
    rows = [[SQUARE], [SQUARE, [10, 0, 20, 0, 20, 6]], [[0, 0, 3, 0, 3, 3]], [SQUARE]]
    masks = masks_of(Segmentations(object_column(rows)), sizes)
    for code, row, (wide, high) in zip(masks.sound, rows, sizes.astype(int), strict=True):
        assert code == mask.merge(mask.frPyObjects(row, high, wide))
    points = np.concatenate([np.reshape(row[0], (-1, 2)) for row in rows])
    alone = masks_of(Polygons(points, np.array([0, 4, 8, 11, 15])), sizes)
    for code, row, (wide, high) in zip(alone.sound, rows, sizes.astype(int), strict=True):
        assert code == mask.frPyObjects(row[:1], high, wide)[0]


@given(st.lists(st.sampled_from([0, 0, 1, 2, 5]), max_size=12), st.booleans())
def test_runs_without_a_pixel_change_nothing(lengths, compressed):
    """At two of them in the same place pycocotools stops counting."""
    lengths = [*lengths, max(1, WIDE * HIGH - sum(lengths))]
    lengths = lengths if sum(lengths) == WIDE * HIGH else [WIDE * HIGH]
    flat = np.repeat(np.arange(len(lengths)) % 2, lengths).astype(np.uint8)
    pixels = flat.reshape(WIDE, HIGH).T
    counts = text(lengths) if compressed else lengths
    given = [{"size": [HIGH, WIDE], "counts": counts}]
    made = masks_of(Segmentations(object_column(given)), np.array([[WIDE, HIGH]], float))
    assert made.codes[0] == mask.encode(np.asfortranarray(pixels))
    assert made.runs.area.tolist() == [flat.sum()]
    whole = masks_of(Segmentations(object_column([FULL])), np.array([[WIDE, HIGH]], float))
    nothing = np.zeros(1, np.int64)
    overlap = made.overlaps(nothing, whole, nothing, np.zeros(1, bool), 0.0)
    assert overlap.tolist() == [flat.sum() / (WIDE * HIGH)]


def test_the_command_checks_masks_and_says_what_it_cannot_check(tmp_path):
    paths = list(map(str, files(tmp_path, [SQUARE], FULL)))
    ran = CliRunner().invoke(cli, ["evaluate", *paths, "--crosscheck"])
    assert ran.exit_code == 0, ran.output
    assert "|shape:mask|" in ran.output
    assert "cells of precision, recall and scores are equal" in ran.output
    assert "its loadRes takes those of boxes where results have bbox" in ran.output
    ran = CliRunner().invoke(cli, ["evaluate", *paths, "--crosscheck", "--shape", "boundary"])
    assert ran.exit_code == 2
    assert "pycocotools cannot follow the rules coco: it has no shape 'boundary'" in ran.output
