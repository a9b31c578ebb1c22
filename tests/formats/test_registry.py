"""A package adds a format: the example of the documentation, installed and used."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from guards import PATIENCE

from detmetrics.formats import Format, formats, registry
from detmetrics.foundation.errors import InputError

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "formats.md").read_text()
CODE, TOML = (
    re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
    for kind in ("python", "toml")
)


@pytest.fixture
def installed(tmp_path) -> dict[str, str]:
    """The environment in which the example is an installed package."""
    packages = tmp_path / "packages"
    metadata = packages / "detmetrics_visdrone-1.0.dist-info"
    metadata.mkdir(parents=True)
    name = re.match(r'"""(\w+\.py)"""', CODE)[1]
    (packages / name).write_text(CODE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: detmetrics-visdrone\n")
    points = tomllib.loads(TOML)["project"]["entry-points"]["detmetrics.formats"]
    lines = [f"{key} = {value}" for key, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[detmetrics.formats]", *lines, ""]))
    return {**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"}


def run(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "detmetrics", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.fixture
def data(tmp_path) -> tuple[Path, Path]:
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "a.txt").write_text("10,10,50,40,1,4,0,0\n100,10,30,30,1,1,0,1\n")
    (folder / "b.txt").write_text("5,5,20,20,0,1,0,0\n")
    found = tmp_path / "found.json"
    rows = [
        {"image_id": "a", "category_id": 4, "bbox": [10, 10, 50, 40], "score": 0.9},
        {"image_id": "a", "category_id": 1, "bbox": [100, 10, 30, 30], "score": 0.8},
    ]
    found.write_text(json.dumps(rows))
    return folder, found


def test_evaluate_knows_it(installed, data):
    ran = run(installed, "evaluate", *data, "--ignore", "honour", "--json", "-")
    assert ran.returncode == 0, ran.stderr
    assert (
        "read as VisDrone text files (visdrone): lines of eight numbers with commas" in ran.stderr
    )
    content = json.loads(ran.stdout)
    assert content["metrics"]["AP50"] == pytest.approx(1)
    assert content["inputs"][0]["format"] == "visdrone"


def test_its_faults_name_the_place(installed, data):
    (data[0] / "b.txt").write_text("5,5,-20,20,0,1,0,0\n")
    ran = run(installed, "evaluate", *data)
    assert ran.returncode == 1
    assert "b.txt:1: boxes" in ran.stderr
    (data[0] / "b.txt").write_text("5,5,-20,20\n")
    assert "b.txt:1: expected 8 numbers, got 4 numbers" in run(installed, "evaluate", *data).stderr


@pytest.mark.parametrize("command", [["formats"], ["check"], ["stats"], ["convert"]])
def test_the_other_commands_know_it(installed, data, tmp_path, command):
    if command == ["formats"]:
        assert "VisDrone text files" in run(installed, "formats").stdout
        return
    arguments = [data[0], tmp_path / "out", "--to", "coco"] if command == ["convert"] else [data[0]]
    ran = run(installed, *command, *arguments)
    assert ran.returncode == 0, ran.stderr
    assert "visdrone" in ran.stderr


def _none(given, side):
    return None


class _Entry:
    def __init__(self, found):
        self.name, self._found = "mine", found

    def load(self):
        return self._found


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("text", "entry point mine of detmetrics.formats: expected a Format, got 'text'"),
        (Format(name="coco", title="x", recognise=_none), "two formats are called 'coco'"),
    ],
)
def test_what_is_no_format_is_refused(monkeypatch, found, says):
    monkeypatch.setattr(registry, "entry_points", lambda group: [_Entry(found)])
    formats.cache_clear()
    try:
        with pytest.raises(InputError, match=re.escape(says)):
            formats()
    finally:
        formats.cache_clear()
