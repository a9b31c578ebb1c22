"""Detections of a part of the images: said first, with the option that restricts."""

import json
import re

import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.tables.coverage import Coverage
from tests import scenes
from tests.real_data import real_data

NAMES = tuple(f"{at:03}" for at in range(40))
PART = "If the detections are of a part of the data set: only_detected_images=True"


def run(*arguments):
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def tables(detected, images=40, objects=None):
    """Ground truth with an object on each image, and detections of it on some."""
    catalog = dm.Catalog.from_ids(images=[*range(images)], categories=["cat", "dog"])
    rows = [*range(images)] if objects is None else objects
    box = [[0, 0, 9, 9]]
    truth = dm.GroundTruth.from_arrays(
        image_ids=rows, categories=["cat"] * len(rows), boxes=box * len(rows), catalog=catalog
    )
    found = dm.Detections.from_arrays(
        image_ids=detected,
        categories=["cat"] * len(detected),
        boxes=box * len(detected),
        scores=[0.5 + 0.001 * row for row in range(len(detected))],
        catalog=catalog,
    )
    return truth, found


class TestSentences:
    """Few images are information, most of them or a run at an end a warning that comes first."""

    def test_most_images(self):
        result = dm.evaluate(*tables([*range(1, 39, 2)]))
        first = result.attention[0]
        assert first.startswith("no detection on 21 of 40 images with ground truth (0, 2, 4, ...; ")
        assert "21 objects): their objects count as missed" in first
        assert PART in first
        assert result.warnings == (first,)
        assert result.counts["images_without_detections"] == 21

    @pytest.mark.parametrize(
        ("missing", "end"), [(range(34, 40), "the last 6"), (range(5), "the first 5")]
    )
    def test_a_run(self, missing, end):
        result = dm.evaluate(*tables([row for row in range(40) if row not in missing]))
        assert result.attention[0].startswith(f"no detection on {end} of 40 images")
        assert len(result.warnings) == 1

    @pytest.mark.parametrize("missing", [[3], [39], [36, 37, 38, 39], [*range(0, 38, 2)]])
    def test_a_detector_may_find_nothing(self, missing):
        result = dm.evaluate(*tables([row for row in range(40) if row not in missing]))
        assert result.warnings == ()
        said = [one for one in result.attention if one.startswith("no detection on ")]
        assert len(said) == 1
        assert PART not in said[0]

    def test_images_without_objects_do_not_count(self):
        result = dm.evaluate(*tables([0, 1, 2], objects=[0, 1, 2]))
        assert result.counts["images_without_detections"] == 0
        assert result.attention == ()

    def test_no_detection_at_all_is_no_part(self):
        (said,) = dm.evaluate(*tables([])).warnings
        assert re.fullmatch(r"there are no detections, and \d+ objects to find", said)

    def test_classes_that_were_chosen_do_not_make_a_part(self):
        catalog = dm.Catalog.from_ids(images=[*range(9)], categories=["cat", "dog"])
        box = [[0, 0, 9, 9]]
        truth = dm.GroundTruth.from_arrays(
            image_ids=[*range(9)], categories=["dog"] * 9, boxes=box * 9, catalog=catalog
        )
        found = dm.Detections.from_arrays(
            image_ids=[*range(9)],
            categories=["cat"] * 8 + ["dog"],
            boxes=box * 9,
            scores=[0.5 + 0.01 * row for row in range(9)],
            catalog=catalog,
        )
        assert dm.evaluate(truth, found, classes=["dog"]).warnings == ()

    def test_classes_are_named(self):
        truth, _ = tables([0, 1, 2], images=3)
        other = dm.Detections.from_arrays(
            image_ids=[0, 1, 2],
            categories=["dog"] * 3,
            boxes=[[0, 0, 9, 9]] * 3,
            scores=[0.5, 0.6, 0.7],
            catalog=truth.catalog,
        )
        result = dm.evaluate(truth, other)
        assert any("1 class with ground truth but without a detection (cat)" in one
                   for one in result.attention)  # fmt: skip


