"""Tables from arrays and frames: box formats, shapes, catalogs, and what callers keep."""

from __future__ import annotations

import itertools

import builders
import numpy as np
import pandas as pd
import pytest

import detmetrics as dm
from detmetrics.tables import restrict

CATALOG = dm.Catalog.from_ids(
    images=[10, 20],
    categories=[1, 2],
    image_names=["a.jpg", "b.jpg"],
    category_names=["cat", "dog"],
)
BOXES = {
    "xywh": [[0, 0, 10, 20], [5, 5, 30, 40]],
    "xyxy": [[0, 0, 10, 20], [5, 5, 35, 45]],
    "cxcywh": [[5, 10, 10, 20], [20, 25, 30, 40]],
}


def detections(**changes) -> dm.Detections:
    columns = {
        "image_ids": [10, 20],
        "categories": [1, 2],
        "boxes": BOXES["xywh"],
        "scores": [0.9, 0.8],
        "catalog": CATALOG,
    }
    return dm.Detections.from_arrays(**columns | changes)


def truth(**changes) -> dm.GroundTruth:
    columns = {
        "image_ids": [10, 20],
        "categories": [1, 2],
        "boxes": BOXES["xywh"],
        "catalog": CATALOG,
    }
    return dm.GroundTruth.from_arrays(**columns | changes)


MAKERS = pytest.mark.parametrize("make", [detections, truth])


class TestBoxFormats:
    """The same boxes in each form give the same table."""

    @MAKERS
    @pytest.mark.parametrize("box_format", BOXES)
    def test_agree(self, make, box_format):
        table = make(boxes=BOXES[box_format], box_format=box_format)
        assert table.xywh.tolist() == BOXES["xywh"]
        assert table.area.tolist() == [200, 1200]

    @MAKERS
    def test_corners_are_kept_as_they_came(self, make):
        corners = np.array([[0.1, 0.2, 0.4, 0.7], [0.3, 0.3, 0.6, 0.9]])
        table = make(boxes=corners, box_format="xyxy")
        assert table.box_format == "xyxy"
        assert table.boxes.tolist() == corners.tolist()  # bit for bit

    @MAKERS
    def test_others_do_not_exist(self, make):
        with pytest.raises(dm.TableError, match="expected xywh, xyxy or cxcywh, got 'yxyx'"):
            make(box_format="yxyx")

    @pytest.mark.parametrize("box_format", ["xywh", "xyxy"])
    def test_negative_sizes_are_refused_in_ground_truth(self, box_format):
        boxes = np.array(BOXES[box_format], float)
        boxes[1, 2] = -7
        expected = {"xywh": "w and h from 0 up", "xyxy": "xmin <= xmax and ymin <= ymax"}
        with pytest.raises(dm.TableError, match=rf"boxes\[1\]: expected {expected[box_format]}"):
            truth(boxes=boxes, box_format=box_format)

    def test_negative_sizes_are_a_warning_in_detections(self):
        with pytest.warns(dm.DetmetricsWarning, match=r"1 box.* of negative width.*boxes\[1\]"):
            table = detections(boxes=[[0, 0, 10, 20], [9, 9, 8, 10]], box_format="xyxy")
        assert "negative width" in table.notes[0]

    @MAKERS
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint16, object])
    def test_of_any_number_type(self, make, dtype):
        table = make(boxes=np.array(BOXES["xywh"], dtype))
        assert table.boxes.dtype == np.float64
        assert table.xywh.tolist() == BOXES["xywh"]


