"""A value of each image that is no part of a box: a field of COCO images, a column of a table."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from detmetrics.formats.given import Given
from detmetrics.formats.json.parsing import parse
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.headings import find_columns, image_column
from detmetrics.formats.tabular.parquet import ParquetTable, is_parquet
from detmetrics.formats.tabular.separator import separator_of
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column_of_images", "fields_of_images", "images_column", "rows_of_images"]


def column_of_images(source: str, name: str, reading: Reading) -> Mapping[str, str]:
    """The value of a column by image name; of several rows of an image the first decides.

    Raises:
        FormatError: the source is neither COCO nor a table, or has no such column.
    """
    given = Given(source)
    if given.is_folder:
        raise FormatError(source, ["column= needs a COCO file or a table; a folder has no columns"])
    rows, image = _rows(given, reading)
    found: dict[str, str] = {}
    for row in rows:
        if isinstance(row, dict) and (value := _text(row.get(name))) is not None:
            found.setdefault(str(_text(row.get(image, row.get("id")))), value)
    if not found:
        have = ", ".join(map(str, rows[0])) if rows and isinstance(rows[0], dict) else "none"
        raise FormatError(source, [f"no column {shown(name)} of images; there are {have}"])
    return found


def rows_of_images(path: str, column: str, reading: Reading) -> list[tuple[str, str | None]]:
    """The image and the value of each row of a table; None where it is empty.

    Raises:
        FormatError: it is no table, or has no such column or none of images.
    """
    given = Given(path)
    if given.is_folder or given.head.lstrip()[:1] in (b"{", b"["):
        raise FormatError(path, ["expected a table (CSV, TSV or Parquet) with a column of images"])
    frame = _frame(given)
    names = [*map(str, frame.columns)]
    image = image_column(names, reading.columns)
    reading.mark_columns(names)
    if image is None:
        have = f"no column of images, such as image or file_name; there are {', '.join(names)}"
        raise FormatError(path, [f"{have}: say which, --columns image=NAME"])
    if column not in names:
        raise FormatError(path, [f"no column {shown(column)}; there are {', '.join(names)}"])
    frame.columns = names
    keys = (key or "" for key in _texts(frame[image]))
    return [*zip(keys, _texts(frame[column]), strict=True)]


def images_column(given: Given) -> list[str]:
    """The images that a table names, row by row.

    Raises:
        FormatError: it is no table, or has no column of images.
    """
    if is_parquet(given.head):
        table = ParquetTable(given)
        image = _column_of_images(table.names, given.path)
        table.refuse_kinds([image])
        return [*filter(None, _texts(table.frame([image])[0][image]))]
    rows = _text_rows(given)
    names = next(rows, [])
    at = names.index(_column_of_images(names, given.path))
    return [row[at] for row in rows if len(row) > at and row[at]]


def _column_of_images(names: Sequence[str], path: str) -> str:
    """The name of the column.

    Raises:
        FormatError: there is none.
    """
    image = image_column(names)
    if image is None:
        have = f"no column of images, such as image or file_name; there are {', '.join(names)}"
        raise FormatError(path, [have])
    return image


def _text_rows(given: Given) -> Iterator[list[str]]:
    """The rows of a text table; one column has no separator that could be recognized."""
    lines = [line for line in _lines(given).split("\n") if line.strip()]
    try:
        for row in csv.reader(lines, delimiter=separator_of(lines[0] if lines else "")):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise FormatError(given.path, [f"not a table: {error}"]) from None


def fields_of_images(path: str, name: str) -> Mapping[Any, str]:
    """A field of COCO images by image id, of those that have it.

    Raises:
        FormatError: it is no COCO file, or no image has the field.
    """
    given = Given(path)
    if given.is_folder or given.head.lstrip()[:1] != b"{":
        raise FormatError(path, ["expected a COCO file: other formats have no fields of images"])
    rows, _ = _rows(given, Reading())
    images = [row for row in rows if isinstance(row, dict)]
    found = {row.get("id"): _text(row.get(name)) for row in images}
    known = {image: value for image, value in found.items() if value is not None}
    if not known:
        have = ", ".join(dict.fromkeys(field for row in images for field in row))
        raise FormatError(path, [f"no field {shown(name)} of images; there are {have or 'none'}"])
    return known


def _texts(column: pd.Series) -> Iterator[str | None]:
    for value, nothing in zip(column, column.isna(), strict=True):
        yield None if nothing else _text(value)


def _text(value: Any) -> str | None:
    """None for nothing; a whole number without a decimal point.

    >>> _text(12.0), _text(" night "), _text("")
    ('12', 'night', None)
    """
    if value is None:
        return None
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip() or None


def _rows(given: Given, reading: Reading) -> tuple[list[Any], str]:
    """Rows as mappings, and the name of the column that names the image."""
    if given.head.lstrip()[:1] == b"{":
        content = parse(given.content()[0], given.path)
        images = content.get("images") if isinstance(content, dict) else None
        return images if isinstance(images, list) else [], "file_name"
    frame = _frame(given)
    heading, missing = find_columns([*map(str, frame.columns)], reading.columns)
    reading.mark_columns(map(str, frame.columns))
    if heading is None:
        raise FormatError(given.path, [missing])
    known = frame.astype(object).where(frame.notna(), None)
    return known.to_dict("records"), heading.column["image"]


def _frame(given: Given) -> pd.DataFrame:
    """A table; what a row does not have is nan.

    Raises:
        FormatError: it is no table, or a row has more values than there are columns.
    """
    import pandas as pd

    if is_parquet(given.head):
        table = ParquetTable(given)
        table.refuse_kinds(filter(None, [image_column(table.names)]))
        return table.frame()[0]
    text = _lines(given)
    heading = next(filter(str.strip, text.split("\n")), "")
    mark = separator_of(heading)
    try:
        names = next(csv.reader([heading], delimiter=mark), [])
        if len({*names}) < len(names):
            raise FormatError(given.path, ["two columns have one name"])
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(text),
                sep=mark,
                engine="python",
                dtype=str,
                na_filter=False,
                index_col=False,
            )
    except FormatError:
        raise
    except (ValueError, csv.Error, pd.errors.ParserWarning) as error:
        fault = _fault(text, mark) or str(error)
        raise FormatError(given.path, [f"not a table: {fault}"]) from None


def _lines(given: Given) -> str:
    """A text, its lines ended by line breaks alone."""
    text, _ = decoded(given.content()[0], given.path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _fault(text: str, mark: str) -> str | None:
    """The first line that is wrong, and why; None where none is found."""
    lines = csv.reader(text.split("\n"), delimiter=mark, strict=True)
    try:
        columns = len(next(filter(None, lines), []))
        for row in lines:
            if any(row[columns:]):
                return f"line {lines.line_num}: {len(row)} values, and {columns} columns"
    except csv.Error as error:
        said = "a quote is not closed" if "end of data" in str(error) else str(error)
        return f"line {lines.line_num}: {said}"
    return None
