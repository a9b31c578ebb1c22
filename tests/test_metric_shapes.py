"""The metric of a training loop with oriented boxes and masks: one evaluation of the same data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

import detmetrics as dm
from detmetrics.foundation.archives import archived, opened
from detmetrics.overlap.polygons.angles import ANGLES
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.training.metric import KIND, VERSION

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

WIDE, HIGH = 12, 8
BIT = np.zeros((1, HIGH, WIDE), bool)
BIT[0, 2:5, 3:7] = True
MASK = {"masks": BIT, "labels": [0]}
FOUND = {**MASK, "scores": [0.9]}
NOTHING = {"masks": [], "labels": [], "scores": []}
BOX = {"boxes": [[3, 2, 7, 5]], "labels": [0]}
CODE = {"size": [HIGH, WIDE], "counts": mask.encode(np.asfortranarray(BIT[0]))["counts"]}


def rows(draw: st.DrawFn, count: int) -> tuple[list[int], list[int]]:
    whole = st.lists(st.integers(0, 1), min_size=count, max_size=count)
    return draw(whole), draw(whole)


@st.composite
def bitmaps(draw: st.DrawFn) -> np.ndarray:
    """A few rectangles of pixels, some of which are cut out again; nothing at all at times."""
    plane = np.zeros((HIGH, WIDE), bool)
    for _ in range(draw(st.integers(0, 3))):
        x, y = draw(st.integers(0, WIDE - 1)), draw(st.integers(0, HIGH - 1))
        w, h = draw(st.integers(1, 6)), draw(st.integers(1, 6))
        plane[y : y + h, x : x + w] = draw(st.sampled_from([True, True, False]))
    return plane


@st.composite
def images(draw: st.DrawFn, shape: st.SearchStrategy, name: str) -> list[tuple]:
    """Two images: id, prediction, target."""
    made = []
    for image in range(2):
        sides = []
        for _ in range(2):
            shapes = draw(st.lists(shape, max_size=3))
            labels, more = rows(draw, len(shapes))
            sides.append((shapes, labels, more))
        (found, labels, scores), (there, of_there, crowd) = sides
        made.append((
            image + 1,
            {name: found, "labels": labels, "scores": [one / 2 for one in scores]},
            {name: there, "labels": of_there, "iscrowd": crowd},
        ))  # fmt: skip
    return made


def fed(metric: dm.DetectionMetric, given: list[tuple]) -> dm.DetectionMetric:
    for image, found, there in given:
        metric.update([image], [found], [there])
    return metric


def as_files(given: list[tuple], folder: Path, segmentation) -> tuple[Path, Path]:
    """The same in COCO's JSON."""
    annotations, results = [], []
    for image, found, there in given:
        for name, side, rows in (("found", found, results), ("there", there, annotations)):
            shapes = side["masks"] if "masks" in side else side["boxes"]
            for at, one in enumerate(shapes):
                row = {"image_id": image, "category_id": side["labels"][at]}
                row |= segmentation(one)
                if name == "found":
                    row["score"] = side["scores"][at]
                else:
                    row |= {"id": len(rows) + 1, "iscrowd": side["iscrowd"][at]}
                rows.append(row)
    truth = {
        "images": [
            {"id": image, "width": WIDE, "height": HIGH, "file_name": f"{image}.png"}
            for image, _, _ in given
        ],
        "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": annotations,
    }
    paths = folder / "truth.json", folder / "found.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content))
    return paths


def of_mask(plane: np.ndarray) -> dict:
    code = mask.encode(np.asfortranarray(plane))
    box = mask.toBbox(code).tolist()
    text = {"size": code["size"], "counts": code["counts"].decode()}
    return {"segmentation": text, "bbox": box, "area": float(mask.area(code))}


def of_corners(corners: list[float]) -> dict:
    xy = np.array(corners, float).reshape(4, 2)
    low, high = xy.min(axis=0), xy.max(axis=0)
    area = float(Polygons.from_corners(xy[None]).areas[0])
    return {
        "segmentation": [corners],
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "area": area,
    }


def same(ours: dm.Evaluation, theirs: dm.Evaluation) -> None:
    np.testing.assert_array_equal([*ours.summary.values()], [*theirs.summary.values()])
    assert ours.rules == theirs.rules


