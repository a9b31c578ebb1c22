"""COCO's segmentations in JSON: left as text until they are asked for, and told from none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from detmetrics.formats.json.segmentation_texts import UNREADABLE, JsonTexts
from detmetrics.foundation.arrays import Bools, object_column
from detmetrics.foundation.messages import counted
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.columns import LARGEST

__all__ = [
    "NO_TEXT",
    "four_cornered",
    "segmentations_of",
    "which_outlined",
]

NO_TEXT = msgspec.Raw()
SHORT = 20
NUMBERS = 8
"""x and y of four corners."""
NOTHING = (b"", b"null", b"[]", b"[[]]", b"{}")


def segmentations_of(
    texts: Sequence[msgspec.Raw],
) -> tuple[Segmentations | None, str | None]:
    """The segmentations of rows, and what to say; None where one has none, as boxes alone do."""
    if texts.count(NO_TEXT) == len(texts):
        return None, None
    rows = [bytes(text) for text in texts]
    missing = sum(map(_is_nothing, rows))
    if not missing:
        return Segmentations(object_column(rows), JsonTexts()), None
    if missing == len(rows):
        return None, None
    what = counted(missing, "row has", "rows have")
    return None, f"{what} no segmentation, of {len(rows):,}: there are boxes alone"


def which_outlined(texts: Iterable[msgspec.Raw]) -> Bools | None:
    """(R,) which rows have a segmentation; None where all have one, or none has."""
    found = np.array([not _is_nothing(bytes(text)) for text in texts], bool)
    return found if found.any() and not found.all() else None


def _is_nothing(text: bytes) -> bool:
    return len(text) < SHORT and b"".join(text.split()) in NOTHING


def four_cornered(outlines: Segmentations) -> Polygons | None:
    """Polygons where every segmentation is one of four corners, and not all are upright; else None.

    So converters of oriented boxes write them, while those of boxes write upright ones. The first
    row of other shapes ends the search.
    """
    rows = outlines.rows.tolist()
    if not all(text.count(b",") == NUMBERS - 1 and text.count(b"[") == 2 for text in rows):
        return None
    decode = msgspec.json.Decoder(tuple[tuple[(float,) * NUMBERS]]).decode  # type: ignore[misc]
    try:
        corners = np.array([decode(text)[0] for text in rows], np.float64)
    except UNREADABLE:
        return None
    if not (np.abs(corners) <= LARGEST).all():
        return None
    corners = corners.reshape(-1, 4, 2)
    sides = np.sort(corners, axis=1)  # of an upright box each x and each y is there twice
    upright = (sides[:, [0, 2]] == sides[:, [1, 3]]).all()
    return None if upright else Polygons.from_corners(corners)
