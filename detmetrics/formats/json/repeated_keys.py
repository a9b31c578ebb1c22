"""Keys that are in a JSON object twice, of which every parser silently keeps the last.

Records are decoded by a parser that does not tell. So the bytes of each key are counted and
compared with the records: only where the two disagree (a text may hold a key too) are records
parsed as pairs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detmetrics.formats.json.pieces import MalformedError, true_pieces
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown

__all__ = [
    "OnceEach",
    "Repeated",
    "RepeatedKeyError",
    "disagreeing",
    "may_repeat",
    "pairs_of",
    "refuse_repeated",
    "repeated_in_list",
    "repeated_keys",
]

PIECE = 1 << 20
"""Bytes that stay in the cache while all keys are counted."""
MARKS = 1 << 17
WORD = 8
SAMPLED, MOST = 1000, 32
SPACE, COLON, BRACE = b" :{"
MOST_KEPT = 100
HIDDEN = re.compile(rb"\\u00(?:3\d|[46][1-9a-fA-F]|[57][\daA]|5[fF])")
"""A letter, digit or underscore written as an escape: a text search does not find such keys."""
UNCOUNTED = frozenset(
    (
        *("visibility", "vis_ratio", "occlusion", "occluded", "truncation", "truncated"),
        *("bbox_mode", "neg_category_ids", "not_exhaustive_category_ids", "frequency"),
    )
)
"""Fields that few files have: ``check`` finds them all the same."""


class RepeatedKeyError(FormatError):
    """Objects of a JSON file in which a key is there twice, and the values differ or not."""

    code: ClassVar[str] = "D004"


class Repeated(NamedTuple):
    """A key that an object has more than once; place: of the object, empty for the whole file."""

    place: str
    key: str
    times: int

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}the key {shown(self.key)} is there {self.times} times, expected once"


def refuse_repeated(path: str, found: Sequence[Repeated], count: int | None = None) -> None:
    """Refuse them; count: how many there are, where these are the first.

    Raises:
        RepeatedKeyError: there are some.
    """
    if found:
        texts = [*map(str, found[:MOST_KEPT])]
        texts[0] += ". Fix: keep one of the values; all others are ignored by parsers"
        raise RepeatedKeyError(path, texts, len(found) if count is None else count)


# --- counting ------------------------------------------------------------------------------------


class OnceEach:
    """Whether records that have all keys have each once, piece by piece of their text.

    The cheapest evidence comes first. As many colons as keys: then there are no other keys. Else,
    of each key, a byte that nothing else in the text has: there are as many as records.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._alone = True
        self._colons = 0
        self._bytes: dict[str, int | None] = {}

    def look(self, text: bytes) -> None:
        """At a piece before it is decoded, while it is in the cache."""
        if self._alone:
            self._colons = _count(np.frombuffer(text, np.uint8), COLON)

    def holds(self, text: memoryview, records: Sequence[msgspec.Struct]) -> bool:
        """Of a piece, looked at, and its records; where that is not certain, keys are counted."""
        if self._alone:
            self._alone = self._colons == len(self._keys) * len(records)
            if self._alone:
                return True
        numbers = np.frombuffer(text, np.uint8)
        rare = all(self._is_rare(key, numbers, len(records)) for key in self._keys)
        return (rare and not HIDDEN.search(text)) or not disagreeing(bytes(text), [records])

    def _is_rare(self, key: str, numbers: NDArray[np.uint8], records: int) -> bool:
        if key not in self._bytes:
            counts = {byte: _count(numbers, byte) for byte in sorted(set(key.encode()))}
            self._bytes[key] = next((b for b, count in counts.items() if count == records), None)
        known = self._bytes[key]
        return known is not None and _count(numbers, known) == records


def _count(numbers: NDArray[np.uint8], byte: int) -> int:
    # In parts, so that the marks stay in the cache beside the text.
    marks, found = np.empty(min(MARKS, len(numbers)), bool), 0
    for start in range(0, len(numbers), MARKS):
        part = numbers[start : start + MARKS]
        found += int(np.count_nonzero(np.equal(part, byte, out=marks[: len(part)])))
    return found


