"""All comparisons, by name."""

from __future__ import annotations

import fnmatch
import importlib.util
from collections.abc import Iterable

from proof.doors import DOORS
from proof.loops import LOOPS
from proof.packages import PACKAGES
from proof.pycocotools_sets import BOXES, MASKS
from proof.scenes import Comparison

__all__ = ["ALL", "chosen", "missing"]

ALL: dict[str, Comparison] = {one.name: one for one in (BOXES, MASKS, *DOORS, *LOOPS, *PACKAGES)}


def chosen(patterns: Iterable[str]) -> list[Comparison]:
    """Those whose name fits one of the patterns, as ``door-*``.

    Raises:
        ValueError: a pattern fits none.
    """
    names: dict[str, Comparison] = {}
    for pattern in patterns:
        fitting = {name: ALL[name] for name in fnmatch.filter(ALL, pattern)}
        if not fitting:
            raise ValueError(f"no comparison {pattern}; known are {', '.join(ALL)}")
        names |= fitting
    return [*names.values()]


def missing(comparison: Comparison) -> list[str]:
    """Packages that it needs and that are not installed."""
    return [name for name in comparison.needs if importlib.util.find_spec(name) is None]
