"""Whether each object of a JSON text has each of its keys once, told without parsing it.

Quotes, braces and colons of a piece are found at once; from them follows which object a key belongs
to. Pieces end where an object ends; of those that are open still, the keys so far are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, Ints

__all__ = ["keys_are_once"]

PIECE = 1 << 20
QUOTE, COLON, OPEN, CLOSE, BACKSLASH = b'":{}\\'
WORD = 8
DEEPEST = 16

BITS = np.uint64(8)
Words = NDArray[np.uint64]


class _UncertainError(Exception):
    """A key may be there twice, or the text is not as usual."""


def keys_are_once(data: bytes) -> bool:
    r"""Whether no object has a key twice; False where that is not certain.

    >>> keys_are_once(b'[{"id": 1, "of": {"id": 2}}, {"id": 3}]')
    True
    >>> keys_are_once(b'[{"id": 1, "of": {"id": 2}, "id": 3}]')
    False
    """
    # for each colon outside of texts:
    #     the key is the text that ends before it, the object the innermost that is open
    #     if the object has had the key: return False
    # Keys are compared by their last eight bytes, so two keys with the same ending count as equal.
    escaped = b"\\" in data
    if escaped and data.count(b"\\") > data.count(b"\\/"):
        return False  # a quote may be written as an escape
    text = np.frombuffer(data, np.uint8)
    start, size, open_keys = 0, PIECE, list[set[int]]()
    try:
        while start < len(text):
            marks = _marks(text, start, min(start + size, len(text)), escaped)
            if marks is None:  # no object ends in it
                size *= 2
                continue
            checked = _first_of_alike(text, marks) or marks
            open_keys = _checked(_piece(text, checked, len(open_keys)), open_keys)
            start, size = marks.stop, PIECE
    except _UncertainError:
        return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Quotes, colons, braces and backslashes of a piece.

    stop: where the next begins; place, kind : (M,) where each mark stands, and what it is;
    outside : (M,) behind it no text is open.
    """

    stop: int
    place: Ints
    kind: NDArray[np.uint8]
    outside: Bools

    def to(self, count: int) -> _Marks:
        """The first marks."""
        stop = int(self.place[count - 1]) + 1
        return _Marks(stop, self.place[:count], self.kind[:count], self.outside[:count])


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Keys and braces of a piece.

    depth : (B,) behind each brace; opens : (B,) it begins an object; before, level : (K,) how many
    braces stand before each key, and the depth that it lies at; word : (K,) its last eight bytes;
    end: the depth behind the piece.
    """

    depth: Ints
    opens: Bools
    before: Ints
    level: Ints
    word: Words
    end: int


def _marks(text: NDArray[np.uint8], start: int, stop: int, escaped: bool) -> _Marks | None:
    """Those up to the end of the last object; None where no object ends."""
    part = text[start:stop]
    marked = (part == QUOTE) | (part == COLON) | (part == OPEN) | (part == CLOSE)
    if escaped:  # a key with an escape holds a mark then
        marked |= part == BACKSLASH
    place = np.flatnonzero(marked)
    place += start
    kind = text[place]
    marks = _Marks(stop, place, kind, np.logical_not(np.cumsum(kind == QUOTE) & 1))
    if stop == len(text):
        return marks
    ends = np.flatnonzero(marks.outside & (kind == CLOSE))
    return marks.to(ends[-1] + 1) if len(ends) else None


def _first_of_alike(text: NDArray[np.uint8], marks: _Marks) -> _Marks | None:
    """The first of the objects of a piece where all have the same keys in the same order, as the
    records that programs write have; None where they have not, or hold others.
    """
    kind, ends = marks.kind, marks.outside & (marks.kind == CLOSE)
    first = marks.to(int(np.argmax(ends)) + 1) if ends.any() else marks
    record, length = first.kind, len(first.kind)
    opened = first.outside & (record == OPEN)
    if not length or record[0] != OPEN or np.count_nonzero(opened) > 1 or len(kind) % length:
        return None
    # The same marks in the same order mean the same: each record begins where no text is open.
    if not (kind.reshape(-1, length) == record).all():
        return None
    colons = np.flatnonzero(first.outside & (record == COLON))
    if not len(colons):
        return None
    every = (np.arange(0, len(kind), length)[:, None] + colons).ravel()
    words = _words(text, marks, every).reshape(-1, len(colons))
    return first if (words == words[0]).all() else None


def _piece(text: NDArray[np.uint8], marks: _Marks, depth: int) -> _Piece:
    kind, outside = marks.kind, marks.outside
    brace = outside & ((kind == OPEN) | (kind == CLOSE))
    opens = kind[brace] == OPEN
    depths = depth + np.cumsum(np.where(opens, 1, -1))
    colon = np.flatnonzero(outside & (kind == COLON))
    before = np.cumsum(brace)[colon]
    level = np.append(depth, depths)[before]
    if depths.min(initial=depth) < 0 or depths.max(initial=depth) > DEEPEST:
        raise _UncertainError
    end = int(depths[-1]) if len(depths) else depth
    return _Piece(depths, opens, before, level, _words(text, marks, colon), end)


def _words(text: NDArray[np.uint8], marks: _Marks, colon: Ints) -> Words:
    """The last bytes of the keys before colons, with their quotes."""
    # A key ends directly before its colon, and holds no marks.
    place, kind = marks.place, marks.kind
    if len(colon) and (colon[0] < 2 or not (kind[[colon - 1, colon - 2]] == QUOTE).all()):
        raise _UncertainError
    ends, begins = place[colon - 1], place[colon - 2]
    if (ends != place[colon] - 1).any():
        raise _UncertainError
    if len(text) < 2 * WORD:  # which may as well be parsed
        raise _UncertainError
    every: Words = np.ndarray((len(text) - WORD + 1,), "<u8", text, 0, (1,))
    # Nothing stands before the first bytes: of a key that ends there, the bytes up to its end.
    missing = np.maximum(WORD - 1 - ends, 0).astype(np.uint64) * BITS
    words = every[np.maximum(ends - (WORD - 1), 0)] << missing
    unused = np.maximum(WORD - 1 - (ends - begins), 0).astype(np.uint64) * BITS
    kept: Words = words >> unused << unused
    return kept


def _checked(piece: _Piece, open_keys: list[set[int]]) -> list[set[int]]:
    """The keys of objects that are open behind the piece, by depth from 1 on.

    Raises:
        _UncertainError: a key is there twice.
    """
    if len(piece.level) and piece.level.min() < 1:
        raise _UncertainError
    known, number = np.unique(piece.word, return_inverse=True)
    kept: list[set[int]] = []
    for depth in range(1, max(int(piece.level.max(initial=0)), piece.end) + 1):
        own = np.flatnonzero(piece.level == depth)
        begins = np.flatnonzero(piece.opens & (piece.depth == depth))
        of = np.searchsorted(begins, piece.before[own])  # 0 is the object that was open before
        both = np.sort(of * len(known) + number[own])
        if (both[1:] == both[:-1]).any():
            raise _UncertainError
        was_open = open_keys[depth - 1] if depth <= len(open_keys) else set[int]()
        if was_open & {*piece.word[own[of == 0]].tolist()}:
            raise _UncertainError
        last = {*piece.word[own[of == len(begins)]].tolist()}
        kept.append(last if len(begins) else last | was_open)
    return kept[: piece.end]
