"""Text in pieces of whole lines, so that what is odd in one makes no other slow to read.

A piece that can be read as columns is; only the others are looked at line by line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

from detmetrics.formats.lines.chunks import Chunk
from detmetrics.foundation.arrays import Ints

__all__ = ["LARGE", "Piece", "groups", "is_utf8", "parts_of"]

LARGE = 1 << 19
"""Bytes from which it pays; less is read line by line at once."""
PIECE = 1 << 18

Piece = tuple[int, int, bytes]
"""Which file, how many of its lines come before, and whole lines of it."""


def groups(parts: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Groups of about the same size, in order: part of a large file, or several small files."""
    group: list[Piece] = []
    size = 0
    for file, before, part in parts:
        for more, piece in _pieces(part):
            group.append((file, before + more, piece))
            size += len(piece)
            if size >= PIECE:
                yield group
                group, size = [], 0
    if group:
        yield group


def _pieces(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole lines, and how many come before them."""
    if len(part) <= PIECE or b"\n" not in part:
        if part:
            yield 0, part
        return
    cuts = [0, *_cuts(part), len(part)]
    pieces = [part[begin:end] for begin, end in pairwise(cuts) if end > begin]
    lines = accumulate((piece.count(b"\n") for piece in pieces), initial=0)
    for before, piece in zip(lines, pieces, strict=False):
        # A last line may hold lone returns, which end lines only in a file without line breaks.
        yield before, piece if piece.endswith(b"\n") else piece + b"\n"


def _cuts(part: bytes) -> Iterator[int]:
    at = 0
    while (at := part.find(b"\n", at + PIECE) + 1) > 0:
        yield at


def parts_of(chunk: Chunk, first: Ints) -> list[Piece] | None:
    """A chunk split at the ends of files; None if its files must be decoded as a whole.

    first : (F,) the number of the first line of each file.
    """
    text = chunk.span.text.tobytes()
    if b"\0" in text or text.count(b"\r") > text.count(b"\r\n") or not is_utf8(text):
        return None
    cuts = [1, *chunk.stops.tolist(), len(text)]
    found = [
        (chunk.file + number, 0, text[begin:end])
        for number, (begin, end) in enumerate(pairwise(cuts))
    ]
    # The first file may have begun in an earlier chunk.
    return [(chunk.file, chunk.first - int(first[chunk.file]), found[0][2]), *found[1:]]


def is_utf8(text: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
