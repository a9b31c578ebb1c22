"""A folder of Parquet files is one table: its files, one below the other in order of name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import detmetrics as dm

TRUTH = pd.DataFrame(
    {
        "image": [f"im{row % 7}" for row in range(30)],
        "class": [("car", "dog")[row % 2] for row in range(30)],
        "x": np.arange(30.0) * 10,
        "y": 0.0,
        "w": 8.0,
        "h": 9.0,
    }
)
FOUND = TRUTH.assign(score=np.linspace(0.1, 0.9, 30), w=7.0)


def folder_of(path: Path, frame: pd.DataFrame, cuts: dict[str, slice]) -> Path:
    """Rows of a frame as files of a folder."""
    for name, rows in cuts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        frame.iloc[rows].to_parquet(path / name)
    return path


THREE = {
    "part-0.parquet": slice(0, 11),
    "part-1.parquet": slice(11, 11),
    "part-2.parquet": slice(11, 30),
}
HIVE = {
    "part=0/a.parquet": slice(0, 4),
    "part=0/b.parquet": slice(4, 9),
    "part=1/0.parquet": slice(9, 30),
}


@pytest.mark.parametrize("cuts", [THREE, HIVE], ids=["flat", "hive"])
def test_it_reads_as_one_file(tmp_path, cuts):
    TRUTH.to_parquet(tmp_path / "gt.parquet")
    FOUND.to_parquet(tmp_path / "found.parquet")
    gt = folder_of(tmp_path / "gt", TRUTH, cuts)
    found = folder_of(tmp_path / "found", FOUND, cuts)
    for name in ("_SUCCESS", "_metadata", ".part-0.parquet.crc"):
        (found / name).write_bytes(b"x")
    ours = dm.evaluate(gt, found)
    whole = dm.evaluate(tmp_path / "gt.parquet", tmp_path / "found.parquet")
    assert ours.summary == whole.summary
    np.testing.assert_array_equal(ours.detections.boxes, whole.detections.boxes)
    assert ours.interpretations[0].evidence == "3 Parquet files, read as one table"


def test_a_list_of_images_beside_them(tmp_path):
    gt = folder_of(tmp_path / "gt", TRUTH, THREE)
    pd.DataFrame({"image": ["im0", "empty"]}).to_parquet(gt / "images.parquet")
    assert "empty" in dm.read_ground_truth(gt).catalog.image_names


def test_a_fault_names_the_file_and_the_row(tmp_path):
    found = FOUND.astype({"score": object})
    found.loc[12, "score"] = "x"
    found["score"] = found["score"].astype(str)
    path = folder_of(tmp_path / "found", found, THREE)
    with pytest.raises(dm.FormatError, match=r"part-2.parquet, row 1: score: .*'x'"):
        dm.read_detections(path, dm.read_ground_truth(folder_of(tmp_path / "gt", TRUTH, THREE)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": "conf"}, "part-1.parquet: no column score, which part-0.parquet has"),
        ({"image": "photo"}, "part-1.parquet: no column image, which part-0.parquet has"),
    ],
)
def test_files_have_the_same_columns(tmp_path, change, said):
    gt = dm.read_ground_truth(folder_of(tmp_path / "gt", TRUTH, THREE))
    path = folder_of(tmp_path / "found", FOUND, {"part-0.parquet": slice(0, 9)})
    FOUND.rename(columns=change).to_parquet(path / "part-1.parquet")
    with pytest.raises(dm.FormatError, match=said):
        dm.read_detections(path, gt)


def test_files_have_the_same_types(tmp_path):
    truth = TRUTH.assign(image=range(30)).rename(columns={"image": "image_id"})
    path = folder_of(tmp_path / "gt", truth, {"a.parquet": slice(0, 9)})
    for column, kind, said in (
        ("image_id", str, "'image_id' contains text, but whole numbers in a.parquet"),
        ("image_id", float, "'image_id' contains numbers with decimals, but whole numbers"),
        ("x", str, "'x' contains text, but numbers in a.parquet"),
    ):
        truth.astype({column: kind}).to_parquet(path / "b.parquet")
        with pytest.raises(dm.FormatError, match=rf"b.parquet: column {said}"):
            dm.read_ground_truth(path)
    truth.astype({"x": int}).to_parquet(path / "b.parquet")  # as numbers without decimals are
    assert len(dm.read_ground_truth(path)) == 39


def test_large_ids_are_what_they_were(tmp_path):
    ids = [2**60 + 1, 2**60 + 3]
    for name, known in zip("ab", ids, strict=True):
        frame = TRUTH.iloc[:1].assign(image=known).rename(columns={"image": "image_id"})
        (tmp_path / "gt").mkdir(exist_ok=True)
        frame.to_parquet(tmp_path / "gt" / f"{name}.parquet")
    assert dm.read_ground_truth(tmp_path / "gt").catalog.image_ids.tolist() == ids


def test_categories_that_differ(tmp_path):
    for name, rows in THREE.items():
        (tmp_path / "gt").mkdir(exist_ok=True)
        table = pa.Table.from_pandas(TRUTH.iloc[rows], preserve_index=False)
        at = table.schema.get_field_index("image")
        table = table.set_column(at, "image", table["image"].dictionary_encode())
        parquet.write_table(table, tmp_path / "gt" / name)
    TRUTH.to_parquet(tmp_path / "one.parquet")
    ours, whole = map(dm.read_ground_truth, (tmp_path / "gt", tmp_path / "one.parquet"))
    assert ours.catalog.image_names == whole.catalog.image_names
    np.testing.assert_array_equal(ours.image, whole.image)


@pytest.mark.parametrize("log", ["_delta_log/0.json", "metadata/v1.metadata.json"])
def test_tables_with_a_log_are_refused(tmp_path, log):
    path = folder_of(tmp_path / "gt", TRUTH, THREE)
    (path / log).parent.mkdir()
    (path / log).write_text("{}")
    with pytest.raises(dm.FormatError, match="keeps a log of which files are valid"):
        dm.read_ground_truth(path)


def test_damaged_and_empty_files(tmp_path):
    path = folder_of(tmp_path / "gt", TRUTH, THREE)
    (path / "part-9.parquet").write_bytes(b"")
    assert len(dm.read_ground_truth(path)) == 30
    (path / "part-9.parquet").write_bytes((path / "part-0.parquet").read_bytes()[:-9])
    with pytest.raises(dm.FormatError, match=r"part-9.parquet: damaged Parquet"):
        dm.read_ground_truth(path)


def test_other_files_beside_them(tmp_path):
    path = folder_of(tmp_path / "gt", TRUTH, THREE)
    (path / "more.csv").write_text("image,class,x,y,w,h\n")
    with pytest.raises(dm.FormatError):
        dm.read_ground_truth(path)
