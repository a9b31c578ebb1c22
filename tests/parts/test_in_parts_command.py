"""``detmetrics partition`` and ``detmetrics evaluate --in-parts``, as people type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from detmetrics.cli import cli
from detmetrics.cli.exit_codes import BAD_INPUT, SOME_FAILED, WRONG_USAGE

GT, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"


def run(*arguments: object, code: int = 0):
    ran = CliRunner().invoke(cli, [*map(str, arguments)], prog_name="detmetrics")
    assert ran.exit_code == code, ran.stderr + ran.stdout
    return ran


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    run("partition", GT, FOUND, "--into", 4, "-o", tmp_path / "set")
    return tmp_path


def evaluate(folder: Path, *more: object, code: int = 0):
    sides = folder / "set" / "gt", folder / "set" / "detections"
    state = () if "--state" in more else ("--state", folder / "state")
    return run("evaluate", *sides, "--in-parts", *state, *more, code=code)


def test_the_numbers_are_those_of_the_whole(divided):
    ours = json.loads(evaluate(divided, "--json", "-").stdout)
    whole = json.loads(run("evaluate", GT, FOUND, "--json", "-").stdout)
    for key in ("metrics", "per_class", "counts", "signature", "undefined"):
        assert ours[key] == whole[key]
    assert ours["parts"] == [f"part-{number:05d}" for number in range(4)]


def test_what_partition_prints(tmp_path):
    told = run("partition", GT, FOUND, "--into", 4, "-o", tmp_path / "set").stderr
    assert "4 parts, 24 images, 136 detections written to" in told
    assert f"next: detmetrics evaluate {tmp_path}/set/gt {tmp_path}/set/detections" in told
    assert run("partition", GT, FOUND, "--into", 4, "-o", tmp_path / "set", "-q").output == ""


def test_it_says_what_was_matched_and_what_it_took(divided):
    first = evaluate(divided)
    assert "4 parts: 0 from the state" in first.stderr
    assert "4 matched; peak memory" in first.stderr
    assert "Read      " in first.stdout
    assert "(4 parts): 24 images" in first.stdout
    again = evaluate(divided)
    assert "4 parts: 4 from the state" in again.stderr
    assert again.stdout == first.stdout
    assert evaluate(divided, "--quiet").stderr == ""


def test_all_outputs(divided):
    files = [divided / f"result.{kind}" for kind in ("json", "csv", "md")]
    options = [
        part
        for file, name in zip(files, ("json", "csv", "markdown"), strict=True)
        for part in (f"--{name}", file)
    ]
    evaluate(divided, *options, "--per-class", "--sort", "AP")
    ours = files[1].read_text()
    whole = run("evaluate", GT, FOUND, "--csv", "-", "--sort", "AP").stdout
    assert ours == whole


def test_two_workers(divided):
    one, two = evaluate(divided), evaluate(divided, "--workers", 2, "--state", divided / "other")
    assert one.stdout == two.stdout
    assert "peak memory of a worker" in two.stderr


def test_settings_and_classes(divided):
    asked = ("--rules", "voc2012", "--iou-thresholds", "0.5,0.75", "--classes", "person,dog")
    ours = json.loads(evaluate(divided, *asked, "--json", "-").stdout)
    whole = json.loads(run("evaluate", GT, FOUND, *asked, "--json", "-").stdout)
    assert (ours["metrics"], ours["per_class"]) == (whole["metrics"], whole["per_class"])
    assert (ours["signature"], ours["counts"]) == (whole["signature"], whole["counts"])


def test_a_bound(divided):
    ran = evaluate(divided, "--fail-under", "AP=0.9", code=3)
    assert "AP is 0.363" in ran.stderr


def test_a_part_that_fails(divided):
    broken = divided / "set" / "detections" / "part-00002.json"
    whole = broken.read_text()
    broken.write_text(whole[:-40])
    ran = evaluate(divided, "--rules", "coco", "--shape", "box", code=SOME_FAILED)
    assert "1 part of 4 failed" in ran.stderr
    assert "part-00002.json" in ran.stderr
    assert ran.stdout == ""
    broken.write_text(whole)
    again = evaluate(divided, "--rules", "coco", "--shape", "box")
    assert "3 from the state" in again.stderr


def test_clean_state(divided):
    evaluate(divided)
    old = {path.name for path in (divided / "state" / "parts").iterdir()}
    path = divided / "set" / "detections" / "part-00001.json"
    path.write_text(path.read_text() + "\n")
    (divided / "state" / "parts" / ".detmetrics-here-1-left-behind").write_text("x")
    foreign = divided / "state" / "parts" / "notes.txt"
    foreign.write_text("mine")
    told = evaluate(divided, "--clean-state").stderr
    assert "state: deleted 3 files" in told  # a part, its index, and what was left behind
    assert foreign.read_text() == "mine"
    foreign.unlink()
    new = {path.name for path in (divided / "state" / "parts").iterdir()}
    assert len(new) == 4
    assert len(new & old) == 3
    assert "4 from the state" in evaluate(divided).stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--crosscheck"], "pycocotools needs all detections"),
        (["--images", "1"], "detmetrics partition --images"),
        (["--only-detected-images"], "part without detections"),
        (["--scores", "none"], "no order over parts"),
        (["--role", "test", "--ledger", "looks"], "ledger records one file"),
    ],
)
def test_what_needs_all_images_at_once(divided, options, said):
    assert said in " ".join(evaluate(divided, *options, code=WRONG_USAGE).stderr.split())


@pytest.mark.parametrize(
    "options",
    [
        ["--state", "x"],
        ["--workers", "2"],
        ["--class-list", "a"],
        ["--clean-state"],
        ["--engine", "dask"],
    ],
)
def test_options_that_need_in_parts(options):
    ran = run("evaluate", GT, FOUND, *options, code=WRONG_USAGE)
    assert f"{options[0]} needs --in-parts" in ran.stderr


def test_a_folder_for_results_that_is_not_there(divided):
    ran = evaluate(divided, "--json", divided / "nowhere" / "a.json", code=WRONG_USAGE)
    assert "nowhere/a.json: its folder cannot be written to" in ran.stderr
    assert not (divided / "state").exists()


def test_equal_scores_are_in_order_of_parts(divided):
    words = "order equal scores by place in the file: here by part"
    assert words in evaluate(divided, "--rules", "voc2012").stdout
    assert words not in evaluate(divided, "--rules", "coco", "--state", divided / "b").stdout


def test_options_that_do_nothing_for_partition(tmp_path):
    sides = (GT, FOUND, "--into", 2, "-o", tmp_path / "set")
    ran = run("partition", *sides, "--scores", "none", code=WRONG_USAGE)
    assert "--scores has no effect on partition. Fix: give it to evaluate" in ran.stderr
    ran = run("partition", *sides, "--class-names", "nowhere.txt", code=WRONG_USAGE)
    assert "--class-names has no effect on these files" in ran.stderr
    assert not (tmp_path / "set").exists()


def test_engines(divided):
    one = evaluate(divided)
    assert evaluate(divided, "--engine", "processes", "--workers", 2).stdout == one.stdout
    ran = evaluate(divided, "--engine", "processes", "--address", "tcp://a:1", code=WRONG_USAGE)
    assert "--address needs --engine dask or ray" in ran.stderr


def test_a_state_is_needed():
    ran = run("evaluate", "gt", "found", "--in-parts", code=WRONG_USAGE)
    assert "--in-parts needs --state DIR" in ran.stderr


def test_rules_that_no_part_can_follow(divided):
    ran = evaluate(divided, "--rules", "lvis-fixed", code=BAD_INPUT)
    assert "cannot be evaluated in parts" in ran.stderr


def test_parts_without_a_partner(divided):
    (divided / "set" / "detections" / "part-00003.json").unlink()
    ran = evaluate(divided, code=BAD_INPUT)
    assert "part-00003: expected a part of this name, found none" in ran.stderr


def test_a_pattern_of_files(tmp_path):
    found = json.loads(Path(FOUND).read_text())
    for number in range(3):
        (tmp_path / f"rank{number}.json").write_text(json.dumps(found[number::3]))
    told = run("partition", GT, tmp_path / "rank*.json", "--into", 2, "-o", tmp_path / "set").stderr
    assert "136 detections" in told
    ran = run(
        "partition",
        GT,
        tmp_path / "none*.json",
        "--into",
        2,
        "-o",
        tmp_path / "x",
        code=BAD_INPUT,
    )
    assert "no file matches" in ran.stderr


@pytest.mark.parametrize("delay", [0.4, 0.7, 1.0])
def test_an_interrupt_is_one_word_whatever_workers_do(divided, delay):
    command = [sys.executable, "-m", "detmetrics", "evaluate", divided / "set" / "gt"]
    command += [divided / "set" / "detections", "--in-parts", "--state", divided / "state"]
    started = subprocess.Popen(
        [*command, "--workers", "2", "-q"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(delay)
    os.killpg(started.pid, signal.SIGINT)  # as a terminal does, to workers too
    _, told = started.communicate(timeout=60)
    assert told in ("interrupted\n", "")  # it may have ended, or not begun to listen
    assert started.returncode in (130, 0, -signal.SIGINT)
    assert evaluate(divided).stdout
