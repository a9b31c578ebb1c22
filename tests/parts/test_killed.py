"""A run that is killed leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from guards import eventually
from parts.processes import LINUX, ROOT, all_end


@pytest.mark.skipif(not LINUX, reason="needs /proc, as Linux has it")
def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import os, sys, time\n"
        "from detmetrics.parts.mapping import mapper_of\n"
        "def stay(folder):\n"
        "    open(os.path.join(folder, f'{os.getpid()}.pid'), 'w').close()\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    with mapper_of(None, 2) as mapper:\n"
        "        mapper(stay, [sys.argv[1]] * 2)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen([sys.executable, script, tmp_path], env=environment)
    assert eventually(lambda: len([*tmp_path.glob("*.pid")]) == 2)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert all_end(int(path.stem) for path in tmp_path.glob("*.pid"))
