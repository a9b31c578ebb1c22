"""Readers given broken, odd or malicious files: a table, or one message with file and line."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pytest
import scenes
from guards import PATIENCE, soon
from pyarrow import parquet

import detmetrics as dm

LINE = "0 0.5 0.5 0.2 0.2\n"
SCORED = "0 0.5 0.5 0.2 0.2 0.9\n1 0.25 0.25 0.1 0.1 0.8\n"
BOX = [0.4, 0.4, 0.2, 0.2]
pytestmark = pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning")


def lay(folder: Path, files: Mapping[str, str | bytes], inside: str = "set") -> Path:
    """Files in a folder of their own."""
    root = folder / inside
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def truth(path: Path, kind: str | None = None, **settings) -> dm.GroundTruth:
    with soon():
        return dm.read_ground_truth(path, dm.Reading(gt_format=kind, **settings))


def found(path: Path, kind: str | None = None, known=None, **settings) -> dm.Detections:
    with soon():
        return dm.read_detections(path, known or table(), dm.Reading(det_format=kind, **settings))


def table(images=("a", "b"), classes=("cat", "dog"), ids=None) -> dm.GroundTruth:
    """Ground truth for detections to refer to."""
    catalog = dm.Catalog.from_ids(
        images=images,
        categories=range(len(classes)) if ids is None else ids,
        category_names=classes,
        image_sizes=[[100, 80]] * len(images),
    )
    return dm.GroundTruth.from_arrays(
        image_ids=[images[0]],
        categories=[catalog.category_ids[0]],
        boxes=[[1, 2, 30, 40]],
        catalog=catalog,
    )


def refused(read, path: Path, *arguments, **settings) -> str:
    """What the message says behind the path, which comes first."""
    with pytest.raises(dm.FormatError) as caught:
        read(path, *arguments, **settings)
    text = str(caught.value)
    assert text.startswith(str(path)), text
    assert "\0" not in text
    assert "\x1b" not in text
    assert len(text) < 2_000, f"a message of {len(text)} characters"
    return text.removeprefix(str(path)).removeprefix(": ")


def classes_of(rows: dm.GroundTruth | dm.Detections) -> list[str]:
    return [rows.catalog.category_names[at] for at in rows.category.tolist()]


# --- YOLO: lines ---------------------------------------------------------------------------------


class TestLines:
    """One box in one label file, written in every way that is fair, and in many that are not."""

    @pytest.mark.parametrize(
        "content",
        [
            LINE,
            LINE.rstrip(),
            LINE.replace("\n", "\r\n"),
            LINE.replace("\n", "\r"),
            LINE.replace(" ", "\t"),
            LINE.replace(" ", "\t", 1),
            "  0   0.5  0.5 \t 0.2   0.2   \n",
            f"\n\n \t\n{LINE}\n \n",
            "0 .5 5e-1 +0.2 2E-1\n",
            "0.0 0.5 0.5 0.2 0.2\n",
            f"\ufeff{LINE}",
            LINE.encode("utf-16"),
            f"\ufeff{LINE}".encode("utf-16-be"),
        ],
    )
    @pytest.mark.parametrize("kind", ["yolo", None])
    def test_read(self, tmp_path, content, kind):
        rows = truth(lay(tmp_path, {"a.txt": content, "classes.txt": "cat\n"}), kind)
        assert rows.boxes.tolist() == [pytest.approx(BOX)]
        assert classes_of(rows) == ["cat"]

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("0 0.5 0.5", "expected a class and 4 numbers (cx cy w h) or points, got 2 numbers"),
            ("0 0.5 0.5 0.2 0.2 0.9", "got 5 numbers; with a score these are predictions"),
            ("0", "got 0 numbers"),
            ("0,0.5,0.5,0.2,0.2", "got 0 numbers"),
            ("0 0.5 nan 0.2 0.2", "expected finite numbers that can be pixels, got nan"),
            ("0 0.5 0.5 0.2 inf", "expected finite numbers that can be pixels, got inf"),
            ("0 0.5 -1e400 0.2 0.2", "expected finite numbers that can be pixels, got -inf"),
            ("0 0.5 1e16 0.2 0.2", "expected finite numbers that can be pixels, got 1e+16"),
            ("0 .1 .1 .5 inf .5 .5", "expected finite numbers that can be pixels, got inf"),
            ("0 0.5 0x1F 0.2 0.2", "expected a number, got '0x1F'"),
            ("0 0.5 1_000 0.2 0.2", "expected a number, got '1_000'"),
            (
                "0 0.5 0,5 0.2 0.2",
                "spaces between numbers, got '0,5'",
            ),
            ("0 0.5 0.5 -0.2 0.2", "box: expected w and h from 0 up, got [0.5, 0.5, -0.2, 0.2]"),
            ("-1 0.5 0.5 0.2 0.2", "class -1, but 2 classes are named"),
            ("2 0.5 0.5 0.2 0.2", "class 2, but 2 classes are named"),
            ("1e30 0.5 0.5 0.2 0.2", "expected a class number, got '1e30'"),
            ("inf 0.5 0.5 0.2 0.2", "expected a class number, got 'inf'"),
            ("1.5 0.5 0.5 0.2 0.2", "expected a class number, got '1.5'"),
            ("difficult 0.5 0.5 0.2 0.2", "expected a class number, got 'difficult'"),
            (f"{2**63} 0.5 0.5 0.2 0.2", f"expected a class number, got '{2**63}'"),
            (f"{10**30} 0.5 0.5 0.2 0.2", f"expected a class number, got '{10**30}'"),
            (f"{'9' * 5_000} 0.5 0.5 0.2 0.2", "expected a class number, got '999"),
            ("cat 0.5 0.5 0.2 0.2", "expected a class number, got 'cat'"),
            ("caf\xe9 0.5 0.5 0.2 0.2", "expected a class number, got 'caf\xe9'"),
        ],
    )
    @pytest.mark.parametrize("before", ["", LINE, f"\n{LINE}\r\n\n", LINE * 50])
    def test_refused(self, tmp_path, line, says, before):
        files = {"a.txt": f"{before}{line}\n", "b.txt": LINE, "classes.txt": "cat\ndog\n"}
        path = lay(tmp_path, files)
        text = refused(truth, path, "yolo")
        assert text.startswith(f"a.txt:{before.count(chr(10)) + 1}: "), text
        assert says in text.replace("1e+30", "1e30")

    def test_class_number_that_is_none(self, tmp_path):
        path = lay(tmp_path, {"a.txt": "1000000 0.5 0.5 0.2 0.2\n"})
        assert refused(truth, path).startswith("a.txt:1: class 1000000")

    def test_latin_1(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE, "classes.txt": "caf\xe9\n".encode("latin-1")})
        assert classes_of(truth(path)) == ["caf\xe9"]

    def test_zeros(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE, "b.txt": LINE.encode("utf-16-le")})
        text = refused(truth, path, "yolo")
        assert text == "/b.txt: not a text file: it holds bytes of zero"

    def test_one_bad_line_does_not_hide_what_the_folder_is(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE * 3, "b.txt": f"{LINE}0 0.5 x 0.2 0.2\n"})
        assert refused(truth, path) == "b.txt:2: expected a number, got 'x'"
        path = lay(tmp_path, {"b.txt": f"{LINE * 4}0 0.5 0.5\n"})
        assert refused(truth, path).startswith("b.txt:5: expected a class and 4 numbers")

    def test_lone_carriage_returns_do_not_shift_lines(self, tmp_path):
        # As many line ends as boxes, and yet the boxes of b.txt are two.
        files = {"a.txt": f"\n{LINE}", "b.txt": f"{LINE.strip()}\r{LINE}"}
        text = refused(truth, lay(tmp_path, files), "yolo")
        assert text.startswith("b.txt:1: expected a class and 4 numbers")

    def test_empty_files_are_images_without_objects(self, tmp_path):
        rows = truth(lay(tmp_path, {"a.txt": "", "b.txt": "\n\n", "c.txt": "\ufeff"}))
        assert len(rows) == 0
        assert rows.catalog.image_names == ("a", "b", "c")

    @pytest.mark.heavy
    def test_many_lines(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE * 1_000_000, "b.txt": LINE})
        rows = truth(path)
        assert len(rows) == 1_000_001
        assert np.ptp(rows.boxes, axis=0).tolist() == [0, 0, 0, 0]
        (path / "a.txt").write_text(LINE * 999_999 + "0 0.5 0.5 0.2 nan\n")
        assert refused(truth, path).startswith("a.txt:1000000: ")

    @pytest.mark.heavy
    def test_many_files(self, tmp_path):
        seeds = lay(tmp_path, {f"{n}.txt": LINE for n in range(4)}, "seeds")
        path = lay(tmp_path, {})
        for at in range(100_000):  # links, since writing them all takes longer than reading
            os.link(seeds / f"{at % 4}.txt", path / f"{at}.txt")
        assert len(truth(path)) == 100_000

    @pytest.mark.parametrize("width", [5, 100, 10_000])
    def test_polygons_of_odd_length(self, tmp_path, width):
        line = "0" + " 0.25" * (2 * width + 1)
        path = lay(tmp_path, {"a.txt": f"{LINE}{line}\n"})
        assert refused(truth, path, "yolo").endswith(f"got {2 * width + 1} numbers")


class TestPredictions:
    """Lines with a score."""

    def test_read(self, tmp_path):
        rows = found(lay(tmp_path, {"a.txt": SCORED.replace(" ", "\t"), "b.txt": ""}))
        assert rows.boxes[0].tolist() == pytest.approx([40, 32, 20, 16])
        assert rows.scores.tolist() == [0.9, 0.8]
        assert classes_of(rows) == ["cat", "dog"]

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            (
                "0 0.5 0.5 0.2 0.2",
                "(6 columns), got 5; were scores not saved",
            ),
            ("0 0.5 0.5 0.2 0.2 0.9 0.8", "(6 columns), got 7"),
            ("0 0.5 0.5 0.2 0.2 nan", "expected finite numbers that can be pixels, got nan"),
            ("0 0.5 0.5 0.2 1e400 0.9", "expected finite numbers that can be pixels, got inf"),
            ("0 0.5 0.5 0.2 0.2 0x1", "expected a number, got '0x1'"),
            ("-1 0.5 0.5 0.2 0.2 0.9", "class -1"),
        ],
    )
    @pytest.mark.parametrize("kind", ["yolo", None])
    def test_refused(self, tmp_path, line, says, kind):
        path = lay(tmp_path, {"a.txt": SCORED, "b.txt": f"{SCORED * 3}{line}\n"})
        text = refused(found, path, kind)
        assert text.startswith("b.txt:7: ")
        assert says in text

    @pytest.mark.parametrize("kind", ["yolo", "text", "comp4"])
    def test_no_folder(self, tmp_path, kind):
        path = lay(tmp_path, {"a.txt": SCORED, "b/c.jpg": b""})
        says = "expected a folder of .txt files, found"
        assert refused(found, path / "a.txt", kind) == f"{says} no folder"
        assert refused(found, path / "nowhere", kind) == f"{says} no folder"
        assert refused(found, path / "b", kind) == f"{says} none"


# --- folders -------------------------------------------------------------------------------------


class TestFolders:
    """What else a folder can hold."""

    @pytest.mark.parametrize("kind", [None, "yolo", "text", "voc"])
    def test_empty(self, tmp_path, kind):
        assert refused(truth, lay(tmp_path, {}), kind).startswith("the folder is empty, expected")

    @pytest.mark.parametrize("kind", [None, "yolo", "comp4"])
    def test_empty_of_detections(self, tmp_path, kind):
        assert refused(found, lay(tmp_path, {}), kind).startswith("the folder is empty, expected")

    def test_other_things(self, tmp_path):
        path = lay(tmp_path, {"a.bin": bytes(range(256)), "b.jpg": b"", "notes.md": "x"})
        assert "no format of ground truth is known" in refused(truth, path)
        assert "no format of detections is known" in refused(found, path)

    def test_images_in_place_of_boxes(self, tmp_path):
        path = lay(tmp_path, {f"{n}.png": scenes.png(3, 4) for n in range(3)})
        for side in (truth, found):
            assert "these are images: give the folder with their boxes" in refused(side, path)

    def test_a_column_too_many_in_every_line(self, tmp_path):
        path = lay(tmp_path, {"a.txt": SCORED.replace("\n", " 7\n") * 3})
        said = refused(found, path)
        assert "its lines have 7 columns, where labels have 5 (class cx cy w h)" in said
        assert "predictions 6" in said

    @pytest.mark.parametrize("kind", ["csv", "parquet", "openimages", "coco"])
    def test_instead_of_a_file(self, tmp_path, kind):
        path = lay(tmp_path, {"a.txt": LINE})
        expected = "expected a file, got a directory"
        if kind == "parquet":
            expected = "expected Parquet files alone, found a.txt"
        assert refused(truth, path, kind) == expected
        assert refused(truth, path / "nowhere", kind) == "no such file"

    def test_links_and_pipes(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE, "below/b.txt": LINE})
        (path / "again").symlink_to(path)
        (path / "below" / "up").symlink_to("..")
        (path / "self").symlink_to("self")
        (path / "nowhere").symlink_to("nothing")
        (path / "linked.txt").symlink_to("a.txt")
        os.mkfifo(path / "pipe")
        rows = truth(path)
        assert rows.catalog.image_names == ("a", "below/b", "linked")

    def test_thousands_deep(self, tmp_path, monkeypatch):
        path = lay(tmp_path, {"a.txt": LINE})
        monkeypatch.chdir(path)
        for _ in range(1_500):
            os.mkdir("x")
            os.chdir("x")
        Path("b.txt").write_text(LINE)
        try:
            assert len(truth(path)) == 2
        finally:  # what removes folders of tests would go too deep
            os.unlink("b.txt")
            for _ in range(1_500):
                os.chdir("..")
                os.rmdir("x")

    def test_names(self, tmp_path):
        names = [b"a\xff.txt", b"\x1b[31m.txt", b"{row} {0}.txt", b"'\".txt", b"a\nb.txt", b" .txt"]
        path = lay(tmp_path, {})
        for name in names:
            Path(os.fsdecode(os.path.join(os.fsencode(path), name))).write_text(LINE)
        assert len(truth(path)) == len(names)

    @pytest.mark.parametrize("name", ["\x1b[31m", "a\nb", "{row}"])
    def test_name_in_a_message(self, tmp_path, name):
        path = lay(tmp_path, {f"{name}.txt": LINE * 3 + "0 .5 .5 x .2\n" + LINE})
        shown = name.replace("\x1b", "\\x1b").replace("\n", "\\n")
        assert refused(truth, path) == f"{shown}.txt:4: expected a number, got 'x'"

    def test_not_readable(self, tmp_path):
        path = lay(tmp_path, {"a.txt": LINE})
        (path / "a.txt").chmod(0)
        if os.access(path / "a.txt", os.R_OK):
            pytest.skip("needs a user who is not root: root reads every file")
        assert refused(truth, path, "yolo") == "a.txt: cannot be read: Permission denied"


# --- data.yaml and .data -------------------------------------------------------------------------


PICTURES = {"images/a.jpg": b"", "labels/a.txt": LINE}


def described(folder: Path, text: str | bytes, name: str = "data.yaml", **more) -> Path:
    return lay(folder, {**PICTURES, name: text, **more}) / name


class TestYaml:
    """Every scalar is text; nothing unfolds, and nothing runs."""

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            ("[no, on, 07, yes]", ["no", "on", "07", "yes"]),
            ("[null, ~, 1e3, 0x10, 2020-01-01]", ["null", "~", "1e3", "0x10", "2020-01-01"]),
            ("\n  0: no\n  1: 'on'\n", ["no", "on"]),
            ("{1: b, 0: a}", ["a", "b"]),
            ("['caf\xe9', \"\\u732b\"]", ["caf\xe9", "\u732b"]),
        ],
    )
    def test_names(self, tmp_path, names, expected):
        rows = truth(described(tmp_path, f"val: images\nnames: {names}\n"))
        assert list(rows.catalog.category_names) == expected
        assert rows.boxes.tolist() == [pytest.approx(BOX)]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_encodings(self, tmp_path, encoding, end):
        text = "val: images\nnames: [caf\xe9]\n".replace("\n", end).encode(encoding)
        assert truth(described(tmp_path, text)).catalog.category_names == ("caf\xe9",)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("a: &a [x]\nnames: *a\n", "line 2: YAML aliases are refused"),
            ("a: &a {b: c}\nnames:\n  <<: *a\n", "line 3: YAML aliases are refused"),
            ("names: [a\n", "line 2, column 1: not YAML: expected ',' or ']'"),
            ("\tnames: [a]\n", "line 1, column 1: not YAML: found character '\\t'"),
            ("names: [a]\nval: x: y\n", "line 2, column 7: not YAML: mapping values are not"),
            ('names: ["\\UFFFFFFFF"]\n', "not YAML: a character that Unicode does not have"),
            ("names: [\x1b[31m]\n", "not YAML: unacceptable character #x001b"),
            ("names: {? [a] : b}\n", "line 1, column 11: not YAML: found unhashable key"),
            ("- a\n- b\n", "expected a mapping with names, path, train, val"),
            ("a\n", "expected a mapping with names, path, train, val"),
            ("names: [a]\n---\nnames: [b]\n", "not YAML: but found another document"),
            ("val: images\n", "names: expected a list or a mapping of class names, got nothing"),
            ("names: []\n", "names: expected a list or a mapping of class names, got []"),
            ("names: 7\n", "names: expected a list or a mapping of class names, got '7'"),
            ("names: [a, [b]]\n", "class names, got ['a', ['b']]"),
            ("names: {a: b}\n", "names: expected numbers of classes, got 'a'"),
            ("names: {0: a, 2: b}\n", "names: expected numbers from 0 on, 1 is missing"),
            ("names: {0: a, 00: b}\n", "names: a number of a class stands there twice"),
            ("names: {0: [a]}\n", "names: 0: expected a name, got ['a']"),
            ("names: [a]\n", "expected val, test or train: where the images are"),
            ("names: [a]\nval: nowhere\n", "'nowhere': no such file or folder"),
            ('names: [a]\nval: "a\\0b"\n', "'a\\x00b': no such file or folder"),
            ('names: [a]\nval: "\\ud800"\n', "'\\ud800': no such file or folder"),
            (f"names: [a]\nval: {'x' * 5_000}\n", "(5,002 characters): no such file"),
            ("names: [a]\nval: pipe\n", "'pipe': expected a folder, or a file that lists images"),
            ("names: [a]\nval: /dev/zero\n", "'/dev/zero': expected a folder, or a file"),
            ("names: [a]\nval: {x: y}\n", "no such file or folder"),
        ],
    )
    def test_refused(self, tmp_path, text, says):
        path = described(tmp_path, text)
        os.mkfifo(path.parent / "pipe")
        assert says in refused(truth, path)

    @pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "{a: ", "[{b: "])
    def test_nested_deeply(self, tmp_path, opening):
        path = described(tmp_path, f"names: [a]\nmore:\n {opening * 20_000}")
        assert refused(truth, path) == "nested too deeply to be a data set"

    def test_billion_laughs(self, tmp_path):
        lines = ["a0: &a0 [x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
        assert refused(truth, described(tmp_path, "\n".join(lines))).startswith("line 2: YAML ali")

    @pytest.mark.parametrize(
        "tag", ["!!python/object/apply:os.system", "!!python/object/new:os.system", "!x"]
    )
    def test_tags_are_passed_over(self, tmp_path, tag):
        harm = tmp_path / "harm"
        path = described(tmp_path, f"val: images\nnames: {tag} ['touch {harm}']\n")
        assert truth(path).catalog.category_names == (f"touch {harm}",)
        assert not harm.exists()

    def test_line_of_a_label_file(self, tmp_path):
        path = described(
            tmp_path, "val: images\nnames: [a]\n", **{"labels/a.txt": f"{LINE}0 .5 .5 x .2\n"}
        )
        label = path.parent / "labels" / "a.txt"
        assert refused(truth, path) == f"{label}:2: expected a number, got 'x'"


class TestDarknet:
    """``.data`` files."""

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_read(self, tmp_path, end, encoding):
        text = "classes = 1\n\nvalid=list.txt\nnames =  obj.names \n".replace("\n", end)
        more = {"obj.names": "cat\n", "list.txt": f"data/images/a.jpg{end}"}
        rows = truth(described(tmp_path, text.encode(encoding), "obj.data", **more), "yolo")
        assert rows.boxes.tolist() == [pytest.approx(BOX)]
        assert classes_of(rows) == ["cat"]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("names = nowhere\nvalid = list.txt\n", "names: no such file: 'nowhere'"),
            ("names = /dev/zero\nvalid = list.txt\n", "names: no such file: '/dev/zero'"),
            ("names = obj.names\n", "expected val, test or train: where the images are"),
            ("names = obj.names\nvalid = nowhere\n", "'nowhere': no such file or folder"),
            ("names = obj.names\nvalid = pipe\n", "'pipe': expected a folder, or a file"),
            ("names = obj.names\nvalid = obj.names\n", "valid: 1 image, and none has a label"),
        ],
    )
    def test_refused(self, tmp_path, text, says):
        path = described(tmp_path, text, "obj.data", **{"obj.names": "cat\n"})
        os.mkfifo(path.parent / "pipe")
        assert says in refused(truth, path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file is empty"),
        ("\ufeff", "line 1: expected the columns image, width and height, got nothing"),
        ("a,b\n", "line 1: expected the columns image, width and height, got 'a, b'"),
        ("image,width,height\na,640\n", "line 2: expected an image, its width and its height"),
        ("image,width,height\na,640,480\nb,0,480\n", "line 3: expected an image, its width"),
        ("image,width,height\na,inf,480\n", "in pixels, got 'a,inf,480'"),
        ("image,width,height\na,nan,480\n", "in pixels, got 'a,nan,480'"),
        (f'image,width,height\n"{"a" * 200_000}",1,2\n', "not a table: field larger than"),
    ],
)
def test_table_of_sizes_refused(tmp_path, content, says):
    path = lay(tmp_path, {"a.txt": LINE})
    sizes = tmp_path / "sizes.csv"
    sizes.write_text(content)
    with pytest.raises(dm.FormatError) as caught:
        truth(path, image_sizes=sizes)
    assert str(caught.value).startswith(f"{sizes}: {says}") or says in str(caught.value)


# --- text files of evaluation toolkits, VOC detections -------------------------------------------


TEXT = "".join(f"cat {n} {n}.5 {n + 9} {n + 8}\n" for n in range(60, 80))
TEXT_SCORED = "".join(f"dog 0.{n} {n} {n}.5 {n + 9} {n + 8}\n" for n in range(10, 80))
COMP4 = "000001 0.9 10 10 50 50\n000002 0.8 20 20 90 80\n"


class TestText:
    """A name and numbers."""

    @pytest.mark.parametrize("change", [("\n", "\r\n"), (" ", "\t"), (" ", "  "), ("\n", " \n\n")])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_read(self, tmp_path, change, encoding):
        text = TEXT.replace("cat", "caf\xe9").replace(*change).encode(encoding)
        rows = truth(lay(tmp_path, {"a.txt": text, "b.txt": b""}))
        assert set(classes_of(rows)) == {"caf\xe9"}
        assert rows.boxes[3].tolist() == [63, 63.5, 72, 71]
        text = TEXT_SCORED.replace(*change).encode(encoding)
        rows = found(lay(tmp_path, {"a.txt": text, "b.txt": b""}, "found"))
        assert classes_of(rows) == ["dog"] * 70
        assert rows.scores[:2].tolist() == [0.10, 0.11]

    def test_names_of_several_words(self, tmp_path):
        rows = truth(lay(tmp_path, {"a.txt": TEXT.replace("cat", "traffic  light")}))
        assert set(classes_of(rows)) == {"traffic light"}

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("cat 1 2 3", "expected a class, 4 numbers and perhaps difficult, got 3 numbers"),
            ("cat 1 2 3 4 5 6", "expected a class, 4 numbers and perhaps difficult, got 6 numbers"),
            ("cat", "got 0 numbers"),
            ("cat 1 2 nan 4", "expected finite numbers that can be pixels, got nan"),
            ("cat 1 2 inf 4", "expected finite numbers that can be pixels, got inf"),
            ("cat 1 2 1e400 4", "expected finite numbers that can be pixels, got inf"),
            ("cat 1 2 0x1F 4", "expected a number, got '0x1F'"),
            ("cat 1 2 1_000 4", "expected a number, got '1_000'"),
            ("cat 1,5 2 3 4", "spaces between numbers, got '1,5'"),
            (
                "cat 1 2,5 3 4",
                "spaces between numbers, got '2,5'",
            ),
        ],
    )
    @pytest.mark.parametrize("kind", ["text", None])
    def test_refused(self, tmp_path, line, says, kind):
        path = lay(tmp_path, {"a.txt": TEXT, "b.txt": f"{TEXT}\n{line}\n"})
        text = refused(truth, path, kind)
        assert text.startswith("b.txt:22: ")
        assert says in text

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("cat 0.5 1 2 3", "expected a class, a score and a box, got 4 numbers"),
            ("cat 0.5 1 2 3 4 5", "expected a class, a score and a box, got 6 numbers"),
            ("cat nan 1 2 3 4", "expected finite numbers that can be pixels, got nan"),
            ("cat 0.5 1 2 1e400 4", "expected finite numbers that can be pixels, got inf"),
            ("cat 0.5 1 2 3 x", "expected a number, got 'x'"),
        ],
    )
    @pytest.mark.parametrize("kind", ["text", None])
    def test_detections_refused(self, tmp_path, line, says, kind):
        path = lay(tmp_path, {"a.txt": TEXT_SCORED, "b.txt": f"{line}\n{TEXT_SCORED}"})
        text = refused(found, path, kind)
        assert text == f"b.txt:1: {says}"

    def test_two_files_of_one_image(self, tmp_path):
        path = lay(tmp_path, {"a.txt": TEXT, "a.TXT": TEXT})
        assert "'a' is there already" in refused(truth, path, "text")

    def test_class_called_difficult(self, tmp_path):
        rows = truth(lay(tmp_path, {"a.txt": "\n" + TEXT.replace("cat", "difficult")}))
        assert set(classes_of(rows)) == {"difficult"}

    def test_class_of_thousands_of_digits(self, tmp_path):
        path = lay(tmp_path, {"a.txt": "\n" + TEXT.replace("cat", "9" * 5_000)})
        assert set(classes_of(truth(path))) == {"9" * 5_000}


class TestComp4:
    """A file a class."""

    known = table(("000001", "000002"))

    @pytest.mark.parametrize("change", [("\n", "\r\n"), (" ", "\t"), (" ", "  "), ("\n", " \n\n")])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_read(self, tmp_path, change, encoding):
        text = COMP4.replace(*change).encode(encoding)
        path = lay(tmp_path, {"comp4_det_test_cat.txt": text, "comp4_det_test_dog.txt": b""})
        rows = found(path, known=self.known)
        assert rows.boxes.tolist() == [[10, 10, 50, 50], [20, 20, 90, 80]]
        assert classes_of(rows) == ["cat", "cat"]
        assert rows.catalog.image_names == ("000001", "000002")

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("000001 0.5 1 2 3", "expected an image, a score and 4 corners"),
            ("000001", "got 0 numbers behind the first word"),
            ("000001 0.5 1 2 3 4 5", "got 6 numbers behind the first word"),
            ("000001 nan 1 2 3 4", "scores: expected a finite number, got nan"),
            ("000001 0.5 1 2 inf 4", "box: expected four finite numbers that can be pixels"),
            ("000001 0.5 1 2 1e400 4", "box: expected four finite numbers that can be pixels"),
            ("000001 0.5 1 2 0x3 4", "expected a number, got '0x3'"),
        ],
    )
    def test_refused(self, tmp_path, line, says):
        path = lay(tmp_path, {"comp4_det_test_dog.txt": f"{COMP4}\n{line}\n"})
        text = refused(found, path, known=self.known)
        assert text.startswith("comp4_det_test_dog.txt:4: ")
        assert says.removeprefix("scores: ") in text

    def test_unknown_image(self, tmp_path):
        path = lay(tmp_path, {"comp4_det_test_dog.txt": f"{COMP4}000009 0.5 1 2 3 4\n"})
        with pytest.raises(dm.UnknownIdError, match=r"comp4_det_test_dog\.txt:3"):
            found(path, known=self.known)


# --- VOC -----------------------------------------------------------------------------------------


XML = """<?xml version="1.0" encoding="UTF-8"?>
<annotation><filename>a.jpg</filename><size><width>100</width><height>80</height></size>
<object><name>cat</name><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>
<part><name>head</name><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>
</part></object></annotation>
"""
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
FRAME = "<bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"


def with_entity(declared: str, used: str = "&x;") -> str:
    document = XML.replace(HEAD, f"{HEAD}<!DOCTYPE annotation {declared}>\n")
    return document.replace("<name>cat", f"<name>{used}")


class TestVoc:
    """XML, with nothing in it that unfolds or fetches."""

    @pytest.mark.parametrize(
        ("old", "new", "difficult"),
        [
            ("<name>", "<name> ", False),
            ("\n", "\r\n", False),
            ("<difficult>0</difficult>", "", False),
            ("<difficult>0", "<difficult>Unspecified", False),
            ("<difficult>0", "<difficult>1", True),
            ("<difficult>0", "<difficult>7", False),
            ("<width>100", "<width>-5", False),
            ("<name>cat", f"{'<a>' * 50_000}{'</a>' * 50_000}<name>cat", False),
            (FRAME, f"<!-- {'x' * 1_000_000} -->{FRAME}", False),
            ("UTF-8", "latin-1", False),
            ("UTF-8", "unicode_escape", False),
        ],
    )
    def test_read(self, tmp_path, old, new, difficult):
        assert old in XML
        rows = truth(lay(tmp_path, {"a.xml": XML.replace(old, new)}))
        assert rows.boxes.tolist() == [[1, 2.5, 30, 40]]
        assert classes_of(rows) == ["cat"]
        assert rows.difficult.tolist() == [difficult]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
    def test_encodings(self, tmp_path, encoding):
        text = XML.replace("UTF-8", encoding.removesuffix("-sig")).replace("cat", "caf\xe9")
        assert classes_of(truth(lay(tmp_path, {"a.xml": text.encode(encoding)}))) == ["caf\xe9"]

    def test_object_without_a_box_is_left_out(self, tmp_path):
        rows = truth(lay(tmp_path, {"a.xml": XML.replace(FRAME, "")}))
        assert len(rows) == 0
        assert any("1 object has no bndbox: left out" in note for note in rows.notes)

    @pytest.mark.parametrize(
        "document",
        [
            with_entity('[<!ENTITY x "y">]'),
            with_entity('[<!ENTITY x SYSTEM "file:///etc/passwd">]'),
            with_entity('[<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]', "cat"),
            with_entity('SYSTEM "http://127.0.0.1:9/x.dtd"', "cat"),
            with_entity(f'[<!ENTITY x "{"a" * 100_000}">]', "&x;" * 1_000),
            with_entity(
                '[<!ENTITY x0 "ha">'
                + "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))
                + "]",
                "&x11;",
            ),
        ],
    )
    def test_entities(self, tmp_path, document):
        path = lay(tmp_path, {"a.xml": XML, "b.xml": document})
        says = "b.xml: a document type or an entity, which can do harm: refused"
        assert refused(truth, path) == says

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("<name>cat", "<name>&x;", "not XML: undefined entity: line 3, column 14"),
            ("</annotation>\n", "", "line 6, column 16; the file ends early: was it cut off?"),
            ("</object>", "</annotation>", "not XML: mismatched tag: line 6"),
            ("annotation>", "foo>", "expected <annotation>, got <foo>"),
            ("annotation>", f"{'x' * 5_000}>", "expected <annotation>, got <xxxx"),
            ("UTF-8", "nonsense", "not XML that can be read: unknown encoding: nonsense"),
            ("UTF-8", "utf-7", "not XML that can be read: multi-byte encodings"),
            ("UTF-8", "hex", "not XML that can be read: 'hex' is not a text encoding"),
            ("UTF-8", "utf-16", "not XML: encoding specified in XML declaration is incorrect"),
            ("<xmin>1</xmin>", "", "object 1: xmin: expected a number, got nothing"),
            ("<xmin>1<", "<xmin>nan<", "object 1: xmin: expected a number, got 'nan'"),
            ("<xmin>1<", "<xmin>0x1F<", "object 1: xmin: expected a number, got '0x1F'"),
            ("<xmin>1<", "<xmin>1_000<", "object 1: xmin: expected a number, got '1_000'"),
            ("<xmin>1<", "<xmin>1,5<", "object 1: xmin: expected a number, got '1,5'"),
            ("<xmax>30<", "<xmax>1e400<", "bndbox: expected four finite numbers"),
            ("<xmax>30<", "<xmax>-30<", "expected xmin <= xmax and ymin <= ymax, got [1.0, 2.5, -"),
            ("<name>cat</name>", "", "object 1: name: expected a class, got nothing"),
        ],
    )
    def test_refused(self, tmp_path, old, new, says):
        path = lay(tmp_path, {"a.xml": XML, "b.xml": XML.replace(old, new)})
        text = refused(truth, path)
        assert text.startswith("b.xml: ")
        assert says in text

    def test_truncated_anywhere(self, tmp_path):
        path = lay(tmp_path, {"a.xml": XML})
        for end in range(0, len(XML.rstrip()), 3):
            (path / "b.xml").write_text(XML[:end])
            assert refused(truth, path).startswith("b.xml: not XML")

    def test_alone(self, tmp_path):
        path = lay(tmp_path, {"a.xml": XML[:-30]}) / "a.xml"
        assert refused(truth, path).startswith("a.xml: not XML")

    def test_same_names_in_two_folders(self, tmp_path):
        rows = truth(lay(tmp_path, {"x/a.xml": XML, "y/a.xml": XML}))
        assert rows.catalog.image_names == ("x/a", "y/a")


# --- tables --------------------------------------------------------------------------------------


HEADING = "image,class,xmin,ymin,xmax,ymax\n"
ROW = "a,cat,1,2,30,40.5\n"


class TestCsv:
    """Text tables."""

    @pytest.mark.parametrize(
        "content",
        [
            HEADING + ROW,
            (HEADING + ROW).rstrip(),
            (HEADING + ROW).replace("\n", "\r\n"),
            (HEADING + ROW).replace("\n", "\r"),
            (HEADING + ROW).replace(",", "\t"),
            (HEADING + ROW).replace(",", "|"),
            (HEADING + ROW).replace(",", ";"),
            (HEADING + ROW).replace(",", ";").replace(".", ","),
            (HEADING + ROW).replace(",", " , "),
            (HEADING + ROW).replace("\n", ",\n"),
            HEADING + ROW.replace("\n", ",\n"),
            HEADING + '"a","cat","1","2","30","40.5"\n',
            '"image","class","xmin","ymin","xmax","ymax"\n' + ROW,
            HEADING.replace("\n", ",more\n") + ROW,
            HEADING.replace("\n", ",more\n") + ROW.replace("\n", ",x\n"),
            HEADING.upper() + ROW,
            f"\n\r\n  \n{HEADING}\n{ROW}\n,,,,,\n\n",
            f"\ufeff{HEADING}{ROW}",
            (HEADING + ROW).encode("utf-16"),
            gzip.compress((HEADING + ROW).encode(), mtime=0),
        ],
    )
    def test_read(self, tmp_path, content):
        rows = truth(lay(tmp_path, {"a.csv": content}) / "a.csv")
        assert rows.boxes.tolist() == [[1, 2, 30, 40.5]]
        assert classes_of(rows) == ["cat"]
        assert rows.catalog.image_names == ("a",)

    @pytest.mark.parametrize(
        ("cell", "name"),
        [
            ('"a ""b"""', 'a "b"'),
            ('"a,b"', "a,b"),
            ('"a\nb"', "a\nb"),
            ("NA", "NA"),
            ("nan", "nan"),
            ("True", "True"),
            ("007", "007"),
            ("1e5", "1e5"),
            ("99999999999999999999", "99999999999999999999"),
        ],
    )
    def test_text_stays_text(self, tmp_path, cell, name):
        content = HEADING + ROW.replace("cat", cell)
        assert classes_of(truth(lay(tmp_path, {"a.csv": content}) / "a.csv")) == [name]

    def test_latin_1(self, tmp_path):
        content = (HEADING + ROW.replace("cat", "caf\xe9")).encode("latin-1")
        assert classes_of(truth(lay(tmp_path, {"a.csv": content}) / "a.csv")) == ["caf\xe9"]

    def test_heading_alone(self, tmp_path):
        assert len(truth(lay(tmp_path, {"a.csv": HEADING}) / "a.csv")) == 0

    def test_class_numbers_with_gaps(self, tmp_path):
        text = HEADING.replace("class", "class_id") + ROW.replace("cat", "7") + "b,3,1,2,3,4\n"
        rows = truth(lay(tmp_path, {"a.csv": text}) / "a.csv")
        assert rows.catalog.category_ids.tolist() == [3, 7]
        scored = text.replace("class_id,", "class_id,score,").replace(",7,", ",7,0.5,")
        path = lay(tmp_path, {"b.csv": scored.replace(",3,1", ",3,0.25,1")}) / "b.csv"
        assert found(path, known=rows).category.tolist() == [1, 0]

    @pytest.mark.parametrize("number", ["1e30", "inf", "1e400", str(2**64 - 1), str(10**30), "-3"])
    def test_odd_class_numbers(self, tmp_path, number):
        content = HEADING.replace("class", "class_id") + ROW.replace("cat", number)
        assert len(truth(lay(tmp_path, {"a.csv": content}) / "a.csv")) == 1

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            ("a,cat,1,2,30", "ymax: expected a number, got nothing"),
            ("a,cat", "expected a box, got nothing"),
            ("a,cat,1,2,30,40,50", "expected 6 columns, got more, '50' the next"),
            ("a,cat,1,5,2,30,40,50", "expected 6 columns, got more, '40' the next"),
            ("a,cat,1,2,x,40", "xmax: expected a number, got 'x'"),
            ("a,cat,1,2,0x1F,40", "xmax: expected a number, got '0x1F'"),
            ("a,cat,1,2,1_000,4000", "xmax: expected a number, got '1_000'"),
            ("a,cat,1,2,nan,40", "xmin ymin xmax ymax: expected four finite numbers"),
            ("a,cat,1,2,inf,40", "xmin ymin xmax ymax: expected four finite numbers"),
            ("a,cat,1,2,1e400,40", "xmin ymin xmax ymax: expected four finite numbers"),
            ("a,cat,30,2,1,40", "expected xmin <= xmax and ymin <= ymax, got [30.0, 2.0, 1.0"),
            (",cat,1,2,30,40", "image: expected an image, got nothing"),
            ("a,,1,2,30,40", "class: expected a class, got nothing"),
            ('a,"cat,1,2,30,40', "expected a second quotation mark, got the end of the file"),
        ],
    )
    @pytest.mark.parametrize(
        ("before", "line"),
        [("", 2), (ROW * 3, 5), (f"{ROW}\n\n{ROW}", 6), ('"b\nc\r\nd",cat,1,2,3,4\n', 5)],
    )
    def test_refused(self, tmp_path, row, says, before, line):
        for above in ("", "\n\n"):
            content = f"{above}{HEADING}{before}{row}\n"
            path = lay(tmp_path, {"a.csv": content}) / "a.csv"
            if '"cat' in row and '"' in before:
                continue
            text = refused(truth, path)
            assert text.startswith(f"line {line + len(above)}: "), text
            assert says in text

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("", "the file is empty"),
            ("\ufeff \n", "the file is empty"),
            (ROW, "x1 y1 x2 y2 x3 y3 x4 y4; it has a, cat"),
            (HEADING.replace("xmin", "left_side"), "no columns for a box"),
            (HEADING.replace("image", "thing"), "no column for image; it has thing, class"),
            (HEADING.replace("class", "thing"), "no column for class; it has image, thing"),
            (HEADING.replace("ymin", "xmin"), "line 1: two columns have one name"),
            (HEADING + ROW.replace("cat", "c\0t"), "not a text file: it holds bytes of zero"),
            (HEADING + ROW * 99 + "\0", "not a text file: it holds bytes of zero"),
            (HEADING.replace("xmin", "x" * 5_000), "no columns for a box"),
            (HEADING.replace("xmin", "\x1b[31m"), "it has image, class, \\x1b[31m"),
        ],
    )
    def test_refused_as_a_whole(self, tmp_path, content, says):
        path = lay(tmp_path, {"a.csv": content}) / "a.csv"
        assert refused(truth, path, "csv").startswith(says) or says in refused(truth, path, "csv")

    @pytest.mark.parametrize("name", ["crowd", "difficult", "ignore"])
    def test_flags(self, tmp_path, name):
        head = HEADING.replace("\n", f",{name}\n")
        rows = "".join(ROW.replace("\n", f",{flag}\n") for flag in ("1", "0", "true", "", "No"))
        path = lay(tmp_path, {"a.csv": head + rows}) / "a.csv"
        assert getattr(truth(path), name).tolist() == [True, False, True, False, False]
        path.write_text(head + rows + ROW.replace("\n", ",maybe\n"))
        assert refused(truth, path) == f"line 7: {name}: expected 0 or 1, got 'maybe'"

    @pytest.mark.heavy
    def test_many_lines(self, tmp_path):
        path = lay(tmp_path, {"a.csv": HEADING + ROW * 300_000 + "a,cat,1,2,3,x\n"}) / "a.csv"
        assert refused(truth, path) == "line 300002: ymax: expected a number, got 'x'"