@given(
    given=images(bitmaps(), "masks"),
    shape=st.sampled_from(["auto", "mask", "box"]),
    swap=st.booleans(),
    encode=st.booleans(),
)
def test_masks_are_those_of_files(tmp_path_factory, given, shape, swap, encode):
    if not any(len(side["masks"]) for one in given for side in one[1:]):
        return
    paths = as_files(given, tmp_path_factory.mktemp("masks"), of_mask)

    def coded(side: dict) -> dict:
        records = [of_mask(one) for one in side["masks"]]
        codes = [record["segmentation"] for record in records]
        masks = codes if encode else np.array(side["masks"], np.uint8)
        return {**side, "masks": masks, "area": [record["area"] for record in records]}

    batches = [(image, coded(found), coded(there)) for image, found, there in given]
    parts = [
        fed(dm.DetectionMetric(["cat", "dog"], shape=shape), [one])
        for one in batches[:: -1 if swap else 1]
    ]
    whole = parts[0].merge(dm.DetectionMetric.from_bytes(parts[1].to_bytes()))
    # A file without a row could hold any shape; a metric knows what it was given.
    same(whole.compute(), dm.evaluate(*paths, shape="mask" if shape == "auto" else shape))


corners = st.tuples(
    st.integers(0, 8), st.integers(0, 6), st.integers(1, 5), st.integers(1, 5), st.integers(0, 3)
).map(
    lambda v: [
        *(v[0] + v[4], v[1], v[0] + v[2] + v[4], v[1] + v[4]),
        *(v[0] + v[2], v[1] + v[3] + v[4], v[0], v[1] + v[3]),
    ]
)


@given(given=images(corners, "boxes"), normalized=st.booleans(), pairs=st.booleans())
def test_corners_are_those_of_files(tmp_path_factory, given, normalized, pairs):
    if not all(any(one[side]["boxes"] for one in given) for side in (1, 2)):
        return
    paths = as_files(given, tmp_path_factory.mktemp("corners"), of_corners)
    scale = [16, 8] * 4 if normalized else [1] * 8  # whose shares are exact

    def formed(side: dict) -> dict:
        boxes = np.array(side["boxes"], float).reshape(-1, 8) / scale
        return {**side, "boxes": boxes.reshape(-1, 4, 2) if pairs else boxes}

    metric = dm.DetectionMetric(["cat", "dog"], box_format="xyxyxyxy", normalized=normalized)
    for image, found, there in given:
        metric.update([image], [formed(found)], [formed(there)], [(16, 8)])
    ours = dm.DetectionMetric.from_bytes(metric.to_bytes()).compute()
    same(ours, dm.evaluate(*paths, shape="oriented"))
    assert ours.rules.shape == "oriented"


sides = st.tuples(
    *(st.integers(0, 9), st.integers(0, 7), st.integers(0, 6), st.integers(1, 4)),
    st.sampled_from([0.0, 30.0, 45.0, 90.0, -60.0, 200.0]),
).map(list)


@given(given=images(sides, "boxes"), angle=st.sampled_from(ANGLES))
def test_angles_of_every_kind_are_one_evaluation(given, angle):
    unit, _, direction = angle.partition("-")

    def told(side: dict) -> dict:
        boxes = np.array(side["boxes"], float).reshape(-1, 5)
        boxes[:, 4] *= -1 if direction == "counterclockwise" else 1
        if unit == "radians":
            boxes[:, 4] = np.deg2rad(boxes[:, 4])
        return {**side, "boxes": boxes}

    def turned(boxes: list) -> Rectangles:
        flat = np.array(boxes, float).reshape(-1, 5)
        return Rectangles.from_cxcywhr(np.column_stack([flat[:, :4], np.deg2rad(flat[:, 4])]))

    metric = dm.DetectionMetric(["cat", "dog"], box_format="cxcywhr", angle=angle)
    other = dm.DetectionMetric(["cat", "dog"], box_format="cxcywhr")
    for image, found, there in given:
        metric.update([image], [told(found)], [told(there)])
    ours = other.merge(dm.DetectionMetric.from_bytes(metric.to_bytes())).compute()
    catalog = dm.Catalog.from_ids(images=[1, 2], categories=[0, 1], category_names=["cat", "dog"])

    def column(side: int, name: str) -> list:
        return [value for one in given for value in one[side][name]]

    def ids(side: int) -> list[int]:
        return [one[0] for one in given for _ in one[side]["labels"]]

    truth = dm.GroundTruth.from_arrays(
        image_ids=ids(2), categories=column(2, "labels"), crowd=column(2, "iscrowd"),
        shapes=turned(column(2, "boxes")), catalog=catalog,
    )  # fmt: skip
    found = dm.Detections.from_arrays(
        image_ids=ids(1), categories=column(1, "labels"), scores=column(1, "scores"),
        shapes=turned(column(1, "boxes")), catalog=catalog,
    )  # fmt: skip
    same(ours, dm.evaluate(truth, found))


