"""The kinds of shapes that are measured beside upright boxes, which need no outlines."""

from __future__ import annotations

from detmetrics.overlap import boundaries, masks, polygons

__all__ = ["KINDS", "SHAPES"]

KINDS = {kind.name: kind for kind in (polygons.KIND, masks.KIND, boundaries.KIND)}
"""By name. Where two sides leave it open, they are measured by the first that both have."""

SHAPES = ("box", *KINDS)
"""What rules may measure."""
