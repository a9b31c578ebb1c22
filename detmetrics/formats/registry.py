"""The registry that knows all formats, and which of them something given is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Literal, NamedTuple

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.package_scan import may_add_formats
from detmetrics.foundation.errors import FormatError, InputError

__all__ = ["choose", "format_named", "formats", "formats_for", "recognised"]

Content = Literal["folder", "JSON", "file"]


class _BuiltIn(NamedTuple):
    """A format of our own, imported when it is asked; content: what it can know at all."""

    name: str
    module: str
    content: tuple[Content, ...]
    constant: str = "FORMAT"

    def load(self) -> Format:
        found = getattr(import_module(f"detmetrics.formats.{self.module}"), self.constant)
        assert isinstance(found, Format)
        return found


# In the order in which they are asked whether they know what was given.
BUILT_IN = (
    _BuiltIn("parquet", "csv_parquet", ("file",), "PARQUET"),
    _BuiltIn("openimages", "openimages", ("file",)),
    _BuiltIn("ultralytics", "ultralytics.ultralytics", ("JSON",)),
    _BuiltIn("coco", "coco.coco", ("JSON",)),
    _BuiltIn("voc", "voc.voc", ("folder", "file")),
    _BuiltIn("dota", "dota.dota", ("folder",)),
    _BuiltIn("comp4", "comp4", ("folder",)),
    _BuiltIn("kitti", "kitti", ("folder",)),
    _BuiltIn("yolo", "yolo.yolo", ("folder", "file")),
    _BuiltIn("text", "text_lines", ("folder",)),
    _BuiltIn("csv", "csv_parquet", ("file",), "CSV"),
)
JSON_BEGINS = (b"{", b"[")
SPACES = b"\xef\xbb\xbf \t\r\n"


BY_NAME = {".json": "coco", ".csv": "csv", ".tsv": "csv"}


@cache
def formats() -> tuple[Format, ...]:
    """All formats, those of other packages first.

    Warns:
        PackageWarning: what a package adds is no format, and is left out.

    >>> [known.name for known in formats()][:3]
    ['parquet', 'openimages', 'ultralytics']
    """
    return (*_of_packages(), *(known.load() for known in BUILT_IN))


@cache
def _of_packages() -> tuple[Format, ...]:
    if not may_add_formats():
        return ()
    from detmetrics.formats.packages import formats_of_packages

    return tuple(formats_of_packages({known.name for known in BUILT_IN}))


def format_named(name: str) -> Format | None:
    """The format of a name; None where there is none."""
    own = next((known for known in BUILT_IN if known.name == name), None)
    if own is not None:
        return own.load()
    return next((known for known in _of_packages() if known.name == name), None)


def formats_for(given: Given) -> Iterator[Format]:
    """All formats in the order in which they are asked, last those that hardly know such content.

    Raises:
        FormatError: it cannot be looked into.
    """
    yield from _of_packages()
    content = _content(given)
    for known in sorted(BUILT_IN, key=lambda known: content not in known.content):
        yield known.load()


def _content(given: Given) -> Content:
    if given.is_folder:
        return "folder"
    return "JSON" if given.head.lstrip(SPACES).startswith(JSON_BEGINS) else "file"


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
    for candidate in formats_for(given):
        if candidate.reader(side) is not None and (why := candidate.recognise(given, side)):
            return candidate, why
        if candidate.reader(other) is not None and candidate.recognise(given, other):
            return None
    return None


def _other(side: Side) -> Side:
    return "detections" if side == "ground truth" else "ground truth"


def _unknown(given: Given, side: Side, known: Iterable[Format]) -> str:
    from detmetrics.formats.hints import advice, look

    option = "--gt-format" if side == "ground truth" else "--det-format"
    parts = [f"no format of {side} is known that looks like this ({look(given)})"]
    if other := _other_side(given, side):
        parts.append(f"it looks like {other.title} of the other side")
    elif hint := advice(given, side):
        parts.append(hint)
    parts.append(f"known are {_listed(known)}; {option} NAME reads it as one of them")
    return "; ".join(parts)


def _named(wanted: str, side: Side) -> Format:
    found = format_named(wanted)
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
