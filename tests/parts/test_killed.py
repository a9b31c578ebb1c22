"""A run that is killed leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, as Linux has it")
def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, sys, time\n"
        "from detmetrics.parts.mapping import mapper_of\n"
        "def stay(folder):\n"
        "    open(os.path.join(folder, f'{os.getpid()}.pid'), 'w').close()\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    with mapper_of(None, 2) as mapper:\n"
        "        mapper(stay, [sys.argv[1]] * 2)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, script, tmp_path], env=environment)
    workers: list[int] = []
    while len(workers) < 2:
        time.sleep(0.05)
        workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    left = workers
    until = time.monotonic() + 30
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = [worker for worker in left if _is_alive(worker)]
    assert not left


def _is_alive(process: int) -> bool:
    """Whether it runs; one that has ended may wait to be asked for its status."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