class TestShapes:
    """Columns that do not fit together are refused, each by its name."""

    @MAKERS
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"categories": [1]}, r"categories: expected shape \(2,\) like image_ids, got \(1,\)"),
            ({"boxes": [[0, 0, 1, 1]]}, r"boxes: expected shape \(2, 4\), got \(1, 4\)"),
            ({"boxes": np.zeros((2, 5))}, r"boxes: expected shape \(2, 4\), got \(2, 5\)"),
            ({"boxes": np.zeros(8)}, r"boxes: expected shape \(2, 4\), got \(8,\)"),
            ({"boxes": np.zeros((4, 2))}, r"boxes: expected shape \(2, 4\), got \(4, 2\)"),
            ({"boxes": []}, r"boxes: expected shape \(2, 4\), got \(0,\)"),
            ({"boxes": [[0, 0, 1, 1], [0, 0, 1]]}, "boxes: expected numbers in a regular array"),
            ({"boxes": [["a"] * 4] * 2}, "boxes: expected numbers in a regular array"),
            ({"boxes": [["1"] * 4] * 2}, "boxes: expected numbers in a regular array"),
            ({"boxes": None}, "boxes: expected"),
            ({"image_ids": [[10], [20]]}, "image_ids: expected one dimension"),
            ({"image_ids": np.zeros((2, 1), int)}, "image_ids: expected one dimension"),
            ({"image_ids": 10}, "image_ids: expected one dimension"),
            ({"image_ids": [1.5, 2]}, r"image_ids: expected whole numbers .* got 1\.5"),
            ({"image_ids": [None, 10]}, "image_ids: expected whole numbers .* got None"),
            ({"image_ids": [True, False]}, "image_ids: expected whole numbers .* got True"),
            ({"image_ids": [2**63, 10]}, "image_ids: expected whole numbers of 64 bits"),
            ({"categories": [np.nan, 1.0]}, "categories: expected whole numbers .* got nan"),
            ({"categories": ["cat", b"dog"]}, "categories: expected whole numbers .* got b'dog'"),
        ],
    )
    def test_of_both_tables(self, make, changes, message):
        with pytest.raises(dm.TableError, match=message):
            make(**changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"scores": [0.5]}, r"scores: expected shape \(2,\) like image_ids, got \(1,\)"),
            ({"scores": [[0.5], [0.5]]}, r"scores: expected shape \(2,\) .* got \(2, 1\)"),
            ({"scores": 0.5}, r"scores: expected shape \(2,\) .* got \(\)"),
            ({"scores": ["high", "low"]}, "scores: expected numbers in a regular array"),
            ({"scores": ["0.5", "0.6"]}, "scores: expected numbers in a regular array"),
        ],
    )
    def test_of_detections(self, changes, message):
        with pytest.raises(dm.TableError, match=message):
            detections(**changes)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"areas": [1.0]}, r"areas: expected shape \(2,\) like image_ids, got \(1,\)"),
            ({"areas": ["a", "b"]}, "areas: expected numbers in a regular array"),
            ({"areas": [1.0, -1.0]}, r"areas\[1\]: expected an area from 0 up, got -1\.0"),
            ({"areas": [np.inf, 1.0]}, r"areas\[0\]: expected an area from 0 up, got inf"),
            ({"crowd": [True]}, r"crowd: expected shape \(2,\) like image_ids, got \(1,\)"),
            ({"crowd": [[1], [1, 0]]}, "crowd: expected"),
            ({"crowd": ["no", "yes"]}, "crowd: expected"),
            ({"crowd": [np.nan, 0.0]}, "crowd: expected"),
            ({"ignore": [1, 0, 0]}, r"ignore: expected shape \(2,\) like image_ids, got \(3,\)"),
            ({"ids": [1]}, r"ids: expected shape \(2,\) like image_ids, got \(1,\)"),
            ({"ids": [1, 1.5]}, r"ids: expected whole numbers .* got 1\.5"),
        ],
    )
    def test_of_ground_truth(self, changes, message):
        with pytest.raises(dm.TableError, match=message):
            truth(**changes)

    def test_values_that_cannot_be_boxes_are_all_listed(self):
        boxes = np.full((2, 4), np.nan)
        with pytest.raises(dm.TableError) as caught:
            detections(boxes=boxes, scores=[np.inf, 0.5])
        text = str(caught.value)
        assert text.startswith("detection arrays: 3 faults")
        assert "boxes[0]: expected four finite numbers" in text
        assert "boxes[1]: expected four finite numbers" in text
        assert "scores[0]: expected a finite number, got inf" in text

    def test_none_is_not_a_number(self):
        with pytest.raises(dm.TableError, match=r"scores\[1\]: expected a finite number, got nan"):
            detections(scores=[0.5, None])

    @MAKERS
    @pytest.mark.parametrize("boxes", [[], np.zeros((0, 4)), np.zeros(0)])
    def test_empty_tables_are_fine(self, make, boxes):
        more = {"scores": []} if make is detections else {}
        table = make(image_ids=[], categories=[], boxes=boxes, **more)
        assert len(table) == 0
        assert table.boxes.shape == (0, 4)


