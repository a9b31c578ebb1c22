"""Matches in few bytes, for files that are kept and sent around.

What is left out is what no metric reads: pairs that are never matched, unless a metric of the rules
matches anew, and which rows of their table detections were. All else comes back in every bit.

A column of numbers is the differences of each to the one before (of floats, of their bits), the
first bytes of all, then the second ones, and so on, packed by zlib: neighbours are alike, so that
most bytes are zero. Who is matched is a mark for each pair at each threshold and in each range, and
the ranges hardly differ. VOC2007 with 111,247 detections takes some 10 bytes per detection.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detmetrics.foundation.arrays import Bools, moved
from detmetrics.matching.matches import Matched, Matches
from detmetrics.matching.matching import asks_for_regions
from detmetrics.matching.stored import Column, laid_out, of_area, rebuilt
from detmetrics.overlap import Pairs
from detmetrics.rules.toml import even_grid

__all__ = ["compacted", "expanded"]

Bytes = NDArray[np.uint8]
MARKS, SET_ASIDE = "marks", "set aside"
MOST_POINTS = 10_000
LARGEST_RATIO, ALWAYS_FINE = 400, 64 << 20
"""So much larger than its bytes a column may be; what a small file asks for is bounded, too."""


def compacted(matches: Matches) -> dict[str, Bytes]:
    """The matches as two columns of bytes that :func:`expanded` reads."""
    kept = _what_metrics_read(matches)
    header, arrays = laid_out(kept)
    pairs = len(kept.pairs.detection)
    first: Bools | None = None
    for area, matched in enumerate(kept.matched):
        for field in ("pair", "true_positive", "count"):
            del arrays[f"{of_area(area)} {field}"]
        marks, set_aside = _marked(matched, len(kept.least), pairs)
        arrays[f"{of_area(area)} {MARKS}"] = marks if first is None else marks ^ first
        arrays[f"{of_area(area)} {SET_ASIDE}"] = set_aside
        first = marks if first is None else first
    layout = [[name, array.dtype.kind, array.shape] for name, array in arrays.items()]
    rules = {name: _grid(value) for name, value in header["rules"].items()}
    told = json.dumps({**header, "rules": rules, "layout": layout}).encode()
    coded = b"".join(map(_coded, arrays.values()))
    return {"told": _deflated(told), "columns": _deflated(coded)}


def expanded(columns: Mapping[str, Column]) -> Matches:
    """The matches that :func:`compacted` wrote.

    Raises:
        ValueError, LookupError, TypeError: the columns are something else.
    """
    told = json.loads(_inflated(columns["told"], None))
    told["rules"] = {name: _points(value) for name, value in told["rules"].items()}
    arrays = dict(_decoded(told["layout"], columns["columns"]))
    first: Column | None = None
    for area in range(len(told["rules"]["area_ranges"])):
        marks, set_aside = (arrays.pop(f"{of_area(area)} {one}") for one in (MARKS, SET_ASIDE))
        marks = marks if first is None else marks ^ first
        first = marks if first is None else first
        arrays |= {f"{of_area(area)} {name}": one for name, one in _listed(marks, set_aside)}
    return rebuilt(told, arrays)


def _what_metrics_read(matches: Matches) -> Matches:
    """Without pairs that are never matched, and with rows that count what is left alone."""
    order = np.argsort(matches.row, kind="stable")
    count = len(order)
    if asks_for_regions(matches.rules):  # metrics that match anew read all pairs, and who is first
        return replace(matches, row=moved(order), detections=count)
    used = np.zeros(len(matches.pairs.detection), bool)
    for matched in matches.matched:
        used[matched.pair] = True
    place = np.cumsum(used) - 1
    pairs = matches.pairs
    return replace(
        matches,
        row=np.arange(count),
        detections=count,
        pairs=Pairs(
            detection=pairs.detection[used],
            ground_truth=pairs.ground_truth[used],
            overlap=pairs.overlap[used],
        ),
        matched=tuple(replace(one, pair=place[one.pair]) for one in matches.matched),
    )


# --- who is matched, as marks ------------------------------------------------------------------


def _marked(matched: Matched, thresholds: int, pairs: int) -> tuple[Bools, Bools]:
    """(T, P) which pairs are matched at each threshold, and which of these are set aside."""
    marks, set_aside = np.zeros((2, thresholds, pairs), bool)
    marks[matched.threshold, matched.pair] = True
    set_aside[matched.threshold, matched.pair] = ~matched.true_positive
    return marks, set_aside


def _listed(marks: Column, set_aside: Column) -> Iterator[tuple[str, Column]]:
    """The columns of the record; both : (T, P)."""
    threshold, pair = np.nonzero(marks)
    yield "pair", pair
    yield "true_positive", ~set_aside[threshold, pair]
    yield "count", marks.sum(axis=1, dtype=np.int64)


# --- columns as bytes --------------------------------------------------------------------------


def _coded(column: Column) -> bytes:
    if column.dtype == bool:
        return np.packbits(column.ravel()).tobytes()
    whole = np.ascontiguousarray(column.astype(column.dtype.newbyteorder("<"))).view("<i8").ravel()
    apart = np.diff(whole, prepend=np.int64(0))  # what overflows here comes back by overflow
    signless = (apart << 1) ^ (apart >> 63)  # 0, -1, 1, -2, ... are 0, 1, 2, 3, ...
    rows = signless.astype("<i8").view(np.uint8).reshape(-1, 8)
    return np.ascontiguousarray(rows.T).tobytes()


def _decoded(layout: Any, data: Column) -> Iterator[tuple[str, Column]]:
    """Each column with its name; layout: the name, the kind of numbers and the shape of each."""
    counts = [math.prod(shape) for _, _, shape in layout]
    sizes = [
        -(-count // 8) if kind == "b" else 8 * count
        for count, (_, kind, _) in zip(counts, layout, strict=True)
    ]
    coded, start = _inflated(data, sum(sizes)), 0
    for (name, kind, shape), count, size in zip(layout, counts, sizes, strict=True):
        part = np.frombuffer(coded, np.uint8, size, start)
        start += size
        yield name, _numbers(part, kind, count).reshape(shape)


def _numbers(coded: Column, kind: str, count: int) -> Column:
    if kind == "b":
        return np.unpackbits(coded, count=count).astype(bool)
    signless = np.ascontiguousarray(coded.reshape(8, count).T).view("<u8").ravel()
    sign = -(signless & np.uint64(1)).astype(np.int64)
    whole = np.cumsum((signless >> np.uint64(1)).astype(np.int64) ^ sign, dtype=np.int64)
    return whole.view({"i": np.int64, "f": np.float64}[kind])


def _grid(value: Any) -> Any:
    """A setting of the rules; a hundred even numbers in three."""
    if isinstance(value, tuple) and even_grid(value):
        return {"start": value[0], "stop": value[-1], "count": len(value)}
    return value


def _points(value: Any) -> Any:
    if isinstance(value, dict):
        return np.linspace(value["start"], value["stop"], min(value["count"], MOST_POINTS)).tolist()
    return value


def _deflated(data: bytes) -> Bytes:
    return np.frombuffer(zlib.compress(data, 9), np.uint8)


def _inflated(data: Column, size: int | None) -> bytes:
    """What was packed; size: in bytes, where it is known.

    Raises:
        ValueError: it has another size, is too large for its bytes, or is no such data.
    """
    packed = data.tobytes()
    most = max(ALWAYS_FINE, LARGEST_RATIO * len(packed))
    if size is not None and not 0 <= size <= most:
        raise ValueError(f"{len(packed)} bytes that unpack to {size}")
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(packed, (most if size is None else size) + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacking.eof or size not in (None, len(found)):
        raise ValueError(f"packed bytes that are not {most if size is None else size}")
    return found
