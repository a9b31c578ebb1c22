"""Tables of boxes: CSV, TSV and Parquet, with columns found by name.

``image``, ``class`` and a box as ``xmin ymin xmax ymax``, ``x y w h`` or ``cx cy w h``, in pixels
or in shares of the image; ``score`` for detections; ``crowd``, ``difficult``, ``ignore``,
``area``, ``image_width`` and ``image_height`` where there are any. A row with an image and no box
is an image without objects. Other names are told with ``--columns``.
"""

from __future__ import annotations

from functools import partial

from detmetrics.errors import FormatError
from detmetrics.reading.format import Format, Side
from detmetrics.reading.given import Given
from detmetrics.reading.headings import Heading, find_columns
from detmetrics.reading.request import Reading
from detmetrics.reading.tabular import names_in, read_delimited, sheet_of
from detmetrics.sheets import Sheet

__all__ = ["CSV", "PARQUET"]

PARQUET_MAGIC = b"PAR1"


def _recognise_csv(given: Given, _: Side) -> str | None:
    if given.is_folder or given.head[:4] == PARQUET_MAGIC:
        return None
    found, _missing = find_columns(names_in(given))
    if found is not None:
        return f"a table with the columns {', '.join(found.column.values())}"
    return "a table by its name" if given.name.endswith((".csv", ".tsv")) else None


def _recognise_parquet(given: Given, _: Side) -> str | None:
    return "a Parquet file" if not given.is_folder and given.head[:4] == PARQUET_MAGIC else None


def _heading(names: list[str], reading: Reading, path: str, side: Side) -> Heading:
    heading, missing = find_columns(names, reading.columns)
    listed = ", ".join(names[:20])
    if heading is None:
        raise FormatError(
            path,
            [
                (
                    f"{missing}; it has {listed}: say which is which with --columns, "
                    "for example --columns image=file,class=label"
                )
            ],
        )
    if side == "detections" and "score" not in heading.column:
        raise FormatError(
            path,
            [
                (
                    f"no column for the score of a detection; it has {listed} "
                    "(--columns score=NAME); are the two sides swapped?"
                )
            ],
        )
    return heading


def _read_csv(given: Given, reading: Reading, *, side: Side) -> Sheet:
    """A text table.

    Raises:
        FormatError: it is none, or its columns hold no boxes.
    """
    frame, heading, read = read_delimited(
        given, lambda names: _heading(names, reading, given.path, side)
    )
    reading.done(0.8)
    return sheet_of(
        frame,
        heading,
        read,
        lambda row: f"line {row + 2}",
        reading,
        scored=side == "detections",
    )


def _read_parquet(given: Given, reading: Reading, *, side: Side) -> Sheet:
    """A Parquet file.

    Raises:
        FormatError: pyarrow is missing, the file is damaged, or its columns hold no boxes.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise FormatError(
            given.path, ["Parquet needs pyarrow: pip install 'detmetrics[parquet]'"]
        ) from None
    data, read = given.content()
    try:
        names = parquet.read_schema(arrow.BufferReader(data)).names
        heading = _heading(names, reading, given.path, side)
        wanted = [*dict.fromkeys(heading.column.values())]
        texts = [heading.column[what] for what in ("image", "class") if what in heading.column]
        table = parquet.read_table(arrow.BufferReader(data), columns=wanted, read_dictionary=texts)
        frame = table.to_pandas()
    except FormatError:
        raise
    except (arrow.ArrowException, OSError, ValueError) as error:
        said = (str(error).splitlines() or ["unreadable"])[0]
        raise FormatError(given.path, [f"damaged Parquet: {said}"]) from None
    reading.done(0.8)
    return sheet_of(
        frame.reset_index(drop=True),
        heading,
        read,
        lambda row: f"row {row}",
        reading,
        scored=side == "detections",
    )


CSV = Format(
    name="csv",
    title="CSV or TSV",
    recognise=_recognise_csv,
    read_ground_truth=partial(_read_csv, side="ground truth"),
    read_detections=partial(_read_csv, side="detections"),
)

PARQUET = Format(
    name="parquet",
    title="Parquet",
    recognise=_recognise_parquet,
    read_ground_truth=partial(_read_parquet, side="ground truth"),
    read_detections=partial(_read_parquet, side="detections"),
)
