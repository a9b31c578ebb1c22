"""The files of a state, range by range: one after the other, or of an object store many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detmetrics.foundation.errors import InputError
from detmetrics.parts.storage import ByteRange, Storage, is_url

__all__ = ["fit_at_once", "in_batches", "read_ranges"]

AT_ONCE = 16 << 20
"""Bytes that are asked of an object store at once: each request takes time, in which others run."""
MOST = 256
"""Requests that run at once."""


def read_ranges(ranges: Sequence[ByteRange], storage: Storage) -> Iterator[bytes]:
    """The bytes of each range, in order; for an empty one nothing is read.

    Raises:
        InputError: the state cannot be read, or a file ends before its range.
    """
    for batch in in_batches(ranges):
        yield from _read([ranges[number] for number in batch], storage)


def fit_at_once(ranges: Sequence[ByteRange]) -> bool:
    """Whether all of them are no more than AT_ONCE."""
    return sum(one.end - one.start for one in ranges) <= AT_ONCE


def in_batches(ranges: Sequence[ByteRange]) -> Iterator[range]:
    """Which neighbors are read at once: files one by one, objects until AT_ONCE is reached."""
    start = size = 0
    for number, one in enumerate(ranges):
        size += one.end - one.start
        full = size > AT_ONCE or number - start >= MOST or not is_url(one.path)
        if full and number > start:
            yield range(start, number)
            start, size = number, one.end - one.start
    if ranges:
        yield range(start, len(ranges))


def _read(batch: Sequence[ByteRange], storage: Storage) -> Iterator[bytes]:
    wanted = [one for one in batch if one.end > one.start]
    try:
        found = iter(storage.of(batch[0].path).read_each(wanted))
    except OSError as error:
        raise InputError(
            f"{error.filename}: the state cannot be read any more: {error.strerror}. Fix: evaluate "
            "again"
        ) from None
    for one in batch:
        data = next(found) if one.end > one.start else b""
        if len(data) < one.end - one.start:
            raise InputError(f"{one.path}: changed while it was read. Fix: evaluate again")
        yield data