class TestIds:
    """Ids in every form in which people hold them."""

    @MAKERS
    @pytest.mark.parametrize(
        "ids",
        [
            [10, 20],
            (10, 20),
            [10.0, 20.0],
            [np.int64(10), np.int64(20)],
            [np.int32(10), 20],
            [np.uint64(10), np.float64(20)],
            np.array([10, 20], np.int16),
            np.array([10, 20], np.uint64),
            np.array([10, 20], np.float32),
            np.array([10, 20], object),
            np.array([np.int64(10), 20], object),
            range(10, 21, 10),
            pd.Series([10, 20], index=[5, 7]),
            ["a.jpg", "b.jpg"],
            ["a", "b"],
            np.array(["a", "b"]),
            [np.str_("a"), "b"],
            ["10", "20"],
            ["0010", "0020"],
        ],
    )
    def test_of_images(self, make, ids):
        assert make(image_ids=ids).image.tolist() == [0, 1]

    @MAKERS
    @pytest.mark.parametrize("ids", [[2, 1], ["dog", "cat"], np.array(["dog", "cat"]), [2.0, 1.0]])
    def test_of_categories(self, make, ids):
        assert make(categories=ids).category.tolist() == [1, 0]

    @MAKERS
    def test_generators_are_read_once(self, make):
        table = make(image_ids=iter([10, 20]), categories=(n for n in (1, 2)))
        assert table.image.tolist() == [0, 1]

    def test_another_reading_is_noted(self):
        assert detections().notes == ()
        assert "paired by file stem" in detections(image_ids=["a", "b"]).notes[0]
        assert "paired by class name" in truth(categories=["cat", "dog"]).notes[0]

    def test_unknown_ids_name_the_row(self):
        with pytest.raises(dm.UnknownIdError, match=r"image_ids\[1\]: 30"):
            detections(image_ids=[10, 30])
        with pytest.raises(dm.UnknownIdError, match=r"categories\[0\]: 'bird'"):
            truth(categories=["bird", "cat"])

    def test_unknown_ids_can_be_dropped(self):
        table = detections(image_ids=[30, 20], unknown_images="drop")
        assert table.place.tolist() == [1]
        assert table.scores.tolist() == [0.8]
        assert "1 detection of 2" in table.notes[0]

    def test_of_objects_count_from_one_by_default(self):
        assert truth().ids.tolist() == [1, 2]
        assert truth(ids=["x", 7]).ids.tolist() == ["x", 7]


class TestGroundTruthColumns:
    """Areas, crowds and ignore flags."""

    def test_areas_default_to_the_box_without_a_note(self):
        table = truth()
        assert table.area.tolist() == [200, 1200]
        assert table.notes == ()

    @pytest.mark.parametrize("areas", [[np.nan, 7], [None, 7]])
    def test_missing_areas_are_the_box_with_a_note(self, areas):
        table = truth(areas=areas)
        assert table.area.tolist() == [200, 7]
        assert table.notes == ("ground-truth arrays: 1 of 2 areas are missing: w * h is used",)

    @pytest.mark.parametrize("flags", [[0, 1], [False, True], [0.0, 1.0], np.array([0, 1], "u1")])
    @pytest.mark.parametrize("name", ["crowd", "ignore"])
    def test_flags(self, name, flags):
        table = truth(**{name: flags})
        assert getattr(table, name).tolist() == [False, True]
        assert getattr(table, name).dtype == bool

    def test_flags_default_to_no(self):
        assert not truth().crowd.any()
        assert not truth().ignore.any()

    def test_without_a_catalog_the_rows_make_one(self):
        table = dm.GroundTruth.from_arrays(
            image_ids=["b", "a", "b"], categories=[3, 1, 3], boxes=np.ones((3, 4))
        )
        assert table.catalog.image_ids.tolist() == ["a", "b"]
        assert table.catalog.category_names == ("1", "3")
        assert table.image.tolist() == [1, 0, 1]


