"""Files whose records can be divided by image: COCO lists, text tables and Parquet."""

from __future__ import annotations

import csv
import io
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.json.pieces import MalformedError, true_pieces
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.delimited import names_in
from detmetrics.formats.tabular.headings import image_column
from detmetrics.formats.tabular.parquet import is_parquet
from detmetrics.formats.tabular.separator import separator_of
from detmetrics.formats.tabular.table import is_id, text_ids
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError, TableError
from detmetrics.foundation.inputs import GZIP_MAGIC, read_input
from detmetrics.foundation.messages import few, printable, shown
from detmetrics.tables.catalog import Keys, id_array
from detmetrics.tables.id_pairing import KeyKind

__all__ = ["Piece", "Records", "records_of", "unlike"]

SIZE = 1 << 26
"""Bytes of text that are divided at once."""
ROWS = 1 << 19
"""Rows of Parquet that are divided at once."""
BOM = b"\xef\xbb\xbf"
CANNOT = (
    "partition divides COCO JSON, CSV and Parquet. Fix: detmetrics convert {path} to one of them"
)


class Piece(NamedTuple):
    """Consecutive records of a file.

    images : (n,) the image that each names; key: whether by id or by name; first: the number of the
    first record in the file; block: from some of them, by place, to bytes.
    """

    images: Keys
    key: KeyKind
    first: int
    block: Callable[[Ints], bytes]


class Records(Protocol):
    """The records of one file.

    path: of the file; suffix: of part files of this kind.
    """

    path: str
    suffix: str

    def pieces(self) -> Iterator[Piece]:
        """All records, in order.

        Raises:
            FormatError: the file is damaged.
        """
        ...

    def joined(self, blocks: Sequence[bytes]) -> bytes:
        """The file of the records in these blocks, none of which is empty."""
        ...

    def place(self, record: int) -> str:
        """Where a record is, in words."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """What every record has: files with other columns do not go together."""
        ...


def records_of(path: str, side: Side, reading: Reading) -> Records:
    """The records of a file.

    Raises:
        FormatError: it cannot be read, or is of a format that is not divided.
    """
    given = Given(path)
    if given.is_folder:
        raise FormatError(path, [f"is a folder. {CANNOT.format(path=printable(path))}"])
    if is_parquet(given.head):
        return _Parquet(path, reading)
    if given.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[" and side == "detections":
        return _CocoList(path)
    if not given.head.strip():
        given.content()  # which says that the file is empty
    names = names_in(given)
    reading.mark_columns(names)
    image = image_column(names, reading.columns)
    if image is None:
        raise FormatError(path, [CANNOT.format(path=printable(path))])
    return _TextTable(given, names, names.index(image))


def unlike(one: Records, other: Records) -> str | None:
    """Why two files do not go into the same parts; None where they do."""
    if type(one) is not type(other):
        return f"is {other.suffix}, and {printable(one.path)} is {one.suffix}"
    if one.columns != other.columns:
        differ = few(sorted({*one.columns} ^ {*other.columns})) or "their order"
        return f"has other columns than {printable(one.path)} ({differ})"
    if isinstance(one, _Parquet) and isinstance(other, _Parquet):
        return one.unlike(other)
    return None


# --- COCO lists ----------------------------------------------------------------------------------


class _Named(msgspec.Struct):
    """A record of which only the image is read."""

    image_id: Any


class _CocoList:
    suffix = ".json"
    columns = ()

    def __init__(self, path: str) -> None:
        self.path = path

    def place(self, record: int) -> str:
        return f"[{record}].image_id"

    def pieces(self) -> Iterator[Piece]:
        first = 0
        for records in self._batches():
            yield Piece(Keys(self._ids(records, first)), "id", first, partial(_listed, records))
            first += len(records)

    def _batches(self) -> Iterator[list[msgspec.Raw]]:
        batch: list[msgspec.Raw] = []
        size = 0
        with _Contents(self.path) as data:
            try:
                for records in true_pieces(data, _raw):
                    batch += records
                    size += sum(map(len, map(bytes, records)))
                    if size >= SIZE:
                        yield batch
                        batch, size = [], 0
            except MalformedError as error:
                raise FormatError(self.path, [f"not a list in JSON: {error}"]) from None
        if batch:
            yield batch

    def _ids(self, records: Sequence[msgspec.Raw], first: int) -> Any:
        ids = []
        for row, record in enumerate(records):
            try:
                ids.append(msgspec.json.decode(record, type=_Named).image_id)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                raise FormatError(self.path, [f"[{first + row}]: {error}"]) from None
        try:
            return id_array(ids)
        except TableError as error:
            raise FormatError(self.path, [f"image_id: {error}"]) from None

    def joined(self, blocks: Sequence[bytes]) -> bytes:
        return b"[" + b",\n".join(blocks) + b"]\n"


def _listed(records: Sequence[msgspec.Raw], rows: Ints) -> bytes:
    return b",\n".join(bytes(records[row]) for row in rows.tolist())


def _raw(data: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(data, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedError(str(error)) from None


class _Contents:
    """The bytes of a file, mapped into memory where it is a plain one."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Any:
        if not os.path.isfile(self._path):
            return read_input(self._path)[0].removeprefix(BOM)
        with open(self._path, "rb") as file:
            head = file.read(len(BOM))
            if head.startswith(GZIP_MAGIC):
                return read_input(self._path)[0].removeprefix(BOM)
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return data[len(BOM) :] if head == BOM else data

    def __exit__(self, *_: object) -> None:
        """The map is closed when nothing refers to it any more."""


