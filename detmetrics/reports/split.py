"""The parts of a data set, for a terminal."""

from __future__ import annotations

from detmetrics.datasets.splitting import Split
from detmetrics.foundation.messages import counted, printable
from detmetrics.reports.grids import grid_text
from detmetrics.reports.tables import Table

__all__ = ["to_text"]


def to_text(split: Split, target: str) -> str:
    """Images and objects of each class by part, and what was kept together."""
    heads = tuple(head for part in split.parts for head in (part, "share"))
    objects = split.objects
    names = split.ground_truth.catalog.class_labels
    rows = [("images", *_cells([*split.images.values()]))]
    rows += [(name, *_cells(row)) for name, row in zip(names, objects.tolist(), strict=True)]
    images = len(split.part)
    lines = [
        grid_text(Table(("objects", *heads), tuple(rows))),
        f"{counted(images, 'image')} in {counted(split.groups, 'group')}; {_duplicates(split)}",
        f"{printable(target)}: {', '.join(split.parts)} written",
        "",
    ]
    return "\n".join(lines)


def _cells(counts: list[int]) -> tuple[str, ...]:
    total = sum(counts)
    return tuple(
        cell
        for count in counts
        for cell in (f"{count:,}", f"{count / total:.1%}" if total else "-")
    )


def _duplicates(split: Split) -> str:
    if not split.files:
        return (
            "image files were not found (--image-dir), so equal images were not looked for, and "
            "lists hold names"
        )
    return f"{counted(split.duplicates, 'image')} equal to another, kept with it"
