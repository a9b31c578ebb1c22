"""Which faults to look for, by the beginnings of their codes."""

from __future__ import annotations

from collections.abc import Iterable

from detmetrics.datasets.checks.codes import CODES
from detmetrics.foundation.errors import InputError

__all__ = ["chosen"]


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> frozenset[str]:
    """The codes to look for: those that begin as selected, without those ignored.

    Raises:
        InputError: no code begins so.

    >>> sorted(chosen(["D50"], ["D502"]))
    ['D501', 'D503']
    """
    wanted = _beginning(select) if (select := [*select]) else frozenset(CODES)
    return wanted - _beginning(ignore)


def _beginning(starts: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for start in starts:
        codes = {code for code in CODES if start and code.startswith(start.upper())}
        if not codes:
            raise InputError(f"no check begins with {start!r}; there are {', '.join(CODES)}")
        found |= codes
    return frozenset(found)
