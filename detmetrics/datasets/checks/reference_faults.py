"""Ids: each once, and everything that is referred to listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from detmetrics.datasets.checks.findings import Finding, finding, marked
from detmetrics.datasets.checks.sides import Subject
from detmetrics.foundation.arrays import Ints, Objects
from detmetrics.foundation.messages import shown
from detmetrics.tables.catalog import Id
from detmetrics.tables.sheets import Sheet

__all__ = ["of_detections", "of_ground_truth"]


def of_ground_truth(ground_truth: Subject) -> Iterator[Finding | None]:
    """Double ids and names, and objects of images and classes that are not listed."""
    sheet = ground_truth.sheet
    if sheet.ids is not None:
        rows = np.array(_again(sheet.ids), np.int64)
        yield marked("D101", ground_truth.name, rows, ground_truth.place("id"))
    if sheet.images is not None:
        yield _double("D102", ground_truth.name, sheet.images.ids, sheet.images.template)
    if sheet.categories is not None:
        yield _double("D103", ground_truth.name, sheet.categories.ids, sheet.categories.template)
    yield from _unlisted(ground_truth)
    yield _shared_name("D106", ground_truth.name, ground_truth.listing.image_names)
    yield _shared_name("D107", ground_truth.name, ground_truth.listing.category_names)
    yield _one_too_high(ground_truth)


def of_detections(detections: Subject, pairing: Sequence[str | None]) -> Iterator[Finding | None]:
    """Detections whose image or class the ground truth lacks.

    pairing: what pairing says of images and of classes, None where all are known.
    """
    for code, column, index, said in zip(
        ("D104", "D105"),
        ("image_ids", "categories"),
        (detections.image, detections.category),
        pairing,
        strict=True,
    ):
        yield marked(code, detections.name, index < 0, detections.place(column), said or "")


def _again(ids: Objects) -> list[int]:
    """Rows whose id stood in an earlier row."""
    first: dict[Id, int] = {}
    return [row for row, known in enumerate(ids.tolist()) if first.setdefault(known, row) != row]


def _double(code: str, source: str, ids: Objects, template: str) -> Finding | None:
    rows = _again(ids)
    if not rows:
        return None
    places = (f"{template.format(row=row)}: {shown(ids.tolist()[row])}" for row in rows)
    return finding(code, source, len(rows), places)


def _unlisted(ground_truth: Subject) -> Iterator[Finding | None]:
    for code, column, index in (
        ("D104", "image_ids", ground_truth.image),
        ("D105", "categories", ground_truth.category),
    ):
        yield marked(code, ground_truth.name, index < 0, ground_truth.place(column))


def _shared_name(code: str, source: str, names: Sequence[str]) -> Finding | None:
    times = Counter(names)
    shared = [name for name, count in times.items() if count > 1]
    count = sum(times[name] for name in shared)
    return finding(code, source, count, map(shown, shared)) if shared else None


def _one_too_high(ground_truth: Subject) -> Finding | None:
    """Numbers of 1 to K for K classes, where indices from 0 are meant.

    Only a list of names tells, since without one the classes are those that occur.
    """
    sheet = ground_truth.sheet
    if not _counts_from_zero(sheet) or not len(sheet):
        return None
    used: Ints = np.unique(sheet.category.spread(sheet.category.labels))
    classes = len(ground_truth.listing.category_ids)
    if used[0] == 1 and used[-1] >= classes:
        detail = f"class 0 has no object and class {used[-1]} has no name; {classes} are named"
        return finding("D108", ground_truth.name, len(sheet), (), detail)
    return None


def _counts_from_zero(sheet: Sheet) -> bool:
    listed = sheet.categories
    if listed is None or listed.ids.dtype == object or sheet.category.labels.dtype == object:
        return False
    return bool((listed.ids == np.arange(len(listed.ids))).all())