class TestWhatCallersKeep:
    """Tables are read-only copies; what was handed over stays as it was and stays theirs."""

    def given(self) -> dict[str, np.ndarray]:
        return {
            "image_ids": np.array([10, 20]),
            "categories": np.array([1, 2]),
            "boxes": np.array(BOXES["cxcywh"], float),
            "scores": np.array([0.9, 0.8]),
        }

    def given_truth(self) -> dict[str, np.ndarray]:
        given = self.given()
        del given["scores"]
        return given | {
            "areas": np.array([np.nan, 5.0]),
            "crowd": np.array([False, True]),
            "ignore": np.array([True, False]),
            "ids": np.array([5, 6]),
        }

    @pytest.mark.parametrize("box_format", BOXES)
    @pytest.mark.parametrize("kind", [dm.Detections, dm.GroundTruth])
    def test_is_unchanged_and_not_shared(self, kind, box_format):
        given = self.given() if kind is dm.Detections else self.given_truth()
        given["boxes"] = np.array(BOXES[box_format], float)
        before = {name: column.copy() for name, column in given.items()}
        table = kind.from_arrays(**given, box_format=box_format, catalog=CATALOG)
        for name, column in given.items():
            np.testing.assert_array_equal(column, before[name])
            assert column.flags.writeable
        boxes = table.xywh.tolist()
        for column in given.values():
            column[:] = 0
        assert table.xywh.tolist() == boxes
        for name in TABLE_COLUMNS[kind]:
            for column in given.values():
                assert not np.shares_memory(getattr(table, name), column)

    @pytest.mark.parametrize("kind", [dm.Detections, dm.GroundTruth])
    def test_takes_read_only_arrays(self, kind):
        given = self.given() if kind is dm.Detections else self.given_truth()
        for column in given.values():
            column.flags.writeable = False
        assert len(kind.from_arrays(**given, box_format="cxcywh", catalog=CATALOG)) == 2

    def test_lists_are_unchanged(self):
        boxes = [[5, 10, 10, 20], [20, 25, 30, 40]]
        detections(boxes=boxes, box_format="cxcywh")
        assert boxes == BOXES["cxcywh"]

    @MAKERS
    def test_columns_are_read_only(self, make):
        assert_read_only(make())

    def test_kept_and_dropped_rows_are_read_only(self):
        assert_read_only(detections().keep(np.array([True, False])))
        assert_read_only(detections(image_ids=[30, 20], unknown_images="drop"))

    def test_catalogs_are_read_only(self):
        catalog = dm.Catalog.from_ids(images=[10, 20], categories=["cat"])
        for name in ("image_ids", "category_ids"):
            with pytest.raises(ValueError, match="read-only"):
                getattr(catalog, name)[0] = 99

    @MAKERS
    def test_tables_are_frozen(self, make):
        with pytest.raises(AttributeError, match="assign"):
            make().boxes = None

    def test_evaluation_changes_nothing(self):
        known, found = truth(crowd=[True, False]), detections()
        before = {name: getattr(found, name).copy() for name in TABLE_COLUMNS[dm.Detections]}
        result = dm.evaluate(known, found)
        result.arrays()["precision"][:] = 7
        assert result.summary["AP"] == pytest.approx(1)
        for name, column in before.items():
            np.testing.assert_array_equal(getattr(found, name), column)


TABLE_COLUMNS = {
    dm.Detections: ("image", "category", "boxes", "scores", "place"),
    dm.GroundTruth: ("image", "category", "boxes", "area", "crowd", "ignore", "ids", "place"),
}


def assert_read_only(table: dm.Detections | dm.GroundTruth) -> None:
    for name in TABLE_COLUMNS[type(table)]:
        column = getattr(table, name)
        with pytest.raises(ValueError, match="read-only"):
            column[:1] = column[:1]


