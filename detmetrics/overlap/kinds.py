"""The kinds of shapes that are measured beside upright boxes, which need no outlines.

What a kind needs is imported when it is first looked up: most sets are measured by boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from detmetrics.overlap.shapes import Kind

__all__ = ["KINDS", "SHAPES", "TITLES"]

MODULES = {
    "oriented": "polygons.polygons",
    "probabilistic": "polygons.probiou",
    "mask": "masks.masks",
    "boundary": "masks.boundary_iou",
}


class _Kinds(Mapping[str, Kind]):
    """Each is the ``KIND`` of its module."""

    def __getitem__(self, name: str) -> Kind:
        module = import_module(f"{__package__}.{MODULES[name]}")
        return cast("Kind", module.KIND)

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


KINDS = _Kinds()
"""By name. Where two sides leave it open, they are measured by the first that both have."""

SHAPES = ("box", *MODULES)
"""What rules may measure."""

TITLES = {
    "box": "upright boxes",
    "oriented": "oriented boxes and polygons",
    "probabilistic": "oriented boxes as normal distributions",
    "mask": "masks",
    "boundary": "masks by their boundaries",
}
"""What each is in words."""
