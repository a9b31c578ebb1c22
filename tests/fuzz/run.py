"""All that searches for faults, for so many minutes in all, which its parts share.

``python tests/fuzz/run.py --minutes 60 --peers .venv-frameworks/bin/python``. Every part runs, also
after one that found something; exit status 1 if any did.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LAWS = "-m pytest -m hypothesis --hypothesis-profile=fuzz --numprocesses 2 --dist worksteal -q"


class Part(NamedTuple):
    """A search, and its share of the minutes."""

    name: str
    share: float
    argv: tuple[str, ...]


def parts(minutes: float, peers: str) -> list[Part]:
    """What is searched, each with the command that does it."""
    guided = 0.1 if importlib.util.find_spec("atheris") else 0.0

    def timed(share: float) -> tuple[str, str]:
        return "--minutes", f"{share * minutes:.3f}"

    mine = sys.executable
    return [
        Part("random sets", 0.4, (peers, "tests/proof/run.py", *timed(0.4))),
        Part("broken files", 0.2, (mine, "tests/fuzz/mutations.py", *timed(0.2))),
        Part("kills", 0.1, (mine, "tests/fuzz/kills.py", *timed(0.1))),
        Part("laws", 0.3 - guided, (mine, *LAWS.split())),
        Part(
            "guided by coverage",
            guided,
            (mine, "tests/fuzz/coverage_guided.py", f"{guided * minutes:.3f}"),
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--peers", default=sys.executable, help="a Python with the packages")
    asked = parser.parse_args(arguments)
    failed = []
    for part in parts(asked.minutes, asked.peers):
        share = part.share * asked.minutes
        print(f"--- {part.name}, about {share:g} minutes", flush=True)
        start = time.monotonic()
        told = {**os.environ, "DETMETRICS_FUZZ_MINUTES": f"{share:g}"}
        if subprocess.run(part.argv, cwd=ROOT, env=told, check=False).returncode:
            failed.append(part.name)
        print(f"--- {part.name}: {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    print(f"found something: {', '.join(failed)}" if failed else "found nothing")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
