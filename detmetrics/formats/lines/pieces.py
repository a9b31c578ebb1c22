"""Text in pieces of whole lines, so that what is odd in one makes no other slow to read.

A piece that can be read as columns is; only the others are looked at line by line. And once enough
wrong lines are known to be shown, further ones are counted by column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from detmetrics.foundation.decoding import BYTE_ORDER_MARKS

__all__ = ["LARGE", "Piece", "groups", "wrong_by_column"]

LARGE = 1 << 19
"""Bytes from which it pays; less is read line by line at once."""
PIECE = 1 << 18
MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)

Piece = tuple[int, int, bytes]
"""Which file, how many of its lines come before, and whole lines of it."""


def groups(parts: Sequence[bytes]) -> Iterator[list[Piece]]:
    """Pieces of about one size, in order: a part of a large file, or several small ones."""
    group: list[Piece] = []
    size = 0
    for file, part in enumerate(parts):
        for before, piece in _pieces(part):
            group.append((file, before, piece))
            size += len(piece)
            if size >= PIECE:
                yield group
                group, size = [], 0
    if group:
        yield group


def _pieces(part: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole lines, and how many come before them; a file that must be seen whole is one piece."""
    if len(part) <= PIECE or not _in_utf8(part) or b"\n" not in part:
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


def _in_utf8(part: bytes) -> bool:
    """Whether pieces of it decode as the whole does."""
    if part.startswith(MARKS) or b"\0" in part:
        return False
    try:
        part.decode()
    except UnicodeDecodeError:
        return False
    return True


def wrong_by_column(piece: bytes, column: int, is_number: Callable[[bytes], bool]) -> int | None:
    """How many lines have a field that is no number, but for the label; None where columns do not
    tell: lines of several lengths, or a field behind the label that may belong to it.
    """
    if not piece.isascii():
        return None
    lines = [fields for line in piece.split(b"\n") if (fields := line.split())]
    width = len(lines[0]) if lines else 0
    if any(len(fields) != width for fields in lines):
        return None
    wrong: set[int] = set()
    for place, column_of in enumerate(zip(*lines, strict=True)):
        bad = {field for field in {*column_of} if place != column and not is_number(field)}
        if bad and place == column + 1:
            return None
        if bad:
            wrong.update(row for row, field in enumerate(column_of) if field in bad)
    return len(wrong)