def disagreeing(
    data: bytes, records: Iterable[Sequence[msgspec.Struct]], more: bytes = b""
) -> list[str]:
    """The keys of records that the text holds more or less often than the records can explain.

    records: all that were decoded, in lists of a kind. A field without a default is in each; any
    other in as many as have a value. more: text of other records.
    """
    lists = [(rows, _defaults(type(rows[0]))) for rows in records if rows]
    keys = [*dict.fromkeys(key for _, fields in lists for key in fields if key not in UNCOUNTED)]
    if HIDDEN.search(data):
        return keys
    view = memoryview(data)
    # A colon in the first bytes of a piece has no word before it: the previous piece counts it, and
    # the first piece gets spaces in front.
    parts = [_counts(memoryview(b" " * WORD + data[: PIECE + WORD]), keys)]
    parts += [_counts(view[at : at + PIECE + WORD], keys) for at in range(PIECE, len(data), PIECE)]
    quick = sum((count for count, _ in parts), np.zeros(len(keys), np.int64))
    # If no colon has a space before it, every key is counted, and absent keys need no check.
    plain = all(close for _, close in parts)
    elsewhere, _ = _counts(memoryview(b" " * WORD + more), keys)
    own = dict(zip(keys, (quick - elsewhere).tolist(), strict=True))

    def explained(key: str) -> bool:
        # Keys are counted by their last letters, so this count may include another key.
        if plain and (own[key] == 0 or _explained(key, own[key], lists)):
            return True
        mark = f'"{key}"'.encode() + b":" * plain
        return _explained(key, data.count(mark) - more.count(mark), lists)

    return [key for key in keys if not explained(key)]


def _explained(
    key: str,
    count: int,
    lists: Sequence[tuple[Sequence[msgspec.Struct], Mapping[str, Any]]],
) -> bool:
    """Whether the count of a key is what the records have."""
    # A record with null has the key too: such counts do not match, and each record is checked.
    having = [(rows, fields[key]) for rows, fields in lists if key in fields]
    always = sum(len(rows) for rows, default in having if default is msgspec.NODEFAULT)
    others = [(rows, default) for rows, default in having if default is not msgspec.NODEFAULT]
    value = attrgetter(key)
    held = sum(len(rows) - [*map(value, rows)].count(default) for rows, default in others)
    return count == always + held


