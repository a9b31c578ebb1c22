"""A file beside YOLO predictions that says what their columns are, as ``convert`` writes it.

Few lines leave open whether the score is in front or behind. The name ends with ``.columns``, so
that no tool takes it for predictions.
"""

from __future__ import annotations

import os
from dataclasses import replace

from detmetrics.formats.given import Given
from detmetrics.formats.lines.layouts import asked_layout
from detmetrics.formats.presence import is_there
from detmetrics.formats.reading import Reading
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.inputs import read_input

__all__ = ["COLUMNS_FILE", "with_columns_file"]

COLUMNS_FILE = "predictions.columns"


def with_columns_file(given: Given, reading: Reading) -> Reading:
    """With the columns that the file in the folder says, where nothing else was asked for.

    Raises:
        FormatError: the file cannot be read.
    """
    path = os.path.join(given.path, COLUMNS_FILE)
    if asked_layout(reading.columns, scored=True) is not None or not is_there(path):
        return reading
    text, _ = decoded(read_input(path)[0], path)
    asked = (reading.columns,) if isinstance(reading.columns, str) else reading.columns
    return replace(reading, columns=(*filter(None, asked), text.strip()))
