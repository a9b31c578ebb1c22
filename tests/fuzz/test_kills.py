"""A few kills and full disks; a command that writes in place would be seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux, whose processes tell their size"
)

IN_PLACE = """
import sys
import kills
from detmetrics.foundation import outputs

def in_place(contents):
    for path, content in contents.items():
        if path != "-":
            open(path, "w").write(content)

outputs.write_whole = in_place
sys.exit(kills.main(["--seed", "1", "--few", "100000", "--commands", "1"]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: this one has threads, with which nobody should fork."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )


def clean(*options: str) -> None:
    done = run("kills.py", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(": 0 findings\n")


@pytest.mark.heavy
def test_some_moments_of_every_command():
    clean("--few", "5")


@pytest.mark.heavy
def test_a_command_that_writes_in_place_is_seen():
    done = run("-c", IN_PLACE)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "is neither the old one nor the new one" in done.stdout
    assert "disk full: " in done.stdout