class TestOpenImages:
    """Tables with fixed names."""

    boxes = (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
        "a,x,/m/01,1,0.1,0.5,0.2,0.6,1\n"
    )
    predictions = "ImageID,LabelName,Score,XMin,XMax,YMin,YMax\na,cat,0.9,0.1,0.5,0.2,0.6\n"

    @pytest.mark.parametrize("change", [("\n", "\r\n"), (",", "\t"), (",", ";"), ("\n", "\n\n")])
    def test_read(self, tmp_path, change):
        rows = truth(lay(tmp_path, {"a.csv": self.boxes.replace(*change)}) / "a.csv")
        assert rows.boxes.tolist() == [[0.1, 0.2, 0.5, 0.6]]
        assert rows.crowd.tolist() == [True]
        rows = found(lay(tmp_path, {"b.csv": self.predictions.replace(*change)}) / "b.csv")
        assert rows.boxes.tolist() == [[10, 16, 50, 48]]
        assert classes_of(rows) == ["cat"]

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("0.5", "x", "line 2: XMax: expected a number, got 'x'"),
            ("0.5", "nan", "line 2: XMin YMin XMax YMax: expected four finite numbers"),
            ("0.6,1\n", "0.6,1,7\n", "line 2: expected 9 columns, got more, '7' the next"),
            ("0.6,1\n", "0.6,2\n", None),
            ("a,x", ",x", "line 2: ImageID: expected an image, got nothing"),
            ("/m/01", "", "line 2: LabelName: expected a class, got nothing"),
            ("XMin", "XMinimum", "expected columns of Open Images, xmin missing"),
        ],
    )
    def test_refused(self, tmp_path, old, new, says):
        path = lay(tmp_path, {"a.csv": self.boxes.replace(old, new)}) / "a.csv"
        if says is None:
            assert truth(path).crowd.tolist() == [True]
        else:
            assert refused(truth, path, "openimages").startswith(says)

    def test_swapped(self, tmp_path):
        path = lay(tmp_path, {"a.csv": self.boxes}) / "a.csv"
        assert "score missing; without a score these are no detections" in refused(
            found, path, "openimages"
        )


