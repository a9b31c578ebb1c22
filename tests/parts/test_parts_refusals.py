"""What is wrong with parts is an error before numbers are made, with place and next step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from parts.part_files import in_parts, write_table

import detmetrics as dm
from detmetrics.reports.html import report_of, to_html

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def run(folder: Path, rules: object = "coco", **asked: object) -> dm.PartsEvaluation:
    return in_parts(folder, rules, **({"shape": "box"} | asked))


def edited(path: Path, change: Callable[[object], object]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


class TestFolders:
    def test_without_a_folder(self, folder):
        shutil.rmtree(folder / "detections")
        with pytest.raises(
            dm.FormatError, match=r"detections: expected a folder of parts: No such"
        ):
            run(folder)

    def test_without_parts(self, folder):
        shutil.rmtree(folder / "gt")
        (folder / "gt").mkdir()
        (folder / "gt" / "_SUCCESS").write_text("")
        with pytest.raises(dm.FormatError, match=r"gt: expected parts \(files or folders\), found"):
            run(folder)

    @pytest.mark.parametrize(("side", "other"), [("detections", "gt"), ("gt", "detections")])
    def test_without_a_partner(self, folder, side, other):
        (folder / side / "part-001.json").unlink()
        told = rf"{side}: part-001: expected a part of this name, found none\n  every part needs"
        with pytest.raises(dm.FormatError, match=told):
            run(folder)

    def test_with_one_part_twice(self, folder):
        (folder / "gt" / "part-001.csv").write_text("")
        with pytest.raises(dm.FormatError, match=r"part-001.json: part-001.csv is the same part"):
            run(folder)

    def test_a_part_may_be_called_images(self, folder):
        expected = run(folder).summary
        for side in ("gt", "detections"):
            (folder / side / "part-001.json").rename(folder / side / "images.json")
        assert run(folder).summary == expected

    def test_hidden_files_and_other_suffixes_are_no_matter(self, folder):
        expected = run(folder).summary
        (folder / "gt" / ".crc").write_text("x")
        (folder / "detections" / "_metadata").write_text("x")
        (folder / "detections" / "part-002.json").rename(folder / "detections" / "part-002.JSON")
        (folder / "gt" / "part-001").mkdir()
        (folder / "gt" / "part-001.json").rename(folder / "gt" / "part-001" / "data.json")
        assert run(folder).summary == expected


class TestParts:
    def test_an_image_in_two_parts(self, folder):
        first, second = (
            json.loads((folder / "gt" / f"part-00{number}.json").read_text())["images"][0]
            for number in (0, 1)
        )
        edited(
            folder / "gt" / "part-001.json", lambda one: one | {"images": [*one["images"], first]}
        )
        told = rf"1 image is in two parts, first {first['id']} in part-000 and part-001: each image"
        with pytest.raises(dm.InputError, match=told):
            run(folder)
        assert second != first

    def test_classes_that_differ(self, folder):
        edited(
            folder / "gt" / "part-001.json",
            lambda one: one | {"categories": [*one["categories"], {"id": 99, "name": "ox"}]},
        )
        told = r"parts part-000 and part-001: classes differ \(ox in one alone\)\. Fix: class_list="
        with pytest.raises(dm.InputError, match=told):
            run(folder)

    def test_ids_of_two_kinds(self, folder):
        def as_text(rows: object, name: str) -> list:
            return [one | {name: f"im{one[name]}"} for one in rows]

        edited(
            folder / "gt" / "part-001.json",
            lambda one: (
                one
                | {
                    "images": as_text(one["images"], "id"),
                    "annotations": as_text(one["annotations"], "image_id"),
                }
            ),
        )
        edited(folder / "detections" / "part-001.json", lambda one: as_text(one, "image_id"))
        with pytest.raises(dm.InputError, match="image ids are text in one and whole numbers in"):
            run(folder)

    def test_units_that_differ(self, tmp_path):
        for part, size in (("a", {}), ("b", {"image_width": 50, "image_height": 50})):
            row = {"image": part, "class": "c", "x": 0, "y": 0, "w": 0.5, "h": 0.5} | size
            write_table(tmp_path / "gt" / f"{part}.csv", [row], [*row])
            found = row | {"score": 0.5}
            write_table(tmp_path / "detections" / f"{part}.csv", [found], [*found])
        reading = dm.Reading(gt_coordinates="normalized", det_coordinates="normalized")
        with pytest.raises(dm.InputError, match="boxes are in pixels in one and normalized in the"):
            run(tmp_path, reading=reading)

    def test_what_a_part_lacks_is_said_with_the_lists(self, tmp_path):
        row = {"image": "a", "class": "c", "x": 0, "y": 0, "w": 9, "h": 9}
        write_table(tmp_path / "gt" / "p.csv", [row], [*row])
        found = row | {"class": "d", "score": 0.5}
        write_table(tmp_path / "detections" / "p.csv", [found], [*found])
        with pytest.raises(
            dm.PartsError, match=r"'d'(?s:.*)--class-list, or class_list= in Python"
        ):
            run(tmp_path)

    def test_detections_without_scores(self, folder):
        with pytest.raises(dm.PartsError, match="detections without scores have no order over"):
            run(folder, reading=dm.Reading(scores="none"))

    def test_the_part_that_decides_the_shape_cannot_be_read(self, folder):
        (folder / "gt" / "part-000.json").write_text("{")
        told = r"part part-000, which decides rules and shape for all parts: (?s:.*)give rules and"
        with pytest.raises(dm.InputError, match=told):
            run(folder, shape="auto")


class TestRules:
    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("kitti", "matching is repeated at each score threshold, over all images"),
            ("lvis-fixed", "the 10,000 best detections of a class over all images count"),
            ("crowdhuman", r'Jaccard index .*Fix: set metrics=\["ap", "mr"\]'),
        ],
    )
    def test_that_look_at_all_images_at_once(self, folder, name, told):
        with pytest.raises(
            dm.RulesError, match=f"rules {name} cannot be evaluated in parts: .*{told}"
        ):
            run(folder, name)
        assert not (folder / "state").exists()

    def test_that_the_first_part_decides(self, folder):
        assert run(folder, None, shape="auto").rules == dm.COCO

    def test_of_a_shape_that_they_cannot_measure(self, folder):
        with pytest.raises(dm.RulesError, match="shape: rules voc2012 have"):
            run(folder, "voc2012", shape="mask")


class TestArguments:
    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"workers": 0}, r"workers: expected a number of processes from 1, got 0"),
            ({"workers": 2.0}, r"workers: expected a number of processes from 1, got 2\.0"),
            ({"engine": 7}, r"engine: expected a name, an executor .* got 7"),
            ({"engine": lambda f, tasks: []}, r"engine: expected 1 answer, one per task, got 0"),
            ({"class_list": "cat"}, r"class_list: expected a list of ids or names, got 'cat'"),
            ({"reading": dm.Reading(image_list=["a"])}, "give the list of images as image_list="),
        ],
    )
    def test_that_are_wrong(self, folder, asked, told):
        with pytest.raises(dm.InputError, match=told):
            run(folder, **asked)


ANALYSES = {
    "compare": lambda result: dm.compare(result, result),
    "gate": lambda result: dm.gate(result, result),
    "intervals": dm.analysis.confidence_intervals,
    "errors": dm.analysis.error_types,
    "calibration": dm.analysis.calibration,
    "confusion": dm.analysis.confusion_matrix,
    "thresholds": dm.analysis.operating_points,
    "slices": lambda result: dm.analysis.slices(result, [None] * 9),
    "sizes": dm.analysis.by_bins,
    "plan": lambda result: dm.analysis.sample_size(result, result),
    "report": lambda result: to_html(report_of(result)),
}


class TestResult:
    """What a result in parts is asked, and what it does not know."""

    @pytest.mark.parametrize(
        "name",
        ["matching", "matches", "ground_truth", "detections", "curves", "plot", "inputs", "notes"],
    )
    def test_what_needs_every_row_is_refused_with_the_reason(self, folder, name):
        with pytest.raises(dm.InputError, match=rf"^{name} is not available in parts: .*\. Fix: "):
            getattr(run(folder), name)

    @pytest.mark.parametrize("name", sorted(ANALYSES))
    def test_what_asks_for_every_row_is_refused_in_one_sentence(self, folder, name):
        with pytest.raises(dm.InputError, match=r"not available in parts: .*\. Fix: ") as told:
            ANALYSES[name](run(folder))
        assert "\n" not in str(told.value)

    def test_a_cross_check_is_refused_too(self, folder):
        with pytest.raises(dm.InputError, match="pycocotools needs all images in one process"):
            dm.crosscheck(run(folder))

    def test_what_is_nowhere_is_an_attribute_error(self, folder):
        with pytest.raises(AttributeError, match="PartsEvaluation has no attribute nothing"):
            _ = run(folder).nothing

    def test_limits_of_a_curve_are_those_of_the_rules(self, folder):
        with pytest.raises(
            dm.InputError, match=r"limit: expected one of the rules' \(1, 10, 100\)"
        ):
            run(folder).curve("a", limit=5)

    def test_a_state_that_is_gone(self, folder):
        result = run(folder)
        shutil.rmtree(folder / "state")
        assert result.summary
        with pytest.raises(dm.InputError, match=r"the state cannot be read any more: No such file"):
            result.arrays()

    def test_says_what_was_read_and_what_was_not_looked_for(self, folder):
        result = run(folder)
        document = result.to_dict()
        assert document["parts"] == ["part-000", "part-001", "part-002"]
        assert [one["format"] for one in document["inputs"]] == ["coco", "coco"]
        assert document["attention"][-1].startswith(
            "evaluation in parts does not check whether files"
        )
        assert repr(result).startswith("<PartsEvaluation coco: AP ")

    def test_names_parts_that_were_read_in_another_way(self, tmp_path):
        row = {"image": "a", "class": "c", "x": 0, "y": 0, "w": 9, "h": 9}
        for part, suffix in (("a", "csv"), ("b", "parquet")):
            own = row | {"image": part}
            write_table(tmp_path / "gt" / f"{part}.{suffix}", [own], [*own])
            found = own | {"score": 0.5}
            write_table(tmp_path / "detections" / f"{part}.{suffix}", [found], [*found])
        told = "1 part is read in another way than a (format, columns, ids or classes): b"
        assert told in run(tmp_path).attention

    def test_missing_detections_are_told(self, folder):
        for part in (0, 1, 2):
            edited(folder / "detections" / f"part-00{part}.json", lambda found: found[:1])
        assert "Are detections of some parts missing?" in run(folder).attention[0]


class TestLists:
    """Tables know neither the images without objects nor the classes that a part lacks."""

    def rows(self, folder: Path) -> None:
        row = {"image": "a", "class": "c", "x": 0, "y": 0, "w": 9, "h": 9}
        for part, images in (("p", "ab"), ("q", "xy")):
            write_table(folder / "gt" / f"{part}.csv", [row | {"image": images[0]}], [*row])
            found = [row | {"image": image, "score": 0.5} for image in images]
            write_table(folder / "detections" / f"{part}.csv", found, [*row, "score"])

    @pytest.mark.parametrize("how", ["argument", "file", "beside"])
    def test_of_images(self, tmp_path, how):
        self.rows(tmp_path)
        names = [*"abxyuvw"]
        listed = tmp_path / "gt" / "images.txt" if how == "beside" else tmp_path / "images.txt"
        if how != "argument":
            listed.write_text("\n".join(names))
        asked = {"argument": {"image_list": names}, "file": {"image_list": listed}, "beside": {}}
        result = run(tmp_path, **asked[how])
        assert result.counts["images"] == 7
        assert result.counts["images_without_ground_truth"] == 5
        assert result.counts["detections_on_images_without_ground_truth"] == 2

    def test_of_classes(self, tmp_path):
        self.rows(tmp_path)
        asked = {"image_list": [*"abxy"], "class_list": ["b", "c", "d"]}
        result = run(tmp_path, **asked)
        assert result.class_names == ("b", "c", "d")
        assert result.counts["classes_without_ground_truth"] == 2
