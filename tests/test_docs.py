"""The documentation tells the truth: its examples run, and give what it says they give."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import detmetrics as dm
from detmetrics.cli import COMMANDS, cli, command_of

pytestmark = pytest.mark.docs

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list:
    return [
        pytest.param(text, id=f"{page}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(BLOCK.findall((ROOT / page).read_text()))
        if kind == language
    ]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With the commands of this environment, and the example where the documentation has it."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}


def frameworks(code: str) -> list[str]:
    """Those that the first line of an example names."""
    needed = re.match(r"# needs (.+)\n", code)
    return needed[1].split(", ") if needed else []


@pytest.mark.parametrize("code", blocks("python"))
def test_python(code, tmp_path, environment):
    warnings = "error"
    for name in frameworks(code):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}: make test-plugins")
        warnings = "ignore"  # frameworks warn
        environment["PYTHONPATH"] = str(ROOT / "tests")
        environment |= {"YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": str(tmp_path)}
    if frameworks(code):
        code = f"import torchvision_operators\n{code}"
    ran = subprocess.run(
        [sys.executable, "-W", warnings, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    expected = [line.partition("#> ")[2] for line in code.splitlines() if "#> " in line]
    if expected:
        assert ran.stdout.splitlines() == expected


@pytest.mark.parametrize("session", blocks("console"))
def test_console(session, tmp_path, environment):
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        ran = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (ran.stderr + ran.stdout).rstrip() == expected.rstrip()


def test_every_command_is_documented():
    readme = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        assert f"detmetrics {name}" in readme


def test_every_option_is_in_the_help_and_every_exit_code():
    shown = CliRunner().invoke(cli, ["evaluate", "--help"]).output
    for option in command_of("evaluate").params:
        if option.param_type_name == "option":
            assert option.opts[0] in shown
            assert option.help
    assert "Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 below a bound or a gate" in shown


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", (ROOT / page).read_text()):
            if not target.startswith("http"):
                assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


def test_the_contract_lists_every_key():
    page = (ROOT / "docs/json.md").read_text()
    document = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json").to_dict()
    for key in (*document, *document["metrics"], *document["counts"], *document["versions"]):
        assert f"`{key}`" in page or f'"{key}"' in page, key