COLUMNS = {
    "image": ["a", "b", "b"],
    "class": ["cat", "dog", "cat"],
    "xmin": [1.0, 5.0, 6.0],
    "ymin": [2, 6, 7],
    "xmax": [30.0, 70.0, 60.0],
    "ymax": [40.5, 60.0, 50.0],
}


def packed(folder: Path, columns) -> Path:
    target = io.BytesIO()
    made = columns if isinstance(columns, arrow.Table) else arrow.table(dict(columns))
    parquet.write_table(made, target)
    return lay(folder, {"a.parquet": target.getvalue()}) / "a.parquet"


class TestParquet:
    """Tables with types."""

    @pytest.mark.parametrize(
        "images",
        [
            ["a", "b", "b"],
            arrow.array(["a", "b", "b"], arrow.large_string()),
            arrow.array(["a", "b", "b"]).dictionary_encode(),
            arrow.DictionaryArray.from_arrays([1, 2, 2], ["unused", "a", "b"]),
        ],
    )
    def test_read(self, tmp_path, images):
        rows = truth(packed(tmp_path, COLUMNS | {"image": images}))
        assert rows.boxes[0].tolist() == [1, 2, 30, 40.5]
        assert classes_of(rows) == ["cat", "dog", "cat"]
        assert rows.catalog.image_names == ("a", "b")

    def test_numbers_with_gaps(self, tmp_path):
        rows = truth(packed(tmp_path, COLUMNS | {"image": [7, 3, 3]}))
        assert rows.catalog.image_ids.tolist() == [3, 7]
        assert rows.image.tolist() == [1, 0, 0]

    def test_no_rows(self, tmp_path):
        assert len(truth(packed(tmp_path, arrow.table(COLUMNS).slice(0, 0)))) == 0

    @pytest.mark.parametrize("content", ['{"index_columns": ["image"], "columns": []}', "{}"])
    def test_what_pandas_notes_is_passed_over(self, tmp_path, content):
        noted = arrow.table(COLUMNS).replace_schema_metadata({"pandas": content})
        assert len(truth(packed(tmp_path, noted))) == 3

    @pytest.mark.parametrize(
        ("name", "values", "says"),
        [
            ("image", ["a", None, "b"], "row 1: image: expected an image, got nothing"),
            ("image", [1, None, 3], "row 1: image: expected an image, got nothing"),
            ("image", ["a", "b", " "], "row 2: image: expected an image, got nothing"),
            ("class", ["cat", "dog", None], "row 2: class: expected a class, got nothing"),
            ("image", arrow.nulls(3), "3 faults\n  row 0: image: expected an image, got nothing"),
            ("image", [[1], [2], [3]], "image: expected text or numbers, got 'list<"),
            ("image", [{"a": 1}] * 3, "image: expected text or numbers, got 'struct<a: int64>'"),
            ("class", [b"a"] * 3, "class: expected text or numbers, got 'binary'"),
            ("class", [True, False, True], "class: expected text or numbers, got 'bool'"),
            ("class", [datetime.date(2020, 1, 1)] * 3, "class: expected text or numbers, got"),
            ("xmin", ["1", "x", "2"], "row 1: xmin: expected a number, got 'x'"),
            ("xmin", [1.0, None, 2.0], "row 1: xmin ymin xmax ymax: expected four finite numbers"),
            ("xmin", [1.0, float("inf"), 2.0], "row 1: xmin ymin xmax ymax: expected four finite"),
            ("xmin", [[1.0]] * 3, "3 faults\n  row 0: xmin: expected a number, got array([1.])"),
            ("xmin", [True] * 3, "3 faults\n  row 0: xmin: expected a number, got True"),
            ("crowd", ["yes", "x", ""], "row 1: crowd: expected 0 or 1, got 'x'"),
        ],
    )
    def test_refused(self, tmp_path, name, values, says):
        path = packed(tmp_path, COLUMNS | {name: values})
        assert refused(truth, path).startswith(says)

    def test_columns(self, tmp_path):
        without = {name: column for name, column in COLUMNS.items() if name != "xmin"}
        assert refused(truth, packed(tmp_path, without)).startswith("no columns for a box")
        twice = arrow.table([*COLUMNS.values(), COLUMNS["class"]], names=[*COLUMNS, "class"])
        assert refused(truth, packed(tmp_path, twice)) == "two columns have one name"
        assert "score of a detection" in refused(found, packed(tmp_path, COLUMNS), "parquet")

    @pytest.mark.parametrize("name", ["area", "image_width"])
    def test_columns_of_nothing(self, tmp_path, name):
        more = {"area": arrow.nulls(3), "image_width": [100, None, 100], "image_height": [80] * 3}
        assert len(truth(packed(tmp_path, COLUMNS | more))) == 3

    def test_truncated_anywhere(self, tmp_path):
        path = packed(tmp_path, COLUMNS)
        content = path.read_bytes()
        for end in range(4, len(content), 13):
            path.write_bytes(content[:end])
            assert refused(truth, path).startswith("damaged Parquet: ")

    def test_damaged_anywhere(self, tmp_path):
        path = packed(tmp_path, COLUMNS)
        content = path.read_bytes()
        said = []
        for at in range(4, len(content), 7):
            broken = bytearray(content)
            broken[at] ^= 0xFF
            path.write_bytes(broken)
            try:
                truth(path)
            except dm.FormatError as error:
                said.append(str(error))
        assert all(text.startswith(f"{path}: ") for text in said)