class TestOnlyDetectedImages:
    """``--only-detected-images`` measures the part, and counts what it leaves out."""

    def test_the_number_is_that_of_the_part(self):
        truth, found = tables([*range(10)])
        whole, part = dm.evaluate(truth, found), dm.evaluate(
            truth, found, only_detected_images=True
        )  # fmt: skip
        chosen = dm.evaluate(truth, found, images=[*range(10)])
        assert whole.summary["AP"] < part.summary["AP"] == chosen.summary["AP"]
        assert part.notes[0] == (
            "30 images without detections and the 30 objects on them: left out, as asked"
        )
        assert part.warnings == ()

    def test_together_with_images(self):
        truth, found = tables([*range(10)])
        result = dm.evaluate(truth, found, images=[8, 9, 10], only_detected_images=True)
        assert result.counts["images"] == 2
        assert result.notes[0] == (
            "3 of 40 images evaluated, as asked: 37 objects and 8 detections on the others are "
            "left out"
        )
        assert result.notes[1].startswith("1 image without detections and the 1 object on them")

    def test_nothing_is_left(self):
        with pytest.raises(dm.InputError, match="no image has a detection"):
            dm.evaluate(*tables([]), only_detected_images=True)

    def test_two_models_are_compared_on_the_images_of_either(self, tmp_path):
        head = "image,class,xmin,ymin,xmax,ymax"
        rows = [f"{name}.jpg,cat,1,1,9,9" for name in NAMES]
        (tmp_path / "t.csv").write_text("\n".join([head, *rows]))
        for side, names in (("a", NAMES[:6]), ("b", NAMES[4:8])):
            rows = [f"{name}.jpg,cat,1,1,9,9,.5" for name in names]
            (tmp_path / f"{side}.csv").write_text("\n".join([f"{head},score", *rows]))
        files = [tmp_path / name for name in ("t.csv", "a.csv", "b.csv")]
        asked = ["--only-detected-images", "--resamples", 10, "--json", "-", "-q"]
        ran = run("compare", *files, *asked)
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout)["metrics"]["AR100"]["a"] == pytest.approx(6 / 8)
        ran = run("compare", *files, *asked, "--images", "004.jpg,005.jpg,030.jpg")
        assert json.loads(ran.stdout)["metrics"]["AR100"]["b"] == pytest.approx(1)
        ran = run(
            *("report", *files[:2], "--compare", files[2], "--only-detected-images", "--no-ci"),
            *("-o", tmp_path / "r.html", "--json", "-", "-q"),
        )
        assert ran.exit_code == 0, ran.output
        assert json.loads(ran.stdout)["counts"]["images"] == 8


def voc(folder, lists):
    """Annotations of all images, with lists in ImageSets/Main."""
    (folder / "Annotations").mkdir(parents=True)
    for name in NAMES:
        (folder / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.jpg</filename><object><name>cat</name><bndbox>"
            "<xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
            "</annotation>"
        )
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    for name, images in lists.items():
        (folder / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(images))
    return folder / "Annotations"


def comp4(folder, images):
    folder.mkdir()
    lines = [f"{name} {0.5 + 0.001 * row:.3f} 1 1 9 9\n" for row, name in enumerate(images)]
    (folder / "comp4_det_test_cat.txt").write_text("".join(lines))
    return folder


TEST, TRAIN = NAMES[::4], [name for name in NAMES if name not in NAMES[::4]]
LISTS = {
    "test": TEST,
    "train": TRAIN,
    "trainval": NAMES,
    "cat_test": [f"{name} -1" for name in TEST],
}


class TestVocSplits:
    """``--split NAME`` is a list of ImageSets/Main, and a part that is one is named."""

    @pytest.mark.parametrize("root", [True, False])
    @pytest.mark.parametrize("name", ["test", "cat_test"])
    def test_a_split_is_evaluated(self, tmp_path, root, name):
        truth = voc(tmp_path / "voc", LISTS)
        found = comp4(tmp_path / "found", TEST)
        whole = dm.evaluate(truth, found)
        assert whole.counts["images"] == 40
        assert whole.attention[0].startswith("no detection on 30 of 40 images")
        assert whole.attention[0].endswith(
            "All images with detections are of split 'test' (ImageSets/Main/test.txt): --split test"
        )
        result = dm.evaluate(truth.parent if root else truth, found, reading=dm.Reading(split=name))
        assert (result.counts["images"], result.warnings) == (10, ())
        assert result.summary["AP"] == pytest.approx(1)

    def test_a_whole_split_without_detections_is_said_though_it_is_small(self, tmp_path):
        truth = voc(tmp_path / "voc", LISTS)
        result = dm.evaluate(truth, comp4(tmp_path / "found", TRAIN))
        assert result.attention[0].startswith("no detection on 10 of 40 images")
        assert "split 'train'" in result.warnings[0]

    def test_a_few_images_of_a_split_are_no_other_split(self, tmp_path):
        truth = voc(tmp_path / "voc", LISTS)
        found = comp4(tmp_path / "found", [name for name in NAMES if name not in ("001", "020")])
        assert dm.evaluate(truth, found).warnings == ()

    def test_detections_of_another_split_are_explained(self, tmp_path):
        truth = voc(tmp_path / "voc", LISTS)
        found = comp4(tmp_path / "found", TRAIN)
        with pytest.raises(
            dm.UnknownIdError, match=r"of split 'train' \(Im.*: --split train"
        ) as raised:
            dm.evaluate(truth, found, reading=dm.Reading(split="test"))
        assert str(raised.value).count("likely cause") == 1
        assert "--unknown-images" not in str(raised.value)

    def test_classes_that_do_not_pair_are_no_other_split(self, tmp_path):
        truth = voc(tmp_path / "voc", LISTS)
        found = comp4(tmp_path / "found", TEST)
        (found / "comp4_det_test_cat.txt").rename(found / "comp4_det_test_cow.txt")
        with pytest.raises(dm.UnknownIdError, match="cow") as raised:
            dm.evaluate(truth, found)
        assert "split" not in str(raised.value)

    def test_splits_that_are_not_there(self, tmp_path):
        truth = voc(tmp_path / "voc", LISTS)
        with pytest.raises(dm.FormatError, match="'val'; available: test, train, trainval"):
            dm.read_ground_truth(truth, dm.Reading(split="val"))
        (truth / f"{TEST[1]}.xml").unlink()
        with pytest.raises(dm.FormatError, match="'test': 1 of 10 images have no XML file: 004"):
            dm.read_ground_truth(truth, dm.Reading(split="test"))

    def test_damaged_lists_stop_nothing(self, tmp_path):
        truth = voc(tmp_path / "voc", {"train": [], "test": TEST})
        assert "split 'test'" in dm.evaluate(truth, comp4(tmp_path / "d", TEST)).warnings[0]

    def test_check_and_reconcile(self, tmp_path):
        files = voc(tmp_path / "voc", LISTS), comp4(tmp_path / "found", TEST)
        report = dm.check(*files)
        (one,) = (found for found in report.findings if found.code.code == "D309")
        assert (one.count, one.places[0]) == (30, "001.jpg")
        assert "--split test" in dm.reconcile(*files).notes[0]
        for restricted in ({"only_detected_images": True}, {"images": TEST}):
            made = dm.reconcile(*files, **restricted)
            assert made.standings[0].result.summary["AP"] == pytest.approx(1)
            assert not any("no detection on" in note for note in made.notes)
        ran = run("reconcile", *files, "--only-detected-images", "-q")
        assert "30 images without detections and the 30 objects on them" in ran.stdout
        few = dm.check(files[0], comp4(tmp_path / "few", NAMES[1:]))
        assert [found.count for found in few.findings if found.code.code == "D308"] == [1]