def test_torchvision_names_its_own_forms():
    class BoundingBoxes(np.ndarray):
        """What tv_tensors have beside numbers."""

        format = SimpleNamespace(name="CXCYWHR")

    boxes = np.array([[5.0, 4, 4, 2, 90]]).view(BoundingBoxes)
    theirs = {"boxes": boxes, "labels": [0]}
    taken = dm.DetectionMetric(["cat"], box_format="cxcywhr", angle="degrees-counterclockwise")
    taken.update([1], [{**theirs, "scores": [1]}], [theirs])
    assert taken.compute().summary["AP"] == pytest.approx(1)
    for options, message in [
        ({"box_format": "cxcywhr"}, r"torchvision's, .* angle='degrees-counterclockwise'"),
        ({"box_format": "xyxy"}, r"expected xyxy, got torchvision's CXCYWHR: box_format='cxcywhr'"),
    ]:
        with pytest.raises(dm.InputError, match=message):
            dm.DetectionMetric(["cat"], **options).update(
                [1], [{**theirs, "scores": [1]}], [theirs]
            )


class TestMasks:
    """Bitmaps and encodings, on both sides or not."""

    @pytest.mark.parametrize(
        "masks",
        [
            BIT,
            BIT.astype(np.uint8),
            BIT.astype(np.int64),
            np.asfortranarray(BIT),
            [BIT[0]],
            (BIT[0],),
            BIT.astype(int).tolist(),
            [CODE],
            [{**CODE, "counts": CODE["counts"].decode()}],
            [{"size": [HIGH, WIDE], "counts": [26, 3, 5, 3, 5, 3, 5, 3, 43]}],
        ],
    )
    def test_of_any_form(self, masks):
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [{**FOUND, "masks": masks}], [MASK])
        result = metric.compute()
        assert result.rules.shape == "mask"
        assert result.summary["AP"] == pytest.approx(1)
        assert result.detections.xyxy.tolist() == [[3, 2, 7, 5]]
        assert result.detections.area.tolist() == [12]
        assert not [text for text in result.attention if "w * h" in text]
        assert result.ground_truth.catalog.image_sizes.tolist() == [[WIDE, HIGH]]

    def test_boxes_stay_those_that_were_given(self):
        metric = dm.DetectionMetric(["cat"], box_format="xywh")
        metric.update([1], [{**FOUND, "boxes": [[1, 1, 2, 2]]}], [MASK])
        result = metric.compute()
        assert result.detections.xywh.tolist() == [[1, 1, 2, 2]]
        assert result.ground_truth.xywh.tolist() == [[3, 2, 4, 3]]
        assert result.summary["AP"] == pytest.approx(1)

    def test_of_one_side_are_left_and_that_is_said(self):
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [{**BOX, "scores": [0.5]}], [{**MASK, **BOX}])
        metric = dm.DetectionMetric.from_bytes(metric.to_bytes())
        result = metric.compute()
        assert result.rules.shape == "box"
        said = "measured by upright boxes: predictions have no masks, which targets have"
        assert said in result.attention
        metric = dm.DetectionMetric(["cat"], shape="box")
        metric.update([1], [{**BOX, "scores": [0.5]}], [MASK])
        assert metric.compute().summary["AP"] == pytest.approx(1)
        assert said not in metric.compute().attention

    def test_an_image_without_objects_speaks_for_neither(self):
        bare = {"boxes": [], "labels": [], "scores": []}
        metric = dm.DetectionMetric(["cat"])
        metric.update([1, 2, 3], [bare, FOUND, NOTHING], [MASK, MASK, bare])
        result = metric.compute()
        assert result.rules.shape == "mask"
        assert result.summary["AR100"] == 0.5
        boxes = dm.DetectionMetric(["cat"])
        boxes.update([1, 2], [bare, {**BOX, "scores": [0.5]}], [MASK, BOX])
        assert boxes.compute().rules.shape == "box"

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            (FOUND, {**BOX, "scores": [1]}, r"predictions\[0\]: expected a key 'masks' as in"),
            ({**BOX, "scores": [1]}, FOUND, r"predictions\[0\]\['masks'\]: expected boxes alone"),
        ],
    )
    def test_in_some_images_alone_are_refused(self, first, second, message):
        metrics = [dm.DetectionMetric(["cat"]) for _ in range(2)]
        for number, (metric, found) in enumerate(zip(metrics, (first, second), strict=True)):
            metric.update([number], [found], [MASK])
        with pytest.raises(dm.InputError, match=message):
            metrics[0].update([7], [second], [MASK])
        assert len(metrics[0]) == 1
        with pytest.raises(dm.InputError, match="merge a metric of masks and one of boxes alone"):
            metrics[0].merge(dm.DetectionMetric.from_bytes(metrics[1].to_bytes()))
        metrics[0].reset()
        assert metrics[0].merge(metrics[1]).compute().rules == metrics[1].compute().rules

    def test_what_a_batch_keeps_is_no_bitmap(self):
        metric = dm.DetectionMetric(["cat"])
        plane = np.zeros((1, 2_000, 2_000), bool)
        plane[0, 30:900, 40:700] = True
        metric.update([1], [{**FOUND, "masks": plane}], [{**MASK, "masks": plane}])
        assert len(metric.to_bytes()) < 20_000

    def test_the_input_stays_as_it_is(self):
        plane = BIT.copy()
        plane.flags.writeable = False
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [{**FOUND, "masks": plane}], [{**MASK, "masks": plane}])
        assert (plane == BIT).all()

    def test_rules_may_ask_for_them(self):
        metric = dm.DetectionMetric(["cat"], dm.COCO.replace(shape="mask"))
        with pytest.raises(dm.InputError, match=r"targets\[0\]: expected a key 'masks', got boxes"):
            metric.update([1], [FOUND], [BOX])
        metric.update([1], [FOUND], [MASK])
        assert metric.compute().summary["AP"] == pytest.approx(1)


