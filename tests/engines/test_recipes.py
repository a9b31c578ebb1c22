"""What docs/parts.md shows of engines runs: each recipe that says what it needs, and Slurm's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from parts.part_files import data_set
from parts.processes import ROOT

import detmetrics as dm

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.usefixtures("scratch"),
]

BLOCKS = re.findall(r"^```py\n(.*?)^```$", (ROOT / "docs/parts.md").read_text(), re.M | re.S)
RECIPES = {name[1]: text for text in BLOCKS if (name := re.match(r"# needs (\w+)\n", text))}
CALL = 'dm.evaluate_parts("set/gt", "set/detections", "coco", state="run7", engine=with_slurm)'
SBATCH = """#!/bin/sh
last=${1##*-}
for id in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$id sh -c "${3#--wrap=}" || exit 1; done
echo Submitted batch job 1
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a recipe finds its data set."""
    (tmp_path / "set").mkdir()
    data_set(3).write(tmp_path / "set")
    return tmp_path


def check(code: str, place: Path, **more: str) -> None:
    """Run as a script, a recipe prints the metrics of the whole and nothing else."""
    (place / "recipe.py").write_text(code)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "recipe.py"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | more,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    files = (place / "set" / f"{side}.json" for side in ("gt", "detections"))
    assert ran.stdout == f"{dm.evaluate(*files, 'coco').summary}\n"


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe(name, place):
    pytest.importorskip(name, reason=f"needs {name}: make test-engines")
    check(RECIPES[name], place)


def test_slurm(place):
    engine = next(text for text in BLOCKS if "sbatch" in text)
    task = next(text for text in BLOCKS if text.startswith("# run_task.py"))
    (place / "run_task.py").write_text(task)
    (place / "sbatch").write_text(SBATCH)
    (place / "sbatch").chmod(0o755)
    code = f"import detmetrics as dm\n{engine}\nprint({CALL}.summary)\n"
    check(code, place, PATH=f"{place}{os.pathsep}{os.environ['PATH']}")


def test_there_are_recipes():
    assert sorted(RECIPES) == ["distributed", "joblib", "ray"]
