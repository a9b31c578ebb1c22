"""Which lines are wrong, without reading all of them one by one.

The text is cut into pieces of whole lines. A piece that can be read as columns has no wrong line,
so only the others are looked at, and of these a line at a time only what columns do not tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from detmetrics.formats.given import Contents
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS
from detmetrics.foundation.messages import FewTexts

__all__ = ["LARGE", "faults_in_pieces"]

LARGE = 1 << 19
"""Bytes from which it pays; less is read line by line at once."""
PIECE = 1 << 18
MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)

Piece = tuple[int, int, bytes]
"""Which file, how many of its lines come before, and whole lines of it."""


def faults_in_pieces(
    parts: Sequence[bytes],
    column: int,
    regular: Callable[[Contents], bool],
    one_by_one: Callable[[int, int, bytes, FewTexts], None],
    is_number: Callable[[bytes], bool],
) -> FewTexts:
    """The faults of all lines, in order; none where lines are right that columns cannot hold.

    column: that of the label; regular: whether pieces can be read as columns, in which there is no
    fault; one_by_one: notes the faults of a piece; is_number: of one field.
    """
    faults = FewTexts()
    for group in _groups(parts):
        if regular(Contents([piece for _, _, piece in group])):
            continue
        for file, before, piece in group:
            # A few are shown; those behind them are only counted, by column where that is enough.
            count = None if faults.wanted else _count_by_column(piece, column, is_number)
            if count is None:
                one_by_one(file, before, piece, faults)
            else:
                faults.skip(count)
        if not len(faults):  # polygons of any length and the like, which are read line by line
            break
    return faults


def _groups(parts: Sequence[bytes]) -> Iterator[list[Piece]]:
    """Pieces of about one size: a part of a large file, or several small ones."""
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


def _count_by_column(piece: bytes, column: int, is_number: Callable[[bytes], bool]) -> int | None:
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