# --- text tables ---------------------------------------------------------------------------------


class _TextTable:
    def __init__(self, given: Given, names: Sequence[str], image: int) -> None:
        self.path, self.columns = given.path, tuple(names)
        self.suffix = ".tsv" if given.name.endswith(".tsv") else ".csv"
        self._image, self._key = image, "id" if is_id(names[image]) else "name"
        self._heading, self._above = "", 0

    def place(self, record: int) -> str:
        return f"record {record + 1}"

    def pieces(self) -> Iterator[Piece]:
        lines = self._lines()
        first, batch, images, size = 0, [], [], 0
        for record, image in self._records(lines):
            batch.append(record)
            images.append(image)
            size += len(record)
            if size >= SIZE:
                yield self._piece(first, batch, images)
                first += len(batch)
                batch, images, size = [], [], 0
        if batch:
            yield self._piece(first, batch, images)

    def _piece(self, first: int, batch: list[str], images: list[str]) -> Piece:
        def block(rows: Ints) -> bytes:
            return "".join(batch[row] for row in rows.tolist()).encode("utf-8", "surrogatepass")

        key: KeyKind = "id" if self._key == "id" else "name"
        return Piece(Keys(text_ids(images)), key, first, block)

    def _lines(self) -> list[str]:
        """Its lines from the heading on."""
        text, _ = decoded(Given(self.path).content()[0], self.path)
        lines = io.StringIO(text, newline="").readlines()
        start = next((at for at, line in enumerate(lines) if line.strip()), 0)
        self._heading, self._above = _ended(lines[start]), start + 1
        return lines[start + 1 :]

    def _records(self, lines: list[str]) -> Iterator[tuple[str, str]]:
        """Each record as it is written, and its image; quoted fields may hold line ends."""
        reader = csv.reader(lines, delimiter=separator_of(self._heading), skipinitialspace=True)
        before = 0
        try:
            for row in reader:
                text, before = "".join(lines[before : reader.line_num]), reader.line_num
                if not any(map(str.strip, row)):
                    continue
                if len(row) <= self._image or not row[self._image].strip():
                    line = self._above + before
                    raise FormatError(self.path, [f"line {line}: expected an image, got nothing"])
                yield _ended(text), row[self._image].strip()
        except csv.Error as error:
            raise FormatError(self.path, [f"not a table: {error}"]) from None

    def joined(self, blocks: Sequence[bytes]) -> bytes:
        if not self._heading:
            self._lines()
        return self._heading.encode() + b"".join(blocks)


def _ended(line: str) -> str:
    return line if line.endswith(("\n", "\r")) else f"{line}\n"


# --- Parquet -------------------------------------------------------------------------------------


