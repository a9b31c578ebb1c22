"""A JSON list in pieces of about a megabyte, cut where one record seems to end.

Inside a text or a nested list a cut can be wrong. Then the first half ends inside a text or an
object, which no bracket closes, so it never decodes to something else.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from detmetrics.foundation.progress import Share

__all__ = ["BETWEEN_RECORDS", "MalformedError", "first_record", "pieces", "true_pieces"]

PIECE = 1 << 20
"""Bytes that are decoded at once. Of larger ones the records would leave the cache."""
BETWEEN_RECORDS = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")

_Rows = TypeVar("_Rows")


class MalformedError(Exception):
    """Something is no list in JSON."""


def pieces(
    data: bytes, decode: Callable[[bytes], list[_Rows]], progress: Share
) -> Iterator[tuple[memoryview, list[_Rows]]]:
    """The text and the records of each piece, so that those of one are gone before the next.

    decode: from the text of a list to its records; what it raises ends the search, be it for a
    wrong record or for a wrong cut.
    """
    # '[{A},{B},{C}]' becomes '[{A}]', '[{B},{C}]': cut between two records, with brackets put in.
    view, start, opening = memoryview(data), 0, b""
    while cut := BETWEEN_RECORDS.search(data, start + PIECE):
        piece = view[start : cut.start() + 1]
        yield piece, decode(b"".join((opening, piece, b"]")))
        start, opening = cut.end() - 1, b"["
        progress(start / len(data))
    yield view[start:], decode(b"".join((opening, view[start:])))
    progress(1.0)


def true_pieces(text: bytes | memoryview, decode: Callable[[bytes], _Rows]) -> Iterator[_Rows]:
    """What is decoded of each piece; where a cut was wrong, the next one is tried.

    decode: raises ``MalformedError`` for what is no list.

    Raises:
        MalformedError: the text is no list.
    """
    view, start, opening, size = memoryview(text), 0, b"", PIECE
    while cut := BETWEEN_RECORDS.search(view, start + size):
        try:
            found = decode(b"".join((opening, view[start : cut.start() + 1], b"]")))
        except MalformedError:
            size *= 2
            continue
        yield found
        start, opening, size = cut.end() - 1, b"[", PIECE
    yield decode(b"".join((opening, view[start:])))


def first_record(data: bytes | memoryview) -> Any:
    """The first record of a list that may be large, as plain values.

    Raises:
        msgspec.MsgspecError, UnicodeError, RecursionError: there is none.
    """
    with contextlib.suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
        if cut := BETWEEN_RECORDS.search(data, 0, PIECE):
            return msgspec.json.decode(bytes(data[: cut.start() + 1]) + b"]")[0]
    rows = msgspec.json.decode(data, type=list[msgspec.Raw])
    return msgspec.json.decode(rows[0]) if rows else None
