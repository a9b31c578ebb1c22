"""A test set is for the last look: looks are recorded before numbers are shown, and counted."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.evaluation.ledger import Look, Looked, add_look, read_ledger

FIXTURES = Path(__file__).parents[1] / "fixtures"
TRUTH, FOUND = (str(FIXTURES / f"{name}.json") for name in ("ground_truth", "detections"))
CHOOSING = "choosing between them by these numbers is choosing on the test set"


@pytest.fixture
def other(tmp_path: Path) -> str:
    """Detections of another model."""
    path = tmp_path / "other.json"
    path.write_text(json.dumps(json.loads(Path(FOUND).read_text())[1:]))
    return str(path)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "test.looks"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words])


def look(ledger: Path, *words: str, command: str = "evaluate") -> Result:
    return run(command, TRUTH, *words, "--role", "test", "--ledger", str(ledger))


def lines(ledger: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def flat(text: str) -> str:
    return " ".join(text.split())


def digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class TestLooks:
    def test_a_line_says_all_of_a_look(self, ledger):
        before = datetime.now(UTC).replace(microsecond=0)
        done = look(ledger, FOUND)
        assert done.exit_code == 0, done.output
        (one,) = lines(ledger)
        assert before <= datetime.fromisoformat(one.pop("date")) <= datetime.now(UTC)
        assert one == {
            "detmetrics.ledger": 1,
            "role": "test",
            "command": "evaluate",
            "signature": dm.COCO.signature,
            "ground_truth": {"path": TRUTH, "sha256": digest(TRUTH)},
            "models": [{"path": FOUND, "sha256": digest(FOUND)}],
            "detmetrics": dm.__version__,
        }

    def test_the_same_model_twice_is_one_model(self, ledger):
        for _ in range(2):
            done = look(ledger, FOUND, "--rules", "voc2007")
        assert CHOOSING not in flat(done.output)
        assert "2 looks at this test set, with 1 model" in flat(done.output)

    def test_a_copy_of_the_same_detections_is_the_same_model(self, ledger, tmp_path):
        copy = tmp_path / "copy.json"
        copy.write_bytes(Path(FOUND).read_bytes())
        look(ledger, FOUND)
        assert CHOOSING not in flat(look(ledger, str(copy)).output)

    def test_the_second_model_is_warned_of(self, ledger, other):
        look(ledger, FOUND)
        done = look(ledger, other)
        assert done.exit_code == 0
        assert CHOOSING in flat(done.output)
        assert "2 models have been measured on this test set (2 looks)" in flat(done.output)

    def test_a_part_of_the_test_set_is_the_test_set(self, ledger, other):
        look(ledger, FOUND, "--classes", "person")
        assert CHOOSING in flat(look(ledger, other, "--classes", "dog").output)

    def test_another_test_set_has_looks_of_its_own(self, ledger, tmp_path, other):
        truth = tmp_path / "truth.json"
        truth.write_text(json.dumps(json.loads(Path(TRUTH).read_text())))
        look(ledger, FOUND)
        done = run("evaluate", str(truth), other, "--role", "test", "--ledger", str(ledger))
        assert CHOOSING not in flat(done.output)
        assert "1 look at this test set, with 1 model" in flat(done.output)

    def test_a_comparison_is_one_look_with_two_models(self, ledger, other):
        done = look(ledger, FOUND, other, "--resamples", "2", command="compare")
        assert done.exit_code == 0, done.output
        (one,) = lines(ledger)
        assert one["command"] == "compare"
        assert [model["sha256"] for model in one["models"]] == [digest(FOUND), digest(other)]
        assert "2 models have been measured on this test set (1 look)" in flat(done.output)

    def test_every_view_has_the_warning(self, ledger, tmp_path, other):
        look(ledger, FOUND)
        paths = [str(tmp_path / name) for name in ("r.json", "r.md")]
        done = look(ledger, other, "-q", "--json", paths[0], "--markdown", paths[1])
        assert done.exit_code == 0
        assert CHOOSING in " ".join(json.loads(Path(paths[0]).read_text())["attention"])
        assert CHOOSING in flat(Path(paths[1]).read_text())

    def test_as_an_error_nothing_is_recorded_or_shown(self, ledger, other):
        look(ledger, FOUND)
        done = look(ledger, other, "--warnings", "error", "-q")
        assert done.exit_code == 1
        assert CHOOSING in flat(done.output)
        assert "AP50" not in done.output
        assert len(lines(ledger)) == 1

    def test_without_the_options_nothing_is_written(self, ledger):
        assert run("evaluate", TRUTH, FOUND).exit_code == 0
        assert not ledger.exists()


class TestUsage:
    @pytest.mark.parametrize("command", [("evaluate",), ("compare",)])
    def test_one_without_the_other(self, command, ledger, other):
        paths = (TRUTH, FOUND) if command == ("evaluate",) else (TRUTH, FOUND, other)
        alone = run(*command, *paths, "--role", "test")
        assert (alone.exit_code, "--role test needs --ledger FILE" in alone.output) == (2, True)
        alone = run(*command, *paths, "--ledger", str(ledger))
        assert (alone.exit_code, "no effect without --role test" in alone.output) == (2, True)
        assert not ledger.exists()

    def test_standard_output_is_no_ledger(self):
        done = run("evaluate", TRUTH, FOUND, "--role", "test", "--ledger", "-")
        assert (done.exit_code, "--ledger takes a file" in done.output) == (2, True)

    def test_neither_is_an_input_or_an_output(self, ledger):
        done = look(Path(FOUND), FOUND)
        assert (done.exit_code, "the same file as an input" in done.output) == (2, True)
        done = look(ledger, FOUND, "--json", str(ledger))
        assert (done.exit_code, "the same file as --json" in done.output) == (2, True)


class TestHostileLedgers:
    """One error, no numbers, and the file as it was; what a killed process left is passed over."""

    def refused(self, ledger: Path, message: str) -> None:
        done = look(ledger, FOUND, "-q")
        assert done.exit_code == 1
        assert message in flat(done.output)
        assert done.output.count("error:") == 1
        assert "AP50" not in done.output

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a list of models\n", "line 1: expected a JSON object"),
            ('{"images": []}\n', "line 1: expected an object with the key 'detmetrics.ledger'"),
            ("[1, 2]\n", "line 1: expected an object with the key"),
            ('{"detmetrics.ledger": 2}\n', "written by a later release?"),
            ('{"detmetrics.ledger": 1}\n', "expected ground_truth and models with sha256"),
            ('{"detmetrics.ledger":1,"ground_truth":{"sha256":7},"models":[]}\n', "with sha256"),
            ('{"detmetrics.history":1,"epoch":1}\n', "expected an object with the key"),
        ],
    )
    def test_other_content(self, ledger, content, message):
        ledger.write_text(content)
        self.refused(ledger, message)
        assert ledger.read_text() == content

    def test_no_text(self, ledger):
        ledger.write_bytes(b"\xff\xfe\x00\x80")
        self.refused(ledger, "the ledger cannot be read: no text")

    def test_a_folder(self, tmp_path):
        self.refused(tmp_path, "expected a file for the ledger, found a folder")

    def test_a_device_keeps_nothing(self):
        self.refused(Path(os.devnull), "expected a file for the ledger")

    def test_a_folder_that_is_not_there(self, tmp_path):
        self.refused(tmp_path / "nowhere" / "looks", "the look cannot be recorded: No such file")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_not_writable(self, ledger):
        ledger.touch(mode=0o400)
        self.refused(ledger, "the look cannot be recorded: Permission denied")

    def test_a_line_that_breaks_off(self, ledger, other):
        look(ledger, FOUND)
        whole = ledger.read_text()
        ledger.write_text(f"{whole}{whole[: len(whole) // 2]}")
        done = look(ledger, other)
        assert done.exit_code == 0
        assert "2 looks at this test set, with 2 models; 1 line breaks off" in flat(done.output)
        assert ledger.read_text().count("\n") == 3

    def test_an_empty_file_is_a_ledger(self, ledger):
        ledger.touch()
        assert look(ledger, FOUND).exit_code == 0
        assert len(lines(ledger)) == 1

    def test_bad_input_is_no_look(self, ledger, tmp_path):
        assert look(ledger, str(tmp_path / "missing.json")).exit_code == 1
        assert not ledger.exists()


def added(path: str, model: int, times: int) -> None:
    one = Looked(f"{model}.json", f"{model}" * 64)
    for _ in range(times):
        add_look(
            path,
            Look(command="x", signature="s", ground_truth=Looked("t", "0" * 64), models=(one,)),
        )


def test_four_writers_lose_nothing(ledger):
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(added, [str(ledger)] * 4, range(1, 5), [25] * 4))
    asked = Look(command="x", signature="s", ground_truth=Looked("t", "0" * 64), models=())
    found = read_ledger(str(ledger), asked)
    assert (found.looks, len(found.models), found.torn) == (100, 4, 0)
