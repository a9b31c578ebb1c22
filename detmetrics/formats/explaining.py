"""Why a source could not be read, where more can be seen than its reader saw."""

from __future__ import annotations

import os

from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.reading import Reading
from detmetrics.formats.registry import recognised
from detmetrics.formats.strangers import stranger
from detmetrics.foundation.errors import DetmetricsError, FormatError
from detmetrics.foundation.hints import hint

__all__ = ["explained"]


def explained(error: FormatError, given: Given, side: Side, reading: Reading) -> FormatError:
    """The error with what to do, where that was tried or the content shows what it is."""
    if error.hint or type(error) is not FormatError or not _can_be_read_again(given.path):
        return error
    try:
        more = _swapped(given, side, reading) or _named(given, side) or _other_side(given, side)
    except (DetmetricsError, OSError):  # what cannot be looked into has an error of its own
        return error
    if more is None:
        return error
    return FormatError(error.path, error.faults, error.count, more)


def _can_be_read_again(path: str) -> bool:
    """Whether it is a file or a folder, and no pipe."""
    return os.path.isfile(path) or os.path.isdir(path)


def _named(given: Given, side: Side) -> str | None:
    found = stranger(given, scored=side == "detections")
    return None if found is None else f"it is {found}"


def _other_side(given: Given, side: Side) -> str | None:
    opposite = _opposite(side)
    if recognised(given, side) or not (found := recognised(given, opposite)):
        return None
    return hint("other-side", title=found[0].title, found=opposite, side=side)


def _opposite(side: Side) -> Side:
    return "detections" if side == "ground truth" else "ground truth"


def _swapped(given: Given, side: Side, reading: Reading) -> str | None:
    """That each of the two is recognised as the other side, and not as its own."""
    if reading.beside is None or not _can_be_read_again(reading.beside):
        return None
    other = Given(reading.beside)
    fits = recognised(given, _opposite(side)) and recognised(other, side)
    return hint("swap") if fits else None
