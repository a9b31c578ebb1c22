"""Names from files in terminals, spreadsheets and findings: shown, and never obeyed."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from guards import PATIENCE

from detmetrics.cli import cli
from detmetrics.reports.csv import as_csv

STEERING = "cat\x1b[31m\x9b2J\u202e"
FORMULA = "=HYPERLINK(A1)"


def ground_truth(name: str, side: float = 100) -> dict[str, object]:
    return {
        "images": [{"id": 1, "file_name": f"{name}.jpg", "width": side, "height": side}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
        "categories": [{"id": 1, "name": name}],
    }


@pytest.fixture
def files(tmp_path):
    """Ground truth with a class of this name, and detections for it."""

    def write(name: str, side: float = 100) -> tuple[str, str]:
        truth, found = tmp_path / "truth.json", tmp_path / "found.json"
        truth.write_text(json.dumps(ground_truth(name, side)))
        row = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.5}
        found.write_text(json.dumps([row]))
        return str(truth), str(found)

    return write


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """The exit status, and what the command writes to its terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "detmetrics", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    written = bytearray()
    try:
        while piece := os.read(ours, 1 << 16):
            written += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    return process.wait(PATIENCE), written.decode()


class TestTerminal:
    """Control characters of names steer no terminal, whatever is written to it."""

    def assert_shown(self, text: str) -> None:
        assert r"cat\x1b[31m\x9b2J\u202e" in text.replace("\\\\", "\\").replace(r"\[", "[")
        assert all(mark.isprintable() or mark in "\r\n\t" for mark in text)

    @pytest.mark.parametrize("view", ["--csv", "--markdown"])
    def test_views(self, files, view):
        code, text = on_a_terminal("evaluate", *files(STEERING), view, "-", "--per-class", "-q")
        assert code == 0
        self.assert_shown(text)

    def test_json(self, files):
        code, text = on_a_terminal("evaluate", *files(STEERING), "--json", "-", "--per-class")
        assert code == 0
        assert STEERING in json.loads(text)["per_class"]

    def test_converted_files(self, files):
        code, text = on_a_terminal("convert", files(STEERING)[0], "-", "--to", "csv", "-q")
        assert code == 0
        self.assert_shown(text)

    def test_what_is_no_text_is_refused(self, files):
        code, text = on_a_terminal("convert", files("cat")[0], "-", "--to", "parquet", "-q")
        assert (code, text) == (1, "")

    def test_a_pipe_gets_the_name_as_it_is(self, files):
        ran = CliRunner().invoke(cli, ["evaluate", *files(STEERING), "--csv", "-", "-q"])
        assert STEERING in [row["class"] for row in csv.DictReader(io.StringIO(ran.stdout))]


class TestSpreadsheet:
    """With --csv-safe no cell begins as a formula; numbers and other names stay as they are."""

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＠"])
    def test_texts_that_run_get_an_apostrophe(self, start):
        text = as_csv(["class"], [[f"{start}1+1"]], safe=True)
        assert next(csv.DictReader(io.StringIO(text, newline="")))["class"] == f"'{start}1+1"

    def test_the_rest_stays(self):
        row = ["cat", "", "a=b", -0.5, 3, "1-2"]
        assert as_csv("abcdef", [row], safe=True) == as_csv("abcdef", [row], safe=False)

    @pytest.mark.parametrize(
        "arguments",
        [
            ("evaluate", "TRUTH", "FOUND"),
            ("errors", "TRUTH", "FOUND"),
            ("compare", "TRUTH", "FOUND", "FOUND", "--resamples", "10"),
        ],
    )
    def test_every_command_with_classes(self, files, arguments):
        truth, found = files(FORMULA)
        given = [{"TRUTH": truth, "FOUND": found}.get(word, word) for word in arguments]
        cells = {}
        for options in ((), ("--csv-safe",)):
            ran = CliRunner().invoke(cli, [*given, "--csv", "-", "-q", *options])
            assert ran.exit_code == 0, ran.stderr
            cells[options] = {cell for row in csv.reader(io.StringIO(ran.stdout)) for cell in row}
        assert FORMULA in cells[()]
        assert FORMULA not in cells["--csv-safe",]
        assert f"'{FORMULA}" in cells["--csv-safe",]

    def test_slices(self, files, tmp_path):
        truth, found = files("cat")
        table = tmp_path / "images.csv"
        table.write_text(f"image,weather\ncat.jpg,{FORMULA}\n")
        by = ["--slices-by", f"{table}:weather", "--no-ci", "-q", "--csv", "-", "--csv-safe"]
        ran = CliRunner().invoke(cli, ["slices", truth, found, *by])
        assert ran.exit_code == 0, ran.stderr
        assert f",'{FORMULA}," in ran.stdout

    def test_without_csv_it_is_wrong_usage(self, files):
        ran = CliRunner().invoke(cli, ["evaluate", *files("cat"), "--csv-safe"])
        assert ran.exit_code == 2
        assert "--csv-safe is of --csv FILE" in ran.stderr


class TestFindings:
    """What check says of files and images."""

    def checked(self, *paths: str) -> str:
        return CliRunner().invoke(cli, ["check", *paths, "-q"]).stdout

    @pytest.mark.parametrize(
        ("content", "says"),
        [(None, "no such file"), ("", "the file is empty"), ("[1,", "line 1")],
    )
    def test_a_reason_is_no_place(self, tmp_path: Path, content, says):
        path = tmp_path / "a.json"
        if content is not None:
            path.write_text(content)
        lines = [line.strip() for line in self.checked(str(path)).splitlines()]
        assert any(line.startswith(says) for line in lines), lines

    def test_a_place_is_one(self, files):
        assert " at cat.jpg" in self.checked(files("cat", side=0)[0])

    @pytest.mark.parametrize("side", [1e9, 10**12, 2**53 - 1])
    def test_a_large_image_is_of_known_size(self, files, side):
        assert "D403" not in self.checked(files("cat", side)[0])

    @pytest.mark.parametrize("side", [0, -5, 1e300, "wide", True])
    def test_what_is_no_size_is_unknown(self, files, side):
        assert "D403" in self.checked(files("cat", side)[0])
