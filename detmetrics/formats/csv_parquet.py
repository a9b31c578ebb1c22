"""Tables of boxes: CSV, TSV and Parquet, with columns found by name.

``image``, ``class`` and a box as ``xmin ymin xmax ymax``, ``x y w h`` or ``cx cy w h``, in pixels
or in shares of the image; shapes as ``cx cy w h angle``, ``x1 y1 x2 y2 x3 y3 x4 y4``, or as text in
``polygon`` or ``segmentation``; ``score`` for detections; ``crowd``, ``difficult``, ``ignore``,
``area``, ``image_width`` and ``image_height`` where there are any. A row with an image and no box
is an image without objects. Other names are told with ``--columns``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.column_names import CORNERS, SIDES
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.delimited import names_in, read_delimited
from detmetrics.formats.tabular.headings import FOUR, Heading, find_columns, refuse_two_scores
from detmetrics.formats.tabular.parquet import ParquetTable, is_parquet, parquet_files
from detmetrics.formats.tabular.table import sheet_of
from detmetrics.formats.writing.written import Table, Written, image_labels
from detmetrics.formats.writing.written_shapes import polygons_in, segmentations_in
from detmetrics.foundation.arrays import object_column, used
from detmetrics.foundation.csv_text import CsvText
from detmetrics.foundation.errors import FormatError, OutputError
from detmetrics.foundation.messages import counted, printable
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Numbered

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CSV", "PARQUET"]


def _recognise_csv(given: Given, side: Side) -> str | None:
    if given.is_folder or is_parquet(given.head):
        return None
    found, _ = find_columns(names_in(given))
    if found is None or (side == "detections" and "score" not in found.column):
        return None
    return f"a table with the columns {', '.join(dict.fromkeys(found.column.values()))}"


def _recognise_parquet(given: Given, side: Side) -> str | None:
    if given.is_folder:
        return _recognise_folder(given, side)
    if not is_parquet(given.head):
        return None
    if side == "detections" and "score" not in _parquet_columns(given):
        return None
    return "a Parquet file"


def _recognise_folder(given: Given, side: Side) -> str | None:
    names = parquet_files(given)
    if not names:
        return None
    first = Given(given.join(names[0]))
    if side == "detections" and "score" not in _parquet_columns(first):
        return None
    return f"{counted(len(names), 'Parquet file')}, read as one table"


def _parquet_columns(given: Given) -> Iterable[str]:
    """What the columns of a Parquet file hold; its schema stands at its end."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        return ("score",)  # the reader says what is missing
    try:
        found, _ = find_columns(parquet.read_schema(given.path).names)
    except (ArrowException, OSError, ValueError):
        return ("score",)
    return found.column if found else ()


def _heading(names: list[str], reading: Reading, path: str, side: Side) -> Heading:
    heading, missing = find_columns(names, reading.columns)
    reading.mark_columns(names)
    listed = ", ".join(printable(name[:80]) for name in names[:20])
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
    if heading.doubt:
        raise FormatError(path, [heading.doubt])
    if side == "detections" and "score" not in heading.column and reading.scores is None:
        raise FormatError(
            path,
            [(f"no column for the score of a detection; it has {listed} (--columns score=NAME)")],
        )
    if side == "detections":
        refuse_two_scores(names, reading.columns)
    return heading


def _read_csv(given: Given, reading: Reading, *, side: Side) -> Sheet:
    """A text table.

    Raises:
        FormatError: it is none, or its columns hold no boxes.
    """
    frame, heading, read = read_delimited(
        given, lambda names: _heading(names, reading, given.path, side)
    )
    reading.on_progress(0.8)
    return sheet_of(
        frame,
        heading,
        read,
        Numbered("line", frame.index.to_numpy()),
        reading,
        scored=side == "detections",
    )


def _read_parquet(given: Given, reading: Reading, *, side: Side) -> Sheet:
    """A Parquet file, or a folder of them.

    Raises:
        FormatError: pyarrow is missing, a file is damaged, or its columns hold no boxes.
    """
    table = ParquetTable(given)
    heading = _heading(table.names, reading, given.path, side)
    texts = [heading.column[what] for what in ("image", "class") if what in heading.column]
    table.refuse_kinds(texts)
    frame, places = table.frame(heading.columns, few_texts=texts)
    reading.on_progress(0.8)
    return sheet_of(
        frame,
        heading,
        table.input,
        places,
        reading,
        scored=side == "detections",
    )


# --- writing -------------------------------------------------------------------------------------


