"""Known vulnerabilities of the versions in the lock, as pip-audit finds them in its database.

``python tests/versions/audit.py --uv build/uv/bin/uv requirements-dev.lock``. Exit status 1 where
there are some, and 2 where a package could not be looked up: pip-audit itself then prints that it
found none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

ASKED = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off")


def said(uv: str, lock: str) -> tuple[str, str]:
    """What pip-audit prints: its answer as JSON, empty if it has none, and the rest."""
    argv = [uv, "tool", "run", "pip-audit", "--requirement", lock, *ASKED]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    return ran.stdout, ran.stderr


def judged(answer: str, rest: str) -> tuple[int, list[str]]:
    """The exit status and its lines."""
    if not answer.strip():
        last = (rest.strip().splitlines() or ["it printed nothing"])[-1]
        return 2, [f"pip-audit gave no answer: {last}. Fix: run make audit where its database is."]
    packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, fixed in {_releases(found)}"
        for one in packages
        for found in one.get("vulns", ())
    ]
    if unknown := [one["name"] for one in packages if "skip_reason" in one]:
        missing = (
            f"{len(unknown)} of {len(packages)} packages could not be looked up (first: "
            f"{unknown[0]}): the vulnerability database is not reachable from here, or lacks them. "
            "Fix: run make audit where it is reachable."
        )
        return 2, [*lines, missing]
    return int(bool(lines)), [*lines, f"known vulnerabilities: {len(lines)}"]


def _releases(found: dict[str, Any]) -> str:
    return ", ".join(found["fix_versions"]) or "no release"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uv", default="uv", help="the uv that runs pip-audit")
    parser.add_argument("lock")
    asked = parser.parse_args(arguments)
    status, lines = judged(*said(asked.uv, asked.lock))
    print(*lines, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
