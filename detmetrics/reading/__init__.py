"""What readers share: where to read, how to read it, lines, layouts, class names, image sizes."""

from __future__ import annotations

from detmetrics.reading.separated import LineTable, line_table

__all__ = ["LineTable", "line_table"]
