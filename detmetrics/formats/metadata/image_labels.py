"""Image-level labels: which classes somebody looked for in which image, found or not.

A table of ``ImageID, LabelName, Confidence``: 1 where the class is in the image, 0 where it is
not. A class that is there is there as each class above it too, and one that is not is none of the
classes below it. Source: Open Images, ``validation-annotations-human-imagelabels.csv``;
TensorFlow's ``oid_hierarchical_labels_expansion.py``, ``oid_challenge_evaluation_utils.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.metadata.class_hierarchy import ClassTree
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.delimited import read_delimited
from detmetrics.formats.tabular.headings import Heading
from detmetrics.foundation.arrays import object_column
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables.federation import Federation
from detmetrics.tables.image_paths import stem
from detmetrics.tables.sheets import Images, Sheet

__all__ = ["with_image_labels"]

COLUMNS = {"image": "imageid", "class": "labelname", "score": "confidence"}


def with_image_labels(
    sheet: Sheet, path: str | os.PathLike[str], tree: ClassTree | None, reading: Reading
) -> Sheet:
    """Ground truth that knows which classes were looked for; lists the images of the labels too.

    Raises:
        FormatError: the table cannot be read, or holds something else than 0 and 1.
    """
    given = Given(path)
    told = [*_labels(given)]
    images = sheet.images
    if images is None or sheet.category.labels.dtype != object:
        raise FormatError(
            given.path, [f"{sheet.source.name} numbers its classes, and labels go by names"]
        )
    row_of = {stem(name): row for row, name in enumerate(images.names)}
    fresh = [
        name for name in dict.fromkeys(stem(image) for image, _, _ in told) if name not in row_of
    ]
    row_of |= {name: len(images.names) + at for at, name in enumerate(fresh)}
    sheet = sheet.naming(name for _, name, there in told for name in _also(name, there, tree))
    assert sheet.categories is not None
    place = {name: at for at, name in enumerate(sheet.categories.names)}
    pairs = {
        (row_of[stem(image)], place[name])
        for image, label, there in told
        for name in _also(label, there, tree)
    }
    grown = Images(
        ids=object_column([*images.ids.tolist(), *fresh]),
        names=(*images.names, *fresh),
        sizes=None
        if images.sizes is None
        else np.concatenate([images.sizes, sizes_of(fresh, reading)]),
        template=images.template,
    )
    note = f"{given.path}: {counted(len(told), 'label')} say what was looked for in which image" + (
        f", {counted(len(fresh), 'image')} of them without a box" if fresh else ""
    )
    return replace(
        sheet,
        images=grown,
        federation=Federation(
            verified=np.array(sorted(pairs), np.int64).reshape(-1, 2),
            not_exhaustive=np.zeros((0, 2), np.int64),
            frequency=("",) * len(sheet.categories.names),
        ),
        notes=(*sheet.notes, note),
    )


def _also(name: str, there: bool, tree: ClassTree | None) -> Iterator[str]:
    """The class, and those that follow from it."""
    yield name
    if tree is not None:
        yield from sorted((tree.above if there else tree.below).get(name, ()))


def _labels(given: Given) -> Iterator[tuple[str, str, bool]]:
    """Image, class, and whether the one is in the other."""

    def find(names: list[str]) -> Heading:
        by_lower = {name.lower(): name for name in names}
        if missing := [name for name in COLUMNS.values() if name not in by_lower]:
            raise FormatError(
                given.path,
                [f"expected ImageID, LabelName, Confidence: {', '.join(missing)} missing"],
            )
        column = {what: by_lower[name] for what, name in COLUMNS.items()}
        return Heading(column=column, box_format="xyxy")

    frame, heading, _ = read_delimited(given, find)
    columns = (frame[heading.column[what]].tolist() for what in COLUMNS)
    for line, image, name, value in zip(frame.index, *columns, strict=True):
        if str(value).strip() not in {"0", "1", "0.0", "1.0"}:
            raise FormatError(
                given.path, [f"line {line}: Confidence: expected 0 or 1, got {shown(value)}"]
            )
        yield str(image).strip(), str(name).strip(), float(value) == 1
