"""Which image and which class: names before ids that are numbers, and nothing lost in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import detmetrics as dm

COUNT = 30


@pytest.fixture
def shifted(tmp_path):
    """Ids count from 1, files from 0, as in KITTI: image ``000002.png`` has the id 3."""
    images = [
        {"id": n + 1, "file_name": f"{n:06d}.png", "width": 100, "height": 100}
        for n in range(COUNT)
    ]
    rows = [
        {"id": n + 1, "image_id": n + 1, "category_id": 1, "bbox": box(n), "area": 600}
        for n in range(COUNT)
    ]
    truth = tmp_path / "truth.json"
    content = {"images": images, "annotations": rows, "categories": [{"id": 1, "name": "car"}]}
    truth.write_text(json.dumps(content))
    return truth


def box(n: int) -> list[float]:
    return [2.0 * n, 1.0 * n, 20.0, 30.0]


FILES = range(1, COUNT)  # none for the first image, so that every stem is an id too


def yolo(root):
    root.mkdir()
    for n in FILES:
        x, y, w, h = (value / 100 for value in box(n))
        (root / f"{n:06d}.txt").write_text(f"0 {x + w / 2} {y + h / 2} {w} {h} 0.9\n")
    return root


def table(root, name: str = "image"):
    lines = [f"{n:06d},car,0.9,{','.join(map(str, box(n)))}" for n in FILES]
    path = root.with_suffix(".csv")
    path.write_text("\n".join([f"{name},class,score,x,y,w,h", *lines]) + "\n")
    return path


def ultralytics(root):
    path = root.with_suffix(".json")
    rows = [
        {"image_id": n, "file_name": f"{n:06d}.png", "category_id": 1, "bbox": box(n), "score": 0.9}
        for n in FILES
    ]
    path.write_text(json.dumps(rows))
    return path


@pytest.mark.parametrize("write", [yolo, table, ultralytics])
def test_files_are_told_by_name_and_not_by_an_id_of_that_number(shifted, tmp_path, write):
    reading = dm.Reading(columns="class cx cy w h score")
    result = dm.evaluate(shifted, write(tmp_path / "found"), reading=reading)
    assert result.summary["AR100"] == pytest.approx(len(FILES) / COUNT)


def test_a_column_of_ids_holds_ids(shifted, tmp_path):
    found = table(tmp_path / "found", "image_id")
    found.write_text(found.read_text().replace("\n0000", "\n").replace("\n0", "\n"))
    with pytest.raises(dm.AmbiguousIdError, match="--image-ids ids or use --image-ids names"):
        dm.evaluate(shifted, found)
    by_id = dm.evaluate(shifted, found, reading=dm.Reading(image_ids="ids"))
    assert by_id.summary["AR100"] < 0.7
    by_name = dm.evaluate(shifted, found, reading=dm.Reading(image_ids="names"))
    assert by_name.summary["AR100"] == pytest.approx(len(FILES) / COUNT)


class TestClasses:
    """Names that are numbers are names."""

    def truth(self, tmp_path):
        content = {
            "images": [{"id": 1, "file_name": "a.jpg"}],
            "categories": [{"id": k + 1, "name": str(k)} for k in range(10)],
            "annotations": [
                {"id": k, "image_id": 1, "category_id": k, "bbox": [30 * k, 40, 20, 30]}
                for k in (1, 2, 3)
            ],
        }
        path = tmp_path / "truth.json"
        path.write_text(json.dumps(content))
        return path

    @pytest.mark.parametrize("to", ["csv", "parquet"])
    def test_digits_as_names_survive_a_table(self, tmp_path, to):
        truth = self.truth(tmp_path)
        rows = json.loads(truth.read_text())["annotations"]
        found = tmp_path / "found.json"
        found.write_text(json.dumps([{**row, "score": 0.9} for row in rows]))
        dm.convert(found, tmp_path / "out", to=to, ground_truth=truth)
        assert dm.evaluate(truth, tmp_path / "out").summary["AP50"] == pytest.approx(1)

    def test_given_order_of_names_that_are_digits(self, tmp_path):
        (tmp_path / "a.xml").write_text(
            "<annotation><object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>"
            "<ymax>9</ymax></bndbox></object></annotation>"
        )
        names = [*map(str, range(1, 10)), "0"]
        truth = dm.read_ground_truth(tmp_path, dm.Reading(class_names=names))
        assert truth.catalog.category_names[truth.category[0]] == "1"

    def test_numbers_with_gaps_in_a_table(self, tmp_path):
        lines = [f"a.jpg,{k},{40 * k},20,30,40" for k in (0, 2, 3)]
        truth = tmp_path / "truth.csv"
        truth.write_text("\n".join(["image,class_id,x,y,w,h", *lines]) + "\n")
        found = tmp_path / "found"
        found.mkdir()
        scored = [f"{k} 0.9 {40 * k} 20 30 40" for k in (0, 2)]
        (found / "a.txt").write_text("\n".join(scored))
        reading = dm.Reading(columns="class score x y w h")
        result = dm.evaluate(truth, found, reading=reading)
        assert result.per_class()["AP"].round(6).to_dict() == {"0": 1, "2": 1, "3": 0}


class TestDropping:
    """Only what is unknown is dropped, and files without lines do not count."""

    def paths(self, tmp_path):
        truth, found = tmp_path / "truth", tmp_path / "found"
        truth.mkdir()
        found.mkdir()
        (truth / "a.txt").write_text("".join(f"{k} 0.5 0.{k + 2} 0.2 0.1\n" for k in range(3)))
        scored = "".join(f"{k} 0.5 0.{k + 2} 0.2 0.1 0.9\n" for k in range(3))
        (found / "a.txt").write_text(scored)
        return truth, found

    def test_one_unknown_class(self, tmp_path):
        truth, found = self.paths(tmp_path)
        (found / "a.txt").write_text((found / "a.txt").read_text() + "7 0.5 0.5 0.2 0.1 0.9\n")
        reading = dm.Reading(columns="class cx cy w h score")
        with pytest.raises(dm.UnknownIdError, match="1 detection of 4 names 1 category"):
            dm.evaluate(truth, found, reading=reading)
        result = dm.evaluate(truth, found, reading=reading, unknown_categories="drop")
        assert len(result.detections) == 3
        assert result.summary["AP50"] == pytest.approx(1)

    def test_an_empty_file_of_an_unknown_image(self, tmp_path):
        truth, found = self.paths(tmp_path)
        (found / "zz.txt").write_text("")
        reading = dm.Reading(columns="class cx cy w h score")
        result = dm.evaluate(truth, found, reading=reading)
        assert result.summary["AP50"] == pytest.approx(1)


class TestClassNumbers:
    """Numbers in predictions go by the names that are given or lie with them, else by order."""

    def lay(self, tmp_path, names: str) -> Path:
        found = tmp_path / "found"
        found.mkdir()
        (found / "a.txt").write_text("1 0.5 0.5 0.2 0.2 0.9\n")
        (found / "classes.txt").write_text(names)
        (tmp_path / "truth.csv").write_text("image,class,x,y,w,h\na.png,dog,0.4,0.4,0.2,0.2\n")
        return found

    def test_names_beside_predictions_come_before_the_order_of_classes(self, tmp_path):
        found = self.lay(tmp_path, "cat\ndog\n")
        result = dm.evaluate(tmp_path / "truth.csv", found)
        assert result.summary["AP"] > 0.999
        assert any("class names come from" in said for said in result.attention)
        done = dm.convert(found, tmp_path / "out.csv", to="csv")
        assert done.table.catalog.category_names == ("dog",)

    @pytest.mark.parametrize("names", ["cat\n", "cat\nhorse\n"])
    def test_names_that_do_not_fit_are_passed_over(self, tmp_path, names):
        found = self.lay(tmp_path, names)
        with pytest.raises(dm.UnknownIdError, match="give the order of the classes"):
            dm.evaluate(tmp_path / "truth.csv", found)

    def test_a_number_beyond_the_names_that_were_given_is_placed(self, tmp_path):
        found = self.lay(tmp_path, "cat\n")
        truth = tmp_path / "truth.csv"
        truth.write_text(truth.read_text().replace("dog", "cat"))
        reading = dm.Reading(class_names=["cat"])
        with pytest.raises(dm.InputError, match=r"a\.txt:1: class: class 1, but 1 class name"):
            dm.evaluate(tmp_path / "truth.csv", found, reading=reading)

    def test_json_holds_no_class_names(self, tmp_path):
        found = self.lay(tmp_path, "cat\n")
        (tmp_path / "names.json").write_text("{}")
        reading = dm.Reading(class_names=tmp_path / "names.json")
        with pytest.raises(dm.FormatError, match=r"one a line, .* got a JSON file"):
            dm.evaluate(tmp_path / "truth.csv", found, reading=reading)


def test_beside_ground_truth_without_any_image(tmp_path):
    """A table that ends behind its first line: the names are unknown, and like no other."""
    truth, found = tmp_path / "truth.csv", table(tmp_path / "found")
    truth.write_text("image,class,x,y,w,h\n")
    with pytest.raises(dm.InputError, match=r"29 detections of 29 name 29 images that"):
        dm.evaluate(truth, found)
