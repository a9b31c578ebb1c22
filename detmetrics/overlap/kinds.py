"""The kinds of shapes that are measured beside upright boxes, which need no outlines."""

from __future__ import annotations

from detmetrics.overlap.masks import boundary_iou, masks
from detmetrics.overlap.polygons import polygons, probiou

__all__ = ["KINDS", "SHAPES", "TITLES"]

KINDS = {kind.name: kind for kind in (polygons.KIND, probiou.KIND, masks.KIND, boundary_iou.KIND)}
"""By name. Where two sides leave it open, they are measured by the first that both have."""

SHAPES = ("box", *KINDS)
"""What rules may measure."""

TITLES = {"box": "upright boxes", **{name: kind.title for name, kind in KINDS.items()}}
"""What each is in words."""
