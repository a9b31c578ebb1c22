"""``convert``: round trips through every format, what is lost, and what is never touched."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import warnings

import builders
import numpy as np
import pytest
import scenes
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples
from real_data import real_data

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.datasets import split_files
from detmetrics.datasets.conversion import targets, written
from detmetrics.datasets.shape_facts import drawn
from detmetrics.formats import formats
from detmetrics.formats.loading import read_detections, read_ground_truth
from detmetrics.foundation.outputs import write_tree
from detmetrics.overlap.masks.masks import masks_of
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.image_paths import stem

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

NAMES = ("cat", "traffic light", "no", "07", "ärmel & co")
KEEPS_CROWDS = ("coco", "csv", "parquet", "openimages", "voc")

sides = st.floats(3, 900, allow_nan=False)
numbers = st.one_of(st.integers(3, 200).map(float), sides)


@st.composite
def tables(draw, box_format: str = "xywh"):
    """Ground truth and detections on three images of known size, one of them often empty."""
    count, found = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    catalog = Catalog.from_ids(
        images=[3, 7, 12],
        image_names=["000003.jpg", "b 7.png", "c.12.jpg"],
        image_sizes=[[640, 480], [333, 1001], [1920.0, 1080.0]],
        categories=range(len(NAMES)),
        category_names=NAMES,
    )

    def boxes(rows: int) -> np.ndarray:
        values = np.array([[draw(numbers) for _ in range(4)] for _ in range(rows)])
        if box_format == "xyxy":
            values[:, 2:] += values[:, :2]
        return values

    def index(rows: int, below: int) -> list[int]:
        return [draw(st.integers(0, below - 1)) for _ in range(rows)]

    truth = dm.GroundTruth.from_arrays(
        image_ids=catalog.image_ids[index(count, 3)],
        categories=catalog.category_ids[index(count, len(NAMES))],
        boxes=boxes(count),
        box_format=box_format,
        crowd=[draw(st.booleans()) for _ in range(count)],
        catalog=catalog,
    )
    detections = dm.Detections.from_arrays(
        image_ids=catalog.image_ids[index(found, 3)],
        categories=catalog.category_ids[index(found, len(NAMES))],
        boxes=boxes(found),
        box_format=box_format,
        scores=[draw(st.floats(0, 1)) for _ in range(found)],
        catalog=catalog,
    )
    return truth, detections


def rows_of(table, exact: bool, **more) -> list[tuple]:
    """The rows as a set would have them: names, and boxes in the table's own form."""
    catalog = table.catalog
    columns = [
        [stem(catalog.image_names[at]) for at in table.image.tolist()],
        [catalog.category_names[at] for at in table.category.tolist()],
        *(table.boxes if exact else table.boxes.round(6)).T.tolist(),
        *(getattr(table, name).tolist() for name in more),
    ]
    return sorted(zip(*columns, strict=True))


def through(name: str, truth, found):
    """The tables written and read again."""
    form = next(known for known in formats() if known.name == name)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = os.path.join(folder, "truth"), os.path.join(folder, "found")
        write_tree(paths[0], form.write_ground_truth(truth).files)
        write_tree(paths[1], form.write_detections(found).files)
        sizes = {"000003": (640, 480), "b 7": (333, 1001), "c.12": (1920, 1080)}
        reading = dm.Reading(
            gt_format=name,
            det_format=name,
            class_names=NAMES,
            image_sizes=sizes,
            columns=ORDERS.get(name, ()),
        )
        again = read_ground_truth(paths[0], reading)
        return again, read_detections(paths[1], again, reading)


ORDERS = {"yolo": "class cx cy w h score"}
CORNERS = "class x1 y1 x2 y2 x3 y3 x4 y4 score"


def compare(ours, again, exact: bool, **more) -> None:
    mine, theirs = (rows_of(table, exact, **more) for table in (ours, again))
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        assert a[:2] == b[:2]
        assert list(b[2:]) == (list(a[2:]) if exact else pytest.approx(list(a[2:]), abs=1e-5))


