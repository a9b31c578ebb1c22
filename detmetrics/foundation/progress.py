"""How work reports its progress: by phase and share, and inside a phase by share alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress", "Share", "in_phase"]

Progress: TypeAlias = Callable[[str, float | None], None]
"""Called with a phase and the share of it that is done, from 0 to 1; None where it is unknown."""

Share: TypeAlias = Callable[[float], None]
"""Called with the share that is done, from 0 to 1."""


def in_phase(progress: Progress | None, phase: str) -> Share | None:
    """What the work of one phase calls.

    >>> in_phase(lambda phase, share: print(phase, share), "matching")(0.5)
    matching 0.5
    """
    return None if progress is None else lambda share: progress(phase, share)
