"""COCO's segmentations, as they stand in files: of them masks are made, or polygons.

Source: ``pycocotools/coco.py``, ``annToRLE``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects

__all__ = ["Encodings", "PolygonColumns", "Segmentations", "Texts"]


class Encodings(NamedTuple):
    """Compressed masks. size : (R, 2) height and width; counts : (R,) their texts."""

    size: Ints
    counts: Sequence[bytes]


class PolygonColumns(NamedTuple):
    """Polygons. points : (V, 2) corners; first : (P + 1,) where those of each polygon begin;
    of_row : (R,) how many polygons each row has.
    """

    points: Floats
    first: Ints
    of_row: Ints


class Texts(Protocol):
    """What reads rows that are text."""

    def plain(self, rows: Objects) -> list[Any]:
        """The values.

        Raises:
            OutlineError: one cannot be read.
        """

    def encodings(self, rows: Objects) -> Encodings | None:
        """Compressed masks; None where one is anything else."""

    def polygons(self, rows: Objects) -> PolygonColumns | None:
        """Polygons; None where one is anything else."""


@dataclass(frozen=True, eq=False)
class Segmentations:
    """The ``segmentation`` of each row, decoded when it is asked for.

    rows : (R,) lists of polygons ``[x1, y1, x2, y2, ...]``, mappings with ``size`` (height and
    width) and ``counts`` (lengths or compressed), or text that ``texts`` reads.
    """

    natural: ClassVar[str] = "mask"

    rows: Objects
    texts: Texts | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def listed(self) -> Bools:
        """(R,) which are polygons."""
        rows = self.rows.tolist()
        if self.texts is None:
            return np.array([isinstance(row, list) for row in rows], bool)
        return np.array([row[:1] == b"[" or row.lstrip()[:1] == b"[" for row in rows], bool)

    @property
    def drawn(self) -> bool:
        """Whether some are polygons, of which a mask is made on an image of known size."""
        return bool(self.listed.any())

    def take(self, rows: Ints) -> Self:
        """These rows, in this order."""
        return type(self)(self.rows[rows], self.texts)

    def scaled(self, _: Floats) -> Self:
        """Pixels are no shares, and stay what they are."""
        return self

    def plain(self) -> list[Any]:
        """The segmentations as Python values.

        Raises:
            OutlineError: one is no JSON.
        """
        return self.rows.tolist() if self.texts is None else self.texts.plain(self.rows)
