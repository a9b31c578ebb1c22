"""Where rows come from, so that every error and every verdict can point at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints, Objects, narrow
from detmetrics.foundation.errors import FormatError, TableError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import SHOWN, counted, listing, shown
from detmetrics.tables.box_columns import BoxColumns

__all__ = ["ARRAYS", "FRAME", "Faults", "Numbered", "RowPlaces", "Source", "named", "of_side"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The origin of a table.

    Attributes:
        name: a path or another name for messages.
        template: how a place is written, with ``{row}`` and ``{field}``.
        fields: the source's own words for columns, where they differ from the table's.
        input: the file that was read; without one, faults are the caller's.
        format: the name of the format that it was read as.
        where: the file and line of a row, where the source is made of lines of text; no function
            within a function, which could not be pickled with the table.
        columns: which columns hold the boxes, where ``--columns`` names them.
        pixel_added: boxes grew by their last pixel when they were read.
        rows : (R,) the row that each row of the table stems from, None where it is the same.
        images : (S,) the image of each row of the source, where its places do not tell that.
    """

    name: str
    template: str = "{field}[{row}]"
    fields: Mapping[str, str] = field(default_factory=dict)
    input: Input | None = None
    format: str = ""
    where: Callable[[int], str] | None = None
    columns: BoxColumns | None = None
    pixel_added: bool = False
    rows: Ints | None = None
    images: Objects | None = None

    def place(self, row: int, column: str) -> str:
        """Where a value stands, in the source's own words; column: of the table, see ``fields``.

        >>> Source(name="a.json", template="[{row}].{field}", fields={"boxes": "bbox"}).place(
        ...     3, "boxes")
        '[3].bbox'
        """
        row = self._own(row)
        text = self.template.format(row=row, field=self.fields.get(column, column))
        return f"{self.where(row)}: {text}" if self.where else text

    def image(self, row: int) -> str:
        """The image of a row as the end of a sentence, empty where places tell that.

        >>> Source(name="arrays", images=np.array([7, 9])).image(1)
        ' (image 9)'
        """
        return "" if self.images is None else f" (image {self._image_id(row)})"

    def place_on_image(self, row: int, column: str) -> str:
        """As :meth:`place`, and behind it the image of the row, where places do not tell that."""
        image = "" if self.images is None else f" of image {self._image_id(row)}"
        return f"{self.place(row, column)}{image}"

    def _own(self, row: int) -> int:
        return row if self.rows is None else int(self.rows[row])

    def _image_id(self, row: int) -> str:
        assert self.images is not None
        own = self._own(row)
        return shown(self.images[own : own + 1].tolist()[0])

    def of_rows(self, rows: Ints) -> Source:
        """The origin of these rows, which may come more than once."""
        return replace(self, rows=rows if self.rows is None else self.rows[rows])


ARRAYS = Source(name="arrays")
FRAME = Source(name="frame")
SIDES = {"ground truth": "ground-truth", "detections": "detection"}


def of_side(source: Source, side: str, images: Objects | None = None) -> Source:
    """A caller's arrays as those of a side, which messages name with the image of a row.

    images : (R,) of each row. A source that has a name of its own keeps it, and its images.

    >>> of_side(ARRAYS, "detections", np.array([7])).name
    'detection arrays'
    """
    own = source.name if source is not ARRAYS and source is not FRAME else None
    name = own or f"{SIDES[side]} {source.name}"
    return replace(source, name=name, images=source.images if own else _short(images))


def _short(images: Objects | None) -> Objects | None:
    """Ids that are numbers in no more memory than they need: they are kept for messages alone."""
    if images is None or images.dtype != np.int64 or not len(images):
        return images
    return narrow(images, max(int(images.max()), -int(images.min())))


@contextmanager
def named(source: Source) -> Iterator[None]:
    """What goes wrong here goes wrong with this source.

    Raises:
        TableError: as it was raised, with the name of the source before it.
    """
    try:
        yield
    except TableError as error:
        raise TableError(f"{source.name}: {error}") from None


class RowPlaces(Protocol):
    """Where each row is in a file or folder, in words."""

    def __call__(self, row: int, /) -> str:
        """The place of a row."""
        ...

    def of_rows(self, rows: Ints, /) -> RowPlaces:
        """The places of these rows."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Numbered:
    """Places that are a word and a number; numbers : (R,) of the rows.

    >>> Numbered("line", np.array([2, 3]))(1)
    'line 3'
    """

    word: str
    numbers: Ints

    def __call__(self, row: int) -> str:
        """The place of a row."""
        return f"{self.word} {self.numbers[row]}"

    def of_rows(self, rows: Ints) -> Numbered:
        """The places of these rows."""
        return Numbered(self.word, self.numbers[rows])


class Faults:
    """Faults of a table, collected so that they are shown together.

    places : (D,) the row of each entry in its source.
    """

    def __init__(self, source: Source, places: Ints) -> None:
        self._source = source
        self._places = places
        self._count = 0
        self._shown: list[tuple[int, str]] = []

    @property
    def name(self) -> str:
        """Of the source."""
        return self._source.name

    def refuse(self, bad: Bools, column: str, expected: str, values: Objects) -> None:
        """Note every row that is bad; values : (D,) or (D, 4), what was found."""
        if not bad.any():
            return
        rows = np.flatnonzero(bad)
        self._count += len(rows)
        for row in rows[:SHOWN].tolist():
            place = int(self._places[row])
            got = values[row].tolist()
            where, image = self._source.place(place, column), self._source.image(place)
            self._shown.append((place, f"{where}: expected {expected}, got {shown(got)}{image}"))

    def settle(self) -> None:
        """Raise what was collected.

        Raises:
            FormatError: there are faults and the source is a file.
            TableError: there are faults and it is not.
        """
        if not self._count:
            return
        shown = [text for _, text in sorted(self._shown)][:SHOWN]
        if self._source.input is not None:
            raise FormatError(self._source.name, shown, self._count)
        raise TableError(listing(self._source.name, shown, self._count))

    def remark(self, odd: Bools, column: str, singular: str, plural: str) -> str | None:
        """A sentence on rows that are odd but can be evaluated, or None."""
        rows = np.flatnonzero(odd)
        if len(rows) == 0:
            return None
        first = self._source.place_on_image(int(self._places[rows[0]]), column)
        what = counted(len(rows), singular, plural)
        return f"{self._source.name}: {what}, first at {first}"
