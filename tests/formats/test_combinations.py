"""The same boxes through every pair of formats give the same numbers."""

from __future__ import annotations

import json
import math

import pytest
import scenes
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

EXACT_TRUTHS = ("coco", "kitti", "voc", "text", "csv", "parquet")
EXACT_FOUNDS = ("coco", "comp4", "kitti", "text", "csv", "parquet", "ultralytics")
BY_NUMBER = ("coco", "yolo")  # ground truth whose classes have an order
NUMBERED = ("coco", "yolo", "ultralytics")  # detections whose classes are numbers


@pytest.fixture
def known(tmp_path):
    """The twelve numbers of the COCO files, difficult as crowd and counted."""
    truth = scenes.coco_truth(tmp_path / "known")
    plain = json.loads(truth.read_text())
    for row in plain["annotations"]:
        row["iscrowd"] = 0
    counted = tmp_path / "known" / "counted.json"
    counted.write_text(json.dumps(plain))
    found = scenes.coco_found(tmp_path / "known")
    return [dict(dm.evaluate(path, found).summary) for path in (truth, counted)]


def reading(tmp_path, truth: str, found: str) -> dm.Reading:
    names = scenes.CLASSES if found in NUMBERED and truth not in BY_NUMBER else None
    sized = truth in ("text", "kitti", "openimages")
    sizes = scenes.size_table(tmp_path / "sizes.csv") if sized else None
    return dm.Reading(class_names=names, image_sizes=sizes)


@pytest.mark.parametrize("found", scenes.FOUNDS)
@pytest.mark.parametrize("truth", scenes.TRUTHS)
def test_every_pair(tmp_path, known, truth, found):
    paths = scenes.TRUTHS[truth](tmp_path / "a"), scenes.FOUNDS[found](tmp_path / "b")
    result = dm.evaluate(*paths, reading=reading(tmp_path, truth, found))
    without_flags = truth in ("yolo", "kitti")
    expected = known[1] if without_flags else dict(known[0])
    exact = truth in EXACT_TRUTHS and found in EXACT_FOUNDS
    assert len(result.detections) == len(scenes.FOUND)
    for name, value in result.summary.items():
        if exact:
            assert value == expected[name] or math.isnan(value) == math.isnan(expected[name]), name
        else:
            assert value == pytest.approx(expected[name], nan_ok=True, abs=1e-12), name


