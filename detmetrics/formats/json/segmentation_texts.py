"""COCO's segmentations as JSON text: polygons as columns, encodings as records, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.given import MARGIN, Text
from detmetrics.formats.lines.decimals import floats, span_of
from detmetrics.foundation.arrays import Bools, Ints, Objects
from detmetrics.foundation.parallel import each
from detmetrics.overlap import OutlineError
from detmetrics.overlap.masks.segmentations import Encodings, PolygonColumns

__all__ = ["UNREADABLE", "JsonTexts"]

AT_ONCE = 1_024
PIECE = 1 << 20
"""Bytes of polygons at once. Temporaries are a few times as large, and stay in cache."""
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class _Encoding(msgspec.Struct, gc=False):
    """A compressed mask."""

    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True)
class JsonTexts:
    """Reads texts of segmentations; see :class:`~detmetrics.overlap.masks.segmentations.Texts`.

    at_once: texts that are decoded in one call: 1 where some may be no JSON, which together could
    be.
    """

    at_once: int = AT_ONCE

    def plain(self, rows: Objects) -> list[Any]:
        """The values.

        Raises:
            OutlineError: one is no JSON.
        """
        found: list[Any] = []
        faults: list[tuple[int, str]] = []
        for start, some in self._batches(rows.tolist()):
            values = _decoded(some, list[Any])
            if values is None:  # one is no JSON
                values, wrong = _one_by_one(some)
                faults += [(start + row, text) for row, text in wrong]
            found += values
        if faults:
            raise OutlineError(faults[:100], len(faults))
        return found

    def encodings(self, rows: Objects) -> Encodings | None:
        """Compressed masks; None where one is anything else."""
        size: list[tuple[int, int]] = []
        counts: list[bytes] = []
        for _, some in self._batches(rows.tolist()):
            found = _decoded(some, list[_Encoding])
            if found is None:
                return None
            size += [one.size for one in found]
            # What is no ASCII becomes bytes that no encoding has.
            counts += [one.counts.encode("utf-8", "surrogatepass") for one in found]
        try:
            return Encodings(np.array(size, np.int64).reshape(-1, 2), counts)
        except OverflowError:
            return None

    def polygons(self, rows: Objects) -> PolygonColumns | None:
        """Polygons; None where one is anything else."""
        parts = each(_columns, _pieces(rows.tolist()))
        known = [part for part in parts if part is not None]
        if len(known) < len(parts) or not parts:
            return None
        before = np.cumsum([0, *(len(part.points) for part in known)])
        first = [part.first[1:] + at for part, at in zip(known, before, strict=False)]
        return PolygonColumns(
            np.concatenate([part.points for part in known]),
            np.append(0, np.concatenate(first)),
            np.concatenate([part.of_row for part in known]),
        )

    def _batches(self, texts: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
        for start in range(0, len(texts), self.at_once):
            yield start, texts[start : start + self.at_once]


def _decoded(texts: Sequence[bytes], kind: Any) -> list[Any] | None:
    """What they hold, decoded as one list; None where that is not of this kind."""
    try:
        values: list[Any] = msgspec.json.decode(b"[%b]" % b",".join(texts), type=kind)
    except UNREADABLE:
        return None
    return values if len(values) == len(texts) else None


def _one_by_one(texts: Sequence[bytes]) -> tuple[list[Any], list[tuple[int, str]]]:
    """The values, and what is wrong with those that are none."""
    decode = msgspec.json.Decoder().decode
    found, faults = [], []
    for row, text in enumerate(texts):
        try:
            found.append(decode(text))
        except UNREADABLE as error:
            faults.append((row, f"no segmentation can be read: {error}"))
    return found, faults


# --- polygons as columns -------------------------------------------------------------------------


OPEN, CLOSE, COMMA, SPACE, NEWLINE = b"[], \n"
IN_NUMBERS = b"0123456789+-.eE"
KINDS = bytes((OPEN, CLOSE, COMMA, NEWLINE))
DEPTH = 2
"""A row is a list of polygons, and these are lists of numbers."""


def _table(characters: bytes) -> Bools:
    """(256,) which bytes are among them."""
    return np.isin(np.arange(256), np.frombuffer(characters, np.uint8))


POSSIBLE = _table(IN_NUMBERS + KINDS + b" ")
MARK = _table(KINDS)
KIND_OF: NDArray[np.uint8] = np.zeros(256, np.uint8)
KIND_OF[np.frombuffer(KINDS, np.uint8)] = range(len(KINDS))


def _following(pairs: Sequence[bytes]) -> Bools:
    """(kinds * kinds * 2,) which marks may follow one another, without a number and with one."""
    allowed = np.zeros((len(KINDS), len(KINDS), 2), bool)
    for before, *number, after in pairs:
        allowed[KIND_OF[before], KIND_OF[after], len(number)] = True
    return allowed.ravel()


FOLLOWING = _following([b"\n[", b"[[", b"[0,", b"[0]", b",0,", b",0]", b",[", b"],", b"]]", b"]\n"])


def _pieces(texts: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    start = 0
    while start < len(texts):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + PIECE)), start + 1)
        yield texts[start:stop]
        start = stop


def _columns(texts: Sequence[bytes]) -> PolygonColumns | None:
    """Polygons of rows of text; None where one is anything else."""
    # The parser says that all is JSON; then it has the form [[n,n,...],[n,...]] if marks follow
    # one another as they do there, and no list lies deeper.
    if _decoded(texts, list[msgspec.Raw]) is None:
        return None
    text: Text = np.frombuffer(b"\n" * MARGIN + b"\n".join(texts) + b"\n", np.uint8)
    span = span_of(text, MARGIN - 1, len(text))
    text = span.text
    spaces = np.flatnonzero(text == SPACE)
    if not POSSIBLE[text].all() or (text[spaces - 1] != COMMA).any():
        return None
    mark = np.flatnonzero(MARK[text])
    start, end = mark[:-1] + 1, mark[1:]
    start = start + (text[start] == SPACE)
    length: Ints = end - start
    kind = KIND_OF[text[mark]]
    number = length > 0
    if not FOLLOWING[(kind[:-1] * len(KINDS) + kind[1:]) * 2 + number].all():
        return None
    opens, closes, commas, lines = (
        kind[:-1] == KIND_OF[one] for one in (OPEN, CLOSE, COMMA, NEWLINE)
    )
    depth = np.cumsum(opens.astype(np.int8) - closes, dtype=np.int64)
    if depth.max(initial=0) > DEPTH or (depth[number] != DEPTH).any():
        return None
    if depth[lines].any() or not depth[commas].all():  # a row is one list
        return None
    values, wrong = floats(span, end[number], length[number])
    first = np.append(np.cumsum(number)[opens & (depth == DEPTH)] - 1, len(values))
    sizes = np.diff(first)
    if wrong.any() or (sizes % 2).any() or not np.isfinite(values).all():
        return None
    row = np.cumsum(lines)[opens & (depth == DEPTH)] - 1
    of_row = np.bincount(row, minlength=len(texts))
    return PolygonColumns(values.reshape(-1, 2), first // 2, of_row)
