"""Parquet files by way of pyarrow, whose faults are those of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from detmetrics.formats.given import Given
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import printable, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ParquetFile", "is_parquet"]


def is_parquet(head: bytes) -> bool:
    """Whether a file begins as Parquet does."""
    return head[:4] == b"PAR1"


class ParquetFile:
    """A file whose schema was read: ``names`` of its columns, ``input`` where it came from."""

    def __init__(self, given: Given) -> None:
        """Read the schema.

        Raises:
            FormatError: pyarrow is missing, the file is damaged, or two columns have one name.
        """
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise FormatError(
                given.path, ["Parquet needs pyarrow: pip install 'detmetrics[parquet]'"]
            ) from None
        self._path, self._arrow, self._parquet = given.path, pyarrow, parquet
        self._data, self.input = given.content()
        with self._damage_told():
            self._schema = parquet.read_schema(pyarrow.BufferReader(self._data))
        self.names: list[str] = self._schema.names
        if len(set(self.names)) < len(self.names):
            raise FormatError(given.path, ["two columns have one name"])

    def frame(
        self, columns: Sequence[str] | None = None, *, few_texts: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Its rows, numbered from 0; every column, or those asked for.

        few_texts: columns of text of which few differ, as images and classes do; they come as
        categories.

        Raises:
            FormatError: the file is damaged.
        """
        with self._damage_told():
            table = self._parquet.read_table(
                self._arrow.BufferReader(self._data),
                columns=None if columns is None else [*columns],
                read_dictionary=[*few_texts],
            )
            table.validate(full=True)  # texts are decoded when they are looked at
            frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame.reset_index(drop=True)

    def refuse_kinds(self, names: Iterable[str]) -> None:
        """Refuse columns that are no text and no numbers, such as lists and dates.

        Raises:
            FormatError: one is.
        """
        kinds = self._arrow.types
        known = (
            *(kinds.is_string, kinds.is_large_string, kinds.is_string_view, kinds.is_integer),
            *(kinds.is_floating, kinds.is_null),
        )
        faults = []
        for name in names:
            kind = self._schema.field(name).type
            held = kind.value_type if kinds.is_dictionary(kind) else kind
            if not any(is_it(held) for is_it in known):
                faults.append(
                    f"{printable(name)}: expected text or numbers, got {shown(str(kind))}"
                )
        if faults:
            raise FormatError(self._path, faults)

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            said = printable((str(error).splitlines() or ["unreadable"])[0][:300])
            raise FormatError(self._path, [f"damaged Parquet: {said}"]) from None
