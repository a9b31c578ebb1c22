"""There but unreadable is not absent: what a format expects and cannot read is refused, by name."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from real_data import real_data

import detmetrics as dm
from detmetrics.formats.loading import read_sheet
from detmetrics.formats.reading import READING

BOX = "0 .5 .5 .2 .2\n"
SCORED = "0 .5 .5 .2 .2 .9\n"
KITTI = "Car 0.0 0 0.0 10 10 60 60 1.5 1.6 3.9 1 1 20 0.1"
XML = (
    "<annotation><filename>{}.jpg</filename><object><name>a</name><bndbox><xmin>1</xmin>"
    "<ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
)
CORNERS = "10 10 60 10 60 60 10 60"
# What a file of a folder holds, how it is called, and how it is read.
GROUND_TRUTH = {
    "yolo": ("{}.txt", BOX),
    "text": ("{}.txt", "cat 90 80 60 70\ncat 10 10 60 70\n"),
    "kitti": ("{}.txt", f"{KITTI}\n"),
    "voc": ("{}.xml", XML),
    "dota": ("{}.txt", f"{CORNERS} plane 0\n"),
}
DETECTIONS = {
    "yolo": ("{}.txt", SCORED),
    "text": ("{}.txt", "cat .9 90 80 60 70\ncat .8 10 10 60 70\n"),
    "kitti": ("{}.txt", f"{KITTI} 0.9\n"),
    "comp4": ("comp4_det_test_{}.txt", "a .9 1 1 9 9\n"),
    "dota": ("Task1_{}.txt", f"a .9 {CORNERS}\n"),
}
CASES = [
    *(("truth", kind, *form) for kind, form in GROUND_TRUTH.items()),
    *(("found", kind, *form) for kind, form in DETECTIONS.items()),
]
EVERY_FOLDER = pytest.mark.parametrize(("side", "kind", "name", "text"), CASES)


def lay(folder: Path, name: str, text: str, stems: str = "abcdefgh") -> Path:
    folder.mkdir(parents=True)
    for stem in stems:
        (folder / name.format(stem)).write_text(text.format(stem))
    return folder


def read(side: str, path: Path, reading: dm.Reading = READING):
    return read_sheet(path, "ground truth" if side == "truth" else "detections", reading)


def refusal(side: str, path: Path) -> str:
    with pytest.raises(dm.FormatError) as caught:
        read(side, path)
    assert caught.value.code == "D003"
    return str(caught.value)


def link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


class TestEveryFormat:
    """An entry that cannot be read, among files of the format."""

    @EVERY_FOLDER
    def test_whole(self, tmp_path, side, kind, name, text):
        sheet = read(side, lay(tmp_path / "set", name, text))
        assert sheet.source.format == kind
        assert len(sheet) == 8 * len(text.splitlines())

    @EVERY_FOLDER
    def test_dead_links_are_counted_and_named(self, tmp_path, side, kind, name, text):
        path = lay(tmp_path / "set", name, text)
        for stem in "ce":
            link(path / name.format(stem), f"/old/disk/{stem}")
        said = refusal(side, path)
        assert "2 faults" in said
        for stem in "ce":
            place = name.format(stem)
            assert f"{place}: expected a file, found a dead link (to '/old/disk/{stem}')" in said

    @EVERY_FOLDER
    def test_all_of_them(self, tmp_path, side, kind, name, text):
        path = lay(tmp_path / "set", name, text)
        for stem in "abcdefgh":
            link(path / name.format(stem), f"/old/disk/{stem}")
        assert "8 faults" in refusal(side, path)

    @EVERY_FOLDER
    def test_link_to_a_folder_of_such_files(self, tmp_path, side, kind, name, text):
        path = lay(tmp_path / "set", name, text)
        lay(tmp_path / "more", name, text, "xy")
        link(path / "second", "../more")
        inside = name.format("x")
        assert (
            f"second: expected a file, found a link to a folder that contains {inside}"
            in refusal(side, path)
        )


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    # The name of a socket is short, so it is made elsewhere.
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as made:
        made.bind(f"{short}/s")
        shutil.move(f"{short}/s", path)


@pytest.mark.parametrize(
    ("put", "says"),
    [
        (lambda path: path.symlink_to(path), "a link that leads back to itself"),
        (lambda path: path.symlink_to("/dev/null"), "a link to a device"),
        (lambda path: path.symlink_to("."), "a link to a folder"),
        (lambda path: path.mkdir(), "a folder"),
        (_pipe, "a named pipe"),
        (_socket, "a socket"),
    ],
    ids=["loop", "device", "linked folder", "folder", "pipe", "socket"],
)
@pytest.mark.parametrize("case", [CASES[0], CASES[3], CASES[5]])
def test_kinds_of_entries(tmp_path, put, says, case):
    side, _, name, text = case
    path = lay(tmp_path / "set", name, text)
    (path / name.format("c")).unlink()
    put(path / name.format("c"))
    assert f"{name.format('c')}: expected a file, found {says}" in refusal(side, path)


class TestPassedOver:
    """What no format expects stays where it is, unread."""

    @EVERY_FOLDER
    def test_foreign_entries(self, tmp_path, side, kind, name, text):
        path = lay(tmp_path / "set", name, text)
        (path / "cache").mkdir()
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "a.jpg").write_bytes(b"")
        (tmp_path / "images" / "notes.txt").write_text("")
        link(path / "images", "../images")
        link(path / "again", ".")
        link(path / "up", "..")
        link(path / "readme.txt", "/nowhere")
        link(path / ".hidden.txt", "/nowhere")
        link(path / ".hidden.xml", "/nowhere")
        link(path / "model.pt", "/nowhere")
        os.mkfifo(path / "pipe")
        assert len(read(side, path)) == 8 * len(text.splitlines())


def png(path: Path, width: int = 100, height: int = 80) -> None:
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + sides + b"\x08\0\0\0\0")


def data_set(folder: Path, val: str = "images") -> Path:
    """Eight images with labels, ``data.yaml``, and predictions beside it."""
    lay(folder / "labels", "{}.txt", BOX)
    lay(folder / "found", "{}.txt", SCORED)
    (folder / "images").mkdir()
    for stem in "abcdefgh":
        png(folder / "images" / f"{stem}.png")
    (folder / "val.txt").write_text("".join(f"./images/{stem}.png\n" for stem in "abcdefgh"))
    (folder / "data.yaml").write_text(f"val: {val}\nnames: [cat]\n")
    return folder


@pytest.mark.parametrize("val", ["images", "val.txt"])
class TestDataSet:
    """Labels of the images that ``data.yaml`` or a list names."""

    def test_dead_label(self, tmp_path, val):
        path = data_set(tmp_path / "set", val)
        link(path / "labels" / "c.txt", "/old/disk/c.txt")
        said = refusal("truth", path)
        assert f"{path}/labels/c.txt: expected a file, found a dead link" in said

    def test_dead_folder_of_labels(self, tmp_path, val):
        path = data_set(tmp_path / "set", val)
        shutil.rmtree(path / "labels")
        link(path / "labels", "/old/disk/labels")
        assert f"{path}/labels: expected a folder of labels, found a dead link" in refusal(
            "truth", path
        )

    def test_absent_label_is_background(self, tmp_path, val):
        path = data_set(tmp_path / "set", val)
        (path / "labels" / "c.txt").unlink()
        sheet = read("truth", path)
        assert (len(sheet), len(sheet.images.ids)) == (7, 8)

    def test_dead_picture_is_said(self, tmp_path, val):
        path = data_set(tmp_path / "set", val)
        link(path / "images" / "c.png", "/old/disk/c.png")
        messages: list[str] = []
        with pytest.warns(dm.DetmetricsWarning, match="the size of 1 picture cannot be read"):
            sheet = read("truth", path, dm.Reading(on_message=messages.append))
        assert any(f"first {path}/images/c.png: a dead link" in text for text in messages)
        assert (len(sheet), len(sheet.images.ids)) == (8, 8)
        assert sheet.images.sizes[:2].tolist() == [[100, 80], [100, 80]]


def test_linked_folder_of_pictures_of_a_data_set(tmp_path):
    path = data_set(tmp_path / "set")
    (tmp_path / "more").mkdir()
    png(tmp_path / "more" / "x.png")
    link(path / "images" / "second", str(tmp_path / "more"))
    assert "second: expected a file, found a link to a folder that contains x.png" in refusal(
        "truth", path
    )


def test_pipe_among_pictures(tmp_path):
    path = data_set(tmp_path / "set")
    (path / "images" / "c.png").unlink()
    os.mkfifo(path / "images" / "c.png")
    with pytest.warns(dm.DetmetricsWarning, match="a named pipe"):
        assert len(read("truth", path)) == 8


@pytest.mark.parametrize("name", ["classes.txt", "data.yaml", "image_sizes.csv"])
def test_files_beside_labels(tmp_path, name):
    path = lay(tmp_path / "set", "{}.txt", BOX)
    link(path / name, "/nowhere")
    assert "found a dead link (to '/nowhere')" in refusal("truth", path)


def test_background_whose_picture_is_a_dead_link(tmp_path):
    path = data_set(tmp_path / "set")
    (path / "labels" / "c.txt").unlink()
    link(path / "images" / "c.png", "/nowhere")
    with pytest.warns(dm.DetmetricsWarning, match="1 picture"):
        sheet = read("truth", path / "labels")
    assert sheet.images.names.count("c.png") + sheet.images.names.count("c") == 1


def test_check_has_a_code(tmp_path):
    path = lay(tmp_path / "set", "{}.txt", BOX)
    link(path / "c.txt", "/nowhere")
    report = dm.check(path)
    assert [(found.code.code, found.count) for found in report.findings] == [("D003", 1)]
    assert report.findings[0].places[0].startswith("c.txt: expected a file")


def test_following_the_advice_gives_the_right_number(tmp_path):
    path = data_set(tmp_path / "set")
    link(path / "labels" / "c.txt", "/nowhere")
    refusal("truth", path)
    (path / "labels" / "c.txt").unlink()
    (path / "labels" / "c.txt").write_text(BOX)
    reading = dm.Reading(columns="class cx cy w h score")
    assert dm.evaluate(path, path / "found", reading=reading).scalars()["AP"] == pytest.approx(1)


def test_the_example(tmp_path):
    made = tmp_path / "made"
    shutil.copytree(real_data("hostile/01-dead-links"), made)
    subprocess.run(["bash", made / "make.sh"], check=True, capture_output=True)
    said = refusal("truth", made / "case")
    assert "2 faults" in said
    assert "labels/0.txt: expected a file, found a dead link (to '/old/disk/0.txt')" in said


@pytest.mark.parametrize("ending", [".gz", ".zip"])
def test_packed_files_in_a_folder_are_not_passed_over(tmp_path, ending):
    for n in range(4):
        (tmp_path / f"{n}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / f"4.txt{ending}").write_bytes(b"anything")
    (tmp_path / f"weights.pt{ending}").write_bytes(b"anything")
    with pytest.raises(dm.FormatError, match=rf"4\.txt\{ending}: expected a file, found a packed"):
        dm.read_ground_truth(tmp_path)