class TestFrames:
    """Columns are found by name."""

    base = pd.DataFrame({"image_id": [10, 20], "category_id": [1, 2], "score": [0.9, 0.8]})

    def frame(self, **columns) -> pd.DataFrame:
        return self.base.assign(**columns)

    def boxed(self) -> pd.DataFrame:
        return self.frame(bbox=BOXES["xywh"])

    def check(self, frame: pd.DataFrame) -> None:
        before = frame.copy(deep=True)
        table = dm.Detections.from_frame(frame, catalog=CATALOG)
        assert table.xywh.tolist() == BOXES["xywh"]
        assert table.image.tolist() == [0, 1]
        assert table.category.tolist() == [0, 1]
        assert table.scores.tolist() == [0.9, 0.8]
        pd.testing.assert_frame_equal(frame, before)
        assert_read_only(table)

    @pytest.mark.parametrize(
        ("names", "box_format"),
        [("x y w h", "xywh"), ("xmin ymin xmax ymax", "xyxy"), ("x1 y1 x2 y2", "xyxy")],
    )
    def test_boxes_in_columns(self, names, box_format):
        columns = dict(zip(names.split(), np.transpose(BOXES[box_format]), strict=True))
        self.check(self.frame(**columns))

    def test_boxes_in_lists(self):
        self.check(self.boxed())
        self.check(self.frame(bbox=[np.array(box) for box in BOXES["xywh"]]))
        self.check(self.frame(bbox=[tuple(box) for box in BOXES["xywh"]]))

    @pytest.mark.parametrize(
        ("image", "category", "score"),
        [
            *itertools.product(
                ["image_id", "image"],
                ["category_id", "category", "class", "label"],
                ["score", "confidence"],
            )
        ],
    )
    def test_names_of_columns(self, image, category, score):
        names = {"image_id": image, "category_id": category, "score": score}
        self.check(self.boxed().rename(columns=names))

    def test_index_and_order_of_columns_do_not_matter(self):
        frame = self.boxed().set_index(pd.Index([7, 7]))
        self.check(frame[["score", "bbox", "category_id", "image_id"]])

    def test_names_of_images_and_classes(self):
        frame = self.boxed().drop(columns=["image_id", "category_id"])
        self.check(frame.assign(image=["a.jpg", "b.jpg"], label=["cat", "dog"]))

    def test_categorical_and_nullable_columns(self):
        frame = self.boxed().astype({"image_id": "Int64", "score": "Float64"})
        self.check(frame.assign(category_id=pd.Categorical([1, 2])))

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (
                "image_id",
                "frame: expected a column image_id or image, got category_id",
            ),
            ("category_id", "expected a column category_id or category or class or label, got"),
            ("score", "expected a column score or confidence, got image_id, category_id, bbox"),
            ("bbox", "frame: expected .*bbox.*, got image_id, category_id, score"),
        ],
    )
    def test_missing_columns_are_named(self, column, message):
        with pytest.raises(dm.TableError, match=message):
            dm.Detections.from_frame(self.boxed().drop(columns=column), catalog=CATALOG)

    def test_missing_boxes_name_every_way_to_give_them(self):
        with pytest.raises(dm.TableError, match="xmin ymin xmax ymax"):
            dm.Detections.from_frame(self.base, catalog=CATALOG)

    @pytest.mark.parametrize("length", [0, 3, 5, 8])
    @pytest.mark.parametrize("rows", [1, 2, 4])
    def test_boxes_of_other_length(self, length, rows):
        frame = pd.DataFrame(
            {
                "image_id": [10] * rows,
                "category_id": [1] * rows,
                "score": [0.5] * rows,
                "bbox": [[1] * length] * rows,
            }
        )
        expected = rf"expected shape \({rows}, 4\), got \({rows}, {length}\)"
        with pytest.raises(dm.TableError, match=expected):
            dm.Detections.from_frame(frame, catalog=CATALOG)

    @pytest.mark.parametrize(
        ("column", "values", "message"),
        [
            ("score", [0.5, None], "expected a finite number, got nan"),
            ("score", ["a", "b"], "expected numbers"),
            ("image_id", [10, None], "expected whole numbers"),
            ("image_id", [10, 99], "1 detection of 2 names 1 image"),
            ("category_id", ["cat", None], "expected whole numbers"),
            ("bbox", [[0, 0, 1, 1], None], "expected"),
            ("bbox", ["0 0 1 1", "0 0 1 1"], "expected numbers"),
        ],
    )
    def test_values_that_do_not_fit(self, column, values, message):
        with pytest.raises(dm.InputError, match=message):
            dm.Detections.from_frame(self.boxed().assign(**{column: values}), catalog=CATALOG)

    def test_empty_frame(self):
        table = dm.Detections.from_frame(self.boxed().iloc[:0], catalog=CATALOG)
        assert len(table) == 0

    def test_rows_of_the_frame_are_named_in_errors(self):
        frame = self.boxed().assign(score=[0.5, np.inf])
        with pytest.raises(dm.TableError, match=r"frame: scores?\[1\]: expected a finite number"):
            dm.Detections.from_frame(frame, catalog=CATALOG)

    def test_rows_can_be_dropped(self):
        frame = self.boxed().assign(image_id=[10, 99])
        table = dm.Detections.from_frame(frame, catalog=CATALOG, unknown_images="drop")
        assert len(table) == 1


