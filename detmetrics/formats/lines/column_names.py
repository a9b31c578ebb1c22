"""What the numbers of a line are called."""

from __future__ import annotations

__all__ = [
    "CENTRES",
    "CORNERS",
    "IGNORED",
    "POINTS",
    "REST",
    "SIDES",
    "SPELLINGS",
    "TRACK",
    "TURNED",
]

CENTRES = ("cx", "cy", "w", "h")
CORNERS = ("xmin", "ymin", "xmax", "ymax")
SIDES = ("x", "y", "w", "h")
TURNED = (*CENTRES, "angle")
POINTS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
TRACK = "id"
REST = "..."
IGNORED = ("-", TRACK)
"""Names of columns that are not read; there may be several, and ``...`` is as many as there are."""

SPELLINGS = {
    "confidence": "score",
    "conf": "score",
    "left": "xmin",
    "top": "ymin",
    "right": "xmax",
    "bottom": "ymax",
    "x1": "xmin",
    "y1": "ymin",
    "x2": "xmax",
    "y2": "ymax",
    "width": "w",
    "height": "h",
    "label": "class",
    "category": "class",
    "x_center": "cx",
    "y_center": "cy",
    "rotation": "angle",
    "theta": "angle",
    "track": TRACK,
    "track_id": TRACK,
}