# --- predictions.json ----------------------------------------------------------------------------


PREDICTION = {
    "image_id": "a",
    "file_name": "a.jpg",
    "category_id": 1,
    "bbox": [1.0, 2.5, 30.0, 40.0],
    "score": 0.9,
}


class TestUltralytics:
    """A JSON list; ``test_hostile`` has the rest of what JSON can be."""

    def test_read(self, tmp_path):
        path = lay(tmp_path, {"predictions.json": json.dumps([PREDICTION])}) / "predictions.json"
        rows = found(path, "ultralytics")
        assert rows.boxes.tolist() == [[1, 2.5, 30, 40]]
        assert classes_of(rows) == ["cat"]

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"bbox": [1, 2, 3]}, "[1].bbox: expected a list of length 4, got 3"),
            ({"bbox": "1 2 3 4"}, "[1].bbox: expected a list, got text"),
            ({"score": None}, "[1].score: expected a number, got null"),
            ({"image_id": 1.5}, "[1].image_id: expected a whole number of 64 bits or text"),
            ({"category_id": 10**30}, "[1].category_id: expected a whole number of 64 bits"),
        ],
    )
    def test_refused(self, tmp_path, change, says):
        content = json.dumps([PREDICTION, PREDICTION | change])
        path = lay(tmp_path, {"predictions.json": content}) / "predictions.json"
        assert refused(found, path, "ultralytics").startswith(says)

    @pytest.mark.parametrize("number", [-(2**63), -1, 3, 2**63 - 1])
    def test_class_numbers_beyond_the_names(self, tmp_path, number):
        content = json.dumps([PREDICTION, PREDICTION | {"category_id": number}])
        path = lay(tmp_path, {"predictions.json": content}) / "predictions.json"
        with pytest.raises(dm.InputError) as caught:
            found(path, "ultralytics")
        assert str(caught.value).startswith(f"{path}: ")
        assert "[1]" in str(caught.value)


