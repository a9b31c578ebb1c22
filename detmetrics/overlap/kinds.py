"""The kinds of shapes that are measured beside upright boxes, which need no outlines."""

from __future__ import annotations

from detmetrics.overlap import boundaries, masks, polygons, probabilistic

__all__ = ["KINDS", "SHAPES", "TITLES"]

KINDS = {
    kind.name: kind for kind in (polygons.KIND, probabilistic.KIND, masks.KIND, boundaries.KIND)
}
"""By name. Where two sides leave it open, they are measured by the first that both have."""

SHAPES = ("box", *KINDS)
"""What rules may measure."""

TITLES = {"box": "upright boxes", **{name: kind.title for name, kind in KINDS.items()}}
"""What each is in words."""
