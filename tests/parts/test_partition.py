"""Files divided by image: every record once, as it was, in order; stopped runs go on."""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.part_files import data_set
from parts.test_evaluate_parts import assert_equal
from profiles import examples

import detmetrics as dm
from detmetrics.datasets.partitioning import records, staging

pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")

KINDS = (".json", ".csv", ".tsv", ".parquet")


def write(folder: Path, seed: int, kind: str, *, files: int = 1, text: bool = False) -> tuple:
    """A data set of which both sides are of one kind, detections in several files."""
    truth, found = data_set(seed, text=text).of(None)
    if kind != ".json":  # a table knows the classes of its own objects alone
        known = {one["category_id"] for one in truth["annotations"]}
        found = [one for one in found if one["category_id"] in known]
    names = {one["id"]: one["name"] for one in truth["categories"]}
    folder.mkdir(exist_ok=True)
    gt = folder / f"gt{'.json' if kind == '.json' else kind}"
    if kind == ".json":
        gt.write_text(json.dumps({"info": {"year": 2026}, **truth}))
    else:
        rows = [
            row(one, names) | {"area": one["area"], "crowd": one["iscrowd"]}
            for one in truth["annotations"]
        ]
        seen = {one["image"] for one in rows}
        empty = [{"image": one["id"]} for one in truth["images"] if one["id"] not in seen]
        table(gt, rows + empty, ["image", "class", "x", "y", "w", "h", "area", "crowd", "note"])
    paths = []
    cuts = np.linspace(0, len(found), files + 1).astype(int).tolist()
    for number in range(files):
        own = found[cuts[number] : cuts[number + 1]]
        path = folder / f"found{number}{kind}"
        if kind == ".json":
            path.write_text(json.dumps(own))
        else:
            rows = [row(one, names) | {"score": one["score"]} for one in own]
            table(path, rows, ["image", "class", "x", "y", "w", "h", "score", "note"])
        paths.append(path)
    return gt, paths


def row(one: dict, names: dict) -> dict:
    x, y, w, h = one["bbox"]
    told = {"image": one["image_id"], "class": names[one["category_id"]]}
    return told | {"x": x, "y": y, "w": w, "h": h, "note": 'a "quoted", text\nof two lines'}


def table(path: Path, rows: list[dict], columns: list[str]) -> None:
    frame = pd.DataFrame(rows, columns=columns)
    if "crowd" in frame:
        frame["crowd"] = frame["crowd"].astype("Int64")
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


def whole_of(gt: Path, paths: list[Path], folder: Path) -> dm.Evaluation:
    """All files as one evaluation of all images at once."""
    one = folder / f"one{gt.suffix}"
    if gt.suffix == ".json":
        one.write_text(json.dumps([row for path in paths for row in json.loads(path.read_text())]))
    else:
        read = (
            pd.read_parquet
            if gt.suffix == ".parquet"
            else (lambda path: pd.read_csv(path, sep="\t" if gt.suffix == ".tsv" else ","))
        )
        whole = pd.concat([read(path) for path in paths])
        table(one, whole.to_dict("records"), [*whole.columns])
    return dm.evaluate(gt, one, "coco")


def records_in(folder: Path) -> list:
    """All records of the parts of a side, in order."""
    found = []
    for path in sorted(folder.glob("part-*")):
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            found += content if isinstance(content, list) else content["annotations"]
        elif path.suffix == ".parquet":
            found += pd.read_parquet(path).to_dict("records")
        else:
            mark = "\t" if path.suffix == ".tsv" else ","
            found += pd.read_csv(path, sep=mark, dtype=str).to_dict("records")
    return found


class TestLaw:
    """The parts evaluate to the numbers of the whole, and hold every record once, in order."""

    @examples(2)
    @pytest.mark.parametrize("kind", KINDS)
    @given(
        seed=st.integers(0, 10**6),
        files=st.integers(1, 3),
        into=st.integers(1, 9),
        text=st.booleans(),
    )
    def test_numbers(self, kind, seed, files, into, text):
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            gt, paths = write(folder, seed, kind, files=files, text=text)
            done = dm.partition(gt, paths, folder / "set", into=into)
            assert [*done.parts] == [f"part-{number:05d}" for number in range(into)]
            state = folder / "state"
            ours = dm.evaluate_parts(done.ground_truth, done.detections, "coco", state=state)
            assert_equal(ours, whole_of(gt, paths, folder))

    @examples(2)
    @pytest.mark.parametrize("kind", KINDS)
    @given(seed=st.integers(0, 10**6), files=st.integers(1, 3), into=st.integers(1, 5))
    def test_records(self, kind, seed, files, into):
        with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
            patch.setattr(records, "SIZE", 500)  # several pieces per file
            patch.setattr(records, "ROWS", 7)
            folder = Path(home)
            gt, paths = write(folder, seed, kind, files=files)
            done = dm.partition(gt, paths, folder / "set", into=into)
            ours = records_in(Path(done.detections))
            shutil.rmtree(folder / "set")
            one = dm.partition(gt, paths, folder / "set", into=1)
            whole = records_in(Path(one.detections))
            key = "image_id" if kind == ".json" else "image"
            for image in {str(row[key]) for row in whole}:
                mine = [row for row in ours if str(row[key]) == image]
                assert mine == [row for row in whole if str(row[key]) == image]
            assert len(ours) == len(whole) == done.records