class TestCatalog:
    """Ids and names, sorted by id."""

    def test_sorts_ids_with_their_names(self):
        catalog = dm.Catalog.from_ids(
            images=[3, 1, 2], categories=["b", "a"], image_names=["three", "one", "two"]
        )
        assert catalog.image_ids.tolist() == [1, 2, 3]
        assert catalog.image_names == ("one", "two", "three")
        assert catalog.category_ids.tolist() == ["a", "b"]
        assert catalog.category_names == ("a", "b")

    def test_numbers_come_before_text(self):
        catalog = dm.Catalog.from_ids(images=["1", 2, "b", -1], categories=[])
        assert catalog.image_ids.tolist() == [-1, 2, "1", "b"]

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"images": [1, 2, 1]}, "images: id 1 occurs more than once"),
            ({"images": [1, 1.0]}, "images: id 1 occurs more than once"),
            ({"categories": ["a", "a"]}, "categories: id 'a' occurs more than once"),
            ({"images": [1, 2], "image_names": ["a"]}, "images: 2 ids, but 1 names"),
            ({"category_names": []}, "categories: 1 ids, but 0 names"),
            ({"images": [1.5]}, r"expected whole numbers of 64 bits or text, got 1\.5"),
            ({"categories": [None]}, "expected whole numbers of 64 bits or text, got None"),
            ({"images": [10**30]}, "expected whole numbers of 64 bits or text, got 10000"),
        ],
    )
    def test_refuses(self, changes, message):
        with pytest.raises(dm.TableError, match=message):
            dm.Catalog.from_ids(**{"images": [1], "categories": [1]} | changes)

    @pytest.mark.parametrize(
        ("changes", "name"), [({"images": [1.5]}, "images"), ({"categories": [1.5]}, "categories")]
    )
    def test_says_which_ids_are_wrong(self, changes, name):
        with pytest.raises(dm.TableError, match=f"^{name}: expected whole numbers"):
            dm.Catalog.from_ids(**{"images": [1], "categories": [1]} | changes)

    @pytest.mark.parametrize("ids", [[np.int64(2), np.int64(1)], np.array([2, 1]), range(1, 3)])
    def test_takes_the_numbers_of_numpy(self, ids):
        assert dm.Catalog.from_ids(images=ids, categories=[1]).image_ids.tolist() == [1, 2]
        assert dm.Catalog.from_ids(images=[1], categories=ids).category_names == ("1", "2")

    def test_may_be_empty(self):
        catalog = dm.Catalog.from_ids(images=[], categories=[])
        assert catalog.class_labels == ()

    def test_labels_tell_namesakes_apart(self):
        catalog = dm.Catalog.from_ids(
            images=[], categories=[1, 2, 3], category_names=["cat", "dog", "cat"]
        )
        assert catalog.class_labels == ("cat (id 1)", "dog", "cat (id 3)")

    def test_large_gaps_between_ids(self):
        ids = [-(2**63), -1, 0, 5, 2**63 - 1]
        catalog = dm.Catalog.from_ids(images=ids, categories=[1])
        table = detections(image_ids=[2**63 - 1, -(2**63)], categories=[1, 1], catalog=catalog)
        assert table.image.tolist() == [4, 0]
        with pytest.raises(dm.UnknownIdError, match="2 images"):
            detections(image_ids=[1, 2**63 - 2], categories=[1, 1], catalog=catalog)