class TestRoundTrips:
    """What a format holds comes back: bit for bit, or within the rounding of a division."""

    @pytest.mark.parametrize("name", ["coco", "csv", "parquet"])
    @given(scene=tables())
    def test_exact(self, name, scene):
        truth, found = scene
        again, refound = through(name, truth, found)
        compare(truth, again, exact=True, crowd=1)
        compare(found, refound, exact=True, scores=1)

    @pytest.mark.parametrize("name", ["csv", "parquet"])
    @given(scene=tables(box_format="xyxy"))
    def test_corners_are_kept_as_they_stand(self, name, scene):
        truth, found = scene
        again, refound = through(name, truth, found)
        assert again.box_format == "xyxy"
        compare(truth, again, exact=True, crowd=1)
        compare(found, refound, exact=True, scores=1)

    @given(scene=tables(box_format="xyxy"))
    def test_voc_keeps_corners(self, scene):
        truth, _ = scene
        form = next(known for known in formats() if known.name == "voc")
        with tempfile.TemporaryDirectory() as folder:
            write_tree(f"{folder}/voc", form.write_ground_truth(truth).files)
            again = read_ground_truth(f"{folder}/voc")
        compare(truth, again, exact=True)
        assert again.difficult.sum() == truth.crowd.sum()

    @given(scene=tables())
    def test_yolo_within_rounding(self, scene):
        truth, found = scene
        truth = truth.keep(~truth.crowd)
        again, refound = through("yolo", truth, found)
        compare(truth, again, exact=False)
        compare(found, refound, exact=False, scores=1)

    @examples(20)
    @given(scene=tables())
    def test_images_without_objects_come_back(self, scene):
        truth, found = scene
        for name in ("coco", "csv", "parquet", "yolo"):
            again, _ = through(name, truth, found)
            assert len(again.catalog.image_ids) == 3


@st.composite
def outlines(draw, kind: str):
    """Ground truth and detections with outlines of a kind, which lie inside their images."""
    rows = draw(st.integers(1, 4))
    catalog = Catalog.from_ids(
        images=[3, 7],
        image_names=["000003.jpg", "000007.jpg"],
        image_sizes=[[640, 480], [320, 400]],
        categories=range(2),
        category_names=NAMES[:2],
    )
    places = st.tuples(*[st.integers(60, 250)] * 2, *[st.integers(12, 50)] * 2, st.floats(0.1, 1.4))
    sides = np.array(draw(st.lists(places, min_size=rows, max_size=rows, unique=True)), float)
    image = np.array(draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows)))
    oriented = Rectangles.from_cxcywhr(sides)
    corners = oriented.points.reshape(-1, 4, 2)
    shapes = {
        "oriented": oriented,
        "corners": Polygons.from_corners(corners),
        "triangles": Polygons.from_corners(corners[:, :3]),
        "masks": masks_of(oriented, catalog.image_sizes[image]),
    }[kind]
    shared = {
        "image_ids": catalog.image_ids[image],
        "categories": catalog.category_ids[np.arange(rows) % 2],
        "shapes": shapes,
        "catalog": catalog,
    }
    scores = np.arange(1, rows + 1) / 8
    return dm.GroundTruth.from_arrays(**shared), dm.Detections.from_arrays(**shared, scores=scores)


def drawn_rows(table) -> list[tuple[float, ...]]:
    """What outlines enclose, by image and place."""
    found = drawn(table.shapes)
    columns = (table.image, *found.hulls.T.round(3), found.areas.round(2))
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


class TestOutlines:
    """A format holds outlines or it is said that they are lost: never neither, never both."""

    @pytest.mark.parametrize("kind", ["oriented", "corners", "triangles", "masks"])
    @pytest.mark.parametrize("name", targets())
    @examples(4)
    @given(data=st.data())
    def test_kept_or_said(self, name, kind, data):
        truth, found = data.draw(outlines(kind))
        sizes = {"000003": (640, 480), "000007": (320, 400)}
        classes = NAMES[:2] if name == "yolo" else None  # the others write names
        reading = dm.Reading(class_names=classes, image_sizes=sizes, gt_format=name)
        with tempfile.TemporaryDirectory() as folder:
            done = written(truth, name)
            write_tree(f"{folder}/truth", done.files)
            again = read_ground_truth(f"{folder}/truth", reading)
            self.agree(truth, done.lost, again)
            done = written(found, name)
            write_tree(f"{folder}/found", done.files)
            if self.said(done.lost):  # so that there are boxes, whose columns may be open
                reading = dataclasses.replace(reading, columns=ORDERS.get(name, ()))
            elif name == "yolo" and kind in ("oriented", "corners"):
                reading = dataclasses.replace(reading, columns=CORNERS)
            refound = read_detections(f"{folder}/found", again, reading)
            self.agree(found, done.lost, refound)

    @staticmethod
    def said(lost) -> list[str]:
        return [text for text in lost if "upright boxes" in text or "rectangles" in text]

    def agree(self, table, lost, again) -> None:
        if said := self.said(lost):
            kept = again.shapes is not None and drawn_rows(again) == drawn_rows(table)
            assert not kept, said
        else:
            assert again.shapes is not None
            ours, theirs = drawn_rows(table), drawn_rows(again)
            assert theirs == [pytest.approx(row, abs=0.02) for row in ours]

    def test_boxes_alone_lose_none(self, tmp_path):
        done = dm.convert("fixtures/ground_truth.json", tmp_path / "out", to="openimages")
        assert not any("outlines" in text for text in done.lost)

    def test_command(self, tmp_path):
        content = json.loads(scenes.coco_truth(tmp_path / "a").read_text())
        for row in content["annotations"]:
            x, y, w, h = row["bbox"]
            row["segmentation"] = [[x, y, x + w, y, x + w / 2, y + h]]
        source = tmp_path / "truth.json"
        source.write_text(json.dumps(content))
        command = ["convert", str(source), str(tmp_path / "out"), "--to", "openimages"]
        ran = CliRunner().invoke(cli, command)
        said = "not in the target: outlines: only their upright boxes are written\n"
        assert ran.stderr.count(said) == 1