def test_documents_keep_every_section_and_field(tmp_path):
    gt, paths = write(tmp_path, 3, ".json")
    content = json.loads(gt.read_text())
    content["annotations"][0] |= {"tags": {"a": [1, None]}, "area": 1e-7}
    text = json.dumps(content).replace("1e-07", "0.10000000000000000001e-6")
    gt.write_text(text)
    done = dm.partition(gt, paths, tmp_path / "set", into=2)
    parts = [path.read_text() for path in sorted(Path(done.ground_truth).iterdir())]
    assert "0.10000000000000000001e-6" in "".join(parts)
    for key in ("images", "annotations"):
        rows = [row for part in parts for row in json.loads(part)[key]]
        assert sorted(rows, key=lambda row: str(row["id"])) == sorted(
            json.loads(text)[key], key=lambda row: str(row["id"])
        )
    assert all(json.loads(part)["info"] == {"year": 2026} for part in parts)


def test_a_stopped_run_goes_on(tmp_path, monkeypatch):
    gt, paths = write(tmp_path, 5, ".json", files=3)
    whole = dm.partition(gt, paths, tmp_path / "whole", into=3)
    staged = []

    def stop(self, side, file, piece, blocks):
        if file == 2 and len(staged) == 2:
            raise KeyboardInterrupt
        staged.append(file)
        return add(self, side, file, piece, blocks)

    add = staging.Staging.add
    monkeypatch.setattr(staging.Staging, "add", stop)
    with pytest.raises(KeyboardInterrupt):
        dm.partition(gt, paths, tmp_path / "set", into=3)
    staged.append(None)  # from now on nothing stops
    again = dm.partition(gt, paths, tmp_path / "set", into=3)
    assert staged == [0, 1, None, 2]
    for side in ("ground_truth", "detections"):
        mine, theirs = (Path(getattr(one, side)) for one in (again, whole))
        assert {p.name: p.read_bytes() for p in mine.iterdir()} == {
            p.name: p.read_bytes() for p in theirs.iterdir()
        }
    assert sorted(p.name for p in (tmp_path / "set" / ".partition").iterdir()) == [
        "complete.json",
        "plan.json",
    ]


def test_a_finished_one_is_not_done_again(tmp_path, monkeypatch):
    gt, paths = write(tmp_path, 5, ".json")
    first = dm.partition(gt, paths, tmp_path / "set", into=3)
    monkeypatch.setattr(staging.Staging, "add", None)
    assert dm.partition(gt, paths, tmp_path / "set", into=3) == first


def test_another_partition_is_refused(tmp_path):
    gt, paths = write(tmp_path, 5, ".json")
    dm.partition(gt, paths, tmp_path / "set", into=3)
    with pytest.raises(dm.InputError, match=r"another partition \(into differ\)"):
        dm.partition(gt, paths, tmp_path / "set", into=2)
    paths[0].write_text(paths[0].read_text() + "\n")
    with pytest.raises(dm.InputError, match=r"another partition \(detections differ\)"):
        dm.partition(gt, paths, tmp_path / "set", into=3)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    gt, paths = write(tmp_path / "in", 5, ".json")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.tex").write_text("x")
    with pytest.raises(dm.InputError, match="new or empty folder, found thesis"):
        dm.partition(gt, paths, tmp_path / "set", into=3)
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["thesis.tex"]


def test_only_some_images(tmp_path):
    gt, paths = write(tmp_path, 5, ".json")
    images = [one["id"] for one in json.loads(gt.read_text())["images"]][:4]
    done = dm.partition(gt, paths, tmp_path / "set", into=2, images=images)
    ours = dm.evaluate_parts(done.ground_truth, done.detections, "coco", state=tmp_path / "state")
    whole = dm.evaluate(gt, paths[0], "coco", images=images)
    assert ours.summary == whole.summary
    assert done.images == 4
    found = json.loads(paths[0].read_text())
    assert done.dropped == sum(row["image_id"] not in images for row in found)


def test_detections_on_unknown_images(tmp_path):
    gt, paths = write(tmp_path, 5, ".json")
    found = [
        *json.loads(paths[0].read_text()),
        {"image_id": 999_999, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5},
    ]
    paths[0].write_text(json.dumps(found))
    with pytest.raises(dm.UnknownIdError, match=rf"\[{len(found) - 1}\].image_id: 999999"):
        dm.partition(gt, paths, tmp_path / "set", into=2)
    done = dm.partition(gt, paths, tmp_path / "other", into=2, unknown_images="drop")
    assert (done.records, done.dropped) == (len(found) - 1, 1)


def test_gzipped_and_marked_files(tmp_path):
    gt, paths = write(tmp_path, 5, ".json")
    packed = tmp_path / "found.json.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + paths[0].read_bytes()))
    gt.write_bytes(b"\xef\xbb\xbf" + gt.read_bytes())
    done = dm.partition(gt, packed, tmp_path / "set", into=2)
    assert done.records == len(json.loads(paths[0].read_text()))


