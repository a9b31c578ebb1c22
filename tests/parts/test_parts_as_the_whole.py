"""Parts that would be read, joined or kept in another way than the whole: equal, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from parts.part_files import in_parts, write_table
from scenes import png

import detmetrics as dm
from detmetrics.datasets.partitioning import dividing
from detmetrics.parts import matching_parts

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

BOX = {"x": 10, "y": 10, "w": 30, "h": 30}
AP_AND_MR = dm.COCO.replace(metrics=("ap", "mr"))
LABEL = "0 0.5 0.5 0.2 0.2\n"


def row(image: object, label: object, score: float | None = None, **box: float) -> dict:
    given = {"image": image, "class": label, **BOX, **box}
    return given if score is None else {**given, "score": score}


def tables(folder: Path, truth: list[dict], found: list[dict], suffix: str = ".csv") -> list[Path]:
    paths = [folder / f"{name}{suffix}" for name in ("truth", "found")]
    for path, rows in zip(paths, (truth, found), strict=True):
        columns = ["image", "class", *BOX, *(["score"] if path.stem == "found" else [])]
        columns = [*columns, *(name for name in rows[0] if name not in columns)]
        write_table(path, rows, columns)
    return paths


def divided(folder: Path, truth: list[dict], found: list[dict], into: int, **asked: object):
    """The whole as files, and the two folders of its parts."""
    paths = tables(folder, truth, found)
    done = dm.partition(*paths, folder / "set", into=into, reading=dm.Reading(**asked))
    return paths, (done.ground_truth, done.detections)


class TestIds:
    """A part knows its own rows alone, and has the ids of the whole."""

    def test_numeric_classes_where_a_part_has_no_object(self, tmp_path):
        truth = [row("a", 3), row("b", 10), row("c", None, x=None, y=None, w=None, h=None)]
        found = [row("a", 3, 0.9), row("b", 10, 0.8), row("c", 3, 0.7)]
        files, parts = divided(tmp_path, truth, found, 3)
        whole = dm.evaluate(*files, "coco")
        for number, classes in enumerate((None, [3, 10], ["3", "10"])):
            state = tmp_path / f"state-{number}"
            ours = dm.evaluate_parts(*parts, "coco", state=state, class_list=classes)
            assert ours.summary == whole.summary
            assert ours.class_names == whole.class_names

    def test_numeric_images_of_a_list_where_a_part_has_no_row(self, tmp_path):
        listed = tmp_path / "all.txt"
        listed.write_text("1\n2\n3\n4\n")
        truth, found = [row(1, "a"), row(2, "a")], [row(k, "a", 0.9) for k in (1, 2, 3)]
        files, parts = divided(tmp_path, truth, found, 2, image_list=listed)
        whole = dm.evaluate(*files, AP_AND_MR, reading=dm.Reading(image_list=listed))
        ours = dm.evaluate_parts(*parts, AP_AND_MR, state=tmp_path / "state")
        assert ours.counts == whole.counts
        assert ours.summary == whole.summary

    @pytest.mark.parametrize("name", ["i{}.jpg", "folder/i{}"])
    def test_a_list_that_writes_images_in_another_way_is_refused(self, tmp_path, name):
        """They counted twice, so that miss rates had another denominator."""
        for part in range(2):
            tables(tmp_path / "in", [row(f"i{part}", "a")], [row(f"i{part}", "a", 0.9)])
            for side, path in (("gt", "truth"), ("detections", "found")):
                (tmp_path / side).mkdir(exist_ok=True)
                (tmp_path / "in" / f"{path}.csv").rename(tmp_path / side / f"{part}.csv")
        listed = [name.format(part) for part in range(4)]
        with pytest.raises(dm.InputError, match=r"lists .*i0.*, which .*gt/0\.csv calls i0"):
            in_parts(tmp_path, AP_AND_MR, image_list=listed)

    def test_images_without_frequencies_because_there_are_none(self, tmp_path):
        """An empty part does not say how frequent classes are; nor does it say another thing."""
        categories = [{"id": 1, "name": "a", "frequency": "c"}]
        image = {"id": 1, "width": 90, "height": 90, "neg_category_ids": []}
        image["not_exhaustive_category_ids"] = []
        box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [*BOX.values()], "area": 900}
        plain = {"id": 2, "width": 90, "height": 90}
        for part, images in (("a", [image]), ("b", []), ("c", [plain])):
            boxes = [{**box, "id": one["id"], "image_id": one["id"]} for one in images]
            truth = {"images": images, "categories": categories, "annotations": boxes}
            found = [{**one, "score": 0.9} for one in boxes]
            for side, content in (("gt", truth), ("detections", found)):
                (tmp_path / side).mkdir(exist_ok=True)
                (tmp_path / side / f"{part}.json").write_text(json.dumps(content))
        assert in_parts(tmp_path, "coco", shape="box").summary["AP"] == pytest.approx(1)

    def test_units_that_a_part_alone_would_take_for_others(self, tmp_path):
        """AP by size was another one, with a warning."""
        boxes = ["0,0,1,1", "10,10,50,50", "0.2,0.2,0.9,0.9", "5,5,100,100"]
        truth, found = tmp_path / "truth.csv", tmp_path / "found.csv"
        rows = [f"i{k},640,480,c,{box}\n" for k, box in enumerate(boxes)]
        truth.write_text("".join(["image,width,height,class,xmin,ymin,xmax,ymax\n", *rows]))
        rows = [f"i{k},c,.9,{box}\n" for k, box in enumerate(boxes)]
        found.write_text("".join(["image,class,score,xmin,ymin,xmax,ymax\n", *rows]))
        done = dm.partition(truth, found, tmp_path / "set", into=4)
        parts = done.ground_truth, done.detections
        with pytest.raises(
            dm.InputError, match=r"unit are read as .* Fix: say which with --gt-coo"
        ):
            dm.evaluate_parts(*parts, "coco", state=tmp_path / "state")
        said = dm.Reading(gt_coordinates="pixels", det_coordinates="pixels")
        ours = dm.evaluate_parts(*parts, "coco", state=tmp_path / "other", reading=said)
        assert ours.summary == dm.evaluate(truth, found, "coco").summary

    @pytest.mark.parametrize("name", ["image_sizes", "image_labels"])
    def test_what_lists_images_of_all_parts_is_refused(self, folder, name):
        """Every image was in two parts, with advice that did not help."""
        reading = dm.Reading(**{name: folder / "gt.json"})
        with pytest.raises(dm.InputError, match=rf"^{name}: lists the images of all parts"):
            in_parts(folder, "coco", reading=reading)
        assert not (folder / "state").exists()

    def test_unknown_images_may_be_in_another_part(self, tmp_path):
        with pytest.raises(dm.InputError, match="partition --unknown-images drop"):
            in_parts(tmp_path, unknown_images="drop")


class TestChanges:
    """Whatever decides what a part gives is seen to change."""

    def label_parts(self, folder: Path, second: str) -> list[Path]:
        sides = folder / "set" / "labels", folder / "detections"
        for side, score in zip(sides, ("", " 0.9"), strict=True):
            (side / "p0").mkdir(parents=True)
            for name, label in (("a", LABEL), ("b", second)):
                (side / "p0" / f"{name}.txt").write_text(label.replace("\n", f"{score}\n"))
        return [*sides]

    @pytest.mark.parametrize("where", ["file", "folder"])
    def test_labels_that_lie_elsewhere_are_refused(self, tmp_path, where):
        elsewhere = tmp_path / "elsewhere"
        for folder in ("images", "labels"):
            (elsewhere / folder).mkdir(parents=True)
        (elsewhere / "images" / "a.jpg").write_bytes(b"")
        (elsewhere / "labels" / "a.txt").write_text(LABEL)
        described = f"path: {elsewhere}\nval: images\nnames: [a]\n"
        gt = tmp_path / "gt"
        place = gt / "p0.yaml" if where == "file" else gt / "p0" / "data.yaml"
        place.parent.mkdir(parents=True)
        place.write_text(described)
        (tmp_path / "detections" / "p0").mkdir(parents=True)
        (tmp_path / "detections" / "p0" / "a.txt").write_text(f"{LABEL.strip()} 0.9\n")
        with pytest.raises(
            dm.PartsError, match=r"names files outside of the part, .* Fix: make the"
        ):
            in_parts(tmp_path, "coco", shape="box")

    @pytest.mark.parametrize("place", ["set/data.yaml", "set/labels/p0/classes.txt"])
    def test_class_names_in_and_around_a_folder(self, tmp_path, place):
        sides = self.label_parts(tmp_path, LABEL.replace("0 ", "1 ", 1))
        asked = {"rules": "coco", "shape": "box", "state": tmp_path / "state"}
        described, results = tmp_path / place, []
        for names in (["cat", "dog"], ["dog", "cat"]):
            lines = f"names: {json.dumps(names)}\n" if place.endswith("yaml") else "\n".join(names)
            described.write_text(lines)
            results.append(dm.evaluate_parts(*sides, **asked))
        assert [one.class_names for one in results] == [("cat", "dog"), ("dog", "cat")]
        assert results[1].fresh == ("p0",)

    def test_pictures_of_a_folder_that_is_named(self, tmp_path):
        sides = self.label_parts(tmp_path, LABEL)
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        for name in "ab":
            (pictures / f"{name}.png").write_bytes(png(100, 100))
        asked = {"rules": "coco", "shape": "box", "state": tmp_path / "state"}
        asked["reading"] = dm.Reading(image_dir=pictures)
        dm.evaluate_parts(*sides, **asked)
        assert dm.evaluate_parts(*sides, **asked).fresh == ()
        (pictures / "a.png").write_bytes(png(900, 900))
        assert dm.evaluate_parts(*sides, **asked).fresh == ("p0",)

    def test_a_file_that_changes_while_it_is_read(self, tmp_path, monkeypatch):
        for side, rows in (("gt", [row("a", "c")]), ("detections", [row("a", "c", 0.9)])):
            write_table(tmp_path / side / "p0.csv", rows, [*rows[0]])
        read = matching_parts.read_part

        def swapped(*args: object) -> object:
            path = tmp_path / "detections" / "p0.csv"
            path.write_text(path.read_text().replace(",10,", ",80,"))
            return read(*args)

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(matching_parts, "read_part", swapped)
            with pytest.raises(dm.PartsError, match="changed while they were read"):
                in_parts(tmp_path, "coco", shape="box")
        assert not os.listdir(tmp_path / "state" / "parts")

    def test_answers_in_another_order_are_refused(self, folder):
        def engine(function, tasks):
            return [*map(function, tasks)][::-1]

        with pytest.raises(dm.InputError, match="the answers are not in the order of the tasks"):
            in_parts(folder, "coco", shape="box", engine=engine)


class TestPartition:
    """What is divided stands for what was given."""

    def test_another_list_of_images_is_another_partition(self, tmp_path):
        files = tables(tmp_path, [row("a", "c"), row("b", "c")], [row("a", "c", 0.9)])
        listed = tmp_path / "list.txt"
        asked = {"into": 2, "reading": dm.Reading(image_list=listed)}
        listed.write_text("a\nb\nx\n")
        dm.partition(*files, tmp_path / "set", **asked)
        listed.write_text("a\nb\ny\n")
        with pytest.raises(dm.InputError, match=r"another partition \(images differ\)"):
            dm.partition(*files, tmp_path / "set", **asked)

    def test_a_class_that_no_list_can_have(self, tmp_path):
        truth = [row("a", "two\nlines"), row("b", "c")]
        with pytest.raises(dm.InputError, match=r"classes\.txt cannot list .* Fix: rename it"):
            divided(tmp_path, truth, [row("a", "c", 0.9)], 2)

    @pytest.mark.parametrize(
        ("one", "other", "told"),
        [
            ({"image": [1]}, {"image": ["b"]}, r"column image is (large_)?string, and int64 in"),
            ({"image": [1]}, {"image": [2.0]}, "column image is double, and int64 in"),
            ({"note": ["x"]}, {"note": [1]}, r"column note is int64, and (large_)?string in"),
            ({"note": [2**53 + 1]}, {"note": [0.5]}, "do not go into one file: Integer value"),
        ],
    )
    def test_columns_of_other_types_are_refused(self, tmp_path, one, other, told):
        import pandas as pd

        truth = {
            "image": [1, 2],
            "class": ["c"] * 2,
            **{name: [at] * 2 for name, at in BOX.items()},
        }
        pd.DataFrame(truth).to_parquet(tmp_path / "truth.parquet")
        paths = []
        for number, more in enumerate((one, other)):
            columns = {"image": [number + 1], "class": ["c"], **{n: [v] for n, v in BOX.items()}}
            paths.append(tmp_path / f"found-{number}.parquet")
            pd.DataFrame({**columns, "score": [0.9], "note": [0], **more}).to_parquet(paths[-1])
        with pytest.raises(dm.FormatError, match=told):
            dm.partition(tmp_path / "truth.parquet", paths, tmp_path / "set", into=1)

    def test_two_columns_of_one_name(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = ["image", "class", *BOX, "score", "score"]
        table = pa.table([[1], ["c"], *([value] for value in BOX.values()), [0.9], [0.9]], names)
        pq.write_table(table, tmp_path / "found.parquet")
        tables(tmp_path, [row(1, "c")], [row(1, "c", 0.9)])
        with pytest.raises(dm.FormatError, match="two columns have one name"):
            dm.partition(
                tmp_path / "truth.csv", tmp_path / "found.parquet", tmp_path / "set", into=1
            )

    def test_parts_of_parquet_are_one_table_too(self, tmp_path):
        truth, found = [row("a", "c"), row("b", "d")], [row("a", "c", 0.9), row("b", "d", 0.8)]
        files = tables(tmp_path, truth, found, ".parquet")
        done = dm.partition(*files, tmp_path / "set", into=2)
        assert (Path(done.ground_truth) / "classes.txt").exists()
        ours = dm.evaluate(done.ground_truth, done.detections, "coco")
        assert ours.summary == dm.evaluate(*files, "coco").summary


class Stopped(Exception):
    """Where a run is killed."""


class TestResumed:
    """A run that goes on from another writes what one run writes."""

    @pytest.fixture
    def files(self, tmp_path):
        images = [f"i{number}" for number in range(9)]
        return tables(
            tmp_path, [row(one, "c") for one in images], [row(one, "c", 0.9) for one in images]
        )

    @pytest.mark.parametrize("how", ["gone", "cut", "flipped", "empty", "foreign", "odd note"])
    def test_what_is_staged_is_made_again_where_it_is_damaged(
        self, files, tmp_path, monkeypatch, how
    ):
        def stop(*_: object) -> None:
            raise Stopped

        with monkeypatch.context() as killed:
            killed.setattr(dividing._Division, "_write_lists", stop)
            with pytest.raises(Stopped):
                dm.partition(*files, tmp_path / "set", into=3)
        staged = tmp_path / "set" / ".partition"
        (piece,) = staged.glob("detections-*-*")
        whole = piece.read_bytes()
        match how:
            case "gone":
                piece.unlink()
            case "foreign":
                piece.with_name("detections-00000-000009").write_bytes(whole)
            case "odd note":
                next(staged.glob("detections-*.done")).write_text("{")
            case _:
                flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
                piece.write_bytes({"cut": whole[:-3], "empty": b"", "flipped": flipped}[how])
        done = dm.partition(*files, tmp_path / "set", into=3)
        once = dm.partition(*files, tmp_path / "other", into=3)
        assert done.records == once.records == 9
        for side in ("gt", "detections"):
            for path in (tmp_path / "other" / side).iterdir():
                assert (tmp_path / "set" / side / path.name).read_bytes() == path.read_bytes()

    def test_two_runs_at_once_are_refused(self, files, tmp_path):
        """One deleted what the other had staged, and parts were empty."""
        fcntl = pytest.importorskip("fcntl")
        (tmp_path / "set").mkdir()
        other = os.open(tmp_path / "set", os.O_RDONLY)
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(dm.InputError, match="another run of partition is writing to it"):
            dm.partition(*files, tmp_path / "set", into=3)
        os.close(other)
        assert dm.partition(*files, tmp_path / "set", into=3).records == 9

    def test_a_folder_of_another_kind_is_left_alone(self, files, tmp_path):
        other = tmp_path / "set" / ".partition" / "thesis.tex"
        other.parent.mkdir(parents=True)
        other.write_text("x")
        with pytest.raises(dm.InputError, match=r"new or empty folder, found \.partition"):
            dm.partition(*files, tmp_path / "set", into=3)
        assert other.read_text() == "x"
