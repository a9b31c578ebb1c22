"""Workers and drivers are killed in each map: nothing is lost, and nothing is matched twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from parts.processes import LINUX, ROOT, all_end

import detmetrics as dm
from engines.kills import FAMILY, MATCHED, Plan

pytestmark = [
    pytest.mark.skipif(not LINUX, reason="needs /proc, as Linux has it"),
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.usefixtures("scratch"),
]


class Ran(NamedTuple):
    """A run that ended: its status and what it wrote."""

    status: int
    output: str
    errors: str


def driven(engine: str, folder: Path, **plan: Any) -> Ran:
    """A run as a process of its own; to files, as workers that outlive it would hold a pipe."""
    told = json.dumps(asdict(Plan(str(folder), **plan)))
    driver = ROOT / "tests" / "engines" / "driver.py"
    output, errors = folder / "output.txt", folder / "errors.txt"
    with open(output, "w") as to, open(errors, "w") as to_errors:
        status = subprocess.run(
            [sys.executable, driver, engine, folder, told],
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
            stdout=to,
            stderr=to_errors,
        ).returncode
    return Ran(status, output.read_text(), errors.read_text())


def check(ran: Ran, folder: Path) -> None:
    """It has the numbers of the whole, no part was matched twice, and the state is clean."""
    assert ran.status == 0, ran.errors
    document = json.loads(ran.output)
    whole = dm.evaluate(folder / "gt.json", folder / "detections.json", "coco", shape="box")
    expected = json.loads(json.dumps(whole.to_dict()))
    for key in ("signature", "metrics", "per_class", "counts"):
        assert document[key] == expected[key], key
    matched = Counter((folder / MATCHED).read_text().split())
    assert set(matched.values()) == {1}, matched
    state = [path.suffix or path.name for path in (folder / "state").rglob("*")]
    assert Counter(state) == {"index": 1, ".index": 1, "parts": 1, ".part": 3, ".json": 1}


@pytest.mark.parametrize(
    ("at", "when"), [("matching", "before"), ("matching", "after"), ("counting", "before")]
)
def test_a_worker_is_killed(engine, folder, at, when):
    check(driven(engine, folder, victim="worker", map=at, when=when), folder)
    assert (folder / "killed-0").exists()
    assert sorted((folder / MATCHED).read_text().split()) == ["part-000", "part-001", "part-002"]


@pytest.mark.parametrize("at", ["matching", "counting"])
def test_every_worker_that_takes_a_task_is_killed(any_engine, folder, at):
    ran = driven(any_engine, folder, victim="worker", map=at, times=99)
    assert ran.status == 1, ran.errors
    assert ran.output == ""
    assert "WorkerError: a worker process ended before its task was done (" in ran.errors
    check(driven(any_engine, folder), folder)


@pytest.mark.parametrize("at", ["matching", "counting"])
def test_the_driver_is_killed(any_engine, folder, at):
    ran = driven(any_engine, folder, victim="driver", map=at)
    assert ran.status == -9, ran.errors
    assert all_end(json.loads((folder / FAMILY).read_text()))
    before = {path: path.stat() for path in (folder / "state" / "parts").glob("*.part")}
    check(driven(any_engine, folder), folder)
    for path, was in before.items():
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (was.st_ino, was.st_mtime_ns)
