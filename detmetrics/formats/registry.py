"""The registry that knows all formats, and which of them something given is of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from detmetrics.formats import comp4, csv_parquet, kitti, openimages, text_lines
from detmetrics.formats.coco import coco
from detmetrics.formats.dota import dota
from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.hints import advice, look
from detmetrics.formats.packages import formats_of_packages
from detmetrics.formats.ultralytics import ultralytics
from detmetrics.formats.voc import voc
from detmetrics.formats.yolo import yolo
from detmetrics.foundation.errors import FormatError, InputError

__all__ = ["choose", "formats", "recognised"]

# In the order in which they are asked whether they know what was given.
BUILT_IN = (
    csv_parquet.PARQUET,
    openimages.FORMAT,
    ultralytics.FORMAT,
    coco.FORMAT,
    voc.FORMAT,
    dota.FORMAT,
    comp4.FORMAT,
    kitti.FORMAT,
    yolo.FORMAT,
    text_lines.FORMAT,
    csv_parquet.CSV,
)


BY_NAME = {".json": "coco", ".csv": "csv", ".tsv": "csv"}


@cache
def formats() -> tuple[Format, ...]:
    """All formats, those of other packages first.

    Warns:
        PackageWarning: what a package adds is no format, and is left out.

    >>> [known.name for known in formats()][:3]
    ['parquet', 'openimages', 'ultralytics']
    """
    return (*formats_of_packages({known.name for known in BUILT_IN}), *BUILT_IN)


def choose(given: Given, side: Side, wanted: str | None = None) -> tuple[Format, str]:
    """The format of what was given, and why it was taken for that.

    wanted: the name of a format, which decides.

    Raises:
        InputError: no format has the name, or it does not have this side.
        FormatError: nothing is known that looks like this.
    """
    if wanted is not None:
        return _named(wanted, side), "as asked"
    if found := recognised(given, side):
        return found
    known = [known for known in formats() if known.reader(side) is not None]
    # Of the other side, or of a kind by its name alone: its reader can say best what is wrong.
    other = _other_side(given, side)
    if other is not None and other in known:
        return other, f"it looks like {_other(side)}"
    for ending, name in BY_NAME.items():
        if not given.is_folder and given.name.endswith(ending):
            return _named(name, side), "by the name of the file"
    if given.is_folder:  # which may look like nothing because of what cannot be read
        given.refuse_unreadable(lambda name: name.lower().endswith((".txt", ".xml")))
    raise FormatError(given.path, [_unknown(given, side, known)])


def recognised(given: Given, side: Side) -> tuple[Format, str] | None:
    """The first format that knows what was given, and why.

    None where none does, or where the first to know it knows it as the other side: what Open
    Images calls confidence makes no detections of its boxes, though another table might.

    Raises:
        FormatError: it cannot be looked into.
    """
    other = _other(side)
    for candidate in formats():
        if candidate.reader(side) is not None and (why := candidate.recognise(given, side)):
            return candidate, why
        if candidate.reader(other) is not None and candidate.recognise(given, other):
            return None
    return None


def _other(side: Side) -> Side:
    return "detections" if side == "ground truth" else "ground truth"


def _unknown(given: Given, side: Side, known: Iterable[Format]) -> str:
    option = "--gt-format" if side == "ground truth" else "--det-format"
    parts = [f"no format of {side} is known that looks like this ({look(given)})"]
    if other := _other_side(given, side):
        parts.append(f"it looks like {other.title} of the other side")
    elif hint := advice(given, side):
        parts.append(hint)
    parts.append(f"known are {_listed(known)}; {option} NAME reads it as one of them")
    return "; ".join(parts)


def _named(wanted: str, side: Side) -> Format:
    found = next((known for known in formats() if known.name == wanted), None)
    if found is None:
        raise InputError(f"no format {wanted!r}; there are {_listed(formats())}")
    if found.reader(side) is None:
        raise InputError(f"format {wanted!r} has no {side}; see detmetrics formats")
    return found


def _other_side(given: Given, side: Side) -> Format | None:
    other = _other(side)
    candidates = (known for known in formats() if known.reader(other) is not None)
    return next((known for known in candidates if known.recognise(given, other)), None)


def _listed(known: Iterable[Format]) -> str:
    return ", ".join(found.name for found in known)
