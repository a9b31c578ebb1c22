"""Whether the last number of lines is the id of a track, as a tracker numbers its objects.

Nothing is measured by it, and as a score, an angle or a flag it gives a number all the same.
"""

from __future__ import annotations

import numpy as np

from detmetrics.formats.lines.layouts import Layout
from detmetrics.formats.lines.lines import Lines
from detmetrics.foundation.arrays import Floats, Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint

__all__ = ["NO_TRACK", "of_tracks", "tracked"]

MANY = 2.0**31
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
    return values if _each_once(lines.file[ids], track) else None


def _each_once(file: Ints, track: Floats) -> bool:
    """Whether no file has a track twice."""
    # len(set(zip(file, track))) == len(file), with one number per pair
    if track.max() >= MANY:
        track = np.unique(track, return_inverse=True)[1].astype(np.float64)
    both = np.sort(file * (int(track.max()) + 1) + track.astype(np.int64))
    return bool((both[1:] != both[:-1]).all())


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