# --- nothing is changed --------------------------------------------------------------------------


def test_nothing_is_written(tmp_path):
    files = {
        "labels/a.txt": LINE,
        "labels/classes.txt": "cat\n",
        "voc/a.xml": XML,
        "a.csv": HEADING + ROW,
        "bad/a.txt": f"{LINE}x y z\n",
    }
    path = lay(tmp_path, files)
    before = {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))}
    for part in ("labels", "voc", "a.csv"):
        truth(path / part)
    refused(truth, path / "bad", "yolo")
    assert {p: p.stat().st_mtime_ns for p in sorted(tmp_path.rglob("*"))} == before


@pytest.mark.parametrize("content", [f"{LINE}0 x\n", "\ud800 1 2 3 4\n", "\x1b[31m 1 2 3 4\n"])
def test_process_refuses_with_one_message(tmp_path, content):
    data = content.encode("utf-8", "surrogatepass")
    path = lay(tmp_path, {"a.txt": LINE.encode() * 9 + data})
    ran = subprocess.run(
        [sys.executable, "-m", "detmetrics", "evaluate", "-q", path, path],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout == b""
    assert ran.stderr.startswith(b"error: " + bytes(path))
    assert b"\x1b[31m" not in ran.stderr
    assert b"Traceback" not in ran.stderr