def _defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The default of each field, ``NODEFAULT`` where it must be there."""
    names, defaults = kind.__struct_fields__, kind.__struct_defaults__
    required = (msgspec.NODEFAULT,) * (len(names) - len(defaults))
    return dict(zip(names, (*required, *defaults), strict=True))


def _counts(piece: memoryview, keys: Sequence[str]) -> tuple[Ints, bool]:
    """How often each key is directly before a colon (except in the first bytes), and whether no
    colon has a space before it.
    """
    numbers = np.frombuffer(piece, np.uint8)
    at = np.flatnonzero(numbers == COLON)
    at = at[at >= WORD]
    # The eight bytes in front of a colon as one number, the last byte being the highest.
    words = np.ndarray((max(len(piece) - WORD + 1, 0),), "<u8", piece, 0, (1,))[at - WORD]
    distinct, times = _distinct(words)
    found = []
    for key in keys:
        end = f'"{key}"'.encode()[-WORD:]
        shift = np.uint64(8 * (WORD - len(end)))
        found.append(times[distinct >> shift == int.from_bytes(end, "little")].sum())
    last = distinct >> np.uint64(8 * (WORD - 1))
    return np.array(found, np.int64), bool((last > SPACE).all())


def _distinct(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], Ints]:
    """The different words, and how often each is there."""
    # Records of a kind have the same few keys: those of the first records are nearly always all.
    # No np.unique, which imports numpy.ma on its first call: half of the time of a usual file.
    few = np.array(sorted(set(words[:SAMPLED].tolist())), np.uint64)
    times = np.array([np.count_nonzero(words == word) for word in few[:MOST]], np.int64)
    if len(few) <= MOST and times.sum() == len(words):
        return few, times
    return np.unique(words, return_counts=True)


# --- parsing as pairs ----------------------------------------------------------------------------


class _Lossy(dict[str, Any]):
    """An object that lost values: keys with how often each was there."""

    times: Mapping[str, int]


def pairs_of(text: bytes | str) -> tuple[Any, list[Repeated]]:
    """A JSON text as plain values, and the keys that its objects have twice.

    Raises:
        ValueError, RecursionError: as :func:`json.loads`.
    """
    lossy = []

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        kept = _Lossy(plain)
        times = Counter(key for key, _ in pairs)
        kept.times = {key: count for key, count in times.items() if count > 1}
        lossy.append(kept)
        return kept

    content = json.loads(text, object_pairs_hook=made)
    return content, [*_places(content)] if lossy else []


def _places(content: Any) -> Iterator[Repeated]:
    waiting: list[tuple[str, Any]] = [("", content)]  # no recursion: a file may nest deeply
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, _Lossy):
            yield from (Repeated(place, key, times) for key, times in value.times.items())
        if isinstance(value, dict):
            inner = [(f"{place}.{key}" if place else key, own) for key, own in value.items()]
        elif isinstance(value, list):
            inner = [(f"{place}[{row}]", own) for row, own in enumerate(value)]
        else:
            continue
        waiting += [(at, own) for at, own in reversed(inner) if isinstance(own, dict | list)]


def repeated_keys(data: bytes) -> list[Repeated]:
    """All keys that any object of a JSON text has twice; none where it is no JSON."""
    try:
        return pairs_of(data)[1]
    except (ValueError, RecursionError):
        return []


def repeated_in_list(
    text: bytes | memoryview, keys: Sequence[str], section: str
) -> tuple[list[Repeated], int]:
    """The keys that records of a list have twice, the first of many, and how many there are.

    keys: those that are looked for, in records themselves and not in what they hold; section: what
    stands before the number of a record.

    Raises:
        msgspec.MsgspecError: it is no list in JSON.
    """
    found: list[Repeated] = []
    count = row = 0
    for piece, texts in true_pieces(text, _records):
        known = _count_in_flat(piece, len(texts), keys)
        own = repeated_in_rows(texts, keys, section, row)
        more = [*(own if known is None else islice(own, max(0, MOST_KEPT - len(found))))]
        found += more
        count += len(more) if known is None else known
        row += len(texts)
    return found, count


def _records(text: bytes) -> tuple[bytes, list[msgspec.Raw]]:
    try:
        return text, msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.MsgspecError:
        raise MalformedError from None


def may_repeat(text: bytes, records: int, keys: Sequence[str]) -> bool:
    """Whether a key occurs more often than there are records."""
    if HIDDEN.search(text):
        return True
    # Spaces in front, so that the first colon counts too.
    quick, all_close = _counts(memoryview(b" " * WORD + text), keys)
    if all_close:
        return bool((quick > records).any())
    return any(text.count(f'"{key}"'.encode()) > records for key in keys)


def _count_in_flat(text: bytes, records: int, keys: Sequence[str]) -> int | None:
    """How often a record has a key twice; None where records hold others, or texts with marks."""
    numbers = np.frombuffer(text, np.uint8)
    starts = np.flatnonzero(numbers == BRACE)
    if len(starts) != records or b"\\" in text:
        return None
    at = np.flatnonzero(numbers == COLON)
    words = np.ndarray((max(len(text) - WORD + 1, 0),), "<u8", text, 0, (1,))[at - WORD]
    total = 0
    for key in keys:
        mark = f'"{key}"'.encode()
        end = mark[-WORD:]
        shift = np.uint64(8 * (WORD - len(end)))
        own = at[words >> shift == int.from_bytes(end, "little")]
        if not text.count(mark) == text.count(mark + b":") == len(own):
            return None
        times = np.bincount(np.searchsorted(starts, own))
        total += int(np.count_nonzero(times > 1))
    return total


def repeated_in_rows(
    rows: Iterable[msgspec.Raw], keys: Sequence[str], section: str, first: int = 0
) -> Iterator[Repeated]:
    """The keys that rows have twice, themselves and not in what they hold; first: their number."""
    marks = [f'"{key}"'.encode() for key in keys]
    for row, raw in enumerate(rows, first):
        text = bytes(raw)
        if not HIDDEN.search(text) and all(text.count(mark) < 2 for mark in marks):
            continue
        top = [one for one in pairs_of(text)[1] if not one.place and one.key in keys]
        yield from (Repeated(f"{section}[{row}]", one.key, one.times) for one in top)
