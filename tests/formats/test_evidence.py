"""A reading is taken where evidence speaks for it, and a few bad lines do not decide."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.formats.lines.box_evidence import form_of

KINDS = {"small": (0.02, 0.15), "usual": (0.05, 0.5), "large": (0.4, 0.95)}


def drawn(seed: int, rows: int, kind: str, *, sizes: str = "one") -> np.ndarray:
    """(R, 4) boxes ``x y w h`` inside images of one size or of many."""
    rng = np.random.default_rng(seed)
    width, height = np.full(rows, 640.0), np.full(rows, 480.0)
    if sizes == "many":
        scale = rng.uniform(0.5, 4, rows)
        width, height = width * scale, height * scale
    low, high = KINDS[kind]
    w, h = width * rng.uniform(low, high, rows), height * rng.uniform(low, high, rows)
    x, y = (width - w) * rng.uniform(0, 1, rows), (height - h) * rng.uniform(0, 1, rows)
    return np.column_stack([x, y, w, h]).round(1)


def corners(boxes: np.ndarray) -> np.ndarray:
    return np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


class TestForms:
    """Corners are never taken for sides, nor sides for corners: at worst it is left open."""

    @examples(50)
    @given(
        seed=st.integers(0, 10**6),
        rows=st.integers(1, 400),
        kind=st.sampled_from(sorted(KINDS)),
        sizes=st.sampled_from(["one", "many"]),
    )
    def test_never_the_other(self, seed, rows, kind, sizes):
        boxes = drawn(seed, rows, kind, sizes=sizes)
        assert form_of(corners(boxes)) in ("corners", None)
        assert form_of(boxes) in ("sides", None)

    @pytest.mark.parametrize("sizes", ["one", "many"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_told_where_lines_are_many(self, kind, sizes):
        told = [
            (form_of(corners(boxes)), form_of(boxes))
            for boxes in (drawn(seed, 500, kind, sizes=sizes) for seed in range(20))
        ]
        if (kind, sizes) == ("large", "many"):  # which leaves it open, and is asked about
            assert {*told} <= {("corners", None), ("corners", "sides"), (None, None)}
        else:
            assert {*told} == {("corners", "sides")}

    @examples(50)
    @given(seed=st.integers(0, 10**6), share=st.sampled_from([0.01, 0.03, 0.1, 0.3, 1.0]))
    def test_lines_out_of_order_do_not_make_sides_of_corners(self, seed, share):
        boxes = corners(drawn(seed, 200, "usual"))
        bad = np.random.default_rng(seed).uniform(size=200) < share
        boxes[bad] = boxes[bad][:, [0, 3, 2, 1]]
        assert form_of(boxes) in ("corners", None)


def lay(folder: Path, lines: list[str]) -> Path:
    folder.mkdir()
    for at, line in enumerate(lines):
        with (folder / f"img_{at % 7}.txt").open("a") as file:
            file.write(f"{line}\n")
    return folder


def text(boxes: np.ndarray, score: float | None = None) -> list[str]:
    scored = "" if score is None else f"{score} "
    return [f"cat {scored}{' '.join(map(str, box))}" for box in boxes.tolist()]


class TestBadLines:
    """A bad line is named with its place, and the folder is read as its other lines say."""

    @pytest.mark.parametrize("bad", [1, 3, 8, 60])
    def test_of_ground_truth_are_refused(self, tmp_path, bad):
        boxes = corners(drawn(1, 60, "usual"))
        boxes[:bad] = boxes[:bad][:, [0, 3, 2, 1]]
        with pytest.raises(dm.FormatError, match=r"img_\d\.txt:\d+: box: expected xmin <= xmax"):
            dm.read_ground_truth(lay(tmp_path / "gt", text(boxes)))

    @pytest.mark.parametrize("bad", [1, 3, 8])
    def test_of_detections_are_counted(self, tmp_path, bad):
        boxes = corners(drawn(1, 60, "usual"))
        truth = lay(tmp_path / "gt", text(boxes))
        boxes[:bad] = boxes[:bad][:, [0, 3, 2, 1]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = dm.evaluate(truth, lay(tmp_path / "dt", text(boxes, 0.5)))
        assert result.summary["AR100"] == pytest.approx((60 - bad) / 60)
        assert any("negative" in line and "img_0.txt:1" in line for line in result.attention)

    def test_few_lines_that_fit_both_are_asked_about(self, tmp_path):
        boxes = np.array([[10.0, 10, 90, 80], [20, 30, 100, 90]])
        with pytest.raises(dm.FormatError, match="several orders of columns") as refused:
            dm.read_ground_truth(lay(tmp_path / "gt", text(boxes)))
        for order in ("xmin ymin xmax ymax", "x y w h"):
            assert f"use --columns 'class {order}" in str(refused.value)

    def test_no_order_is_recommended_where_none_fits(self, tmp_path):
        lines = [f"0 {x} 0.9 0.9 0.9 7" for x in np.linspace(0.5, 3, 40)]
        truth = lay(tmp_path / "gt", ["0 0.5 0.5 0.2 0.2"] * 20)
        with pytest.raises(dm.FormatError) as refused:
            dm.evaluate(truth, lay(tmp_path / "dt", lines), reading=dm.Reading(det_format="yolo"))
        assert "name the columns in their order with --columns" in str(refused.value)

    def test_the_order_that_fits_best_is_recommended(self, tmp_path):
        rng = np.random.default_rng(0)
        boxes = drawn(3, 60, "usual") / [640, 480, 640, 480]
        centres = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]])
        off = rng.uniform(size=60) < 0.2
        centres[off, 0] += 0.6
        lines = [f"0 {' '.join(map(str, box))} {0.4 + 0.4 * rng.uniform()}" for box in centres]
        truth = lay(tmp_path / "gt", ["0 0.5 0.5 0.2 0.2"] * 20)
        with pytest.raises(dm.FormatError, match="no order of columns") as refused:
            dm.evaluate(truth, lay(tmp_path / "dt", lines))
        assert "use --columns 'class cx cy w h score'" in str(refused.value)

    def test_columns_that_were_asked_for_and_do_not_fit(self, tmp_path):
        boxes = corners(drawn(1, 60, "usual"))
        truth, found = lay(tmp_path / "gt", text(boxes)), lay(tmp_path / "dt", text(boxes, 0.5))
        asked = dm.Reading(columns="class score x y w h")
        with pytest.warns(dm.DetmetricsWarning) as caught:
            result = dm.evaluate(truth, found, reading=asked)
        assert any(
            "as asked, but 100% of 60 lines do not fit" in str(one.message) for one in caught
        )
        assert any("as asked, but 100%" in one.evidence for one in result.interpretations)


class TestSeparators:
    """Commas, semicolons, bars and brackets between numbers, and decimal commas."""

    WAYS: ClassVar = {
        "commas": lambda line: line.replace(" ", ","),
        "commas and spaces": lambda line: line.replace(" ", ", "),
        "semicolons": lambda line: line.replace(" ", ";"),
        "bars": lambda line: line.replace(" ", "|"),
        "brackets": lambda line: f"[{line.replace(' ', ', ')}]",
        "decimal commas": lambda line: line.replace(".", ","),
        "semicolons, decimal commas": lambda line: line.replace(".", ",").replace(" ", ";"),
    }

    @pytest.mark.parametrize("way", WAYS)
    def test_read_as_spaces_are(self, tmp_path, way):
        boxes = drawn(5, 30, "usual") / [640, 480, 640, 480]
        centres = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]]).round(6)
        lines = [f"{k % 3} {' '.join(map(str, box))}" for k, box in enumerate(centres.tolist())]
        plain = dm.read_ground_truth(lay(tmp_path / "plain", lines))
        other = dm.read_ground_truth(lay(tmp_path / "other", [*map(self.WAYS[way], lines)]))
        np.testing.assert_array_equal(other.boxes, plain.boxes)
        np.testing.assert_array_equal(other.category, plain.category)
        scored = [f"{line} {0.9 - k / 100:.2f}" for k, line in enumerate(lines)]
        found = lay(tmp_path / "found", [*map(self.WAYS[way], scored)])
        assert dm.evaluate(plain, found).summary["AP50"] == pytest.approx(1)


class TestTrackIds:
    """A seventh column of track ids is left out; whole numbers in place of scores are refused."""

    def lines(self, tail: Any) -> list[str]:
        boxes = drawn(5, 42, "usual") / [640, 480, 640, 480]
        centres = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]]).round(6)
        return [f"0 {' '.join(map(str, box))} {tail(k)}" for k, box in enumerate(centres.tolist())]

    def truth(self, tmp_path: Path) -> Path:
        return lay(tmp_path / "gt", [line.rpartition(" ")[0] for line in self.lines(str)])

    def test_behind_a_score(self, tmp_path):
        found = lay(tmp_path / "dt", self.lines(lambda k: f"{0.9 - k / 100:.2f} {k // 7 + 1}"))
        result = dm.evaluate(self.truth(tmp_path), found)
        assert result.summary["AP50"] == pytest.approx(1)
        assert result.detections.scores.max() == 0.9
        assert any("track id" in note for note in result.attention)

    def test_behind_a_box_with_the_score_in_front(self, tmp_path):
        found = lay(tmp_path / "dt", self.lines(lambda k: f"{0.9 - k / 100:.2f} {k // 7 + 1}"))
        for path in found.iterdir():
            rows = [line.split() for line in path.read_text().splitlines()]
            front = [" ".join((row[0], row[5], *row[1:5], row[6])) for row in rows]
            path.write_text("\n".join(front))
        result = dm.evaluate(self.truth(tmp_path), found)
        assert result.summary["AP50"] == pytest.approx(1)
        assert result.detections.scores.max() == 0.9

    def test_missing_in_images_without_a_track(self, tmp_path):
        found = lay(tmp_path / "dt", self.lines(lambda k: f"{0.9 - k / 100:.2f} {k // 7 + 1}"))
        path = found / "img_3.txt"
        path.write_text("\n".join(line[:-2] for line in path.read_text().splitlines()))
        result = dm.evaluate(self.truth(tmp_path), found)
        assert result.summary["AP50"] == pytest.approx(1)

    def test_of_boxes_in_pixels_are_no_shares(self, tmp_path):
        boxes = drawn(5, 42, "usual")
        made = [
            f"0 {' '.join(map(str, box))} {0.9 - k / 100:.2f} {k // 7}"
            for k, box in enumerate(boxes.tolist())
        ]
        with pytest.raises(dm.FormatError, match="--columns 'class x y w h score id'"):
            dm.evaluate(self.truth(tmp_path), lay(tmp_path / "dt", made))

    def test_an_angle_is_no_track_id(self, tmp_path):
        found = lay(tmp_path / "dt", self.lines(lambda k: f"{k % 4} {0.9 - k / 100:.2f}"))
        with pytest.raises(dm.FormatError, match="if they hold an angle"):
            dm.evaluate(self.truth(tmp_path), found)

    def test_in_place_of_scores(self, tmp_path):
        found = lay(tmp_path / "dt", self.lines(lambda k: k // 7 + 1))
        with pytest.raises(dm.FormatError, match="are they track ids"):
            dm.evaluate(self.truth(tmp_path), found)
        asked = dm.Reading(columns="class cx cy w h score")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = dm.evaluate(tmp_path / "gt", found, reading=asked)
        assert result.summary["AR100"] == 1


class TestColumnsToIgnore:
    """A column that is called - or id is not read; lines that end with track ids lead to it."""

    BOX: ClassVar = {"xmin ymin xmax ymax": corners, "x y w h": lambda boxes: boxes}

    def lines(self, order: str, boxes: np.ndarray, track: Any = lambda k: k // 7 + 1) -> list[str]:
        """One line per box; ``box`` in an order of columns stands for its four numbers."""
        made = []
        for k, box in enumerate(boxes.tolist()):
            known = {"class": "cat", "box": " ".join(map(str, box))}
            known |= {"score": f"{0.9 - k / 100:.2f}", "id": str(track(k)), "-": str(k % 3)}
            made.append(" ".join(known[name] for name in order.split()))
        return made

    def followed(self, truth: Path, found: Path) -> dm.Evaluation:
        """As the advice of the error says."""
        with pytest.raises(dm.FormatError, match="as track ids are") as refused:
            dm.evaluate(truth, found)
        asked = re.search(r"--columns '([^']+)'", str(refused.value))
        assert asked is not None
        return dm.evaluate(truth, found, reading=dm.Reading(columns=asked[1]))

    @pytest.mark.parametrize("form", BOX)
    @pytest.mark.parametrize("order", ["class score box id", "class box score id"])
    def test_track_ids_of_detections(self, tmp_path, form, order):
        boxes = self.BOX[form](drawn(5, 60, "usual"))
        truth = lay(tmp_path / "gt", self.lines("class box", boxes))
        result = self.followed(truth, lay(tmp_path / "dt", self.lines(order, boxes)))
        assert result.summary["AP50"] == pytest.approx(1)
        assert result.detections.scores.max() == 0.9

    @pytest.mark.parametrize("form", BOX)
    def test_track_ids_of_ground_truth(self, tmp_path, form):
        boxes = self.BOX[form](drawn(5, 60, "usual"))
        truth = lay(tmp_path / "gt", self.lines("class box id", boxes))
        found = lay(tmp_path / "dt", self.lines("class score box", boxes))
        assert self.followed(truth, found).summary["AP50"] == pytest.approx(1)

    def test_track_ids_of_labels(self, tmp_path):
        boxes = drawn(5, 42, "usual") / [640, 480, 640, 480]
        centres = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]]).round(6)
        truth = lay(tmp_path / "gt", self.lines("class box id", centres))
        found = lay(tmp_path / "dt", self.lines("class box score", centres))
        for folder in (truth, found):
            for path in folder.iterdir():
                path.write_text(path.read_text().replace("cat", "0"))
        assert self.followed(truth, found).summary["AP50"] == pytest.approx(1)

    def test_flags_are_no_track_ids(self, tmp_path):
        boxes = corners(drawn(5, 60, "usual"))
        truth = self.lines("class box id", boxes, track=lambda k: int(k > 52))
        assert dm.read_ground_truth(lay(tmp_path / "gt", truth)).difficult.sum() == 7

    @pytest.mark.parametrize(
        ("order", "columns"),
        [
            ("class score box -", "class score xmin ymin xmax ymax -"),
            ("class - score box", "class - score xmin ymin xmax ymax"),
            ("class - box id score", "class,-,left,top,right,bottom,track_id,conf"),
        ],
    )
    def test_as_asked(self, tmp_path, order, columns):
        boxes = corners(drawn(5, 60, "usual"))
        truth = lay(tmp_path / "gt", self.lines("class box", boxes))
        found = lay(tmp_path / "dt", self.lines(order, boxes))
        asked = dm.Reading(det_format="text", columns=columns)
        result = dm.evaluate(truth, found, reading=asked)
        assert result.summary["AP50"] == pytest.approx(1)

    def test_as_asked_of_ground_truth(self, tmp_path):
        boxes = corners(drawn(5, 60, "usual"))
        truth = lay(tmp_path / "gt", self.lines("class - box id", boxes))
        found = lay(tmp_path / "dt", self.lines("class score box", boxes))
        asked = dm.Reading(gt_format="text", columns="class - xmin ymin xmax ymax id")
        result = dm.evaluate(truth, found, reading=asked)
        assert result.summary["AP50"] == pytest.approx(1)

    def test_oriented_boxes(self, tmp_path):
        boxes = drawn(5, 60, "usual")
        truth = lay(tmp_path / "gt", self.lines("class box", corners(boxes)))
        centres = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:], 0 * boxes[:, 0]])
        found = lay(tmp_path / "dt", self.lines("class box score id", centres))
        asked = dm.Reading(det_format="text", columns="class cx cy w h angle score id")
        result = dm.evaluate(truth, found, reading=asked)
        assert result.summary["AP50"] == pytest.approx(1)

    def test_lines_of_another_length(self, tmp_path):
        boxes = corners(drawn(5, 60, "usual"))
        truth = lay(tmp_path / "gt", self.lines("class box", boxes))
        found = lay(tmp_path / "dt", self.lines("class score box", boxes))
        asked = dm.Reading(columns="class score xmin ymin xmax ymax -")
        with pytest.raises(dm.FormatError, match="names 7 columns, the line has 6"):
            dm.evaluate(truth, found, reading=asked)


def coco(path: Path, images: list[str], classes: list[dict[str, Any]], by: int = 0) -> Path:
    rows = [
        {"id": n + 1, "image_id": n, "category_id": classes[-1]["id"], "bbox": [9 * n, 9, 40, 30]}
        for n in range(len(images))
    ]
    names = [{"id": n, "file_name": name} for n, name in enumerate(images)]
    path.write_text(json.dumps({"images": names, "annotations": rows, "categories": classes}))
    return path


ONE = [{"id": 1, "name": "cat"}]


class TestImages:
    """The shortest end of a path that is unique; what may be several images is refused."""

    IMAGES = ("val/cam1/0001.jpg", "val/cam1/0002.jpg", "val/cam2/0001.jpg", "other/0007.jpg")

    def pair(self, tmp_path: Path, ids: list[Any], **asked: Any) -> list[int]:
        truth = dm.read_ground_truth(coco(tmp_path / "gt.json", [*self.IMAGES], ONE))
        rows = [{"image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5} for i in ids]
        path = tmp_path / "dt.json"
        path.write_text(json.dumps(rows))
        return dm.read_detections(path, truth, dm.Reading(**asked)).image.tolist()

    @pytest.mark.parametrize(
        ("ids", "places"),
        [
            (["cam1/0001", "cam2/0001"], [0, 2]),
            (["cam1/0001.png", "/data/val/cam2/0001.jpg", "0007"], [0, 2, 3]),
            (["0002", "0007"], [1, 3]),
            ([r"cam2\0001.jpg", "elsewhere/0007.jpg"], [2, 3]),
            (["./val/cam1/0001.jpg"], [0]),
        ],
    )
    def test_by_the_end_of_the_path(self, tmp_path, ids, places):
        assert self.pair(tmp_path, ids) == places

    @pytest.mark.parametrize("ids", [["0001"], ["0001", "0002"], ["cam3/0001.jpg"]])
    def test_several(self, tmp_path, ids):
        with pytest.raises(dm.AmbiguousIdError, match=r"val/cam1/0001\.jpg or val/cam2/0001\.jpg"):
            self.pair(tmp_path, ids)

    def test_two_names_for_one_image(self, tmp_path):
        with pytest.raises(dm.AmbiguousIdError, match="which another name may be too"):
            self.pair(tmp_path, ["a/0007.jpg", "b/0007.jpg"])

    SUFFIXES = ("a.jpg", "a.png", "v/b.jpg", "v/b.tif", "w/b.jpg")

    def pair_suffixes(self, tmp_path: Path, ids: list[Any]) -> list[int]:
        truth = dm.read_ground_truth(coco(tmp_path / "gt.json", [*self.SUFFIXES], ONE))
        rows = [{"image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5} for i in ids]
        path = tmp_path / "dt.json"
        path.write_text(json.dumps(rows))
        return dm.read_detections(path, truth).image.tolist()

    @pytest.mark.parametrize(
        ("ids", "places"),
        [
            (["a.jpg", "a.png"], [0, 1]),
            (["data/a.png", "x/v/b.tif"], [1, 3]),
            (["b.tif", "w/b"], [3, 4]),
        ],
    )
    def test_by_the_suffix(self, tmp_path, ids, places):
        assert self.pair_suffixes(tmp_path, ids) == places

    @pytest.mark.parametrize(("ids", "file"), [(["a"], "a.jpg"), (["v/b"], "v/b.jpg")])
    def test_names_that_lack_the_suffix(self, tmp_path, ids, file):
        with pytest.raises(dm.AmbiguousIdError, match=f"keep the suffix .*, as in {file}") as said:
            self.pair_suffixes(tmp_path, ids)
        assert "folders" not in str(said.value)
        assert self.pair_suffixes(tmp_path, [file]) == [self.SUFFIXES.index(file)]

    def test_another_suffix_is_another_image(self, tmp_path):
        truth = dm.read_ground_truth(coco(tmp_path / "gt.json", ["a.jpg", "b.jpg"], ONE))
        rows = [
            {"image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5}
            for i in ("a.jpg", "a.png", "b.jpg")
        ]
        path, listed = tmp_path / "dt.json", tmp_path / "images.txt"
        path.write_text(json.dumps(rows))
        with pytest.raises(dm.UnknownIdError, match="--image-list"):
            dm.read_detections(path, truth)
        listed.write_text("a.jpg\na.png\nb.jpg\n")
        truth = dm.read_ground_truth(tmp_path / "gt.json", dm.Reading(image_list=listed))
        found = dm.read_detections(path, truth).image.tolist()
        assert [truth.catalog.image_names[at] for at in found] == ["a.jpg", "a.png", "b.jpg"]

    def test_a_list_without_suffixes(self, tmp_path):
        listed = tmp_path / "images.txt"
        listed.write_text("a\n")
        path = coco(tmp_path / "gt.json", ["a.jpg", "a.png"], ONE)
        with pytest.raises(dm.FormatError, match="name images with their suffix"):
            dm.read_ground_truth(path, dm.Reading(image_list=listed))

    def test_dropping_does_not_decide(self, tmp_path):
        truth = dm.read_ground_truth(coco(tmp_path / "gt.json", [*self.IMAGES], ONE))
        with pytest.raises(dm.AmbiguousIdError):
            dm.Detections.from_arrays(
                image_ids=["0001", "nowhere"],
                categories=[1, 1],
                boxes=[[1, 1, 9, 9]] * 2,
                scores=[0.5, 0.5],
                catalog=truth.catalog,
                unknown_images="drop",
            )

    def test_ids_and_stems_that_both_fit(self, tmp_path):
        truth = dm.read_ground_truth(coco(tmp_path / "gt.json", ["2.jpg", "0.jpg", "1.jpg"], ONE))
        rows = [
            {"image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5} for i in (0, 1, 2)
        ]
        path = tmp_path / "dt.json"
        path.write_text(json.dumps(rows))
        with pytest.raises(
            dm.AmbiguousIdError, match=r"0 is 2\.jpg by id, and 0\.jpg by file stem"
        ):
            dm.read_detections(path, truth)
        by_id = dm.read_detections(path, truth, dm.Reading(image_ids="ids"))
        by_name = dm.read_detections(path, truth, dm.Reading(image_ids="names"))
        assert (by_id.image.tolist(), by_name.image.tolist()) == ([0, 1, 2], [1, 2, 0])
        assert by_id.interpretations[-2].taken == "by id"

    def test_ids_of_arrays_are_ids(self):
        catalog = dm.Catalog.from_ids(images=[1, 2], image_names=["2.jpg", "1.jpg"], categories=[1])
        table = dm.Detections.from_arrays(
            image_ids=[1, 2], categories=[1, 1], boxes=[[1, 1, 9, 9]] * 2, scores=[0.5, 0.4],
            catalog=catalog,
        )  # fmt: skip
        assert table.image.tolist() == [0, 1]


def boxes_on(path: Path, classes: list[int]) -> Path:
    """Predictions of YOLO, one class after the other."""
    path.mkdir()
    for n in range(4):
        lines = [f"{c} {0.1 + 0.05 * n} {0.1 + 0.2 * k} 0.1 0.1 0.9" for k, c in enumerate(classes)]
        (path / f"{n}.txt").write_text("\n".join(lines))
    return path


def classed(path: Path, categories: list[dict[str, Any]], used: list[int]) -> Path:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 100} for n in range(4)]
    rows = [
        {
            "id": 10 * n + k,
            "image_id": n,
            "category_id": c,
            "bbox": [5 + 5 * n, 5 + 20 * k, 10, 10],
        }
        for n in range(4)
        for k, c in enumerate(used)
    ]
    path.write_text(json.dumps({"images": images, "annotations": rows, "categories": categories}))
    return path


ORDER = dm.Reading(columns="class cx cy w h score")


class TestClassLists:
    """Lists of classes that are not the same list are asked about, and never paired by place."""

    NAMES = ("cat", "dog", "owl")

    @pytest.mark.parametrize(
        "first",
        [
            {"name": "pets-Ab1", "supercategory": "none"},
            {"name": "__background__"},
            {"name": "background"},
            {"name": "ignored regions"},
            {"name": "DontCare"},
        ],
    )
    def test_a_class_that_nobody_detects(self, tmp_path, first):
        others = [
            {"id": k + 1, "name": name, "supercategory": "pets-Ab1"}
            for k, name in enumerate(self.NAMES)
        ]
        truth = classed(tmp_path / "gt.json", [{"id": 0, **first}, *others], [1, 2, 3])
        found = boxes_on(tmp_path / "dt", [0, 1, 2])
        with pytest.raises(dm.AmbiguousIdError, match=r"cat, dog, owl\)\. Fix: give the detector"):
            dm.evaluate(truth, found, reading=ORDER)
        asked = dm.Reading(columns=ORDER.columns, class_names=self.NAMES)
        assert dm.evaluate(truth, found, reading=asked).summary["AP50"] == pytest.approx(1)
        counted = dm.Reading(columns=ORDER.columns, class_numbers="index0")
        assert dm.evaluate(truth, found, reading=counted).summary["AP50"] < 0.1

    def test_all_numbers_of_the_list_leave_nothing_open(self, tmp_path):
        names = [{"id": 0, "name": "background"}] + [
            {"id": k + 1, "name": name} for k, name in enumerate(self.NAMES)
        ]
        truth = classed(tmp_path / "gt.json", names, [1, 2, 3])
        found = boxes_on(tmp_path / "dt", [1, 2, 3])
        assert dm.evaluate(truth, found, reading=ORDER).summary["AP50"] == pytest.approx(1)

    def test_a_class_without_objects_is_a_class(self, tmp_path):
        names = [{"id": k, "name": name, "supercategory": name} for k, name in enumerate("abc")]
        truth = classed(tmp_path / "gt.json", names, [1])
        found = boxes_on(tmp_path / "dt", [1])
        assert dm.evaluate(truth, found, reading=ORDER).summary["AP50"] == pytest.approx(1)

    def test_the_order_is_shown(self, tmp_path):
        names = [{"id": 7 * k, "name": f"class {k}"} for k in range(9)]
        truth = classed(tmp_path / "gt.json", names, [0, 7])
        result = dm.evaluate(truth, boxes_on(tmp_path / "dt", [0, 1]), reading=ORDER)
        taken = result.interpretations[-1].taken
        assert "0 is class 0, 1 is class 1, 2 is class 2, ..., 8 is class 8" in taken

    def test_names_that_are_given_count_for_lists_of_results(self, tmp_path):
        names = [{"id": 7 * k + 3, "name": name} for k, name in enumerate(("owl", "cat", "dog"))]
        truth = classed(tmp_path / "gt.json", names, [10, 17, 3])
        rows = [
            {
                "image_id": n,
                "category_id": k,
                "bbox": [5 + 5 * n, 5 + 20 * k, 10, 10],
                "score": 0.9,
            }
            for n in range(4)
            for k in range(3)
        ]
        found = tmp_path / "dt.json"
        found.write_text(json.dumps(rows))
        asked = dm.Reading(class_names=self.NAMES)
        assert dm.evaluate(truth, found, reading=asked).summary["AP50"] == pytest.approx(1)

    def test_names_that_are_given_come_before_those_beside_labels(self, tmp_path):
        folder = tmp_path / "gt"
        folder.mkdir()
        (folder / "0.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.2 0.2 0.1 0.1\n")
        (folder / "classes.txt").write_text("a\nb\n")
        truth = dm.read_ground_truth(folder, dm.Reading(class_names=["cat", "dog"]))
        assert truth.catalog.category_names == ("cat", "dog")
        own = dm.read_ground_truth(folder, dm.Reading(class_names=["b", "a"]))
        assert own.catalog.category_names == ("a", "b")  # an order of the detector

    def test_a_part_of_the_names_beside_labels_is_the_list_of_the_detector(self, tmp_path):
        folder = tmp_path / "gt"
        folder.mkdir()
        for n in range(4):
            (folder / f"{n}.txt").write_text(
                "".join(f"{k + 1} {0.1 + 0.05 * n} {0.1 + 0.2 * k} 0.1 0.1\n" for k in range(3))
            )
        (folder / "classes.txt").write_text("\n".join(("objects", *self.NAMES)))
        found = boxes_on(tmp_path / "dt", [0, 1, 2])
        asked = dm.Reading(columns=ORDER.columns, class_names=self.NAMES)
        assert dm.evaluate(folder, found, reading=asked).summary["AP50"] == pytest.approx(1)


class TestNamesOfDigits:
    """Class names that are numbers are names where they stand in a column of names."""

    NAMES = ("2", "3", "1")

    def truth(self, tmp_path: Path) -> Path:
        lines = [f"{n}.jpg,{self.NAMES[k]},{5 + 5 * n},{5 + 20 * k},10,10"
                 for n in range(4) for k in range(3)]  # fmt: skip
        path = tmp_path / "gt.csv"
        path.write_text("\n".join(["image,class,x,y,w,h", *lines]) + "\n")
        return path

    def found(self, tmp_path: Path, label: Any) -> Path:
        folder = tmp_path / "dt"
        folder.mkdir()
        for n in range(4):
            (folder / f"{n}.txt").write_text(
                "".join(f"{label(k)} 0.9 {5 + 5 * n} {5 + 20 * k} 10 10\n" for k in range(3))
            )
        return folder

    COLUMNS = "class score x y w h"

    def test_the_same_numbers_on_both_sides(self, tmp_path):
        found = self.found(tmp_path, lambda k: self.NAMES[k])
        asked = dm.Reading(columns=self.COLUMNS)
        result = dm.evaluate(self.truth(tmp_path), found, reading=asked)
        assert result.summary["AP50"] == pytest.approx(1)

    def test_places_in_a_list_of_them(self, tmp_path):
        found = self.found(tmp_path, lambda k: k)
        asked = dm.Reading(columns=self.COLUMNS, class_names=self.NAMES, class_numbers="index0")
        truth = dm.read_ground_truth(self.truth(tmp_path), dm.Reading(class_names=self.NAMES))
        assert dm.evaluate(truth, found, reading=asked).summary["AP50"] == pytest.approx(1)

    def test_names_or_places_are_asked_about(self, tmp_path):
        truth = tmp_path / "gt.json"
        names = [{"id": k + 5, "name": name} for k, name in enumerate(("2", "0", "1"))]
        classed(truth, names, [5, 6, 7])
        found = self.found(tmp_path, lambda k: ("2", "0", "1")[k])
        asked = dm.Reading(columns=self.COLUMNS)
        with pytest.raises(dm.AmbiguousIdError, match="--class-numbers names or use --class-numb"):
            dm.evaluate(truth, found, reading=asked)
        named = dm.Reading(columns=self.COLUMNS, class_numbers="names")
        assert dm.evaluate(truth, found, reading=named).summary["AP50"] == pytest.approx(1)


@pytest.mark.parametrize("heading", ["class,name", "name,class", "label,class_name"])
@pytest.mark.parametrize("scored", [False, True])
def test_of_two_columns_the_one_that_pairs_is_taken(tmp_path, heading, scored):
    truth = classed(
        tmp_path / "gt.json",
        [{"id": k + 5, "name": name} for k, name in enumerate(("owl", "cat", "dog"))],
        [6, 7, 5],
    )
    numbers, words = (0, 1) if heading.index("class") < 3 or heading.startswith("label") else (1, 0)
    lines = []
    for n in range(4):
        for k, name in enumerate(("cat", "dog", "owl")):
            both = {numbers: str(k), words: name}
            lines.append(f"{n}.jpg,{both[0]},{both[1]},0.9,{5 + 5 * n},{5 + 20 * k},10,10")
    table = tmp_path / "table.csv"
    table.write_text("\n".join([f"image,{heading},score,x,y,w,h", *lines]) + "\n")
    if scored:
        result = dm.evaluate(truth, table)
        assert result.summary["AP50"] == pytest.approx(1)
        assert any("classes are read from column" in note for note in result.attention)
    else:
        read = dm.read_ground_truth(table)
        assert {*read.catalog.category_names} == {"cat", "dog", "owl"}


class TestThousands:
    """A comma before three digits may part thousands; where all do, nothing is taken."""

    def test_in_text_files(self, tmp_path):
        lines = [f"cat 0.{k + 10} 1,{200 + k} 75 1,{300 + k} 920" for k in range(30)]
        found = lay(tmp_path / "dt", lines)
        truth = coco(tmp_path / "gt.json", [f"img_{k}.jpg" for k in range(7)], ONE)
        with pytest.raises(dm.FormatError, match="a decimal comma or a comma between thousands"):
            dm.evaluate(truth, found)

    def test_a_decimal_comma_in_scores_decides_for_a_table(self, tmp_path):
        rows = [f"{k};cat;0,{k + 10};1.200;75;1.300;920" for k in range(7)]
        table = tmp_path / "dt.csv"
        table.write_text("\n".join(["image;class;score;xmin;ymin;xmax;ymax", *rows]) + "\n")
        truth = dm.read_ground_truth(
            coco(tmp_path / "gt.json", [f"{k}.jpg" for k in range(7)], ONE)
        )
        assert dm.read_detections(table, truth).xyxy[0].tolist() == [1200, 75, 1300, 920]


@pytest.mark.parametrize("times", [1, 2])
def test_objects_that_are_there_twice_are_counted(tmp_path, times):
    rows = [f"{k}.jpg,cat,{9 * k},9,40,30" for k in range(7)] * times
    table = tmp_path / "gt.csv"
    table.write_text("\n".join(["image,class,x,y,w,h", *rows]) + "\n")
    truth = dm.read_ground_truth(table)
    found = dm.Detections.from_arrays(
        image_ids=["1.jpg"], categories=["cat"], boxes=[[9, 9, 40, 30]], scores=[0.5],
        catalog=truth.catalog,
    )  # fmt: skip
    result = dm.evaluate(truth, found)
    assert result.counts["duplicate_ground_truths"] == 7 * (times - 1)
    assert any("repeat another one exactly" in one for one in result.warnings) == (times == 2)


class TestArraysAndFrames:
    """What callers hand over is read by its parameters, and no option of the command is named."""

    CATALOG = dm.Catalog.from_ids(
        images=[1], categories=[1, 2, 3], category_names=["cat", "dog", "owl"]
    )

    @pytest.mark.parametrize(
        "columns", [("class", "name"), ("label", "name"), ("category", "class")]
    )
    def test_of_two_columns_the_one_that_pairs_is_taken(self, columns):
        numbers, words = columns
        frame = pd.DataFrame(
            {"image": [1, 1], numbers: [1, 2], words: ["dog", "owl"], "score": [0.5, 0.4]}
            | {name: [5, 9] for name in "xywh"}
        )
        table = dm.Detections.from_frame(frame, catalog=self.CATALOG)
        assert table.category.tolist() == [1, 2]

    @pytest.mark.parametrize(
        "ids", [{"categories": [0, 1]}, {"categories": [7, 8]}, {"image_ids": [5, 6]}]
    )
    def test_errors_name_no_option_of_readers(self, ids):
        columns = {"image_ids": [1, 1], "categories": [1, 2]} | ids
        with pytest.raises(dm.UnknownIdError) as refused:
            dm.Detections.from_arrays(
                **columns, boxes=[[1, 1, 9, 9]] * 2, scores=[0.5, 0.4], catalog=self.CATALOG
            )
        assert "--class-numbers" not in str(refused.value)
        assert "--image-list" not in str(refused.value)