class TestPairing:
    """Detections belong to the ground truth whose catalog they were paired with."""

    def test_other_catalogs_are_refused(self):
        other = dm.Catalog.from_ids(images=[10, 20], categories=[1, 2])
        with pytest.raises(dm.InputError, match=r"catalog=ground_truth\.catalog"):
            dm.evaluate(truth(), detections(catalog=other))

    def test_tables_and_files_mix(self, tmp_path):
        files = builders.write(tmp_path)
        known = dm.read_ground_truth(files.truth)
        found = dm.read_detections(files.found, known)
        results = [
            dm.evaluate(*files),
            dm.evaluate(known, files.found),
            dm.evaluate(known, found),
        ]
        for result in results[1:]:
            builders.same_cells(result, results[0])
            assert [read.path for read in result.inputs] == [str(path) for path in files]
            assert [read.sha256 for read in result.inputs] == [
                read.sha256 for read in results[0].inputs
            ]

    def test_tables_from_arrays_have_no_inputs(self):
        assert dm.evaluate(truth(), detections()).inputs == ()

    def test_crosscheck_takes_tables_or_a_result(self):
        assert dm.crosscheck(truth(), detections()).agrees
        assert dm.crosscheck(dm.evaluate(truth(), detections())).agrees
        with pytest.raises(TypeError, match="takes a result, or ground truth and detections"):
            dm.crosscheck(truth())


class TestRestrict:
    """Some images and categories only."""

    @pytest.mark.parametrize(
        ("images", "categories", "left"),
        [
            ([True, True], [True, True], 2),
            ([True, False], [True, True], 1),
            ([True, True], [False, True], 1),
            ([True, False], [False, True], 0),
            ([False, False], [False, False], 0),
        ],
    )
    def test_keeps_what_is_marked(self, images, categories, left):
        known, found = restrict(truth(), detections(), np.array(images), np.array(categories))
        assert len(known) == len(found) == left
        assert known.catalog is found.catalog
        assert len(known.catalog.image_ids) == sum(images)
        assert len(known.catalog.category_names) == sum(categories)

    def test_counts_anew_and_keeps_places(self):
        known, found = restrict(
            truth(ids=["x", "y"]), detections(), np.array([False, True]), np.array([False, True])
        )
        assert known.image.tolist() == known.category.tolist() == [0]
        assert found.image.tolist() == found.category.tolist() == [0]
        assert known.ids.tolist() == ["y"]
        assert known.place.tolist() == found.place.tolist() == [1]
        assert known.catalog.image_ids.tolist() == [20]
        assert known.catalog.category_names == ("dog",)

    def test_is_read_only(self):
        for table in restrict(truth(), detections(), np.array([True, False]), np.ones(2, bool)):
            assert_read_only(table)
            for ids in (table.catalog.image_ids, table.catalog.category_ids):
                with pytest.raises(ValueError, match="read-only"):
                    ids[0] = 99

    def test_leaves_the_originals(self):
        known, found = truth(), detections()
        restrict(known, found, np.array([True, False]), np.ones(2, bool))
        assert len(known) == len(found) == 2
        assert known.catalog is CATALOG

    def test_through_evaluate(self):
        result = dm.evaluate(truth(), detections(), images=["a.jpg"], classes=[1])
        assert result.summary["AP"] == pytest.approx(1)
        assert result.class_names == ("cat",)
        assert result.counts["images"] == 1

    def test_of_nothing_is_undefined(self):
        result = dm.evaluate(truth(), detections(), classes=[])
        assert set(result.summary.undefined) == set(result.summary)
        assert result.arrays()["recall"].shape[1] == 0

    @pytest.mark.parametrize("argument", ["images", "classes"])
    def test_a_text_is_not_a_list_of_letters(self, argument):
        name = {"images": "a.jpg", "classes": "cat"}[argument]
        with pytest.raises((dm.InputError, TypeError), match=f"{argument}: expected"):
            dm.evaluate(truth(), detections(), **{argument: name})

    @pytest.mark.parametrize(
        ("argument", "message"),
        [
            ("images", r"no image 77 in the ground truth; it has a\.jpg, b\.jpg"),
            ("classes", "no class 77 in the ground truth; it has cat, dog"),
        ],
    )
    def test_unknown_ones_are_refused(self, argument, message):
        with pytest.raises(dm.InputError, match=message):
            dm.evaluate(truth(), detections(), **{argument: [77]})

    def test_many_names_are_cut_short(self):
        catalog = dm.Catalog.from_ids(images=range(2_000), categories=[1, 2])
        known = truth(image_ids=[0, 1], catalog=catalog)
        found = detections(image_ids=[0, 1], catalog=catalog)
        with pytest.raises(dm.InputError, match="0, 1, 2, 3, 4 and 1,995 more"):
            dm.evaluate(known, found, images=["x"])


