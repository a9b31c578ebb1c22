"""What was assumed when a source was read: a value, so that every result can show it.

Files leave much open: which column is what, how classes are counted, which image a name means. A
reading is taken where evidence speaks for it and no other fits as well; this record keeps what was
taken, the evidence, and what else was possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Interpretation", "in_one_line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """One thing that a source leaves open, and how it was read.

    Attributes:
        side: ``"ground truth"`` or ``"detections"``.
        of: what was open: ``"format"``, ``"columns"``, ``"unit"``, ``"images"``, ``"classes"``.
        taken: how it was read.
        evidence: what speaks for it.
        others: what else was possible, each with how well it fits.

    >>> read = Interpretation(side="detections", of="images", taken="by id", evidence="all known")
    >>> read.to_dict()["taken"]
    'by id'
    """

    side: str
    of: str
    taken: str
    evidence: str
    others: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` told."""
        return cls(**{**told, "others": tuple(told["others"])})

    def to_dict(self) -> dict[str, object]:
        """As the JSON contract has it."""
        return {
            "side": self.side,
            "of": self.of,
            "taken": self.taken,
            "evidence": self.evidence,
            "others": list(self.others),
        }


def in_one_line(name: str, read: Iterable[Interpretation]) -> str:
    """What was taken of one source, on one line.

    >>> made = Interpretation(side="detections", of="images", taken="by id", evidence="all known")
    >>> in_one_line("found.json", [made])
    'found.json: detections; images by id'
    """
    read = [*read]
    side = read[0].side if read else ""
    parts = [
        f"{side} read as {one.taken}: {one.evidence}"
        if one.of == "format"
        else f"{one.of} {one.taken}"
        for one in read
    ]
    if not any(one.of == "format" for one in read):
        parts.insert(0, side)
    return f"{name}: {'; '.join(parts)}"