SMALL = BIT[:, :4]
NAN = math.nan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"found": {"masks": BIT[0]}},
            r"predictions\[1\]\['masks'\]: expected shape \(n, height, width\), got \(8, 12\)",
        ),
        (
            {"there": {"masks": BIT[:, None]}},
            r"targets\[1\]\['masks'\]: expected shape .* got \(1, 1, 8, 12\): .*squeeze\(1\)",
        ),
        (
            {"found": {"masks": BIT * 0.7}},
            r"predictions\[1\]\['masks'\]: expected bool, or whole numbers 0 and 1, got float64",
        ),
        (
            {"found": {"masks": BIT * np.uint8(255)}},
            r"predictions\[1\]\['masks'\]\[0\]: expected bool, .*, got 255: masks != 0",
        ),
        ({"there": {"masks": BIT * -1}}, r"targets\[1\]\['masks'\]\[0\]: .* got -1"),
        ({"found": {"masks": [[["a"]]]}}, r"predictions\[1\]\['masks'\]\[0\]: expected bool"),
        ({"found": {"masks": [[1, 0], [0]]}}, r"\['masks'\]: expected"),
        ({"found": {"masks": 7}}, r"predictions\[1\]\['masks'\]: expected shape"),
        ({"found": {"masks": np.zeros((1, 0, 4), bool)}}, r"expected shape \(height, width\)"),
        (
            {"there": {"masks": SMALL}},
            r"targets\[1\]\['masks'\]\[0\]: expected .* 8 x 12 as of predictions\[1\].*got 4 x 12",
        ),
        (
            {"sizes": [(WIDE, HIGH), (20, 10)]},
            r"predictions\[1\]\['masks'\]\[0\]: expected .* 10 x 20 as of image_sizes\[1\], got 8",
        ),
        (
            {"found": {"masks": np.concatenate([BIT, BIT])}, "boxed": True},
            r"predictions\[1\]\['masks'\]: expected 1 mask, one a box, got 2",
        ),
        (
            {"found": {"masks": np.concatenate([BIT, BIT])}},
            r"predictions\[1\]\['scores'\]: expected shape \(2,\), got \(1,\)",
        ),
        (
            {"found": {"masks": [{**CODE, "counts": b"]]]"}]}},
            r"predictions\[1\]\['masks'\]\[0\]: counts are no run-length encoding",
        ),
        (
            {"found": {"masks": [{**CODE, "size": [9, 9]}]}},
            r"predictions\[1\]\['masks'\]\[0\]: expected counts of 81 pixels .*, got 96",
        ),
        ({"found": {"masks": [{"size": 3}]}}, r"predictions\[1\]\['masks'\]\[0\]: expected size"),
        ({"there": {"masks": [CODE, 3]}}, r"targets\[1\]\['masks'\]\[1\]: expected a run-length"),
    ],
)
def test_masks_that_do_not_fit_are_named(changes, message):
    metric = dm.DetectionMetric(["cat"])
    sides = [
        {**side, **(BOX if "boxed" in changes else {}), **changes.get(name, {})}
        for name, side in (("found", FOUND), ("there", MASK))
    ]
    with pytest.raises(dm.InputError, match=message):
        metric.update([1, 2], [FOUND, sides[0]], [MASK, sides[1]], changes.get("sizes"))
    assert len(metric) == 0