@pytest.mark.parametrize("to", ["coco", "csv", "parquet", "voc", "openimages", "yolo"])
@pytest.mark.parametrize("truth", scenes.TRUTHS)
def test_every_format_to_every_other(tmp_path, truth, to):
    reading = dm.Reading(image_sizes=scenes.size_table(tmp_path / "sizes.csv"))
    source = scenes.TRUTHS[truth](tmp_path / "a")
    done = dm.convert(source, tmp_path / "out", to=to, reading=reading)
    assert done.side == "ground truth"
    names = dm.Reading(image_sizes=tmp_path / "sizes.csv", gt_format=to)
    again = read_ground_truth(tmp_path / "out", names)
    left_out = (
        sum(row[6] for row in scenes.OBJECTS)
        if to == "yolo" and truth not in ("yolo", "kitti")
        else 0
    )
    assert len(again) == len(scenes.OBJECTS) - left_out
    if to == "yolo" and left_out:
        assert any("crowd, difficult or ignored" in lost for lost in done.lost)


@pytest.mark.parametrize("to", ["coco", "csv", "parquet", "voc", "openimages", "yolo"])
@pytest.mark.parametrize("found", scenes.FOUNDS)
def test_detections_with_their_ground_truth_keep_the_numbers(tmp_path, found, to):
    truth = scenes.coco_truth(tmp_path / "a")
    source = scenes.FOUNDS[found](tmp_path / "b")
    done = dm.convert(source, tmp_path / "out", to=to, ground_truth=truth, side="detections")
    assert done.side == "detections"
    before = dm.evaluate(truth, source).summary
    reading = dm.Reading(columns=ORDERS.get(to, ()))
    after = dm.evaluate(truth, tmp_path / "out", reading=reading).summary
    assert dict(after) == pytest.approx(dict(before), nan_ok=True, abs=1e-12)


