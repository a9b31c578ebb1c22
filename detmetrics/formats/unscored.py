"""Detections without scores: which reader takes them, and what becomes of labels read as such.

Such files are those of detections without the score, or of labels: a format says with
``read_unscored`` how the second kind is read; of any other its reader of ground truth is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detmetrics.formats.format import Format, Reader
from detmetrics.formats.given import Given
from detmetrics.formats.registry import choose, format_named, formats_for
from detmetrics.foundation.arrays import Objects, object_column
from detmetrics.foundation.messages import counted
from detmetrics.tables.catalog import Keys
from detmetrics.tables.sheets import Sheet

__all__ = ["choose_unscored", "without_scores"]


def choose_unscored(given: Given, wanted: str | None) -> tuple[Format, str, Reader]:
    """The format of detections that may have no scores, why, and what reads them.

    wanted: the name of a format, which decides.

    Raises:
        InputError, FormatError: as of :func:`~detmetrics.formats.registry.choose`.
    """
    named = [known for known in (wanted and format_named(wanted),) if known]
    for known in named or ([] if wanted else formats_for(given)):
        if known.read_detections and (why := known.recognise(given, "detections")):
            return known, "as asked" if named else why, known.read_detections
        reader = known.read_unscored or _of_labels(known)
        if reader and (why := known.recognise(given, "ground truth")):
            return known, "as asked" if named else why, reader
    chosen, why = choose(given, "detections", wanted)
    assert chosen.read_detections is not None
    return chosen, why, chosen.read_detections


def _of_labels(known: Format) -> Reader | None:
    """Reads labels of a format as detections; None where it has no labels."""
    read = known.read_ground_truth
    return None if read is None else lambda given, reading: as_detections(read(given, reading))


def as_detections(sheet: Sheet) -> Sheet:
    """Labels as detections: without what only objects have, by the names that they list.

    >>> from detmetrics.formats.loading import read_sheet
    >>> from detmetrics.formats.reading import READING
    >>> labels = read_sheet("fixtures/ground_truth.json", "ground truth", READING)
    >>> len(as_detections(labels)) == len(labels)
    True
    """
    image, category = sheet.image, sheet.category
    image_key, class_key = sheet.image_key, sheet.class_key
    if image_key == "id" and sheet.images is not None:
        image, image_key = _named(image, sheet.images.ids, sheet.images.names), "name"
    if class_key == "id" and sheet.categories is not None:
        category = _named(category, sheet.categories.ids, sheet.categories.names)
        class_key = "name"
    return replace(
        sheet,
        image=image,
        category=category,
        image_key=image_key,
        class_key=class_key,
        areas=None,
        crowd=None,
        ignore=None,
        difficult=None,
        ids=None,
        attributes={},
        images=None,
        categories=None,
        federation=None,
    )


def _named(keys: Keys, ids: Objects, names: Sequence[str]) -> Keys:
    """By the name of each id; one that is not listed stays what it is."""
    name_of = dict(zip(ids.tolist(), names, strict=True))
    labels = [str(name_of.get(known, known)) for known in keys.labels.tolist()]
    return Keys(object_column(labels), keys.code)


def without_scores(sheet: Sheet) -> Sheet:
    """The detections of a sheet without its scores, and a note where it has some."""
    if sheet.scores is None:
        return sheet
    if not (known := int(np.isfinite(sheet.scores).sum())):
        return replace(sheet, scores=None)
    what = counted(known, "detection has a score, which is", "detections have scores, which are")
    note = f"{sheet.source.name}: {what} not used, as asked (--scores none)"
    return replace(sheet, scores=None, notes=(*sheet.notes, note))
