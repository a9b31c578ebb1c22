"""Parquet by way of pyarrow, whose faults are those of a file: one file, or a folder of files.

A folder is one table: the rows of its files, one below the other in the order of their names, as
frameworks write it (``part-00017.parquet``, ``part=17/0.parquet``). Names that begin with ``_``
belong to whoever wrote them. A file ``images.parquet`` beside the others may list images alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detmetrics.formats.given import Given
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import Input
from detmetrics.foundation.messages import few, printable, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ParquetTable", "is_parquet", "parquet_files"]

SUFFIX = ".parquet"
IMAGES = f"images{SUFFIX}"
LOGS = {"_delta_log/": "Delta Lake", "metadata/": "Iceberg", ".hoodie/": "Hudi"}
"""Tables of which a log says which files are valid: to read all of them is wrong."""


def is_parquet(head: bytes) -> bool:
    """Whether a file begins as Parquet does."""
    return head[:4] == b"PAR1"


def parquet_files(given: Given) -> tuple[str, ...]:
    """The Parquet files of a folder that holds nothing else but the lists that ``partition`` writes
    beside parts; none of another folder.
    """
    files = [name for name in given.files if not _is_private(name) and name not in LISTS]
    parquet = tuple(name for name in files if name.lower().endswith(SUFFIX))
    return parquet if len(parquet) == len(files) or _log_of(given) else ()


def _is_private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("/"))


def _log_of(given: Given) -> str | None:
    """Whose log is in a folder of Parquet files, if there is one."""
    if not given.ending(SUFFIX):
        return None
    return next((LOGS[log] for log in LOGS if any(n.startswith(log) for n in given.files)), None)


LISTS = ("classes.txt", "images.txt")


@dataclass(frozen=True)
class _File:
    """name: in the folder, empty for a file that was given itself; rows are those below first."""

    name: str
    data: bytes
    schema: Any


@dataclass(frozen=True)
class RowsOfFiles:
    """Places of rows: the file and the row in it; first: where each file begins."""

    names: tuple[str, ...]
    first: tuple[int, ...]
    numbers: Ints | None = None

    def __call__(self, row: int) -> str:
        """The place of a row."""
        own = row if self.numbers is None else int(self.numbers[row])
        file = bisect_right(self.first, own) - 1
        name = f"{printable(self.names[file])}, " if self.names[file] else ""
        return f"{name}row {own - self.first[file]}"

    def of_rows(self, rows: Ints) -> RowsOfFiles:
        """The places of these rows."""
        numbers = rows if self.numbers is None else self.numbers[rows]
        return RowsOfFiles(self.names, self.first, numbers)


class ParquetTable:
    """A table whose schema was read: ``names`` of its columns, ``input`` where it came from."""

    def __init__(self, given: Given) -> None:
        """Read the schema.

        Raises:
            FormatError: pyarrow is missing, a file is damaged, two columns have one name, or the
                files of a folder differ in their columns.
        """
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise FormatError(
                given.path, ["Parquet needs pyarrow: pip install 'detmetrics[parquet]'"]
            ) from None
        self._path, self._arrow, self._parquet = given.path, pyarrow, parquet
        self._files, self.input = self._read(given)
        self.names: list[str] = self._leading.schema.names

    def _read(self, given: Given) -> tuple[list[_File], Input]:
        if not given.is_folder:
            data, source = given.content()
            return [self._opened("", data)], source
        if log := _log_of(given):
            raise FormatError(
                given.path,
                [f"{log} keeps a log of which files are valid. Fix: export the table to Parquet"],
            )
        names = parquet_files(given)
        if not names:
            other = next(name for name in given.files if not name.lower().endswith(SUFFIX))
            raise FormatError(
                given.path, [f"expected Parquet files alone, found {printable(other)}"]
            )
        contents, source = given.contents(names)
        files = [
            self._opened(name, data)
            for name, data in zip(names, contents, strict=True)
            if data  # as some frameworks write it for no rows
        ]
        if not files:
            raise FormatError(given.path, ["all Parquet files are empty"])
        return files, source

    def _opened(self, name: str, data: bytes) -> _File:
        with self._damage_told(name):
            schema = self._parquet.read_schema(self._arrow.BufferReader(data))
        if len(set(schema.names)) < len(schema.names):
            prefix = f"{printable(name)}: " if name else ""
            raise FormatError(self._path, [f"{prefix}two columns have one name"])
        return _File(name, data, schema)

    @property
    def _leading(self) -> _File:
        """The file whose columns those of the others are compared with."""
        boxes = [file for file in self._files if file.name.lower() != IMAGES]
        return (boxes or self._files)[0]

    def frame(
        self, columns: Sequence[str] | None = None, *, few_texts: Sequence[str] = ()
    ) -> tuple[pd.DataFrame, RowsOfFiles]:
        """Its rows, numbered from 0, and their places; every column, or those asked for.

        few_texts: columns of text of which few differ, as images and classes do; they come as
        categories.

        Raises:
            FormatError: a file is damaged, lacks a column, or has another type in one.
        """
        wanted = [*(self.names if columns is None else columns)]
        tables = [self._table(file, wanted, few_texts) for file in self._files]
        self._refuse_other_types(tables, few_texts)
        with self._damage_told(""):
            whole = self._arrow.concat_tables(tables, promote_options="permissive")
            frame: pd.DataFrame = whole.to_pandas(ignore_metadata=True)
        first = [0]
        for table in tables[:-1]:
            first.append(first[-1] + table.num_rows)
        names = tuple(file.name for file in self._files)
        return frame.reset_index(drop=True), RowsOfFiles(names, tuple(first))

    def _table(self, file: _File, wanted: list[str], few_texts: Sequence[str]) -> Any:
        there = [name for name in wanted if name in file.schema.names]
        missing = [name for name in wanted if name not in there]
        if missing and not (file.name.lower() == IMAGES and there):
            raise self._fault(
                file,
                f"no column {few(missing)}, which {printable(self._leading.name)} has. Fix: write "
                "the same columns to all files of a table",
            )
        with self._damage_told(file.name):
            table = self._parquet.read_table(
                self._arrow.BufferReader(file.data), columns=there, read_dictionary=[*few_texts]
            )
            table.validate(full=True)  # texts are decoded when they are looked at
        return table

    def _refuse_other_types(self, tables: Sequence[Any], keys: Sequence[str]) -> None:
        """Refuse a column that is text in one file and a number in another, and keys that are whole
        numbers in one alone: made one type, large ones would no longer be what they were.
        """
        known: dict[str, tuple[str, _File]] = {}
        for file, table in zip(self._files, tables, strict=True):
            for field in table.schema:
                kind = self._kind(field.type, exact=field.name in keys)
                if kind is None:
                    continue
                first, other = known.setdefault(field.name, (kind, file))
                if first != kind:
                    raise self._fault(
                        file,
                        f"column {shown(field.name)} contains {kind}, but {first} in "
                        f"{printable(other.name)}. Fix: write one type",
                    )

    def _fault(self, file: _File, text: str) -> FormatError:
        prefix = f"{printable(file.name)}: " if file.name else ""
        return FormatError(self._path, [f"{prefix}{text}"])

    def _kind(self, of: Any, *, exact: bool = False) -> str | None:
        """Text, numbers or what else a type holds; None where it holds nothing.

        exact: tell whole numbers and others apart.
        """
        kinds = self._arrow.types
        held = of.value_type if kinds.is_dictionary(of) else of
        if kinds.is_null(held):
            return None
        if kinds.is_integer(held) or kinds.is_floating(held):
            if not exact:
                return "numbers"
            return "whole numbers" if kinds.is_integer(held) else "numbers with decimals"
        texts = (kinds.is_string, kinds.is_large_string, kinds.is_string_view)
        return "text" if any(is_it(held) for is_it in texts) else str(held)

    def refuse_kinds(self, names: Iterable[str]) -> None:
        """Refuse columns that are no text and no numbers, such as lists and dates.

        Raises:
            FormatError: one is.
        """
        faults = []
        for name in names:
            kind = self._leading.schema.field(name).type
            if self._kind(kind) not in ("text", "numbers", None):
                faults.append(
                    f"{printable(name)}: expected text or numbers, got {shown(str(kind))}"
                )
        if faults:
            raise FormatError(self._path, faults)

    @contextmanager
    def _damage_told(self, name: str) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            said = printable((str(error).splitlines() or ["unreadable"])[0][:300])
            file = f"{printable(name)}: " if name else ""
            raise FormatError(self._path, [f"{file}damaged Parquet: {said}"]) from None
