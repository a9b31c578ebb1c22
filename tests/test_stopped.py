"""Stopped at any moment: what was there is there, or what is new, and nothing beside it."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from detmetrics.cli import cli
from detmetrics.foundation import outputs, replacing
from detmetrics.foundation.outputs import write_tree, write_whole

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
# Until main() is entered Python would print where it was; what is tested begins there.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "import detmetrics.__main__ as m; print('ready', flush=True); m.main()"
)
OLD = {"a.txt": b"old", "b.txt": b"old"}
NEW = {"a.txt": b"new", "c.txt": b"new"}


def files(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


class TestSignals:
    """From the first import to the last line: one word, and the code that shells expect."""

    @pytest.mark.parametrize(
        ("sent", "code", "word"),
        [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated")],
    )
    @pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4])
    def test_at_any_moment(self, sent, code, word, delay):
        with subprocess.Popen(
            [sys.executable, "-c", START, "evaluate", TRUTH, FOUND],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as ran:
            assert ran.stdout.readline() == b"ready\n"
            time.sleep(delay)
            ran.send_signal(sent)
            _, said = ran.communicate(timeout=60)
        assert b"Traceback" not in said
        assert b"Exception ignored" not in said
        if ran.returncode != 0:  # it was done by then
            assert ran.returncode in (code, -sent)
            assert ran.returncode == -sent or said.endswith(word + b"\n")

    def test_files_that_are_being_written_are_taken_back(self, tmp_path):
        code = (
            "import sys, time, detmetrics.__main__ as m, detmetrics.foundation.outputs as o\n"
            "def slow(*_):\n"
            "    print('writing', flush=True)\n"
            "    time.sleep(60)\n"
            "o.os.fsync = slow\n"
            "m.main()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, "evaluate", TRUTH, FOUND, "--json", tmp_path / "a.json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as ran:
            assert ran.stdout.readline() == b"writing\n"
            assert [*tmp_path.iterdir()]
            ran.send_signal(signal.SIGTERM)
            _, said = ran.communicate(timeout=60)
        assert ran.returncode == 143
        assert said.endswith(b"terminated\n")
        assert [*tmp_path.iterdir()] == []


class TestFolders:
    """The new folder takes the place of the old one in one step, where the system can."""

    def test_in_one_step(self, tmp_path, monkeypatch):
        write_tree(str(tmp_path / "out"), OLD)

        def never(*_: object) -> None:
            raise AssertionError("a folder was renamed away")

        if replacing._renameat2() is None:
            pytest.skip("the system cannot exchange two names")
        monkeypatch.setattr(replacing.os, "replace", never)
        write_tree(str(tmp_path / "out"), NEW, force=True)
        assert files(tmp_path / "out") == NEW
        assert [one.name for one in tmp_path.iterdir()] == ["out"]

    def test_in_two_steps_where_it_cannot(self, tmp_path, monkeypatch):
        monkeypatch.setattr(replacing, "_renameat2", lambda: None)
        write_tree(str(tmp_path / "out"), OLD)
        write_tree(str(tmp_path / "out"), NEW, force=True)
        assert files(tmp_path / "out") == NEW
        assert [one.name for one in tmp_path.iterdir()] == ["out"]

    def test_killed_between_the_two_steps(self, tmp_path):
        """The next run puts the old folder back, and then replaces it."""
        code = (
            "import os, sys\n"
            "from detmetrics.foundation import outputs, replacing\n"
            "replacing._renameat2 = lambda: None\n"
            "rename = os.replace\n"
            "def killed(one, other):\n"
            "    rename(one, other)\n"
            "    os.kill(os.getpid(), 9)\n"
            "replacing.os.replace = killed\n"
            "outputs.write_tree(sys.argv[1], {'a.txt': b'new'}, force=True)\n"
        )
        target = tmp_path / "out"
        write_tree(str(target), OLD)
        ran = subprocess.run([sys.executable, "-c", code, target], check=False)
        assert ran.returncode == -signal.SIGKILL
        assert not target.exists()
        (left,) = tmp_path.iterdir()
        assert "Move 'old' there to have it back" in (left / "README.txt").read_text()
        write_whole({str(tmp_path / "other.txt"): "text"})
        assert files(target) == OLD
        assert {one.name for one in tmp_path.iterdir()} == {"out", "other.txt"}

    def test_killed_while_it_is_filled(self, tmp_path):
        code = (
            "import os, sys\n"
            "from detmetrics.foundation import outputs\n"
            "outputs.replace_folder = lambda *_: os.kill(os.getpid(), 9)\n"
            "outputs.write_tree(sys.argv[1], {'a.txt': b'new'}, force=True)\n"
        )
        target = tmp_path / "out"
        write_tree(str(target), OLD)
        subprocess.run([sys.executable, "-c", code, target], check=False)
        assert files(target) == OLD
        assert len([*tmp_path.iterdir()]) == 2
        write_tree(str(target), NEW, force=True)
        assert files(target) == NEW
        assert [one.name for one in tmp_path.iterdir()] == ["out"]

    def test_what_other_machines_and_living_processes_write_stays(self, tmp_path):
        mine = tmp_path / f"{replacing.staging_prefix()}x"
        theirs = tmp_path / ".detmetrics-00000000-1-x"
        foreign = tmp_path / ".detmetrics-notes"
        for one in (mine, theirs, foreign):
            one.write_text("text")
        write_whole({str(tmp_path / "a.txt"): "text"})
        assert len([*tmp_path.iterdir()]) == 4

    def test_nothing_is_under_way_afterwards(self, tmp_path):
        write_tree(str(tmp_path / "out"), OLD)
        with pytest.raises(outputs.OutputError):
            write_whole({str(tmp_path / "no" / "a.txt"): "text"})
        assert not outputs.under_way()


KILLED = (
    "import os, sys\n"
    "import detmetrics.__main__ as m, detmetrics.foundation.outputs as o\n"
    "rename, left = os.replace, int(sys.argv.pop(1))\n"
    "def killed(one, other):\n"
    "    global left\n"
    "    if left == 0:\n"
    "        os.kill(os.getpid(), 9)\n"
    "    left -= 1\n"
    "    rename(one, other)\n"
    "o.os.replace = killed\n"
    "m.main()\n"
)


def told_digests(path: Path) -> dict[str, str]:
    """What a file says of those that were written before it."""
    text = path.read_text()
    if path.suffix == ".json":
        return json.loads(text).get("written_with", {})
    said = re.search(r"<!-- written_with: (.*) -->", text)
    return json.loads(said[1]) if said else {}


def belong_together(last: Path) -> bool:
    digests = told_digests(last)
    return all(
        hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
        for path, digest in digests.items()
    )


class TestSeveralFiles:
    """Files of one run are renamed in a row, and the last tells the others by their digests."""

    def run(self, folder: Path, *more: str, renames: int = 99) -> int:
        files = {name: folder / f"a.{name}" for name in ("json", "csv", "markdown")}
        given = [word for name, path in files.items() for word in (f"--{name}", str(path))]
        command = [sys.executable, "-c", KILLED, str(renames), "evaluate", TRUTH, FOUND, "-q"]
        return subprocess.run([*command, *given, *more], stdout=-3, check=False).returncode

    @pytest.mark.parametrize("renames", [0, 1, 2, 3])
    def test_killed_between_two_of_them(self, tmp_path, renames):
        assert self.run(tmp_path) == 0
        old = files(tmp_path)
        assert belong_together(tmp_path / "a.json")
        code = self.run(tmp_path, "--rules", "voc2007", renames=renames)
        assert code == (0 if renames == 3 else -signal.SIGKILL)
        new = {name for name, content in files(tmp_path).items() if old.get(name) not in (content,)}
        assert {name for name in new if name in old} == {
            *("a.csv", "a.markdown", "a.json")[:renames]
        }
        assert belong_together(tmp_path / "a.json") == (renames in (0, 3))

    def test_the_same_run_gives_the_same_files(self, tmp_path):
        self.run(tmp_path)
        old = files(tmp_path)
        self.run(tmp_path)
        assert files(tmp_path) == old
        assert told_digests(tmp_path / "a.json").keys() == {
            str(tmp_path / "a.csv"),
            str(tmp_path / "a.markdown"),
        }
        assert told_digests(tmp_path / "a.markdown").keys() == {str(tmp_path / "a.csv")}

    def test_one_file_tells_of_no_other(self, tmp_path):
        path = tmp_path / "a.json"
        ran = CliRunner().invoke(cli, ["evaluate", TRUTH, FOUND, "--json", str(path)])
        assert ran.exit_code == 0
        assert "written_with" not in path.read_text()

    def test_streams_are_no_files(self, tmp_path):
        path = tmp_path / "a.csv"
        ran = CliRunner().invoke(
            cli, ["evaluate", TRUTH, FOUND, "-q", "--json", "-", "--csv", str(path)]
        )
        assert "written_with" not in json.loads(ran.stdout)

    def test_a_split_and_what_it_says(self, tmp_path):
        path = tmp_path / "split.json"
        command = ["split", TRUTH, "-o", str(tmp_path / "parts"), "--json", str(path), "-q"]
        assert CliRunner().invoke(cli, command).exit_code == 0
        assert {Path(one).name for one in told_digests(path)} == {
            one.name for one in (tmp_path / "parts").iterdir()
        }
        assert belong_together(path)

    def test_a_name_does_not_end_the_comment(self, tmp_path):
        odd, page = tmp_path / "a-->b--.csv", tmp_path / "a.md"
        command = ["evaluate", TRUTH, FOUND, "--csv", str(odd), "--markdown", str(page)]
        assert CliRunner().invoke(cli, command).exit_code == 0
        assert told_digests(page).keys() == {str(odd)}
        assert page.read_text().count("-->") == 1


def test_signals_wait_for_the_last_of_several_steps():
    code = (
        "import os, signal\n"
        "from detmetrics.foundation.replacing import undisturbed\n"
        "with undisturbed():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('done', flush=True)\n"
        "print('never', flush=True)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ran.returncode == -signal.SIGTERM
    assert ran.stdout == b"done\n"
