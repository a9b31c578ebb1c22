"""What the author of a format needs, from one place: :mod:`detmetrics.formats` hands it on."""

from __future__ import annotations

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.line_table import LineTable, line_table
from detmetrics.formats.reading import Reading
from detmetrics.formats.writing.written import Written
from detmetrics.foundation.errors import FormatError
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Images, Sheet
from detmetrics.tables.sources import Source

__all__ = [
    "Format",
    "FormatError",
    "Given",
    "Images",
    "Keys",
    "LineTable",
    "Reading",
    "Sheet",
    "Side",
    "Source",
    "Written",
    "line_table",
]
