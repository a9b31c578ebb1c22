"""COCO's polygons as JSON text, ``[[x1,y1,...],[x1,y1,...]]``, as columns of points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.given import MARGIN, Text
from detmetrics.formats.json.segmentation_texts import decoded
from detmetrics.formats.lines.decimals import byte_table, floats, span_of
from detmetrics.foundation.arrays import Bools, Ints
from detmetrics.foundation.parallel import each
from detmetrics.overlap.masks.segmentations import PolygonColumns

__all__ = ["polygon_columns"]

PIECE = 1 << 20
"""Bytes of polygons at once. Temporaries are a few times as large, and stay in cache."""
OPEN, CLOSE, COMMA, SPACE, NEWLINE = b"[], \n"
IN_NUMBERS = b"0123456789+-.eE"
KINDS = bytes((OPEN, CLOSE, COMMA, NEWLINE))
DEPTH = 2
"""A row is a list of polygons, and these are lists of numbers."""


POSSIBLE = byte_table(IN_NUMBERS + KINDS + b" ")
MARK = byte_table(KINDS)
KIND_OF: NDArray[np.uint8] = np.zeros(256, np.uint8)
KIND_OF[np.frombuffer(KINDS, np.uint8)] = range(len(KINDS))


def _following(pairs: Sequence[bytes]) -> Bools:
    """(kinds * kinds * 2,) which marks may follow one another, without a number and with one."""
    allowed = np.zeros((len(KINDS), len(KINDS), 2), bool)
    for before, *number, after in pairs:
        allowed[KIND_OF[before], KIND_OF[after], len(number)] = True
    return allowed.ravel()


FOLLOWING = _following([b"\n[", b"[[", b"[0,", b"[0]", b",0,", b",0]", b",[", b"],", b"]]", b"]\n"])


def polygon_columns(texts: Sequence[bytes]) -> PolygonColumns | None:
    """Polygons of rows of text; None where one is anything else."""
    parts = each(_columns, _pieces(texts))
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
    if decoded(texts, list[msgspec.Raw]) is None:
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