def test_a_folder_of_parquet_files(tmp_path):
    gt, paths = write(tmp_path, 5, ".parquet", files=3)
    (tmp_path / "found").mkdir()
    for path in paths:
        shutil.move(path, tmp_path / "found" / path.name)
    done = dm.partition(gt, tmp_path / "found", tmp_path / "set", into=2)
    whole = dm.evaluate(gt, tmp_path / "found", "coco")
    ours = dm.evaluate_parts(done.ground_truth, done.detections, "coco", state=tmp_path / "state")
    assert_equal(ours, whole)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("found.json", '[{"image_id": 1}, {"image', "not a list in JSON"),
        ("found.json", '[{"image": 1}]', "image_id"),
        ("found.json", '[{"image_id": [1]}]', "image_id"),
        ("found.json", "", "empty"),
        ("found.csv", "image,score\n,0.5\n", "line 2: expected an image"),
        ("found.parquet", "PAR1", "damaged Parquet"),
        ("found.txt", "1 2 3\n", "convert"),
        ("found.xml", "<annotation/>", "convert"),
    ],
)
def test_what_cannot_be_divided(tmp_path, name, content, said):
    gt, _ = write(tmp_path, 5, ".json")
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(dm.InputError, match=said) as told:
        dm.partition(gt, path, tmp_path / "set", into=2)
    assert name in str(told.value)
    assert not [*(tmp_path / "set").glob("detections/part*")]


def test_files_that_do_not_go_together(tmp_path):
    gt, paths = write(tmp_path, 5, ".csv", files=2)
    paths[1].write_text(paths[1].read_text().replace("note", "remark", 1))
    with pytest.raises(dm.FormatError, match=r"found1.csv: has other columns than .*note, remark"):
        dm.partition(gt, paths, tmp_path / "set", into=2)


def test_urls_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gt, paths = write(tmp_path, 5, ".json")
    for sides in (("s3://b/gt.json", paths, "set"), (gt, "s3://b/x", "set"), (gt, paths, "s3://b")):
        with pytest.raises(dm.InputError, match=r"s3://b.*: partition reads and writes files of"):
            dm.partition(sides[0], sides[1], sides[2], into=2)
    assert not (tmp_path / "s3:").exists()


@pytest.mark.parametrize("into", [0, -1, 1000, 2.0, True])
def test_no_number_of_parts(tmp_path, into):
    gt, paths = write(tmp_path, 5, ".json")
    with pytest.raises(dm.InputError, match="into: expected a number of parts from 1 to 9"):
        dm.partition(gt, paths, tmp_path / "set", into=into)


def test_a_file_twice(tmp_path):
    gt, paths = write(tmp_path, 5, ".json", files=2)
    with pytest.raises(dm.InputError, match=r"found0.json: is the same file as .*found0.json"):
        dm.partition(gt, [*paths, tmp_path / "." / "found0.json"], tmp_path / "set", into=2)


def test_a_pattern(tmp_path):
    gt, paths = write(tmp_path, 5, ".json", files=2)
    one = dm.partition(gt, paths, tmp_path / "one", into=2)
    assert (
        dm.partition(gt, tmp_path / "found*.json", tmp_path / "set", into=2).records == one.records
    )
    with pytest.raises(dm.InputError, match=r"nothing\*.json: no file matches"):
        dm.partition(gt, tmp_path / "nothing*.json", tmp_path / "set", into=2)


def test_what_a_refusal_advises_goes_to_the_same_folder(tmp_path):
    gt, paths = write(tmp_path, 5, ".json")
    found = json.loads(paths[0].read_text())
    paths[0].write_text(json.dumps([*found, {**found[0], "image_id": 999_999}]))
    with pytest.raises(dm.UnknownIdError):
        dm.partition(gt, paths, tmp_path / "set", into=2)
    done = dm.partition(gt, paths, tmp_path / "set", into=2, unknown_images="drop")
    assert done.records == len(found)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_text("[]")])
def test_parts_that_are_harmed_are_written_again(tmp_path, harm):
    gt, paths = write(tmp_path, 5, ".json")
    done = dm.partition(gt, paths, tmp_path / "set", into=2)
    part = Path(done.detections) / "part-00001.json"
    whole = part.read_text()
    harm(part)
    assert dm.partition(gt, paths, tmp_path / "set", into=2) == done
    assert part.read_text() == whole


def test_a_table_without_objects(tmp_path):
    gt, found = tmp_path / "gt.csv", tmp_path / "found.csv"
    table(gt, [{"image": f"im{n}"} for n in range(4)], ["image", "class", "x", "y", "w", "h"])
    table(found, [], ["image", "class", "x", "y", "w", "h", "score"])
    done = dm.partition(gt, found, tmp_path / "set", into=2)
    for rules in ("coco", "ultralytics", "olrp", "citypersons"):
        state = tmp_path / rules
        ours = dm.evaluate_parts(done.ground_truth, done.detections, rules, state=state)
        assert_equal(ours, dm.evaluate(gt, found, rules))
        assert ours.counts["classes"] == 0
