"""What both tables do with a sheet at the door: ids paired with the catalog, doubts said."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from detmetrics.arrays import Ints
from detmetrics.catalog import Catalog, Keys
from detmetrics.errors import DetmetricsWarning
from detmetrics.pairing import KeyKind, Known, UnknownPolicy, pair
from detmetrics.sheets import Sheet
from detmetrics.sources import Source
from detmetrics.suspicion import suspicions

__all__ = ["doubts", "paired", "warn"]


def doubts(sheet: Sheet) -> list[str]:
    """That boxes look like another form or unit than the source claims."""
    # Callers with arrays may have shares and mean them: only areas need pixels.
    unit_is_said = sheet.relative or sheet.source.input is None
    found = suspicions(sheet.boxes, sheet.box_format, unit_is_said=unit_is_said)
    return [f"{sheet.source.name}: {text} (detmetrics check)" for text in found]


def warn(notes: Iterable[str | None]) -> None:
    """Warn of each note at the caller of the table's reader or constructor."""
    for note in notes:
        if note:
            warnings.warn(note, DetmetricsWarning, stacklevel=5)


def paired(
    kind: str,
    ids: Keys,
    catalog: Catalog,
    policy: UnknownPolicy | None,
    source: Source,
    key: KeyKind = "id",
    *,
    own: bool = False,
) -> tuple[Ints, str | None]:
    """(R,) places in the catalog, -1 for rows to drop, and what to say of it.

    kind: ``"image"`` or ``"category"``; key: what the ids are; policy, own: see :func:`pair`.

    Raises:
        UnknownIdError: an id that the catalog lacks.
    """
    if kind == "image":
        known, column = Known(kind, catalog.image_ids, catalog.image_names), "image_ids"
    else:
        known, column = Known(kind, catalog.category_ids, catalog.category_names), "categories"
    return pair(
        ids, known, policy, lambda row: source.place(row, column), source.name, key, own=own
    )
