"""Whether the last number of lines is the id of a track, as a tracker numbers its objects.

Nothing is measured by it, and as a score, an angle or a flag it gives a number all the same.
"""

from __future__ import annotations

import numpy as np

from detmetrics.formats.lines.layouts import Layout
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint

__all__ = ["NO_TRACK", "of_tracks", "tracked"]

NO_TRACK = -1.0
"""In place of the id that a line lacks: trackers leave it out in images without any track."""


def tracked(lines: Lines, columns: int, *, in_all: bool = True) -> Floats | None:
    """(R, columns) the numbers of lines that end with a track id; None if they do not.

    columns: with the id; in_all: no line may lack it.
    """
    # Ids are whole numbers, and an image holds each track once. Numbers that are 0 or 1 throughout
    # are flags where lines may end with one; their reader knows.
    ids = lines.width == columns
    regular = ids if in_all else ids | (lines.width == columns - 1)
    if not ids.any() or not regular.all():
        return None
    values = np.full((len(lines), columns), NO_TRACK)
    values[np.arange(columns) < lines.width[:, None]] = lines.values
    track = values[ids, -1]
    if not ((track == np.floor(track)) & (track >= 0)).all():
        return None
    pairs = np.column_stack([lines.file[ids], track])
    return values if len(np.unique(pairs, axis=0)) == len(pairs) else None


def of_tracks(path: str, layout: Layout) -> FormatError:
    """That lines end with ids, and the order of columns that leaves them out."""
    return FormatError(
        path,
        [
            (
                f"the last of {len(layout.names) + 1} columns holds whole numbers, each at most "
                f"once per file, as track ids are; {hint('track-ids', order=layout.text)}"
            )
        ],
    )
