"""Fresh processes, one after the other, in turn: A B C, A B C, ...

The machine drifts, so figures are compared within a round, and medians are reported.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


@dataclass(frozen=True)
class Case:
    """What to run: a tool in a mode on two files, or a command line of its own."""

    tool: str
    mode: str
    truth: str = "-"
    found: str = "-"
    rounds: int = 7
    child: str = "child.py"

    @property
    def command(self) -> list[str]:
        """The command line of the child."""
        if self.mode == "command":
            script = str(Path(sys.executable).with_name("detmetrics"))
            return [script, "evaluate", self.truth, self.found, "--quiet"]
        child = str(Path(__file__).with_name(self.child))
        return [sys.executable, child, self.tool, self.mode, self.truth, self.found]


@dataclass(frozen=True)
class Run:
    """One finished process: seconds from start to end and of the processor, peak memory in MiB,
    phases, numbers.
    """

    wall: float
    cpu: float
    memory: float
    phases: dict[str, float]
    numbers: list[float]


def once(case: Case) -> Run:
    """Run a case; what a user's machine caches (compiled Python files) is cached here too."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(case.command, stdout=out, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{case.tool} {case.mode}: exit code {process.returncode}")
        out.seek(0)
        text = out.read().decode()
    told: dict[str, Any] = {"phases": {}, "numbers": []}
    if case.mode != "command":
        told = json.loads(text.splitlines()[-1])
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall, cpu, usage.ru_maxrss / 1024, told["phases"], told["numbers"])


def alternately(cases: list[Case], *, warm: bool = True) -> dict[Case, list[Run]]:
    """Every case in every round that it has, after an uncounted round of the quick ones."""
    for case in cases if warm else []:
        if case.rounds > 3:
            once(case)
    runs: dict[Case, list[Run]] = {case: [] for case in cases}
    for number in range(max(case.rounds for case in cases)):
        for case in cases:
            if number < case.rounds:
                runs[case].append(once(case))
                print(f"{case.tool} {case.mode}: {runs[case][-1].wall:.2f} s", file=sys.stderr)
    return runs


def command_numbers(case: Case) -> list[float | None]:
    """The twelve numbers that the command writes as JSON; a run apart, which is not timed."""
    told = json.loads(_output([*case.command, "--json", "-"]))["metrics"]
    return [told[name] for name in NAMES]


def profile(case: Case) -> str:
    """The top of a profile of the case's library calls, in a process of its own."""
    return str(json.loads(_output([*case.command, "--profile"]).splitlines()[-1])["profile"])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def figure(runs: list[Run], name: str) -> list[float]:
    """One figure of every run: ``wall``, ``cpu``, ``memory``, a phase, or some joined by ``+``."""
    if name in ("wall", "cpu", "memory"):
        return [getattr(run, name) for run in runs]
    return [sum(run.phases.get(part, 0.0) for part in name.split("+")) for run in runs]


def median(runs: list[Run], name: str) -> float:
    """The median of a figure."""
    return statistics.median(figure(runs, name))


def spread_of(values: list[float], unit: str = "") -> str:
    """The median, and the smallest and the largest; empty where all are 0."""
    if not any(values):
        return ""
    return f"{statistics.median(values):.3g}{unit} [{min(values):.3g} to {max(values):.3g}]"


def paired(ours: list[Run], theirs: list[Run], name: str) -> list[float]:
    """The ratio of a figure of ours to theirs in each round that both have."""
    pairs = zip(figure(ours, name), figure(theirs, name), strict=False)
    return [mine / other for mine, other in pairs if other]