@pytest.mark.parametrize(
    ("options", "box", "message"),
    [
        ("cxcywhr", [1, 2, 3, 4], r"\['boxes'\]: expected shape \(n, 5\), got \(1, 4\)"),
        ("cxcywhr", [1, 2, 3, 4, 90], r"\[0\]: expected an angle in radians, .*degrees-clockwise"),
        ("cxcywhr", [1, 2, -3, 4, 1], r"\[0\]: expected width and height from 0 up, got"),
        ("cxcywhr", [1, 2, 3, 4, NAN], r"\['boxes'\]\[0\]: expected five numbers, got"),
        ("xyxyxyxy", [1, 2, 3, 4, 5], r"expected shape \(n, 8\) or \(n, 4, 2\), got \(1, 5\)"),
        ("xyxyxyxy", [1, 2, 3, 4, 5, 6, 7, math.inf], r"\[0\]: expected eight numbers, got"),
    ],
)
def test_oriented_boxes_that_do_not_fit_are_named(options, box, message):
    metric = dm.DetectionMetric(["cat"], box_format=options)
    given = {"boxes": [box], "labels": [0]}
    with pytest.raises(dm.InputError, match=message):
        metric.update([1], [{**given, "scores": [1]}], [given])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"angle": "degrees"}, "angle: expected one of 'radians-clockwise', .* got 'degrees'"),
        ({"shape": "hexagon"}, "shape: expected one of 'auto', 'box', 'oriented', .*'mask'"),
        ({"box_format": "cxcywhr", "normalized": True}, r"normalized: .*box_format='xyxyxyxy'"),
    ],
)
def test_arguments_that_do_not_fit(options, message):
    with pytest.raises(dm.InputError, match=message):
        dm.DetectionMetric(["cat"], **options)


@pytest.mark.parametrize(
    "options", [{"box_format": "cxcywhr"}, {"box_format": "xyxyxyxy"}, {"shape": "mask"}]
)
def test_metrics_of_other_shapes_are_not_merged(options):
    with pytest.raises(dm.InputError, match="cannot merge metrics of different"):
        dm.DetectionMetric(["cat"]).merge(dm.DetectionMetric(["cat"], **options))


@given(at=st.floats(0, 0.999), bits=st.integers(1, 255))
def test_damage_of_masks_is_an_error_or_the_same(at, bits):
    metric = dm.DetectionMetric(["cat"])
    metric.update([1], [FOUND], [MASK])
    data = metric.to_bytes()
    changed = bytearray(data)
    changed[int(at * len(data))] ^= bits
    try:
        again = dm.DetectionMetric.from_bytes(bytes(changed))
    except dm.InputError:
        return
    assert again.to_bytes() == data


def test_masks_that_somebody_wrote_into_the_bytes_are_refused():
    metric = dm.DetectionMetric(["cat"])
    metric.update([1], [FOUND], [MASK])
    header, arrays = opened(metric.to_bytes(), KIND, VERSION, lambda *both: both)
    for name, values in [
        ("predictions_masks", arrays["predictions_masks"] + 1),
        ("predictions_masks_length", arrays["predictions_masks_length"] - 1),
        ("predictions_masks_count", np.array([0, 1])),
        ("size", np.array([[math.nan, 5]])),
        ("size", np.array([[1.0, 5]])),
        ("predictions", np.zeros((1, 9))),
        ("predictions_count", np.array([2])),
    ]:
        data = archived(KIND, VERSION, header, {**arrays, name: values})
        with pytest.raises(dm.InputError, match="from_bytes: the bytes are damaged"):
            dm.DetectionMetric.from_bytes(data)