def test_open_images(tmp_path, known):
    """The image that the format cannot list counts where a table of sizes lists it."""
    truth, found = scenes.openimages_truth(tmp_path / "a"), scenes.openimages_found(tmp_path / "b")
    with pytest.raises(dm.UnknownIdError, match="1 image that the ground truth"):
        dm.evaluate(truth, found)
    sizes = dm.Reading(image_sizes=scenes.size_table(tmp_path / "sizes.csv"))
    summary = dm.evaluate(truth, found, reading=sizes).summary
    assert dict(summary) == pytest.approx(dict(known[0]), nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("found", scenes.FOUNDS)
def test_what_each_side_was_taken_for_is_said(tmp_path, found):
    paths = scenes.coco_truth(tmp_path / "a"), scenes.FOUNDS[found](tmp_path / "b")
    ran = CliRunner().invoke(cli, ["evaluate", *map(str, paths), "--json", "-"])
    assert ran.exit_code == 0, ran.stderr
    said = ran.stderr.splitlines()
    assert said[0] == f"{paths[0]}: ground truth read as COCO JSON (coco): a JSON object"
    assert said[1].startswith(f"{paths[1]}: detections read as ")
    assert f"({found}): " in said[1]
    inputs = json.loads(ran.stdout)["inputs"]
    assert [read["format"] for read in inputs] == ["coco", found]
    quiet = CliRunner().invoke(cli, ["evaluate", *map(str, paths), "--json", "-", "-q"])
    assert quiet.stderr == ""


@pytest.mark.parametrize(
    "swapped", [(t, f) for t in scenes.TRUTHS for f in ("text", "csv", "yolo")]
)
def test_swapped_sides_are_refused(tmp_path, swapped):
    truth, found = swapped
    paths = scenes.FOUNDS[found](tmp_path / "b"), scenes.TRUTHS[truth](tmp_path / "a")
    with pytest.raises(dm.InputError):
        dm.evaluate(*paths)


class TestUnknownSizes:
    """Shares against shares need no sizes; areas are undefined and say why."""

    def paths(self, tmp_path):
        root = scenes.yolo_truth(tmp_path / "a")
        for image in (root / "images").iterdir():
            image.write_bytes(b"no image")
        return root, scenes.yolo_found(tmp_path / "b")

    def test_metrics_of_all_areas(self, tmp_path, known):
        result = dm.evaluate(*self.paths(tmp_path))
        for name in ("AP", "AP50", "AP75", "AR1", "AR10", "AR100"):
            assert result.summary[name] == pytest.approx(known[1][name], abs=1e-12)
        for name in ("APs", "APm", "APl", "ARs", "ARm", "ARl"):
            assert math.isnan(result.summary[name])
            assert "sizes are unknown" in result.summary.undefined[name]
        assert any("3 images of 3 is unknown" in note for note in result.attention)
        assert dm.crosscheck(result).agrees

    def test_pixels_against_shares_are_refused(self, tmp_path):
        truth, _ = self.paths(tmp_path)
        with pytest.raises(dm.TableError, match=r"in pixels here and in shares .* --image-dir DIR"):
            dm.evaluate(truth, scenes.coco_found(tmp_path))

    @pytest.mark.parametrize("way", ["image_dir", "image_sizes"])
    def test_sizes_from_elsewhere(self, tmp_path, known, way):
        given = {
            "image_dir": scenes.images(tmp_path / "elsewhere"),
            "image_sizes": scenes.size_table(tmp_path / "sizes.csv"),
        }[way]
        result = dm.evaluate(*self.paths(tmp_path), reading=dm.Reading(**{way: given}))
        assert dict(result.summary) == pytest.approx(known[1], nan_ok=True, abs=1e-12)


class TestDifficult:
    """Crowd, ignored or counted, as the rules have it."""

    def result(self, tmp_path, **changes):
        paths = scenes.voc_truth(tmp_path / "a"), scenes.comp4_found(tmp_path / "b")
        return dm.evaluate(*paths, dm.COCO.replace(**changes))

    def test_crowd_is_the_default(self, tmp_path, known):
        result = self.result(tmp_path)
        assert dict(result.summary) == pytest.approx(known[0], nan_ok=True, abs=0)
        assert any("1 difficult object counts as a crowd" in note for note in result.attention)
        assert "difficult" not in result.signature

    def test_count(self, tmp_path, known):
        result = self.result(tmp_path, difficult="count")
        assert dict(result.summary) == pytest.approx(known[1], nan_ok=True, abs=0)
        assert "|difficult:count|" in result.signature

    def test_ignore_takes_one_detection(self, tmp_path):
        truth = scenes.voc_truth(tmp_path / "a")
        found = scenes.comp4_found(tmp_path / "b")
        path = found / "comp4_det_test_no.txt"
        path.write_text(path.read_text() + "000002 0.3 300 75 400 300\n")
        classes = {"difficult": "crowd", "classes": ["no"]}
        crowd = dm.evaluate(truth, found, classes=["no"])
        ignored = dm.evaluate(truth, found, dm.COCO.replace(difficult="ignore"), classes=["no"])
        verdicts = [list(r.matches()["verdict"]) for r in (crowd, ignored)]
        assert classes["classes"] == ["no"]
        assert verdicts[0] == ["ignored", "ignored"]
        assert sorted(verdicts[1]) == ["false positive", "ignored"]
        for result in (crowd, ignored):
            assert dm.crosscheck(result).agrees


class TestPixels:
    """VOC corners hold their last pixel, and COCO's rules take them as they stand unless asked."""

    def boxes(self, tmp_path, pixels):
        paths = scenes.voc_truth(tmp_path / "a"), scenes.comp4_found(tmp_path / "b")
        result = dm.evaluate(*paths, reading=dm.Reading(pixels=pixels))
        return result.ground_truth.xywh[0].tolist(), result.detections.xywh[0].tolist(), result

    def test_continuous(self, tmp_path):
        truth, found, result = self.boxes(tmp_path, "continuous")
        assert truth == [20, 10, 100, 50]
        assert found == [21, 11, 98, 50]
        assert any("w = xmax - xmin, no pixel added" in note for note in result.attention)

    def test_inclusive(self, tmp_path):
        truth, found, result = self.boxes(tmp_path, "inclusive")
        assert truth == [20, 10, 101, 51]
        assert found == [21, 11, 99, 51]
        assert any("w = xmax - xmin + 1" in note for note in result.attention)


def test_numbers_with_gaps_stay_numbers(tmp_path):
    """Classes 0, 2 and 5 of labels without names are not the first three."""
    truth, found = tmp_path / "truth", tmp_path / "found"
    truth.mkdir()
    found.mkdir()
    boxes = [(at, 50 + 40 * at, 60 + 20 * at, 90 + 40 * at, 80 + 20 * at) for at in (0, 2, 5)]
    lines = [f"{k} {x1} {y1} {x2} {y2}\n" for k, x1, y1, x2, y2 in boxes] * 4
    (truth / "a.txt").write_text("".join(lines))
    scored = [f"{k} 0.9 {x1} {y1} {x2} {y2}\n" for k, x1, y1, x2, y2 in boxes] * 4
    (found / "a.txt").write_text("".join(scored))
    columns = ("class xmin ymin xmax ymax", "class score xmin ymin xmax ymax")
    result = dm.evaluate(truth, found, reading=dm.Reading(columns=columns))
    assert result.summary["AP50"] == pytest.approx(1)
    assert result.class_names == ("0", "1", "2", "3", "4", "5")
