"""Compare random sets for so many minutes, and write each finding as a small file.

``python tests/proof/run.py --minutes 10``; ``--again FILE`` looks at a finding once more.
Exit status 1 if there is a finding.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proof.comparisons import ALL, chosen, missing
from proof.scenes import Comparison, Finding, scene_of

MOST = 20  # findings of one comparison; more of them say nothing new


@dataclass
class Tally:
    """What a comparison has tried."""

    sets: int = 0
    cells: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another process's in."""
        self.sets += other.sets
        self.cells += other.cells
        self.seconds += other.seconds
        self.findings += other.findings


Tallies = dict[str, Tally]


def compare(names: Sequence[str], seed: int, step: int, until: float) -> Tallies:
    """Take the comparison that had the least time so far, until the time is over.

    seed, step: of the first set, and from one to the next.
    """
    tallies = {name: Tally() for name in names}
    open_ones = [*names]
    while open_ones and time.monotonic() < until:
        name = min(open_ones, key=lambda one: tallies[one].seconds)
        once(ALL[name], seed + step * tallies[name].sets, tallies[name])
        if len(tallies[name].findings) >= MOST:
            open_ones.remove(name)
    return tallies


def once(comparison: Comparison, seed: int, tally: Tally) -> None:
    """One set more."""
    start = time.monotonic()
    try:
        tally.cells += comparison.run(seed)
    except Finding as finding:
        tally.findings.append(finding)
    tally.sets += 1
    tally.seconds += time.monotonic() - start


def _in_processes(names: Sequence[str], seed: int, count: int, minutes: float) -> Tallies:
    until = time.monotonic() + 60 * minutes
    shares = [(names, seed + place, count, until) for place in range(count)]
    if count == 1:
        return compare(*shares[0])
    total = {name: Tally() for name in names}
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        for part in pool.starmap(compare, shares):
            for name, tally in part.items():
                total[name].add(tally)
    return total


def again(path: Path) -> int:
    """Whether the finding of a file is still one."""
    told = json.loads(path.read_text())
    cells = ALL[told["comparison"]].compared(scene_of(told))
    print(f"{told['comparison']}: {cells:,} cells are equal")
    return 0


def report(tallies: Tallies, folder: Path) -> int:
    """Print what was tried and write what was found; the exit status."""
    for name, one in tallies.items():
        print(f"{name:<28}{one.sets:>9,} sets{one.cells:>16,} cells{one.seconds:>9.0f} s")
        for finding in one.findings:
            print(f"  FINDING {finding.write(folder)}: {finding.said.splitlines()[0][:160]}")
    found = sum(len(one.findings) for one in tallies.values())
    sets, cells = (sum(getattr(one, of) for one in tallies.values()) for of in ("sets", "cells"))
    print(f"compared {sets:,} sets and {cells:,} cells: {found:,} findings")
    return int(found > 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--comparisons", default="*", help="names or patterns, with commas")
    parser.add_argument("--seed", type=int, help="of the first set; another one each time if left")
    parser.add_argument("--findings", type=Path, default=Path("build/findings"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", type=Path, help="a file of a finding")
    asked = parser.parse_args(arguments)
    if asked.again:
        return again(asked.again)
    wanted = chosen(asked.comparisons.split(","))
    for one in wanted:
        if lacking := missing(one):
            print(f"{one.name}: left out, needs {', '.join(lacking)}")
    names = [one.name for one in wanted if not missing(one)]
    seed = time.time_ns() // 1000 % 10**12 if asked.seed is None else asked.seed
    print(
        f"seeds from {seed} on, {asked.processes} processes, {asked.minutes:g} minutes", flush=True
    )
    return report(_in_processes(names, seed, asked.processes, asked.minutes), asked.findings)


if __name__ == "__main__":
    sys.exit(main())