class TestTarget:
    """Whole or not at all, never over what is there, never outside."""

    def convert(self, *arguments: object, to: str = "coco"):
        return CliRunner().invoke(cli, ["convert", *map(str, arguments), "--to", to])

    @pytest.mark.parametrize("to", ["coco", "voc"])
    def test_what_is_there_is_kept(self, tmp_path, to):
        source = scenes.voc_truth(tmp_path / "a")
        target = tmp_path / "target"
        assert self.convert(source, target, to=to).exit_code == 0
        before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        ran = self.convert(source, target, to=to)
        assert ran.exit_code == 1
        assert "is there already; --force" in ran.stderr
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
        assert self.convert(source, target, "--force", to=to).exit_code == 0

    def test_force_takes_no_folder_with_other_files(self, tmp_path):
        source = scenes.voc_truth(tmp_path / "a")
        target = tmp_path / "target"
        target.mkdir()
        (target / "photo.jpg").write_bytes(b"x")
        ran = self.convert(source, target, "--force", to="voc")
        assert ran.exit_code == 1
        assert "holds photo.jpg, which would be lost" in ran.stderr
        assert [path.name for path in target.iterdir()] == ["photo.jpg"]

    def test_force_takes_old_files_away(self, tmp_path):
        source = scenes.voc_truth(tmp_path / "a")
        target = tmp_path / "target"
        target.mkdir()
        (target / "old.xml").write_text("old")
        assert self.convert(source, target, "--force", to="voc").exit_code == 0
        assert not (target / "old.xml").exists()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "target"]

    @pytest.mark.parametrize(("there", "to"), [("folder", "coco"), ("file", "voc")])
    def test_a_folder_is_no_file(self, tmp_path, there, to):
        source = scenes.voc_truth(tmp_path / "a")
        target = tmp_path / "target"
        target.mkdir() if there == "folder" else target.write_text("x")
        assert self.convert(source, target, "--force", to=to).exit_code == 1

    @pytest.mark.parametrize(
        "name", ["../../evil.jpg", "/etc/evil.jpg", "..", "a\nb.jpg", "con.jpg", "x" * 300 + ".jpg"]
    )
    @pytest.mark.parametrize("to", ["yolo", "voc"])
    def test_names_never_lead_outside(self, tmp_path, name, to):
        content = json.loads(scenes.coco_truth(tmp_path / "a").read_text())
        content["images"][0]["file_name"] = name
        source = tmp_path / "truth.json"
        source.write_text(json.dumps(content))
        target = tmp_path / "deep" / "er" / "target"
        target.parent.mkdir(parents=True)
        ran = self.convert(source, target, to=to)
        written = [path for path in tmp_path.rglob("*") if path.is_file() and "evil" in path.name]
        assert all(target in path.parents for path in written)
        assert not os.path.exists("/etc/evil.txt")
        assert ran.exit_code in (0, 1)
        if ran.exit_code == 1:
            assert "nothing was written" in ran.stderr
            assert not target.exists()

    @pytest.mark.parametrize("name", ["../up", "a/b", "a\nb", ""])
    def test_class_names_never_lead_outside(self, tmp_path, name):
        content = json.loads(scenes.coco_truth(tmp_path / "a").read_text())
        content["categories"][0]["name"] = name
        truth = tmp_path / "truth.json"
        truth.write_text(json.dumps(content))
        found = scenes.coco_found(tmp_path / "b")
        ran = self.convert(found, tmp_path / "out", "--ground-truth", truth, to="voc")
        assert ran.exit_code == 1
        assert "cannot be a file name: nothing was written" in ran.stderr
        assert not (tmp_path / "out").exists()

    def test_folder_that_does_not_exist(self, tmp_path):
        source = scenes.coco_truth(tmp_path / "a")
        ran = self.convert(source, tmp_path / "no" / "where", to="csv")
        assert ran.exit_code == 1
        assert "its folder does not exist" in ran.stderr

    def test_standard_output(self, tmp_path):
        ran = self.convert(scenes.voc_truth(tmp_path), "-")
        assert json.loads(ran.stdout)["images"][0]["file_name"] == "000001.png"


class TestCommand:
    """What it says, and what it refuses."""

    def test_says_what_the_target_cannot_hold(self, tmp_path):
        source = scenes.voc_truth(tmp_path / "a")
        arguments = ["convert", str(source), str(tmp_path / "out"), "--to", "coco"]
        ran = CliRunner().invoke(cli, arguments)
        assert "not in the target: 1 difficult object is written as iscrowd 1" in ran.stderr
        assert f"4 objects of 3 images read; {tmp_path / 'out'} written as coco" in ran.stderr
        assert ran.stdout == ""

    def test_quiet(self, tmp_path):
        source = scenes.voc_truth(tmp_path / "a")
        arguments = ["convert", str(source), str(tmp_path / "out"), "--to", "coco", "-q"]
        ran = CliRunner().invoke(cli, arguments)
        assert (ran.stdout, ran.stderr) == ("", "")

    def test_unknown_format(self, tmp_path):
        ran = CliRunner().invoke(cli, ["convert", "a", "b", "--to", "xml"])
        assert ran.exit_code == 2
        assert "there are coco, csv, dota, openimages, parquet, voc, yolo" in ran.stderr

    def test_shares_of_unknown_size_cannot_become_pixels(self, tmp_path):
        root = scenes.yolo_truth(tmp_path / "a")
        for image in (root / "images").iterdir():
            image.unlink()
        with pytest.raises(dm.OutputError, match="--image-dir DIR"):
            dm.convert(root / "labels", tmp_path / "out", to="coco")

    def test_side_of_a_table_without_scores(self, tmp_path):
        done = dm.convert(scenes.csv_truth(tmp_path), tmp_path / "out", to="coco")
        assert done.side == "ground truth"

    def test_targets(self):
        assert targets() == ("coco", "csv", "dota", "openimages", "parquet", "voc", "yolo")

    def test_formats_lists_all(self):
        listed = CliRunner().invoke(cli, ["formats"]).stdout
        for known in formats():
            assert any(line.startswith(known.name) for line in listed.splitlines())


