"""A value of each image that is no part of a box: a field of COCO images, a column of a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from detmetrics.formats.given import Given
from detmetrics.formats.json.parsing import parse
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.headings import find_columns, image_column
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown

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
        if isinstance(row, dict) and row.get(name) not in (None, ""):
            found.setdefault(str(row.get(image, row.get("id"))), str(row[name]))
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
    values = zip(frame[image], frame[column], frame[column].isna(), strict=True)
    return [(str(key), None if nothing else _text(value)) for key, value, nothing in values]


def images_column(given: Given) -> list[str]:
    """The images that a table names, row by row.

    Raises:
        FormatError: it is no table, or has no column of images.
    """
    rows = _frame_rows(given) if given.head[:4] == b"PAR1" else _text_rows(given)
    names = next(rows, [])
    image = image_column(names)
    if image is None:
        have = f"no column of images, such as image or file_name; there are {', '.join(names)}"
        raise FormatError(given.path, [have])
    at = names.index(image)
    return [row[at] for row in rows if len(row) > at and row[at]]


def _frame_rows(given: Given) -> Iterator[list[str]]:
    frame = _frame(given)
    yield [*map(str, frame.columns)]
    yield from frame.astype(str).to_numpy().tolist()


def _text_rows(given: Given) -> Iterator[list[str]]:
    """The rows of a text table; one column has no separator that could be recognized."""
    text, _ = decoded(given.content()[0], given.path)
    lines = text.splitlines()
    mark = next((mark for mark in "\t;," if lines and mark in lines[0]), ",")
    try:
        for row in csv.reader(lines, delimiter=mark):
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


def _text(value: Any) -> str | None:
    """None for nothing."""
    return None if value is None else str(value).strip() or None


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
    return frame.to_dict("records"), heading.column["image"]


def _frame(given: Given) -> Any:
    import io

    import pandas as pd

    data, _ = given.content()
    if data[:4] == b"PAR1":
        return pd.read_parquet(io.BytesIO(data))
    text, _ = decoded(data, given.path)
    try:
        return pd.read_csv(io.StringIO(text), sep=None, engine="python", dtype=str, na_filter=False)
    except (ValueError, csv.Error) as error:
        raise FormatError(given.path, [f"not a table: {error}"]) from None
