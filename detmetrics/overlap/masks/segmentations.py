"""COCO's segmentations, as they stand in files: of them masks are made, or polygons.

Source: ``pycocotools/coco.py``, ``annToRLE``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from detmetrics.foundation.arrays import Floats, Ints, Objects

__all__ = ["Segmentations"]


@dataclass(frozen=True, eq=False)
class Segmentations:
    """The ``segmentation`` of each row, decoded when it is asked for.

    rows : (R,) lists of polygons ``[x1, y1, x2, y2, ...]``, mappings with ``size`` (height and
    width) and ``counts`` (lengths or compressed), or what ``decode`` makes one of them.
    """

    natural: ClassVar[str] = "mask"

    rows: Objects
    decode: Callable[[Objects], list[Any]] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def drawn(self) -> bool:
        """Whether some are polygons, of which a mask is made on an image of known size."""
        return any(
            row.lstrip()[:1] == b"[" if isinstance(row, bytes) else isinstance(row, list)
            for row in self.rows.tolist()
        )

    def take(self, rows: Ints) -> Self:
        """These rows, in this order."""
        return type(self)(self.rows[rows], self.decode)

    def scaled(self, _: Floats) -> Self:
        """Pixels are no shares, and stay what they are."""
        return self

    def plain(self) -> list[Any]:
        """The segmentations as Python values.

        Raises:
            OutlineError: one is no JSON.
        """
        return self.rows.tolist() if self.decode is None else self.decode(self.rows)
