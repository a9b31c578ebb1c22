"""Ground truth and detections as columns, checked once; it imports overlap.

Both tables are frozen, their arrays read-only and of equal length; images and categories are
indices into the catalog. Boxes stay in the form that they came in (``x y w h`` or corners), and
the other form is derived once: converting forth and back changes bits, and a box on a threshold
would flip. Shares of the image become pixels where the sizes of all images are known; else they
stay shares on both sides, since scaling an axis changes no overlap. Every row knows its place in
its source.
"""

from __future__ import annotations

from dataclasses import replace

from detmetrics.foundation.arrays import Bools
from detmetrics.tables.detections import Detections
from detmetrics.tables.ground_truth import GroundTruth

__all__ = ["Detections", "GroundTruth", "restrict"]


def restrict(
    ground_truth: GroundTruth, detections: Detections, images: Bools, categories: Bools
) -> tuple[GroundTruth, Detections]:
    """Both tables with the marked images and categories only; images : (N,), categories : (K,)."""
    catalog = ground_truth.catalog.select(images, categories)
    federation = ground_truth.federation and ground_truth.federation.select(images, categories)
    return (
        replace(ground_truth.within(catalog, images, categories), federation=federation),
        detections.within(catalog, images, categories),
    )