class TestYoloSplits:
    """The splits of a data.yaml, and folders of labels beside one another."""

    @pytest.fixture(params=["labels/{}", "{}/labels"])
    def data(self, request, tmp_path):
        for split, names in (("train", TRAIN), ("val", TEST)):
            labels = tmp_path / "set" / request.param.format(split)
            images = tmp_path / "set" / request.param.format(split).replace("labels", "images")
            for folder in (labels, images):
                folder.mkdir(parents=True)
            for name in names:
                (labels / f"{name}.txt").write_text("0 .5 .5 .2 .2\n")
                (images / f"{name}.png").write_bytes(scenes.png(8, 8))
        train, val = (request.param.format(s).replace("labels", "images") for s in ("train", "val"))
        (tmp_path / "set" / "data.yaml").write_text(f"train: {train}\nval: {val}\nnames: [cat]\n")
        found = tmp_path / "found"
        found.mkdir()
        for name in TRAIN:
            (found / f"{name}.txt").write_text("0 .5 .5 .2 .2 .5\n")
        return tmp_path / "set", found, request.param

    def test_of_a_data_set(self, data):
        root, found, _ = data
        with pytest.raises(dm.UnknownIdError, match=r"split 'train' .*data\.yaml\): --split train"):
            dm.evaluate(root, found)
        reading = dm.Reading(split="train")
        assert dm.evaluate(root, found, reading=reading).summary["AP"] == pytest.approx(1)

    def test_of_folders(self, data):
        root, found, where = data
        with pytest.raises(dm.UnknownIdError, match=r"split 'train' .* as the ground truth"):
            dm.evaluate(root / where.format("val"), found)
        result = dm.evaluate(root / where.format("train"), found)
        assert result.summary["AP"] == pytest.approx(1)


class TestNoFalseAlarm:
    """Real detectors on all images of real sets."""

    @pytest.mark.parametrize("name", ["fakebbox", "fakesegm"])
    def test_coco(self, name):
        folder = real_data("coco_val2014_100")
        found = folder / f"instances_val2014_{name}100_results.json"
        result = dm.evaluate(folder / "instances_val2014_100.json", found)
        assert not Coverage.of(result.ground_truth, result.detections).partial
        assert not any("no detection on" in one for one in result.warnings)

    @pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")
    def test_voc(self):
        folder = real_data("voc2007/coco_json")
        files = ("ground_truth_difficult_as_crowd.json.gz", "yolov2.json.gz")
        result = dm.evaluate(*(folder / name for name in files))
        assert result.warnings == ()


def test_json_and_errors_have_it(tmp_path):
    truth, found = voc(tmp_path / "voc", LISTS), comp4(tmp_path / "found", TEST)
    for command in ("evaluate", "errors"):
        ran = run(command, truth, found, "--json", "-", "-q")
        told = json.loads(ran.stdout)
        assert told["attention"][0].startswith("no detection on 30 of 40 images")
    ran = run("evaluate", truth, found, "--warnings", "error")
    assert ran.exit_code == 1
    assert "--split test" in ran.stderr
    assert run("evaluate", truth, found, "--warnings", "error", "--split", "test").exit_code == 0