class _Parquet:
    suffix = ".parquet"

    def __init__(self, path: str, reading: Reading) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise FormatError(
                path, ["Parquet needs pyarrow: pip install 'detmetrics[parquet]'"]
            ) from None
        self.path, self._arrow, self._parquet = path, pyarrow, parquet
        try:
            self._schema = parquet.read_schema(path).remove_metadata()
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise self._damaged(error) from None
        self.columns = tuple(self._schema.names)
        if len({*self.columns}) < len(self.columns):
            raise FormatError(path, ["two columns have one name"])
        reading.mark_columns(self.columns)
        image = image_column(self._schema.names, reading.columns)
        if image is None:
            have = ", ".join(map(printable, self.columns[:20]))
            raise FormatError(path, [f"no column of images; it has {have} (--columns image=NAME)"])
        self._image = image

    def unlike(self, other: _Parquet) -> str | None:
        """Why the rows of two files do not go into one; None where they do."""
        for mine, theirs in zip(self._plain_types(), other._plain_types(), strict=True):
            schemas = [self._arrow.schema([mine]), self._arrow.schema([theirs])]
            numbers = [self._arrow.types.is_integer(one.type) for one in (mine, theirs)]
            try:
                self._arrow.unify_schemas(schemas, promote_options="permissive")
                alike = mine.name != self._image or numbers[0] == numbers[1]
            except self._arrow.ArrowException:
                alike = False
            if not alike:
                return (
                    f"column {printable(mine.name)} is {theirs.type}, and {mine.type} in "
                    f"{printable(self.path)}"
                )
        return None

    def _plain_types(self) -> list[Any]:
        """The columns with their types, those of dictionaries as what these hold."""
        return [
            field.with_type(field.type.value_type)
            if self._arrow.types.is_dictionary(field.type)
            else field
            for field in self._schema
        ]

    def place(self, record: int) -> str:
        return f"row {record}"

    def pieces(self) -> Iterator[Piece]:
        first = 0
        try:
            with self._parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(ROWS):
                    batch.validate(full=True)
                    yield self._piece(self._plain(batch), first)
                    first += batch.num_rows
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            if isinstance(error, FormatError):
                raise
            raise self._damaged(error) from None

    def _plain(self, batch: Any) -> Any:
        """The rows with columns of dictionaries as what these hold."""
        table = self._arrow.Table.from_batches([batch]).replace_schema_metadata(None)
        for at, field in enumerate(table.schema):
            if self._arrow.types.is_dictionary(field.type):
                table = table.set_column(
                    at, field.name, table.column(at).cast(field.type.value_type)
                )
        return table

    def _piece(self, table: Any, first: int) -> Piece:
        column = table.column(self._image).combine_chunks().dictionary_encode()
        if column.null_count:
            row = first + int(np.flatnonzero(column.is_null().to_numpy(False))[0])
            raise FormatError(
                self.path, [f"row {row}: {self._image}: expected an image, got nothing"]
            )
        labels = column.dictionary.to_pylist()
        texts = any(isinstance(label, str) for label in labels)
        try:
            ids = text_ids(labels) if texts else id_array(labels)
        except TableError as error:
            raise FormatError(self.path, [f"{shown(self._image)}: {error}"]) from None
        keys = Keys(ids, column.indices.to_numpy().astype(np.int64))

        def block(rows: Ints) -> bytes:
            sink = self._arrow.BufferOutputStream()
            own = table.take(self._arrow.array(rows))
            with self._arrow.ipc.new_stream(sink, own.schema) as stream:
                stream.write_table(own)
            return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]

        return Piece(keys, "id" if is_id(self._image) else "name", first, block)

    def joined(self, blocks: Sequence[bytes]) -> bytes:
        tables = [self._arrow.ipc.open_stream(block).read_all() for block in blocks]
        sink = io.BytesIO()
        try:
            whole = (
                self._arrow.concat_tables(tables, promote_options="permissive")
                if tables
                else self._schema.empty_table()
            )
            self._parquet.write_table(whole, sink)
        except self._arrow.ArrowException as error:
            raise FormatError(
                self.path,
                [f"its rows and those of the other files do not go into one file: {error}"],
                hint="write all files with the same types of columns",
            ) from None
        return sink.getvalue()

    def _damaged(self, error: Exception) -> FormatError:
        said = printable((str(error).splitlines() or ["unreadable"])[0][:300])
        return FormatError(self.path, [f"damaged Parquet: {said}"])
