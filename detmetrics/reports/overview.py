"""What a data set holds, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from detmetrics.datasets.overview import QUANTILES, Overview
from detmetrics.foundation.messages import printable
from detmetrics.reports.grids import grid_text
from detmetrics.reports.tables import Table

__all__ = ["to_text"]

COUNTS = {
    "images": "images",
    "images_without_objects": "images without objects",
    "objects": "objects",
    "crowds": "crowds",
    "difficult": "difficult objects",
    "classes": "classes",
    "classes_without_objects": "classes without objects",
}
OUTLINES = {
    "oriented_boxes": "oriented boxes",
    "polygons": "polygons",
    "masks": "masks",
    "masks_of_crowds": "masks of crowds",
    "unreadable": "cannot be drawn (detmetrics check)",
}


def to_text(counted: Overview) -> str:
    """Counts, classes, sizes and objects an image, a table each."""
    unit = "shares of the image" if counted.ground_truth.relative else "pixels"
    tables = [
        Table(("", "count"), tuple((COUNTS[n], value) for n, value in counted.counts.items())),
        _classes(counted),
        Table(("objects an image", "images"), tuple(counted.per_image.items())),
        _quantiles(counted, unit),
    ]
    if counted.areas:
        total = max(sum(counted.areas.values()), 1)
        rows = tuple((name, n, f"{n / total:.1%}") for name, n in counted.areas.items())
        tables.append(Table(("area (COCO's ranges)", "objects", "share"), rows))
    tables += _of_outlines(counted)
    notes = [printable(note) for note in counted.ground_truth.notes]
    return "\n".join([*map(grid_text, tables), *notes, ""] if notes else [*map(grid_text, tables)])


def _of_outlines(counted: Overview) -> Iterator[Table]:
    """Nothing where boxes are all there is."""
    there = [(OUTLINES[name], count) for name, count in counted.outlines.items() if count]
    if there:
        yield Table(("outlines", "objects"), tuple(there))
    if counted.directions:
        head = ("long side, degrees from x towards y", "oriented boxes")
        yield Table(head, tuple(counted.directions.items()))


def _classes(counted: Overview) -> Table:
    names = counted.ground_truth.catalog.class_labels
    total = max(int(counted.objects.sum()), 1)
    order = np.argsort(-counted.objects, kind="stable").tolist()
    rows = tuple(
        (
            names[at],
            int(counted.objects[at]),
            f"{counted.objects[at] / total:.1%}",
            int(counted.images_with[at]),
        )
        for at in order
    )
    return Table(("class", "objects", "share", "images"), rows)


def _quantiles(counted: Overview, unit: str) -> Table:
    heads = tuple("least" if q == 0 else "most" if q == 1 else f"{q:.0%}" for q in QUANTILES)
    rows = tuple(
        (name.replace("_per_", " an ").replace("_", " "), *_shown(values.tolist()))
        for name, values in counted.quantiles.items()
    )
    return Table((f"in {unit}", *heads), rows)


def _shown(values: Sequence[float]) -> tuple[str, ...]:
    return tuple("-" if math.isnan(value) else f"{value:.4g}" for value in values)
