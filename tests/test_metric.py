"""The metric of a training loop: batches in any order are one evaluation."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

import detmetrics as dm

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

FIXTURES = "fixtures/ground_truth.json", "fixtures/detections.json"
CAT = {"boxes": [[0, 0, 10, 10]], "labels": [0]}
FOUND = {**CAT, "scores": [0.9]}
NOTHING = {"boxes": [], "labels": [], "scores": []}


def batches(truth: dm.GroundTruth, found: dm.Detections) -> list[tuple]:
    """An image each: id, prediction, target, with the boxes as they stand in the tables."""
    catalog = truth.catalog
    ids = catalog.category_ids

    def of(index: int) -> tuple:
        g, d = truth.image == index, found.image == index
        prediction = {
            "boxes": found.boxes[d],
            "scores": found.scores[d],
            "labels": ids[found.category[d]],
        }
        target = {
            "boxes": truth.boxes[g],
            "labels": ids[truth.category[g]],
            "area": truth.area[g],
            "iscrowd": truth.crowd[g],
            "ignore": truth.ignore[g],
            "difficult": truth.difficult[g],
        }
        return catalog.image_ids[index], prediction, target, catalog.image_sizes[index]

    return [of(index) for index in range(len(catalog.image_ids))]


def fed(metric: dm.DetectionMetric, images: list[tuple], size: int = 1) -> dm.DetectionMetric:
    for start in range(0, len(images), size):
        ids, predictions, targets, sizes = zip(*images[start : start + size], strict=True)
        metric.update(ids, predictions, targets, np.array(sizes))
    return metric


def example(**options) -> tuple[list[tuple], dm.DetectionMetric]:
    truth = dm.read_ground_truth(FIXTURES[0])
    found = dm.read_detections(FIXTURES[1], truth)
    catalog = truth.catalog
    classes = dict(zip(catalog.category_ids.tolist(), catalog.category_names, strict=True))
    return batches(truth, found), dm.DetectionMetric(classes, box_format="xywh", **options)


@pytest.mark.parametrize("rules", ["coco", "voc2007", "ultralytics", "crowdhuman"])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_files_and_batches_give_the_same_bits(rules, size):
    images, metric = example(rules=rules)
    fed(metric, images[::-1], size)
    ours, theirs = metric.compute(), dm.evaluate(*FIXTURES, rules)
    np.testing.assert_array_equal([*ours.summary.values()], [*theirs.summary.values()])
    assert ours.class_names == theirs.class_names
    assert ours.per_class().equals(theirs.per_class())
    assert len(metric) == len(images)


@given(
    scene=strategies.scenes(),
    cut=st.integers(0, 3),
    order=st.permutations(range(3)),
)
def test_merged_and_stored_metrics_are_the_whole(scene, cut, order):
    truth, found = scene
    images = batches(truth, found)
    images = [images[n] for n in order if n < len(images)]
    classes = {int(key): str(key) for key in truth.catalog.category_ids}

    def metric() -> dm.DetectionMetric:
        return dm.DetectionMetric(classes, box_format="xywh")

    whole, parts = fed(metric(), images), [fed(metric(), images[:cut]), fed(metric(), images[cut:])]
    stored = [dm.DetectionMetric.from_bytes(part.to_bytes()) for part in parts]
    merged = stored[0].merge(stored[1])
    assert merged.to_bytes() == parts[0].merge(parts[1]).to_bytes()
    expected = dm.evaluate(truth, found).summary
    for one in (whole, merged):
        np.testing.assert_array_equal([*one.compute().summary.values()], [*expected.values()])


@given(
    scene=strategies.scenes(),
    seen=st.lists(st.integers(0, 2), min_size=1, max_size=9),
    ranks=st.integers(1, 3),
    on_repeat=st.sampled_from(["replace", "keep"]),
)
def test_any_order_any_split_and_any_repeats_are_the_whole(scene, seen, ranks, on_repeat):
    """As samplers of several processes do it: what comes again is the same image again."""
    truth, found = scene
    images = batches(truth, found)
    order = [n % len(images) for n in seen] + [*range(len(images))][::-1]
    classes = {int(key): str(key) for key in truth.catalog.category_ids}
    parts = [
        fed(
            dm.DetectionMetric(classes, box_format="xywh", on_repeat=on_repeat),
            [images[n] for n in order[rank::ranks]],
        )
        for rank in range(ranks)
    ]
    whole = parts[0]
    for part in parts[1:]:
        whole.merge(dm.DetectionMetric.from_bytes(part.to_bytes()))
    assert len(whole) == len(images)
    assert whole.repeats == len(order) - len(images)
    expected = dm.evaluate(truth, found).summary
    np.testing.assert_array_equal([*whole.compute().summary.values()], [*expected.values()])


class TestRepeats:
    """An image that comes twice: a padded sampler, an epoch that was not reset."""

    def twice(self, on_repeat: str) -> dm.DetectionMetric:
        metric = dm.DetectionMetric(["cat"], on_repeat=on_repeat)
        metric.update([1], [FOUND], [CAT])
        metric.update([1, 2], [NOTHING, FOUND], [CAT, CAT])
        return metric

    @pytest.mark.parametrize(("on_repeat", "recall"), [("replace", 0.5), ("keep", 1.0)])
    def test_counts_once(self, on_repeat, recall):
        metric = self.twice(on_repeat)
        result = metric.compute()
        assert result.summary["AR100"] == recall
        assert (len(metric), metric.repeats) == (2, 1)
        kept = {"replace": "last", "keep": "first"}[on_repeat]
        assert f"1 image was given more than once; the {kept} of each counts" in result.attention

    def test_is_refused_and_nothing_of_the_batch_is_added(self):
        metric = dm.DetectionMetric(["cat"], on_repeat="error")
        metric.update([1], [FOUND], [CAT])
        with pytest.raises(dm.InputError, match="image 1 was given before"):
            metric.update([2, 1], [FOUND] * 2, [CAT] * 2)
        assert len(metric) == 1

    def test_inside_one_batch(self):
        metric = dm.DetectionMetric(["cat"])
        metric.update([1, 1], [FOUND, NOTHING], [CAT, CAT])
        assert (len(metric), metric.repeats) == (1, 1)
        assert metric.compute().summary["AR100"] == 0

    def test_are_stored_and_merged(self):
        metric = dm.DetectionMetric.from_bytes(self.twice("keep").to_bytes())
        assert metric.repeats == 1
        assert metric.merge(self.twice("keep")).repeats == 4

    def test_reset_forgets(self):
        metric = self.twice("keep")
        metric.reset()
        assert (len(metric), metric.repeats) == (0, 0)
        with pytest.raises(dm.InputError, match="no image yet: update"):
            metric.compute()


class TestForms:
    """Boxes of any form, labels and flags of any spelling."""

    @pytest.mark.parametrize(
        ("box_format", "box", "normalized"),
        [
            ("xyxy", [8, 16, 24, 48], False),
            ("xywh", [8, 16, 16, 32], False),
            ("cxcywh", [16, 32, 16, 32], False),
            ("xyxy", [0.125, 0.125, 0.375, 0.375], True),
            ("cxcywh", [0.25, 0.25, 0.25, 0.25], True),
        ],
    )
    def test_of_boxes(self, box_format, box, normalized):
        metric = dm.DetectionMetric(["cat"], box_format=box_format, normalized=normalized)
        one = {"boxes": [box], "labels": [0]}
        metric.update(["a"], [{**one, "scores": [1]}], [one], [(64, 128)])
        result = metric.compute()
        assert result.ground_truth.xyxy.tolist() == [[8, 16, 24, 48]]
        assert result.detections.xywh.tolist() == [[8, 16, 16, 32]]
        assert result.ground_truth.catalog.image_sizes.tolist() == [[64, 128]]

    @pytest.mark.parametrize(
        "labels", [["dog"], np.array(["dog"]), [1], np.array([1]), [np.int64(1)], [1.0]]
    )
    def test_of_labels(self, labels):
        metric = dm.DetectionMetric(["cat", "dog"])
        metric.update([1], [{**FOUND, "labels": labels}], [{**CAT, "labels": labels}])
        assert metric.compute().per_class()["ground_truths"].to_dict() == {"cat": 0, "dog": 1}

    def test_of_flags(self):
        target = {
            "boxes": np.arange(12.0).reshape(3, 4),
            "labels": [0, 0, 0],
            "iscrowd": [0, 1, 0],
            "difficult": np.array([False, False, True]),
            "ignore": None,
        }
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [NOTHING], [target])
        truth = metric.compute().ground_truth
        assert truth.crowd.tolist() == [False, True, False]
        assert truth.difficult.tolist() == [False, False, True]
        assert not truth.ignore.any()

    @pytest.mark.parametrize("empty", [[], np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4), "f4")])
    def test_of_nothing(self, empty):
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [{**NOTHING, "boxes": empty}], [{"boxes": empty, "labels": []}])
        assert math.isnan(metric.compute().summary["AP"])

    @pytest.mark.parametrize(
        "ids",
        [
            [3, 1, 2],
            np.array([3, 1, 2]),
            ("c", "a", "b"),
            [np.int32(3), 1, 2],
            np.array(["c", "a", "b"]),
        ],
    )
    def test_of_ids(self, ids):
        metric = dm.DetectionMetric(["cat"])
        metric.update(ids, [FOUND] * 3, [CAT] * 3)
        known = metric.compute().ground_truth.catalog.image_ids.tolist()
        assert known in ([1, 2, 3], ["a", "b", "c"])

    def test_of_ids_that_no_float_holds(self):
        metric = dm.DetectionMetric(["cat"])
        metric.update(np.array([2**60, 2**60 + 1]), [FOUND] * 2, [CAT] * 2)
        assert metric.compute().ground_truth.catalog.image_ids.tolist() == [2**60, 2**60 + 1]

    def test_tensors(self):
        """What torch's have: detach, cpu, a dtype, numpy."""

        class Tensor:
            def __init__(self, values, kind="float32"):
                self.values, self.dtype = np.array(values, kind), self
                self.is_floating_point = self.values.dtype.kind == "f"

            def detach(self):
                return self

            cpu = detach

            def double(self):
                return Tensor(self.values, "float64")

            def numpy(self):
                return self.values

            def tolist(self):
                return self.values.tolist()

            def __len__(self):
                return len(self.values)

        one = {"boxes": Tensor([[0.1, 0, 10, 10]]), "labels": Tensor([0], "int64")}
        metric = dm.DetectionMetric(["cat"])
        metric.update(Tensor([7], "int64"), [{**one, "scores": Tensor([0.9])}], [one])
        result = metric.compute()
        assert result.ground_truth.catalog.image_ids.tolist() == [7]
        assert result.detections.scores.tolist() == [float(np.float32(0.9))]
        assert result.ground_truth.boxes[0, 0] == np.float32(0.1)

    def test_the_input_may_change_afterwards(self):
        boxes = np.array([[0.0, 0, 10, 10]])
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [FOUND], [{"boxes": boxes, "labels": [0]}])
        boxes[:] = 5
        assert metric.compute().summary["AP"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ids": 7}, "image_ids: expected a list with an id an image, got 7"),
        ({"ids": "a.jpg"}, "image_ids: expected a list"),
        ({"ids": [None]}, r"image_ids\[0\]: expected a whole number or text, got None"),
        ({"ids": [0.5]}, r"image_ids\[0\]: expected a whole number or text, got 0.5"),
        ({"ids": [True]}, r"image_ids\[0\]: expected a whole number or text, got True"),
        ({"ids": [1, 2]}, "predictions: expected 2 entries like image_ids, got 1"),
        ({"predictions": FOUND}, "predictions: expected a list with one for each image, got"),
        ({"predictions": [[1]]}, r"predictions\[0\]: expected a dict with boxes and labels"),
        ({"targets": []}, "targets: expected 1 entry like image_ids, got 0"),
        ({"targets": [{}]}, r"targets\[0\]: expected a key 'boxes', got nothing"),
        ({"found": {"scores": None}}, r"predictions\[0\]\['scores'\]: expected numbers"),
        ({"found": {"scores": [0.5, 1]}}, r"\['scores'\]: expected shape \(1,\), got \(2,\)"),
        (
            {"found": {"scores": [math.nan]}},
            r"\['scores'\]\[0\]: expected a finite number, got nan",
        ),
        (
            {"found": {"scores": [math.inf]}},
            r"\['scores'\]\[0\]: expected a finite number, got inf",
        ),
        (
            {"there": {"boxes": [[5, 5, 3, 9]]}},
            r"targets\[0\]\['boxes'\]\[0\]: expected xmin <= xmax.*are they xywh\?",
        ),
        (
            {"found": {"scores": np.ma.masked_array([0.5], [True])}},
            r"\['scores'\]: expected every number, got an array with masked ones",
        ),
        ({"found": {"boxes": [[1, 2, 3]]}}, r"\['boxes'\]: expected shape \(n, 4\), got \(1, 3\)"),
        ({"found": {"boxes": [1, 2, 3, 4]}}, r"expected shape \(n, 4\), got \(4,\)"),
        ({"found": {"boxes": [[1, 2], [3]]}}, r"predictions\[0\]\['boxes'\]: expected numbers"),
        ({"found": {"boxes": [["a"] * 4]}}, r"predictions\[0\]\['boxes'\]: expected numbers"),
        ({"found": {"boxes": [[1, 2, math.nan, 4]]}}, r"\['boxes'\]\[0\]: expected four numbers"),
        ({"found": {"labels": [2]}}, r"\['labels'\]\[0\]: expected a class, 0 \(cat\), .* got 2"),
        ({"found": {"labels": [0.5]}}, r"\['labels'\]\[0\]: expected a class, .*, got 0.5"),
        ({"found": {"labels": ["cow"]}}, r"\['labels'\]\[0\]: expected a class, .*, got 'cow'"),
        ({"there": {"labels": [-1]}}, r"targets\[0\]\['labels'\]\[0\]: expected a class"),
        ({"there": {"iscrowd": [0, 1]}}, r"\['iscrowd'\]: expected shape \(1,\), got \(2,\)"),
        ({"there": {"area": [-1]}}, r"\['area'\]\[0\]: expected an area from 0 up, got -1.0"),
        ({"there": {"area": [math.inf]}}, r"\['area'\]\[0\]: expected an area from 0 up, got inf"),
        ({"sizes": [(0, -3)]}, r"image_sizes\[0\]: expected width and height, got \[0.0, -3.0\]"),
        ({"sizes": [(0, 0, 0)]}, r"image_sizes\[0\]: expected shape \(2,\), got \(3,\)"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_added(changes, message):
    metric = dm.DetectionMetric(["cat", "dog"])
    ids = changes.get("ids", [1])
    predictions = changes.get("predictions", [{**FOUND, **changes.get("found", {})}])
    targets = changes.get("targets", [{**CAT, **changes.get("there", {})}])
    with pytest.raises(dm.InputError, match=message):
        metric.update(ids, predictions, targets, changes.get("sizes"))
    assert len(metric) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": "cat"}, "classes: expected a list of names or a mapping, got 'cat'"),
        ({"classes": []}, "classes: expected at least one"),
        ({"classes": ["a", "a"]}, "classes: a name is there twice"),
        ({"classes": {"a": 1}}, "classes: expected at least one, and whole numbers as labels"),
        ({"classes": [1]}, "classes: expected names as text"),
        ({"box_format": "xcycwh"}, "box_format: expected one of 'xyxy', .*'xyxyxyxy', got"),
        ({"on_repeat": "skip"}, "on_repeat: expected one of 'replace', 'keep', 'error', got"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(dm.InputError, match=message):
        dm.DetectionMetric(**{"classes": ["cat"], **arguments})
    with pytest.raises(dm.RulesError, match="rules: expected a rule set or its name, got 5"):
        dm.DetectionMetric(["cat"], 5)


class TestWorthALook:
    """What is measured all the same, and probably not what was meant."""

    def warned(self, metric: dm.DetectionMetric) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = metric.compute()
        assert result.summary
        return [str(one.message) for one in caught]

    def test_ids_that_begin_anew_in_every_batch(self):
        metric = dm.DetectionMetric(["cat"])
        for _ in range(5):
            metric.update([0, 1], [FOUND] * 2, [CAT] * 2)
        (said,) = self.warned(metric)
        assert said == (
            "8 images were given more than once; the last of each counts, 2 images in all: are "
            "image_ids unique?"
        )

    def test_a_padded_sampler_is_no_cause(self):
        metric = dm.DetectionMetric(["cat"])
        metric.update([*range(40), 0], [FOUND] * 41, [CAT] * 41)
        assert self.warned(metric) == []

    def test_shares_where_pixels_are_meant(self):
        share = {"boxes": [[0.1, 0.1, 0.5, 0.5]], "labels": [0]}
        metric = dm.DetectionMetric(["cat"])
        for number in range(20):
            metric.update([number], [{**share, "scores": [0.5]}], [CAT])
        (said,) = self.warned(metric)
        assert said.startswith("predictions: boxes look like shares of the image")
        assert "normalized=True, with image_sizes, takes shares" in said
        assert said in metric.compute().attention

    def test_pixels_where_shares_are_meant(self):
        metric = dm.DetectionMetric(["cat"], normalized=True)
        with pytest.raises(
            dm.InputError, match=r"expected shares of the image, got \[0.0, 0.0, 10"
        ):
            metric.update([1], [FOUND], [CAT], [(64, 64)])

    @pytest.mark.parametrize(("largest", "warns"), [(500.0, False), (1500.0, True)])
    def test_boxes_in_floats_of_16_bits(self, largest, warns):
        boxes = np.array([[0, 0, largest, 10]], np.float16)
        metric = dm.DetectionMetric(["cat"])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for number in range(2):
                metric.update([number], [{**FOUND, "boxes": boxes}], [CAT])
        said = (
            "predictions[0]['boxes'] are float16, 1 apart at 1500: AP is that of rounded boxes; "
            "compute them in float32"
        )
        assert [str(one.message) for one in caught] == [said] * warns


def test_normalized_boxes_need_sizes():
    metric = dm.DetectionMetric(["cat"], normalized=True)
    with pytest.raises(dm.InputError, match=r"image_sizes\[0\]: expected width and height"):
        metric.update([1], [FOUND], [CAT])


def test_ids_of_two_kinds():
    metric = dm.DetectionMetric(["cat"])
    metric.update([1], [FOUND], [CAT])
    with pytest.raises(dm.InputError, match="expected whole numbers or text, got both"):
        metric.update([2, "1"], [FOUND] * 2, [CAT] * 2)
    assert len(metric) == 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (dm.DetectionMetric(["dog"]), "different classes"),
        (dm.DetectionMetric(["cat"], dm.VOC2007), "different rules"),
        (dm.DetectionMetric(["cat"], box_format="xywh"), "different box_format"),
        (dm.DetectionMetric(["cat"], normalized=True), "different normalized"),
        (None, "merge: expected a DetectionMetric, got None"),
    ],
)
def test_what_cannot_be_merged(other, message):
    with pytest.raises(dm.InputError, match=message):
        dm.DetectionMetric(["cat"]).merge(other)


def odd(rows: np.ndarray, column: int) -> None:
    rows[0, column] = np.inf


class TestBytes:
    """State without pickle, read back or refused."""

    def stored(self) -> bytes:
        images, metric = example(rules=dm.KITTI.replace(max_detections=(7, math.inf)))
        return fed(metric, images).to_bytes()

    def test_read_back_to_the_same(self):
        data = self.stored()
        again = dm.DetectionMetric.from_bytes(data)
        assert again.rules == dm.KITTI.replace(max_detections=(7, math.inf))
        assert again.to_bytes() == data

    def test_of_an_empty_metric(self):
        again = dm.DetectionMetric.from_bytes(dm.DetectionMetric(["cat"]).to_bytes())
        again.update([1], [FOUND], [CAT])
        assert again.compute().summary["AP"] == pytest.approx(1)

    @pytest.mark.parametrize("data", [b"", b"PK", b"abc" * 50, np.array([1]).tobytes()])
    def test_other_bytes_are_refused(self, data):
        with pytest.raises(dm.InputError, match="from_bytes: expected what to_bytes wrote"):
            dm.DetectionMetric.from_bytes(data)

    @given(cut=st.floats(0, 0.999), at=st.floats(0, 0.999), bits=st.integers(1, 255))
    def test_damage_is_an_error_or_the_same(self, cut, at, bits):
        metric = dm.DetectionMetric(["cat"])
        metric.update([1], [FOUND], [CAT])
        data = metric.to_bytes()
        with pytest.raises(dm.InputError, match="from_bytes"):
            dm.DetectionMetric.from_bytes(data[: int(cut * len(data))])
        changed = bytearray(data)
        changed[int(at * len(data))] ^= bits
        try:
            again = dm.DetectionMetric.from_bytes(bytes(changed))
        except dm.InputError:
            return
        assert again.to_bytes() == data  # a byte that names nothing

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (lambda h, a: h["image_ids"].__setitem__(1, h["image_ids"][0]), "an image id is there"),
            (lambda h, a: h["image_ids"].__setitem__(0, "text"), "whole numbers and text"),
            (lambda h, a: a.update(predictions_count=-a["predictions_count"]), "no counts"),
            (lambda h, a: a.update(size=a["size"].astype(np.int64)), "size of type int64"),
            (lambda h, a: a.update(targets=a["targets"].astype(np.int64)), "targets of type int64"),
            (lambda h, a: a.update(size=-np.ones_like(a["size"])), "sizes of images"),
            (lambda h, a: a.update(more=a["size"]), "more of type float64"),
            (lambda h, a: odd(a["predictions"], 0), "predictions: row 0"),
            (lambda h, a: odd(a["predictions"], -2), "predictions: row 0"),
            (lambda h, a: odd(a["predictions"], -1), "predictions: row 0"),
            (lambda h, a: odd(a["targets"], -1), "targets: row 0"),
            (lambda h, a: odd(a["targets"], -5), "targets: row 0"),
        ],
    )
    def test_made_by_somebody_else(self, monkeypatch, change, why):
        """With a checksum that is right, and values that no metric holds."""
        images, metric = example()
        whole = fed(metric, images)
        kept = dm.DetectionMetric._restored.__func__

        def changed(cls, header, arrays):
            header, arrays = dict(header), {name: one.copy() for name, one in arrays.items()}
            header["image_ids"] = [*header["image_ids"]]
            change(header, arrays)
            return kept(cls, header, arrays)

        monkeypatch.setattr(dm.DetectionMetric, "_restored", classmethod(changed))
        with pytest.raises(dm.InputError, match=f"the bytes are damaged .*{why}"):
            dm.DetectionMetric.from_bytes(whole.to_bytes())

    def test_of_a_later_release(self, monkeypatch):
        monkeypatch.setattr("detmetrics.training.metric.VERSION", 2)
        data = dm.DetectionMetric(["cat"]).to_bytes()
        monkeypatch.undo()
        with pytest.raises(dm.InputError, match="written as version 2, this release reads 1"):
            dm.DetectionMetric.from_bytes(data)


def test_scalars():
    images, metric = example()
    scalars = fed(metric, images).compute().scalars("val/")
    assert scalars["val/AP"] == dm.evaluate(*FIXTURES).summary["AP"]
    assert all(type(value) is float for value in scalars.values())


def test_without_torch_sync_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(dm.InputError, match="sync needs torch: pip install torch"):
        dm.DetectionMetric(["cat"]).sync()


def test_rules_by_name():
    assert dm.evaluate(*FIXTURES, "voc2007").rules == dm.VOC2007
    with pytest.raises(dm.RulesError, match="voc2010"):
        dm.evaluate(*FIXTURES, "voc2010")
