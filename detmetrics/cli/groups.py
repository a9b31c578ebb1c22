"""``--group PATTERN``: several runs (seeds) of one training, given as a pattern of files."""

from __future__ import annotations

import glob
import os
import string
from collections.abc import Sequence

import click

__all__ = ["GROUPS", "groups_of"]

GROUPS = click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="PATTERN",
    help="Runs (seeds) of one training, as a quoted pattern such as 'a/*.json'; once per group.",
)


def groups_of(patterns: Sequence[str]) -> dict[str, list[str]]:
    """The paths of each group, in order of their names, under the letters A, B, ...

    Raises:
        UsageError: a pattern that fits nothing, a file in two groups, or more groups than letters.
    """
    letters = string.ascii_uppercase
    if len(patterns) > len(letters):
        raise click.UsageError(f"--group: at most {len(letters)} groups, got {len(patterns):,}")
    found: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    for letter, pattern in zip(letters, patterns, strict=False):
        paths = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
        if not paths:
            raise click.UsageError(f"--group {pattern!r}: no file fits this pattern")
        for path in paths:
            before = taken.setdefault(os.path.realpath(path), pattern)
            if before != pattern:
                raise click.UsageError(f"--group: {path} is in two groups, {before} and {pattern}")
        found[letter] = paths
    return found
