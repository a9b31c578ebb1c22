"""Broken files through every command, each in a child of its own; a fault would be seen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="needs Linux, whose processes tell their size"
)

CHILDREN = """
import json, os, sys
from pathlib import Path
import forkserver

forkserver.SECONDS, forkserver.WAIT = 1, 5

def raises(): raise KeyError("x")
def exits(): sys.exit(9)
def spins():
    while True: pass
def grows(): bytearray(2 << 30)
def leaves():
    Path("out/part").write_text("half")
    sys.exit(1)
def hides(): Path("out/.part").write_text("half")
def changes(): Path("in.txt").write_text("other")
def waits():
    import time
    time.sleep(60)
def refuses(): sys.exit(1)
def writes(): Path("out/whole").write_text("whole")

folder, files = Path(sys.argv[1]), {"in.txt": b"one"}
runs = (raises, exits, spins, grows, leaves, hides, changes, waits, refuses, writes)
print(json.dumps({run.__name__: forkserver.judged(folder, files, run) for run in runs}))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: this one has threads, with which nobody should fork."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE, capture_output=True, text=True, check=False
    )


def broken(folder: Path, *options: str) -> None:
    findings = str(folder / "findings")
    done = run("mutations.py", "--seed", "1", "--processes", "1", "--findings", findings, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(": 0 findings\n")


@pytest.mark.heavy
def test_broken_inputs(tmp_path):
    broken(tmp_path, "--inputs", "400")


@pytest.mark.heavy
def test_every_input_is_taken_as_long_as_it_is_sound():
    done = run("mutations.py", "--sound")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.heavy
def test_what_no_command_may_do_is_seen(tmp_path):
    done = run("-c", CHILDREN, str(tmp_path / "here"))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["raises"].startswith("traceback: ")
    assert told["raises"].endswith("KeyError: 'x'\n")
    assert told["exits"].startswith("exit code 9")
    assert told["spins"].startswith("killed: SIGXCPU")
    assert told["grows"].endswith("MemoryError\n")
    assert told["leaves"].startswith("left behind: out/part, exit code 1")
    assert told["hides"].startswith("left behind: out/.part, exit code 0")
    assert told["changes"] == "input changed: in.txt"
    assert told["waits"] == "hangs: more than 5 s"
    assert told["refuses"] is None
    assert told["writes"] is None
