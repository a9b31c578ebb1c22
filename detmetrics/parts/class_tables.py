"""The tables of one class in all parts: read as they are asked for, or from an object store ahead.

A request to an object store takes as long as a megabyte does. So tables of many parts are read at
once: the anchors of all parts, which are in memory together anyway, and the detections of as many
parts as fit into :data:`detmetrics.parts.ranges.AT_ONCE` bytes. Of a class that fits as a whole
both tables are one request per part, of any other they are two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from detmetrics.parts.condensed_file import PartFile
from detmetrics.parts.condensed_part import CondensedPart
from detmetrics.parts.condensing import Records
from detmetrics.parts.ranges import fit_at_once, in_batches, read_ranges
from detmetrics.parts.storage import ByteRange, is_url

__all__ = ["TablesOfPart", "tables_of_class"]


class TablesOfPart(NamedTuple):
    """Reads the anchors of a class in one part, and reads all of its detections."""

    anchors: Callable[[], Records]
    ranked: Callable[[], Records]


def tables_of_class(
    parts: Sequence[CondensedPart], category: int, *, again: bool
) -> list[TablesOfPart]:
    """How the tables of a class (an index) are read, for each part.

    again: the detections are wanted more than once, so that those of an object store are kept.
    """
    remote = [part for part in parts if isinstance(part, PartFile) and is_url(part.path)]
    if not remote:
        return [
            TablesOfPart(partial(part.anchors, category), partial(part.ranked, category))
            for part in parts
        ]
    fetched = FetchedClass(remote, category, again=again)
    return [
        TablesOfPart(partial(fetched.anchors, number), partial(fetched.ranked, number))
        for number in range(len(parts))
    ]


class FetchedClass:
    """One class in all parts of a state in an object store; see the module."""

    def __init__(self, parts: Sequence[PartFile], category: int, *, again: bool) -> None:
        """again: keep all detections."""
        self._parts, self._category, self._again = parts, category, again
        self._ranges = [part.ranges(category) for part in parts]
        self._held: dict[int, Records] = {}

    def anchors(self, number: int) -> Records:
        """The anchors of a part, best first."""
        return self._anchors[number]

    def ranked(self, number: int) -> Records:
        """The detections of a part, best first."""
        if number not in self._held:
            fresh = self._batch_of(number)
            self._held = {**self._held, **fresh} if self._again else fresh
        return self._held[number]

    @cached_property
    def _anchors(self) -> list[Records]:
        blocks = [
            ByteRange(anchors.path, anchors.start, ranked.end) for anchors, ranked in self._ranges
        ]
        if fit_at_once(blocks):
            return self._of_blocks(blocks)
        found = read_ranges([anchors for anchors, _ in self._ranges], self._parts[0].storage)
        return [
            part.tables(self._category, anchors=data)[0]
            for part, data in zip(self._parts, found, strict=True)
        ]

    def _of_blocks(self, blocks: Sequence[ByteRange]) -> list[Records]:
        """The anchors, and the detections with them, which are held."""
        found = []
        data = read_ranges(blocks, self._parts[0].storage)
        for part, block, (anchors, _) in zip(self._parts, data, self._ranges, strict=True):
            size = anchors.end - anchors.start
            tables = part.tables(self._category, anchors=block[:size], ranked=block[size:])
            found.append(tables)
        self._again = True
        self._held = {number: ranked for number, (_, ranked) in enumerate(found)}
        return [anchors for anchors, _ in found]

    def _batch_of(self, number: int) -> dict[int, Records]:
        """The detections of this part and of those that are read with it."""
        wanted = [ranked for _, ranked in self._ranges]
        batch = next(one for one in in_batches(wanted) if number in one)
        found = read_ranges([wanted[one] for one in batch], self._parts[0].storage)
        return {
            one: self._parts[one].tables(self._category, ranked=data)[1]
            for one, data in zip(batch, found, strict=True)
        }