def _frame(table: Table) -> pd.DataFrame:
    """A row a box, in the form that the table keeps; a row without box an image without objects."""
    import pandas as pd

    catalog = table.catalog
    parts = CORNERS if table.box_format == "xyxy" else SIDES
    names = object_column(image_labels(catalog))
    classes = object_column(catalog.class_labels)
    columns: dict[str, Any] = {"image": names[table.image], "class": classes[table.category]}
    if isinstance(table, Detections):
        columns["score"] = table.scores
    shapes, boxed = _shape_columns(table)
    if boxed:
        columns |= {name: table.boxes[:, at] for at, name in enumerate(parts)}
    columns |= shapes
    if isinstance(table, GroundTruth):
        columns |= _marks(table)
    if catalog.sized:
        sizes = catalog.image_sizes[table.image]
        columns |= {"image_width": sizes[:, 0], "image_height": sizes[:, 1]}
    frame = pd.DataFrame(columns)
    if isinstance(table, Detections):
        return frame
    empty = np.setdiff1d(np.arange(len(names)), table.image)
    more: dict[str, Any] = {"image": names[empty]}
    if catalog.sized:
        sizes = catalog.image_sizes[empty]
        more |= {"image_width": sizes[:, 0], "image_height": sizes[:, 1]}
    return pd.concat([frame, pd.DataFrame(more)], ignore_index=True) if len(empty) else frame


def _shape_columns(table: Table) -> tuple[dict[str, Any], bool]:
    """Columns of the shapes, and whether boxes are needed beside them.

    Four corners stand in eight columns, other polygons and segmentations in one of text.
    """
    shapes = table.shapes
    if shapes is None or not len(table):
        return {}, True
    if not isinstance(shapes, Polygons):
        rows = segmentations_in(table) or []
        return {"segmentation": [msgspec.json.encode(one).decode() for one in rows]}, True
    boxed = bool((shapes.hulls != table.xyxy).any())
    if (shapes.count == 4).all():
        return dict(zip(FOUR, shapes.points.reshape(-1, 8).T, strict=True)), boxed
    corners = [points.ravel().tolist() for points in polygons_in(table) or () if points is not None]
    texts = [" ".join(map(repr, numbers)) for numbers in corners]
    return {"polygon": texts}, boxed


def _marks(ground_truth: GroundTruth) -> dict[str, Any]:
    """Flags that are set anywhere, and areas that are not those of the boxes."""
    found: dict[str, Any] = {
        name: flag.astype(np.int64)
        for name, flag in (
            ("crowd", ground_truth.crowd),
            ("ignore", ground_truth.ignore),
            ("difficult", ground_truth.difficult),
        )
        if flag.any()
    }
    found |= ground_truth.attributes
    sides = ground_truth.xywh
    if (ground_truth.area != sides[:, 2] * sides[:, 3]).any():
        found["area"] = ground_truth.area
    return found


def _whole_flags(frame: pd.DataFrame) -> pd.DataFrame:
    """Flags as 0 and 1 though rows of empty images have none."""
    flags = {name: "Int64" for name in ("crowd", "ignore", "difficult") if name in frame}
    return frame.astype(flags)


def _write_csv(table: Table) -> Written:
    """A CSV with one row a box."""
    text = CsvText()
    _whole_flags(_frame(table)).to_csv(text, index=False, lineterminator=CsvText.END)
    return Written({"": text.getvalue().encode("utf-8", "backslashreplace")}, tuple(_lost(table)))


def _write_parquet(table: Table) -> Written:
    """A Parquet file with one row a box.

    Raises:
        OutputError: pyarrow is missing.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise OutputError("Parquet needs pyarrow: pip install 'detmetrics[parquet]'") from None
    buffer = io.BytesIO()
    _whole_flags(_frame(table)).to_parquet(buffer, index=False)
    return Written({"": buffer.getvalue()}, tuple(_lost(table)))


def _lost(table: Table) -> Iterator[str]:
    seen = table.catalog.category_ids[used(table.category)]
    if unseen := len(table.catalog.category_ids) - len(seen):
        yield f"{counted(unseen, 'class', 'classes')} without a row, of which a table knows nothing"
    if table.catalog.category_ids.dtype != object or table.catalog.image_ids.dtype != object:
        yield "ids of images and classes: the table has the names alone"


CSV = Format(
    name="csv",
    title="CSV or TSV",
    recognise=_recognise_csv,
    read_ground_truth=partial(_read_csv, side="ground truth"),
    read_detections=partial(_read_csv, side="detections"),
    read_unscored=partial(_read_csv, side="detections"),
    write_ground_truth=_write_csv,
    write_detections=_write_csv,
    writes_outlines=True,
)

PARQUET = Format(
    name="parquet",
    title="Parquet",
    recognise=_recognise_parquet,
    read_ground_truth=partial(_read_parquet, side="ground truth"),
    read_detections=partial(_read_parquet, side="detections"),
    read_unscored=partial(_read_parquet, side="detections"),
    write_ground_truth=_write_parquet,
    write_detections=_write_parquet,
    writes_outlines=True,
)