def test_detections_that_fit_no_ground_truth_can_be_left_out(tmp_path):
    rows = [
        {"image_id": image, "category_id": category, "bbox": [1, 2, 3, 4], "score": 0.5}
        for image, category in ((100, 1), (1, 1), (100, 77))
    ]
    source = tmp_path / "found.json"
    source.write_text(json.dumps(rows))
    command = [
        *("convert", str(source), str(tmp_path / "out.csv"), "--to", "csv"),
        *("--ground-truth", "fixtures/ground_truth.json"),
    ]
    refused = CliRunner().invoke(cli, command)
    assert refused.exit_code == 1
    assert "--unknown-images drop" in refused.stderr
    dropping = [*command, "--unknown-images", "drop", "--unknown-categories", "drop"]
    assert CliRunner().invoke(cli, dropping).exit_code == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("coco", "names of images and classes: a list of detections has their ids alone"),
        ("voc", "ids of images and classes: VOC has the names alone"),
        ("csv", "ids of images and classes: the table has the names alone"),
        ("openimages", "the sizes of images and the ids of classes"),
    ],
)
def test_what_detections_lose_is_said(tmp_path, to, says):
    truth = "fixtures/ground_truth.json"
    done = dm.convert("fixtures/detections.json", tmp_path / "out", to=to, ground_truth=truth)
    assert says in done.lost


def scene_with(names: list[str], classes: tuple[str, ...] = ("cat",)) -> dm.GroundTruth:
    """One object on each image of these names."""
    count = len(names)
    catalog = Catalog.from_ids(
        images=range(11, 11 + count),
        image_names=names,
        image_sizes=[[100, 100]] * count,
        categories=range(1, 1 + len(classes)),
        category_names=classes,
    )
    boxes = [[10, 10, 20 + row, 30] for row in range(count)]
    return dm.GroundTruth.from_arrays(
        image_ids=range(11, 11 + count), categories=[1] * count, boxes=boxes, catalog=catalog
    )


class TestImagesThatShareAStem:
    """Only these get folders; all others keep their names."""

    @pytest.mark.parametrize(("to", "suffix"), [("yolo", "txt"), ("voc", "xml"), ("dota", "txt")])
    def test_folders(self, to, suffix):
        done = written(scene_with(["x/one.jpg", "y/one.jpg", "z/two.jpg"]), to)
        files = {name for name in done.files if name.endswith(suffix)} - {"classes.txt"}
        assert files == {f"x/one.{suffix}", f"y/one.{suffix}", f"two.{suffix}"}
        assert not [said for said in done.lost if "images" in said and "share" in said]

    def test_detections(self):
        truth = scene_with(["x/one.jpg", "y/one.jpg", "z/two.jpg"])
        detections = dm.Detections.from_arrays(
            image_ids=[11, 12, 13],
            categories=[1] * 3,
            boxes=truth.boxes,
            scores=[0.5] * 3,
            catalog=truth.catalog,
        )
        lines = written(detections, "voc").files["comp4_det_test_cat.txt"].decode().splitlines()
        assert [line.split()[0] for line in lines] == ["x/one", "y/one", "two"]

    @pytest.mark.parametrize("to", ["yolo", "voc", "dota"])
    def test_ids_where_folders_are_no_help(self, to):
        done = written(scene_with(["one.jpg", "one.png", "two.jpg"]), to)
        names = {os.path.splitext(name)[0] for name in done.files}
        assert names - {"classes", "image_sizes"} == {"11", "12", "two"}
        said = "the names of 2 images that share a name: their files are named after their ids"
        assert said in done.lost

    @pytest.mark.parametrize("name", ["../one.jpg", "a/../../one.jpg", "con/one.jpg", "a:/one.jpg"])
    def test_folders_stay_below_the_target(self, tmp_path, name):
        with pytest.raises(dm.OutputError, match="cannot be a file name: nothing was written"):
            written(scene_with([name, "x/one.jpg"]), "yolo")

    def test_force_replaces_folders_of_such_files(self, tmp_path):
        done = written(scene_with(["x/one.jpg", "y/one.jpg"]), "yolo")
        write_tree(str(tmp_path / "out"), done.files)
        write_tree(str(tmp_path / "out"), done.files, force=True)
        (tmp_path / "out" / "x" / "one.jpg").write_bytes(b"")
        with pytest.raises(dm.OutputError, match="would be lost"):
            write_tree(str(tmp_path / "out"), done.files, force=True)

    def test_the_example(self, tmp_path):
        source = real_data("puzzles/21-convert-names-lost/gt_onecollision.json")
        done = dm.convert(source, tmp_path / "out", to="yolo")
        own = [name for name in done.files if name.endswith(".txt") and name != "classes.txt"]
        assert sorted(own)[:2] == ["other/shot_001.txt", "shot_001.txt"]
        assert len(own) == 8


