"""``detmetrics evaluate`` from the outside: options, streams, exit codes, files, hostile names."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import math
import os
import pkgutil
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading

import builders
import click
import pytest
import scenes
from builders import CAT, annotation, category, detection, document, write
from click.testing import CliRunner, Result
from guards import PATIENCE

import detmetrics as dm
from detmetrics.analysis import crosschecking
from detmetrics.cli import COMMANDS, cli, command_of
from detmetrics.reports.text import to_text

TWELVE = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


@pytest.fixture
def scene(tmp_path) -> builders.Files:
    """A cat found exactly, a dog found roughly, a class and an image without ground truth."""
    truth = document()
    truth["images"].append(builders.image(3))
    truth["categories"].append(category(3, "bird"))
    found = [
        detection(1, CAT, 0.9),
        detection(2, builders.DOG, 0.8, bbox=[0, 0, 50, 40]),
        detection(3, CAT, 0.3),
        detection(1, 3, 0.2),
    ]
    return write(tmp_path, truth, found)


def run(*arguments: object, given: bytes | None = None) -> Result:
    """The command in this process."""
    ran = CliRunner().invoke(cli, ["evaluate", *map(str, arguments)], input=given)
    ran.stderr_bytes = builders.without_formats(ran.stderr_bytes)
    return ran


def done(*arguments: object, given: bytes | None = None) -> Result:
    ran = run(*arguments, given=given)
    assert ran.exit_code == 0, (ran.stderr, ran.exception)
    return ran


def misused(*arguments: object) -> str:
    """Standard error of a call that is wrong usage: exit code 2, nothing printed or written."""
    ran = run(*arguments)
    assert ran.exit_code == 2, (ran.stderr, ran.exception)
    assert ran.stdout == ""
    assert ran.stderr.startswith("Usage: ")
    return ran.stderr


def process(
    *arguments: object, given: bytes | None = None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    ran = subprocess.run(
        [sys.executable, "-m", "detmetrics", *map(str, arguments)],
        input=given or b"",
        capture_output=True,
        env={**os.environ, **environment},
        timeout=PATIENCE,
        check=False,
    )
    ran.stderr = builders.without_formats(ran.stderr)
    return ran


def as_json(*arguments: object) -> dict:
    return json.loads(done(*arguments, "--json", "-").stdout)


# --- what is printed ------------------------------------------------------------------------------


class TestText:
    """Without options: the metrics, the signature, what was read and what deserves attention."""

    def test_holds_all_of_it(self, scene):
        lines = done(*scene).stdout.splitlines()
        assert lines[0].split() == ["metric", "value", "what", "it", "is"]
        assert [line.split()[0] for line in lines[2:14]] == TWELVE
        assert lines[14] == dm.COCO.signature
        text = "\n".join(lines[15:])
        assert f"Read      {scene.truth}: 3 images, 2 objects, 3 classes" in text
        assert f"          {scene.found}: 4 detections" in text
        assert "Attention 1 detection in 1 class without ground truth" in text
        assert "1 detection on the 1 image without ground truth" in text

    def test_shows_the_values_and_why_one_is_undefined(self, scene):
        lines = done(*scene).stdout.splitlines()
        values = dict(zip(TWELVE, (line.split()[1] for line in lines[2:14]), strict=True))
        summary = dm.evaluate(*scene).summary
        assert values["AP"] == f"{summary['AP']:.4f}"
        assert values["APl"] == "-"
        assert "undefined: no ground truth in range large" in lines[2 + TWELVE.index("APl")]

    def test_is_silent_on_standard_error(self, scene):
        assert done(*scene).stderr == ""

    def test_fits_a_hundred_characters_and_has_no_trailing_blanks(self, scene):
        lines = done(*scene, "--per-class").stdout.splitlines()
        named = (str(scene.truth), str(scene.found))
        assert max(len(line) for line in lines if not any(map(line.__contains__, named))) <= 100
        assert all(line == line.rstrip() for line in lines)

    def test_has_no_colours_whatever_the_environment_says(self, scene):
        plain = process("evaluate", *scene, TERM="xterm").stdout
        asked = dict.fromkeys(("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"), "1")
        assert process("evaluate", *scene, TERM="xterm", **asked).stdout == plain

    def test_can_be_printed_where_only_ascii_can(self, scene):
        ran = process("evaluate", *scene, "--per-class", PYTHONIOENCODING="ascii")
        assert ran.returncode == 0, ran.stderr.decode()
        assert b"AP50" in ran.stdout
        assert ran.stdout.isascii()

    @pytest.mark.parametrize("width", [20, 40, 300])
    def test_holds_every_number_at_any_width(self, scene, width):
        text = to_text(dm.evaluate(*scene), per_class=True, width=width)
        assert "".join(dm.COCO.signature.split()) in "".join(text.split())
        assert text.count("\n") > 20


class TestPerClass:
    """``--per-class`` adds a table of classes, ``--sort`` orders it."""

    def names(self, *arguments: object) -> list[str]:
        lines = done(*arguments).stdout.splitlines()
        start = next(n for n, line in enumerate(lines) if line.startswith("class "))
        return [line.split()[0] for line in lines[start + 2 : start + 5]]

    def test_in_order_of_id(self, scene):
        assert self.names(*scene, "--per-class") == ["cat", "dog", "bird"]

    @pytest.mark.parametrize(
        ("column", "names"),
        [
            ("class", ["bird", "cat", "dog"]),
            ("AP", ["cat", "dog", "bird"]),
            ("ARm", ["dog", "cat", "bird"]),  # undefined last
            ("detections", ["cat", "dog", "bird"]),
        ],
    )
    def test_sorted(self, scene, column, names):
        assert self.names(*scene, "--per-class", "--sort", column) == names

    def test_shows_objects_detections_and_undefined(self, scene):
        lines = done(*scene, "--per-class").stdout.splitlines()
        cells = next(line.split() for line in lines if line.startswith("bird"))
        assert cells[1:4] == ["0", "1", "-"]

    def test_without_it_sort_is_wrong_usage(self, scene):
        assert "add --per-class" in misused(*scene, "--sort", "AP")
        assert "add --per-class" in misused(*scene, "--sort", "AP", "--markdown", "-")

    def test_sorts_csv_without_it(self, scene):
        text = done(*scene, "--csv", "-", "--sort", "class").stdout
        assert [row["class"] for row in csv.DictReader(io.StringIO(text))] == [
            "",
            "bird",
            "cat",
            "dog",
        ]

    def test_unknown_column_is_wrong_usage_and_names_them(self, scene):
        text = misused(*scene, "--per-class", "--sort", "ap")
        assert "'ap'" in text
        assert "AP50" in text


class TestJson:
    """``--json`` is a contract: documented keys, null where undefined, full precision."""

    def test_keys_and_values(self, scene):
        content = as_json(*scene)
        result = dm.evaluate(*scene)
        assert set(content) == {
            "attention",
            "counts",
            "inputs",
            "metrics",
            "per_class",
            "interpretations",
            "schema",
            "shape",
            "signature",
            "undefined",
            "versions",
        }
        assert content["schema"] == 2
        assert content["signature"] == result.signature
        assert set(content["metrics"]) == set(TWELVE)
        assert content["metrics"]["AP"] == result.summary["AP"]  # every digit
        assert content["metrics"]["APl"] is None
        assert content["undefined"] == dict(result.summary.undefined)
        assert set(content["undefined"]) == {"APl", "ARl"}
        assert content["counts"] == result.counts
        assert content["attention"] == list(result.attention)
        assert {"detmetrics", "numpy", "python"} <= set(content["versions"])
        assert content["versions"]["detmetrics"] == dm.__version__

    def test_classes(self, scene):
        content = as_json(*scene)["per_class"]
        assert set(content) == {"cat", "dog", "bird"}
        assert set(content["cat"]) == {*TWELVE, "ground_truths", "detections"}
        assert content["cat"]["ground_truths"] == 1
        assert content["bird"] | {"ground_truths": 0, "detections": 1} == content["bird"]
        assert all(content["bird"][name] is None for name in TWELVE)

    def test_inputs(self, scene):
        assert as_json(*scene)["inputs"] == [
            {
                "path": str(path),
                "format": "coco",
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in scene
        ]

    def test_keys_are_sorted_and_the_text_ends_in_a_line(self, scene):
        text = done(*scene, "--json", "-").stdout
        assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"

    def test_is_the_same_each_time(self, scene):
        assert done(*scene, "--json", "-").stdout == done(*scene, "--json", "-").stdout

    def test_no_numbers_that_json_lacks(self, scene, tmp_path):
        empty = write(tmp_path, document(annotations=[]), [])
        content = json.loads(
            done(*empty, "--json", "-").stdout, parse_constant=lambda name: pytest.fail(name)
        )
        assert set(content["metrics"].values()) == {None}
        assert set(content["undefined"]) == set(TWELVE)

    def test_holds_the_cross_check_where_asked(self, scene):
        content = as_json(*scene, "--crosscheck")["crosscheck"]
        assert content["agrees"] is True
        assert content["different"] == 0
        assert content["differences"] == []
        assert content["cells"] > 1_000
        assert any("undefined metrics" in line for line in content["known"])

    def test_is_what_the_library_gives(self, scene):
        assert as_json(*scene) == json.loads(json.dumps(dm.evaluate(*scene).to_dict()))


class TestCsv:
    """``--csv``: a row for all classes together, then a row a class, at full precision."""

    def rows(self, *arguments: object) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(done(*arguments, "--csv", "-").stdout)))

    def test_columns(self, scene):
        assert list(self.rows(*scene)[0]) == [
            "scope",
            "class",
            "ground_truths",
            "detections",
            *TWELVE,
            "signature",
        ]

    def test_rows(self, scene):
        rows = self.rows(*scene)
        assert [(row["scope"], row["class"]) for row in rows] == [
            ("all", ""),
            ("class", "cat"),
            ("class", "dog"),
            ("class", "bird"),
        ]
        result = dm.evaluate(*scene)
        assert float(rows[0]["AP"]) == result.summary["AP"]
        assert float(rows[2]["AP"]) == result.per_class().loc["dog", "AP"]
        assert rows[3]["AP"] == ""  # undefined is empty
        assert rows[0]["ground_truths"] == "2"
        assert {row["signature"] for row in rows} == {result.signature}


class TestMarkdown:
    """``--markdown``: tables for a pull request."""

    def test_tables_signature_and_remarks(self, scene):
        text = done(*scene, "--markdown", "-", "--per-class").stdout
        lines = text.splitlines()
        assert lines[:2] == ["| metric | value | what it is |", "| --- | --- | --- |"]
        assert sum(line.startswith("| ") for line in lines) == 14 + 5
        assert f"`{dm.COCO.signature}`" in lines
        assert any(line.startswith("- 1 detection in 1 class") for line in lines)
        assert "| APl | undefined | undefined: no ground truth in range large" in text

    def test_classes_only_where_asked(self, scene):
        assert "| cat |" not in done(*scene, "--markdown", "-").stdout
        assert "| cat |" in done(*scene, "--markdown", "-", "--per-class").stdout


class TestStreams:
    """Results to standard output, talk to standard error; a file leaves the text in place."""

    @pytest.mark.parametrize("kind", ["--json", "--csv", "--markdown"])
    def test_remarks_go_to_standard_error_where_output_is_for_machines(self, scene, kind):
        ran = done(*scene, kind, "-")
        assert "without ground truth" in ran.stderr
        assert "metric    value" not in ran.stdout
        assert done(*scene, kind, "-", "--quiet").stderr == ""
        assert done(*scene, kind, "-", "-q").stdout == ran.stdout

    @pytest.mark.parametrize("kind", ["--json", "--csv", "--markdown"])
    def test_files_come_beside_the_text(self, scene, tmp_path, kind):
        path = tmp_path / "out"
        assert done(*scene, kind, path).stdout == done(*scene).stdout
        assert path.read_text() == done(*scene, kind, "-").stdout

    def test_all_three_at_once(self, scene, tmp_path):
        kinds = {kind: tmp_path / kind for kind in ("json", "csv", "markdown")}
        arguments = [part for kind, path in kinds.items() for part in (f"--{kind}", path)]
        done(*scene, *arguments)
        for kind, path in kinds.items():
            text = re.sub(
                r',\n  "written_with": .*|\n<!-- written_with: .* -->\n', "", path.read_text()
            )
            assert text == done(*scene, f"--{kind}", "-").stdout

    def test_one_of_them_can_be_standard_output(self, scene, tmp_path):
        ran = done(*scene, "--json", "-", "--csv", tmp_path / "out.csv")
        json.loads(ran.stdout)
        assert (tmp_path / "out.csv").exists()

    @pytest.mark.parametrize("pair", [("json", "csv"), ("csv", "markdown"), ("markdown", "json")])
    def test_not_two(self, scene, pair):
        arguments = [part for kind in pair for part in (f"--{kind}", "-")]
        assert "only one of" in misused(*scene, *arguments)

    def test_crosscheck_is_talk_where_output_is_for_machines(self, scene):
        ran = done(*scene, "--csv", "-", "--crosscheck")
        assert "pycocotools" in ran.stderr
        assert "pycocotools" not in ran.stdout
        assert "pycocotools" in done(*scene, "--crosscheck").stdout

    def test_warnings_are_not_said_twice(self, scene, tmp_path):
        truth = builders.changed(document(), ("annotations", 0, "ignore"), 1)
        ran = process("evaluate", *write(tmp_path, truth))
        assert ran.returncode == 0
        assert ran.stderr == b""
        assert ran.stdout.count(b"have ignore set") == 1

    def test_standard_input_may_hold_either(self, scene):
        plain = json.loads(done(*scene, "--json", "-").stdout)
        for given in (0, 1):
            names = [str(path) for path in scene]
            names[given] = "-"
            ran = done(*names, "--json", "-", given=scene[given].read_bytes())
            content = json.loads(ran.stdout)
            assert content["metrics"] == plain["metrics"]
            assert content["inputs"][given]["path"] == "-"
            assert content["inputs"][given]["sha256"] == plain["inputs"][given]["sha256"]

    def test_not_both(self):
        assert "standard input can be one of the two files" in misused("-", "-")

    def test_in_a_real_pipe(self, scene):
        ran = process("evaluate", scene.truth, "-", "--json", "-", given=scene.found.read_bytes())
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["counts"]["detections"] == 4

    @pytest.mark.parametrize("arguments", [[], ["--json", "-"]])
    def test_closed_pipe_is_silent(self, scene, arguments):
        reader, writer = os.pipe()
        os.close(reader)
        ran = subprocess.run(
            [sys.executable, "-m", "detmetrics", "evaluate", *map(str, scene), "-q", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        os.close(writer)
        assert ran.returncode == 141
        assert ran.stderr == b""

    def test_standard_output_that_is_closed(self, scene, tmp_path):
        ran = subprocess.run(
            [
                "bash",
                "-c",
                '"$@" >&-',
                "-",
                sys.executable,
                "-m",
                "detmetrics",
                "evaluate",
                "-q",
                *scene,
            ],
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 1
        assert b"Traceback" not in ran.stderr
        assert ran.stderr.startswith(b"error: ")

    @pytest.mark.parametrize("arguments", [[], ["--json", "-"], ["--fail-under", "AP=0.1"]])
    def test_standard_error_that_is_closed_is_not_missed(self, scene, arguments):
        ran = subprocess.run(
            [
                "bash",
                "-c",
                '"$@" 2>&-',
                "-",
                sys.executable,
                "-m",
                "detmetrics",
                "evaluate",
                *map(str, scene),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.returncode == 0
        assert ran.stdout.decode() == done(*scene, *arguments).stdout


# --- files ----------------------------------------------------------------------------------------


class TestFiles:
    """Outputs are written whole or not at all."""

    def test_an_existing_file_is_replaced_and_keeps_its_mode(self, scene, tmp_path):
        out = tmp_path / "out.json"
        out.write_text("x" * 100_000)
        out.chmod(0o640)
        done(*scene, "--json", out)
        assert json.loads(out.read_text())["schema"] == 2
        assert stat.S_IMODE(out.stat().st_mode) == 0o640

    def test_a_new_file_has_the_mode_that_the_umask_leaves(self, scene, tmp_path):
        before = os.umask(0o027)
        try:
            done(*scene, "--json", tmp_path / "out.json")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o640

    def test_nothing_else_is_left_in_the_folder(self, scene, tmp_path):
        folder = tmp_path / "out"
        folder.mkdir()
        done(*scene, "--json", folder / "a.json", "--csv", folder / "b.csv")
        assert sorted(os.listdir(folder)) == ["a.json", "b.csv"]

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            ("nowhere/out.csv", "its folder does not exist"),
            ("folder", "it is a directory"),
            ("n" * 300, "File name too long"),
            ("/dev/full", "No space left on device"),
        ],
    )
    def test_all_are_kept_where_one_cannot_be_written(self, scene, tmp_path, bad, words):
        (tmp_path / "folder").mkdir()
        old = tmp_path / "old.json"
        old.write_text("old")
        before = sorted(os.listdir(tmp_path))
        bad_path = os.path.join(tmp_path, bad)
        for arguments in (["--json", old, "--csv", bad_path], ["--csv", old, "--json", bad_path]):
            ran = run(*scene, *arguments, "--markdown", tmp_path / "new.md")
            assert ran.exit_code == 1
            assert ran.stdout == ""
            assert ran.stderr == f"error: {bad_path}: cannot be written: {words}\n"
            assert old.read_text() == "old"
            assert sorted(os.listdir(tmp_path)) == before

    def test_kept_where_standard_output_is_full(self, scene, tmp_path):
        old = tmp_path / "old.json"
        old.write_text("old")
        with open("/dev/full", "wb") as full:
            ran = subprocess.run(
                [sys.executable, "-m", "detmetrics", "evaluate", "-q", *scene, "--json", old],
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                check=False,
            )
        assert ran.returncode == 1
        assert ran.stderr == b"error: standard output: cannot be written: No space left on device\n"
        assert old.read_text() == "old"

    def test_kept_where_the_input_is_bad(self, scene, tmp_path):
        old = tmp_path / "old.json"
        old.write_text("old")
        scene.found.write_text("[")
        assert run(*scene, "--json", old).exit_code == 1
        assert old.read_text() == "old"

    def test_a_link_keeps_pointing_where_it_does(self, scene, tmp_path):
        (tmp_path / "folder").mkdir()
        target, link = tmp_path / "folder" / "target.json", tmp_path / "link.json"
        target.write_text("old")
        link.symlink_to(target)
        done(*scene, "--json", link)
        assert link.is_symlink()
        assert json.loads(target.read_text())["schema"] == 2
        assert os.listdir(tmp_path / "folder") == ["target.json"]

    def test_a_link_to_nothing_yet(self, scene, tmp_path):
        target, link = tmp_path / "target.json", tmp_path / "link.json"
        link.symlink_to(target)
        done(*scene, "--json", link)
        assert link.is_symlink()
        assert json.loads(target.read_text())["schema"] == 2

    @pytest.mark.parametrize("kind", ["--json", "--csv", "--markdown"])
    def test_the_null_device_stays_a_device(self, scene, kind):
        done(*scene, kind, "/dev/null")
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    def test_standard_output_by_its_path(self, scene):
        ran = process("evaluate", *scene, "--json", "/dev/stdout")
        assert ran.returncode == 0, ran.stderr
        assert b'"schema": 2' in ran.stdout

    def test_a_named_pipe_is_written_to(self, scene, tmp_path):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        received: list[str] = []
        reader = threading.Thread(target=lambda: received.append(pipe.read_text()), daemon=True)
        reader.start()
        done(*scene, "--json", pipe)
        reader.join(PATIENCE)
        assert json.loads(received[0])["schema"] == 2
        assert stat.S_ISFIFO(pipe.stat().st_mode)

    def test_a_name_in_the_working_folder(self, scene, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        done(*scene, "--json", "out.json")
        assert (tmp_path / "out.json").exists()

    @pytest.mark.parametrize("second", ["out", "./out", "link"])
    def test_two_outputs_cannot_share_a_file(self, scene, tmp_path, monkeypatch, second):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "link").symlink_to("out")
        assert "same file" in misused(*scene, "--json", "out", "--csv", second)
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("side", [0, 1])
    def test_an_output_cannot_be_an_input(self, scene, side):
        before = scene[side].read_bytes()
        misused(*scene, "--json", scene[side])
        assert scene[side].read_bytes() == before

    @pytest.mark.parametrize("kind", ["--json", "--csv", "--markdown"])
    def test_an_empty_name_is_wrong_usage(self, scene, kind):
        assert kind in misused(*scene, kind, "")


# --- rules and choices ----------------------------------------------------------------------------


class TestRules:
    """Options change the rules, and the signature shows it."""

    @pytest.mark.parametrize(
        ("arguments", "part"),
        [
            (["--iou-thresholds", "0.5"], "iou:.5|"),
            (["--iou-thresholds", "0.5,0.75"], "iou:.5,.75|"),
            (["--iou-thresholds", "0.5:0.95:0.05"], "coco|iou:.50:.05:.95|recall:101|"),
            (["--iou-thresholds", "0.5:0.5:0.05"], "iou:.5|"),
            (["--max-detections", "300,1"], "dets:1,300|"),
            (["--max-detections", "7"], "dets:7|"),
            (["--area-ranges", "tiny:0:256,rest:256:1e10"], "areas:tiny=0-256,rest=256-1e+10|"),
            (["--class-agnostic"], "|class-agnostic|"),
            (["--ignore", "honour"], "|ignore:honour|"),
            (["--ignore", "overwrite"], "dets:1,10,100|detmetrics"),
        ],
    )
    def test_signature(self, scene, arguments, part):
        assert part in as_json(*scene, *arguments)["signature"]

    def test_the_grid_of_coco_is_coco(self, scene):
        assert as_json(*scene, "--iou-thresholds", "0.5:0.95:0.05") == as_json(*scene)

    def test_names_follow_the_rules(self, scene):
        content = as_json(*scene, "--max-detections", "5", "--area-ranges", "tiny:0:256")
        assert set(content["metrics"]) == {"AP", "AP50", "AP75", "AP_tiny", "AR5", "AR_tiny"}

    def test_pooled_classes(self, scene):
        content = as_json(*scene, "--class-agnostic")
        assert list(content["per_class"]) == ["all"]
        assert content["per_class"]["all"]["ground_truths"] == 2

    def test_ignore_is_honoured(self, tmp_path):
        truth = builders.changed(document(), ("annotations", 0, "ignore"), 1)
        files = write(tmp_path, truth, builders.detections()[1:])
        assert as_json(*files)["metrics"]["AP"] == pytest.approx(0.5)
        assert as_json(*files, "--ignore", "honour")["metrics"]["AP"] == pytest.approx(1)

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--iou-thresholds", "", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "half", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0", "expected 0 < t <= 1"),
            ("--iou-thresholds", "0.5,1.5", "expected 0 < t <= 1"),
            ("--iou-thresholds", "0.7,0.5", "expected ascending"),
            ("--iou-thresholds", "nan", "finite"),
            ("--iou-thresholds", "0.5:0.95", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:0.95:0", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:0.95:-0.05", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:inf:0.05", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:0.95:nan", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:0.95:1e-9", "expected 0.5,0.75 or 0.5:0.95:0.05"),
            ("--iou-thresholds", "0.5:0.95:0.1", "0.5:0.95:0.1"),  # the steps miss the end
            ("--max-detections", "0", "whole numbers from 1"),
            ("--max-detections", "1.5", "whole numbers such as 1,10,100"),
            ("--max-detections", "1,1", "twice"),
            ("--max-detections", "", "whole numbers such as 1,10,100"),
            ("--max-detections", str(10**30), "whole numbers"),
            ("--area-ranges", "tiny", "ranges such as small:0:1024"),
            ("--area-ranges", "tiny:5:1", "expected 0 <= low <= high"),
            ("--area-ranges", "tiny:0:inf", "expected 0 <= low <= high"),
            ("--area-ranges", "a:0:1,a:1:2", "names must be given and differ"),
            ("--area-ranges", ":0:1", "names must be given and differ"),
            ("--classes", "", "names separated by commas"),
            ("--images", " , ", "names separated by commas"),
            ("--ignore", "yes", "'overwrite', 'honour'"),
            ("--unknown-images", "keep", "'error', 'drop'"),
            ("--unknown-categories", "keep", "'error', 'drop'"),
            ("--fail-under", "AP", "a metric and a number such as AP=0.40"),
            ("--fail-under", "AP=much", "a metric and a number such as AP=0.40"),
            ("--fail-under", "AP=nan", "a metric and a number such as AP=0.40"),
            ("--fail-under", "mAP=0.4", "no metric 'mAP' (do you mean AP?); there are AP, AP50"),
            ("--no-such-option", "1", "No such option"),
        ],
    )
    def test_wrong_values_are_wrong_usage(self, scene, option, value, words):
        text = " ".join(misused(*scene, option, value).split())
        assert words in text

    def test_wrong_usage_is_found_before_any_file_is_read(self):
        misused("nowhere.json", "nowhere.json", "--iou-thresholds", "2")

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_two_files_are_needed(self, scene, count):
        misused(*[scene.truth] * count)


class TestChoices:
    """``--images`` and ``--classes``: by id, by name, or one a line in a file."""

    @pytest.mark.parametrize("chosen", ["cat", "1", " cat ", "cat,cat", "cat,1"])
    def test_classes_by_name_and_id(self, scene, chosen):
        content = as_json(*scene, "--classes", chosen)
        assert list(content["per_class"]) == ["cat"]
        assert content["counts"]["detections"] == 2
        assert content["counts"]["classes"] == 1

    @pytest.mark.parametrize("chosen", ["1.jpg", "1"])
    def test_images_by_name_and_id(self, scene, chosen):
        counts = as_json(*scene, "--images", chosen)["counts"]
        assert (counts["images"], counts["ground_truths"], counts["detections"]) == (1, 1, 2)

    def test_both(self, scene):
        content = as_json(*scene, "--images", "1,2", "--classes", "cat,dog")
        assert content["counts"]["detections"] == 2
        (said,) = content["attention"]
        left = "0 objects and 1 detection on the others are left out"
        assert said == f"2 of 3 images evaluated, as asked: {left}"

    @pytest.mark.parametrize("text", ["cat\ndog\n", "1\r\n2", "\ufeffcat\n\n  dog  \n"])
    def test_from_a_file(self, scene, tmp_path, text):
        (tmp_path / "names.txt").write_bytes(text.encode())
        content = as_json(*scene, "--classes", tmp_path / "names.txt")
        assert set(content["per_class"]) == {"cat", "dog"}

    def test_names_with_commas_come_from_a_file(self, tmp_path):
        truth = document(categories=[category(1, "cat, big"), category(2, "dog")])
        files = write(tmp_path, truth)
        (tmp_path / "names.txt").write_text("cat, big\n")
        content = as_json(*files, "--classes", tmp_path / "names.txt")
        assert list(content["per_class"]) == ["cat, big"]

    @pytest.mark.parametrize("data", [b"\xe9\n", b"", b"\n\n"])
    def test_from_a_file_that_holds_none(self, scene, tmp_path, data):
        (tmp_path / "names.txt").write_bytes(data)
        misused(*scene, "--classes", tmp_path / "names.txt")

    @pytest.mark.parametrize("option", ["--images", "--classes"])
    def test_unknown_names_are_bad_input(self, scene, option):
        ran = run(*scene, option, "1,nobody")
        assert ran.exit_code == 1
        assert ran.stdout == ""
        assert "'nobody'" in ran.stderr
        assert ran.stderr.startswith("error: ")

    def test_the_ids_of_the_ground_truth_come_before_names(self, tmp_path):
        truth = document(images=[builders.image(1, "2"), builders.image(2, "1")])
        result = as_json(*write(tmp_path, truth), "--images", "1", "--image-ids", "ids")
        assert result["counts"]["images"] == 1

    def test_unknown_images_are_dropped_where_asked(self, tmp_path):
        files = write(tmp_path, found=[*builders.detections(), detection(9), detection(1, 9)])
        assert run(*files).exit_code == 1
        assert run(*files, "--unknown-images", "drop").exit_code == 1
        both = ["--unknown-images", "drop", "--unknown-categories", "drop"]
        content = as_json(*files, *both)
        assert content["counts"]["detections"] == 2
        assert sum("dropped, as asked" in line for line in content["attention"]) == 2

    def test_restricted_results_equal_those_of_a_smaller_file(self, scene, tmp_path):
        chosen = dm.evaluate(*scene, images=[1, 3], classes=["cat"])
        smaller = document(
            images=[builders.image(1), builders.image(3)],
            categories=[category(CAT, "cat")],
            annotations=[annotation(1)],
        )
        found = [detection(1, CAT, 0.9), detection(3, CAT, 0.3)]
        builders.same_cells(chosen, builders.evaluate(tmp_path, smaller, found))


# --- exit codes -----------------------------------------------------------------------------------


class TestFailUnder:
    """Exit code 3 where a metric is lower or undefined; the result is printed all the same."""

    def test_reached(self, scene):
        assert done(*scene, "--fail-under", "AP=0.1", "--fail-under", "AP50=0.5").stderr == ""

    def test_equal_is_reached(self, scene):
        done(*scene, "--fail-under", f"AP={dm.evaluate(*scene).summary['AP']!r}")

    def test_below(self, scene, tmp_path):
        ran = run(*scene, "--fail-under", "AP=0.99", "--json", tmp_path / "out.json")
        assert ran.exit_code == 3
        assert ran.stdout == done(*scene).stdout
        assert ran.stderr.startswith("AP is 0.")
        assert ran.stderr.rstrip().endswith("below 0.99")
        assert (tmp_path / "out.json").exists()

    def test_undefined(self, scene):
        ran = run(*scene, "--fail-under", "APl=0")
        assert ran.exit_code == 3
        assert "APl is undefined (no ground truth in range large" in ran.stderr

    def test_each_is_named(self, scene):
        ran = run(*scene, "--fail-under", "AP=0.99", "--fail-under", "AR1=0.99", "--quiet")
        assert ran.exit_code == 3
        assert len(ran.stderr.splitlines()) == 2

    def test_a_hair_below_does_not_look_equal(self, scene):
        value = dm.evaluate(*scene).summary["AP"]
        least = math.nextafter(value, 1)
        ran = run(*scene, "--fail-under", f"AP={least!r}")
        assert ran.exit_code == 3
        assert repr(value) in ran.stderr
        assert repr(least) in ran.stderr

    def test_follows_the_rules(self, scene):
        arguments = [*scene, "--iou-thresholds", "0.9"]
        assert "no metric 'AP50'" in misused(*arguments, "--fail-under", "AP50=0.1")


class TestCrosscheck:
    """``--crosscheck`` compares every cell; exit code 4 where one differs."""

    @pytest.mark.parametrize(
        "module", ["analysis.crosschecking", "cli", "cli.evaluate", "reports.json", "reports.text"]
    )
    def test_the_function_stays_one_whatever_was_imported(self, module):
        code = f"import detmetrics.{module} as m; import detmetrics; detmetrics.crosscheck.__call__"
        ran = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ran.stderr == ""

    def test_agrees(self, scene):
        ran = done(*scene, "--crosscheck")
        assert "cells of precision, recall and scores are equal" in ran.stdout
        assert "known differences on this input" in ran.stdout

    @pytest.fixture
    def differing(self, monkeypatch):
        honest = crosschecking._pycocotools

        def altered(*arguments):
            cells = honest(*arguments)
            cells["precision"][0, 0, 0, 0, -1] += 1e-16 + 0.25
            return cells

        monkeypatch.setattr(crosschecking, "_pycocotools", altered)

    def test_differs(self, scene, differing):
        ran = run(*scene, "--crosscheck")
        assert ran.exit_code == 4
        assert "1 of " in ran.stdout
        assert "cells differ" in ran.stdout
        assert "precision at class cat, IoU 0.5, recall 0, area all, limit 100" in ran.stdout

    def test_differs_in_json(self, scene, differing):
        ran = run(*scene, "--crosscheck", "--json", "-", "--quiet")
        assert ran.exit_code == 4
        content = json.loads(ran.stdout)["crosscheck"]
        assert content["agrees"] is False
        assert content["different"] == 1
        assert len(content["differences"]) == 1

    def test_is_said_in_plain_numbers(self, scene, differing):
        assert "np.float64" not in run(*scene, "--crosscheck").stdout

    def test_quiet_does_not_hide_that_it_differs(self, scene, differing, tmp_path):
        ran = run(*scene, "--crosscheck", "--json", "-", "--quiet")
        assert "differ" in ran.stderr

    def test_comes_before_fail_under(self, scene, differing):
        ran = run(*scene, "--crosscheck", "--fail-under", "AP=0.99")
        assert ran.exit_code == 4
        assert "below 0.99" in ran.stderr


# --- hostile names --------------------------------------------------------------------------------


HOSTILE = {
    "escape": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "csi": "\x9b2J",
    "pipes": "a|b||c",
    "html": "<script>alert(1)</script><img src=x>",
    "lines": "two\nlines\r\nand\ttabs",
    "markup": "[red]x[/red]",
    "closing": "[/]",
    "emoji code": ":smile:",
    "link": "[click](https://example.org)",
    "ticks": "`code` **bold** _it_ ~~no~~ # @all",
    "quotes": "say \"hi\", 'you'",
    "backwards": "abc\u202egnp",
    "wide": "猫の名前",
    "long": "x" * 300,
    "empty": "",
    "blank": "   ",
}


@pytest.fixture(params=HOSTILE)
def hostile(request, tmp_path) -> tuple[str, builders.Files]:
    """A scene whose first class has a name that is up to something."""
    name = HOSTILE[request.param]
    truth = document(
        categories=[category(1, name), category(2, "dog")],
        images=[builders.image(1, name), builders.image(2)],
    )
    return name, write(tmp_path, truth)


class TestHostileNames:
    """Names come from files and go to terminals, browsers and spreadsheets."""

    def test_text(self, hostile):
        name, files = hostile
        text = done(*files, "--per-class").stdout
        assert all(c.isprintable() or c == "\n" for c in text)
        assert "dog" in text
        if name.isprintable():
            assert name in to_text(dm.evaluate(*files), per_class=True, width=500)

    def test_text_of_long_names_is_folded_not_cut(self, tmp_path):
        truth = document(categories=[category(1, "x" * 300), category(2, "dog")])
        assert done(*write(tmp_path, truth), "--per-class").stdout.count("x") >= 300

    def test_markdown_keeps_one_row_a_class(self, hostile):
        _, files = hostile
        text = done(*files, "--markdown", "-", "--per-class").stdout
        assert all(c.isprintable() or c == "\n" for c in text)
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len(rows) == 14 + 4
        cells = {row.replace("\\\\", "").replace("\\|", "").count("|") for row in rows[14:]}
        assert cells == {16}
        for sign in ("<", "`code", "**bold", "[click]", "[red]"):
            assert sign not in text.replace("\\" + sign[0], "")

    def test_csv_gives_the_name_back(self, hostile):
        name, files = hostile
        text = done(*files, "--csv", "-").stdout_bytes.decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["class"] for row in rows] == ["", name, "dog"]

    def test_json_gives_the_name_back(self, hostile):
        name, files = hostile
        text = done(*files, "--json", "-").stdout
        assert text.isascii()
        assert set(json.loads(text)["per_class"]) == {name, "dog"}

    def test_messages_do_not_steer_the_terminal(self, hostile):
        _, files = hostile
        for option in ("--classes", "--images"):
            ran = run(*files, option, "nobody")
            assert ran.exit_code == 1
            message = ran.stderr.rstrip("\r\n")
            assert "nobody" in message
            assert all(c.isprintable() for c in message), message

    def test_remarks_on_standard_error_do_not_steer_the_terminal(self, tmp_path):
        folder = tmp_path / "\x1b]0;owned\x07"
        folder.mkdir()
        truth = builders.changed(document(), ("annotations", 0, "ignore"), 1)
        ran = process("evaluate", *write(folder, truth), "--json", "-")
        assert ran.returncode == 0
        assert "ignore set" in ran.stderr.decode()
        assert "\x1b" not in ran.stderr.decode()
        assert "\x07" not in ran.stderr.decode()

    @pytest.mark.parametrize("value", ["\x1b]0;owned\x07", "x" * 100_000])
    def test_ids_in_messages_are_tame_and_short(self, tmp_path, value):
        files = write(tmp_path, found=[detection(value)])
        ran = run(*files)
        assert ran.exit_code == 1
        assert all(c.isprintable() or c == "\n" for c in ran.stderr)
        assert len(ran.stderr) < 2_000


# --- help -----------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("side", [0, 1])
def test_either_side_may_be_a_pipe(tmp_path, side):
    files = [str(path) for path in write(tmp_path)]
    plain = as_json(*files)
    piped = [f"<(cat {shlex.quote(f)})" if at == side else f for at, f in enumerate(files)]
    command = f"{shlex.quote(sys.executable)} -m detmetrics evaluate -q {' '.join(piped)} --json -"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["metrics"] == plain["metrics"]


class TestHelp:
    """Every command explains itself."""

    def test_version(self):
        ran = process("--version")
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert ran.stdout.decode().split() == ["detmetrics,", "version", dm.__version__]

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    @pytest.mark.parametrize("name", [None, *COMMANDS])
    def test_help(self, name, flag):
        ran = CliRunner().invoke(cli, [flag] if name is None else [name, flag])
        assert ran.exit_code == 0
        assert ran.stdout.startswith("Usage: ")
        assert ran.stderr == ""
        if name:
            assert "Examples:" in ran.stdout
            assert "Exit codes: 0 done, 1 bad input, 2 wrong usage" in ran.stdout

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_has_a_help_text(self, name):
        options = [p for p in command_of(name).params if isinstance(p, click.Option)]
        assert options or name == "formats"
        assert [option.name for option in options if not option.help] == []

    def test_without_a_command(self):
        ran = CliRunner().invoke(cli, [])
        assert ran.exit_code == 2
        assert "evaluate" in ran.output

    def test_unknown_command(self):
        ran = CliRunner().invoke(cli, ["evalute"])
        assert ran.exit_code == 2
        assert ran.stdout == ""
        assert "No such command 'evalute'" in ran.stderr

    def test_the_script_and_the_module_are_one(self, scene):
        script = os.path.join(os.path.dirname(sys.executable), "detmetrics")
        if not os.path.exists(script):
            pytest.skip("needs the package installed, which puts the script beside Python")
        ran = subprocess.run(
            [script, "evaluate", *scene], capture_output=True, timeout=PATIENCE, check=False
        )
        assert ran.stdout == process("evaluate", *scene).stdout
        assert ran.returncode == 0


def test_one_of_a_thing_is_said_in_the_singular(tmp_path):
    truth = document(
        images=[{"id": 1}],
        categories=[{"id": 1, "name": "cat"}],
        annotations=[annotation(1, iscrowd=1)],
    )
    text = done(*write(tmp_path, truth, [detection()])).stdout
    assert "truth.json: 1 image, 1 object (1 crowd), 1 class\n" in text
    assert "found.json: 1 detection\n" in text


@pytest.mark.parametrize("command", ["check", "stats", "split"])
def test_the_part_of_a_data_set_that_is_read_is_said(tmp_path, command):
    for part, name in (("train", "a"), ("val", "b")):
        (tmp_path / "labels" / part).mkdir(parents=True)
        (tmp_path / "images" / part).mkdir(parents=True)
        (tmp_path / "labels" / part / f"{name}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
        (tmp_path / "images" / part / f"{name}.png").write_bytes(scenes.png(8, 8))
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [cat]\n")
    more = ["-o", str(tmp_path / "parts")] if command == "split" else []
    ran = CliRunner().invoke(cli, [command, str(tmp_path), *more])
    assert ran.exit_code == 0
    assert (
        "split 'val' of the data set is used (--split chooses; train is also available)"
        in ran.stderr
    )
    quiet = [command, str(tmp_path), *more, "--quiet", *(["--force"] if more else [])]
    assert CliRunner().invoke(cli, quiet).stderr == ""


def test_every_command_of_the_package_is_listed():
    from detmetrics import cli as package

    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"detmetrics.cli.{module.name}")
        found |= {one.name for one in vars(loaded).values() if isinstance(one, click.Command)}
    assert found - {"show"} == set(COMMANDS)  # which is of rules
    assert [*COMMANDS] == sorted(COMMANDS)
    assert all(command_of(name).name == name for name in COMMANDS)
