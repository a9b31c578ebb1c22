"""Processes that tests start, and what is left of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from guards import eventually

ROOT = Path(__file__).parent.parent.parent
LINUX = Path("/proc/self/stat").exists()


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended may wait to be asked for its status."""
    return _status(process)[0] != "Z"


def all_end(processes: Iterable[int]) -> bool:
    """Wait until none of them runs."""
    watched = [*processes]
    return eventually(lambda: not any(map(is_alive, watched)))


def descendants(process: int) -> list[int]:
    """The processes that it started, those that they started, and so on."""
    parent_of = {
        one: int(_status(one)[1]) for one in map(int, filter(str.isdigit, os.listdir("/proc")))
    }
    found = [process]
    for one in found:  # grows
        found += [child for child, parent in parent_of.items() if parent == one]
    return found[1:]


def name_of(process: int) -> str:
    """Its name, of which Linux keeps 15 characters."""
    try:
        return Path(f"/proc/{process}/comm").read_text().rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _status(process: int) -> list[str]:
    """Its state and its parent; as of one that has ended if there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return ["Z", "0"]