class TestYoloPredictions:
    """They say the names of their classes and the order of their columns."""

    def found(self, classes: tuple[str, ...], boxes: list, scores: list[float]) -> dm.Detections:
        truth = scene_with(["a.jpg", "b.jpg"], classes)
        return dm.Detections.from_arrays(
            image_ids=[11] * len(boxes),
            categories=[len(classes)] * len(boxes),
            boxes=boxes,
            scores=scores,
            catalog=truth.catalog,
        )

    def test_class_names(self):
        done = written(self.found(("cat", "dog"), [[10, 10, 20, 20]], [0.5]), "yolo")
        assert done.files["classes.txt"] == b"cat\ndog\n"
        assert done.lost == ()

    @pytest.mark.parametrize("classes", [("cat", "a\nb"), ("cat", " dog"), ("cat", "")])
    def test_names_that_fill_no_line_are_lost(self, classes):
        done = written(self.found(classes, [[10, 10, 20, 20]], [0.5]), "yolo")
        assert "classes.txt" not in done.files
        assert "names of classes: their numbers count from 0, in order of id" in done.lost

    def test_an_order_that_the_values_leave_open(self, tmp_path):
        detections = self.found(("cat",), [[40, 45, 10, 20]], [0.2])
        write_tree(str(tmp_path / "found"), written(detections, "yolo").files)
        write_tree(str(tmp_path / "truth"), written(scene_with(["a.jpg", "b.jpg"]), "yolo").files)
        truth = read_ground_truth(tmp_path / "truth")
        back = read_detections(tmp_path / "found", truth)
        assert back.scores.tolist() == [0.2]
        assert back.xywh.ravel() == pytest.approx([40, 45, 10, 20])
        os.unlink(tmp_path / "found" / "predictions.columns")
        with pytest.raises(dm.FormatError, match="several orders of columns"):
            read_detections(tmp_path / "found", truth)

    def test_what_is_asked_for_decides(self, tmp_path):
        detections = self.found(("cat",), [[40, 45, 10, 20]], [0.2])
        write_tree(str(tmp_path / "found"), written(detections, "yolo").files)
        reading = dm.Reading(columns="class score cx cy w h")
        back = read_detections(tmp_path / "found", scene_with(["a.jpg", "b.jpg"]), reading)
        assert back.scores.tolist() == [0.45]


HALF = "a\\ud800"


@pytest.mark.parametrize("place", [("images", 0, "file_name"), ("categories", 0, "name")])
@pytest.mark.parametrize("to", targets())
def test_half_a_character_in_a_name_is_refused_or_written_whole(tmp_path, place, to):
    """JSON spells half a surrogate pair, which is no character of any file."""
    source = builders.write(tmp_path, builders.changed(builders.document(), place, "a\ud800"))[0]
    sized = json.loads(source.read_text())
    for image in sized["images"]:
        image |= {"width": 90, "height": 90}
    source.write_text(json.dumps(sized))
    target = tmp_path / "made"
    try:
        dm.convert(source, target, to=to)
        said = ""
    except dm.OutputError as error:
        said = str(error)
    assert target.exists() == (not said)
    assert not said or HALF in said or "class name is empty" in said


def test_half_a_character_in_a_name_cannot_be_split(tmp_path):
    name = ("images", 0, "file_name")
    source = builders.write(tmp_path, builders.changed(builders.document(), name, "a\ud800"))[0]
    with pytest.raises(dm.OutputError, match="half a surrogate pair cannot be written"):
        split_files.part_files(dm.split(source), str(source), str(tmp_path / "parts"))