class TestResult:
    """What a result refuses to answer, it refuses in its own words."""

    result = dm.evaluate(truth(), detections())

    def test_unknown_threshold(self):
        with pytest.raises(dm.RulesError, match=r"no IoU threshold 0\.52; the rules have 0\.5, "):
            self.result.matches(iou=0.52)
        with pytest.raises(dm.RulesError, match=r"no IoU threshold 0\.52"):
            self.result.curve("cat", iou=0.52)

    def test_unknown_area(self):
        with pytest.raises(dm.RulesError, match="no area range 'huge'; there are all, small, "):
            self.result.matches(area="huge")

    def test_unknown_class(self):
        with pytest.raises(dm.InputError, match="no class 'bird'; there are cat, dog"):
            self.result.curve("bird")

    def test_unknown_metric(self):
        with pytest.raises(KeyError, match=r"no metric 'mAP' under these rules .*; there are AP"):
            _ = self.result.summary["mAP"]

    def test_thresholds_are_found_to_nine_decimals(self):
        assert len(self.result.matches(iou=0.9)) == 2
        assert len(self.result.matches(iou=0.5 + 8 * 0.05)) == 2


class TestOrientedBoxes:
    """What arrays of oriented boxes cannot hold is refused with its place."""

    @pytest.mark.parametrize(
        ("sides", "says"),
        [
            (
                [50, 50, 40, 10, 30],
                r"shapes\[1\]: expected an angle in radians, a whole turn at most",
            ),
            (
                [50, 50, -40, 10, 0.5],
                r"shapes\[1\]: expected finite numbers cx cy w h angle, w and h",
            ),
            ([50, 50, 40, np.nan, 0.5], r"shapes\[1\]: expected finite numbers"),
            ([50, 50, 40, 10, np.nan], r"shapes\[1\]: expected an angle"),
        ],
    )
    def test_are_refused(self, sides, says):
        shapes = dm.Rectangles.from_cxcywhr([[5, 5, 4, 2, 0.1], sides])
        with pytest.raises(dm.TableError, match=says):
            dm.GroundTruth.from_arrays(image_ids=[1, 1], categories=[1, 1], shapes=shapes)

    def test_none_found_are_still_oriented(self):
        truth = dm.GroundTruth.from_arrays(
            image_ids=[1], categories=[1], shapes=dm.Rectangles.from_cxcywhr([[5, 5, 4, 2, 0.1]])
        )
        none = dm.Detections.from_arrays(
            image_ids=[],
            categories=[],
            scores=[],
            shapes=dm.Rectangles.from_cxcywhr(np.zeros((0, 5))),
            catalog=truth.catalog,
        )
        result = dm.evaluate(truth, none)
        assert (result.rules.shape, result.summary["AP"]) == ("oriented", 0.0)
