"""From a path to a sheet: which format it is, read, and its class numbers taken as asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.metadata.class_hierarchy import expanded, read_class_tree
from detmetrics.formats.metadata.class_names import names_of
from detmetrics.formats.metadata.image_labels import with_image_labels
from detmetrics.formats.reading import READING, Reading
from detmetrics.formats.registry import choose, formats
from detmetrics.formats.yolo.dataset import names_in
from detmetrics.foundation.arrays import keep_freed_memory, object_column
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.files import STANDARD_STREAM
from detmetrics.foundation.messages import counted, printable
from detmetrics.foundation.progress import Progress, in_phase
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.id_pairing import COCO_91, UnknownPolicy
from detmetrics.tables.sheets import Sheet

__all__ = [
    "Path",
    "benchmark_of",
    "benchmark_of_format",
    "read_detections",
    "read_ground_truth",
    "read_sheet",
]

DEFAULT_RULES = "coco"

Path: TypeAlias = str | os.PathLike[str]


def read_sheet(
    path: str | os.PathLike[str],
    side: Side,
    reading: Reading,
    *,
    progress: Progress | None = None,
    given: Given | None = None,
) -> Sheet:
    """What a file or a folder says.

    given: the path, where it was looked into before.

    Raises:
        FormatError: it cannot be read, or no format is known that looks like it.
        InputError: a format was asked for that does not exist.
    """
    if reading.image_dir is not None and not os.path.isdir(reading.image_dir):
        raise FormatError(
            os.fspath(reading.image_dir), ["expected a folder of images (--image-dir)"]
        )
    keep_freed_memory()
    given = given or Given(path)
    of_truth = side == "ground truth"
    wanted = reading.gt_format if of_truth else reading.det_format
    angle = reading.gt_angle if of_truth else reading.det_angle
    reading = replace(reading, angle=angle or reading.angle)
    chosen, why = choose(given, side, wanted)
    read = chosen.reader(side)
    assert read is not None
    if (share := in_phase(progress, f"reading {side}")) is not None:
        reading = replace(reading, on_progress=share)
    reading.on_message(
        f"{printable(given.path)}: {side} read as {chosen.title} ({chosen.name}): {why}"
    )
    sheet = read(given, reading)
    sheet = replace(sheet, source=replace(sheet.source, format=chosen.name))
    return _numbered(sheet, reading, given) if side == "detections" else _completed(sheet, reading)


def benchmark_of(path: str | os.PathLike[str], reading: Reading) -> str:
    """The name of the rule set of the benchmark that ground truth belongs to.

    Of what is no ground truth it is COCO's: who reads it says best what is wrong.
    """
    if path == STANDARD_STREAM:
        return DEFAULT_RULES
    try:
        chosen, _ = choose(Given(path), "ground truth", reading.gt_format)
    except InputError:
        return DEFAULT_RULES
    return chosen.rules


def benchmark_of_format(name: str) -> str:
    """The name of the rule set of the benchmark that a format belongs to."""
    return next((known.rules for known in formats() if known.name == name), DEFAULT_RULES)


def _completed(sheet: Sheet, reading: Reading) -> Sheet:
    """Ground truth with what further files say of its classes."""
    tree = None
    if reading.hierarchy is not None:
        tree = read_class_tree(reading.hierarchy)
        sheet = expanded(sheet, tree, os.fspath(reading.hierarchy))
    if reading.image_labels is not None:
        sheet = with_image_labels(sheet, reading.image_labels, tree, reading)
    return sheet


def _numbered(sheet: Sheet, reading: Reading, given: Given) -> Sheet:
    """Detections with their class numbers read as asked, or by name where names are known."""
    numbers = sheet.category.labels
    if reading.class_numbers is not None and numbers.dtype != object:
        return _as_asked(sheet, reading.class_numbers)
    if sheet.class_key != "index" or _has_names(reading.catalog) is False:
        return sheet
    names = names_of(reading.class_names)
    if names is None:
        return _named_beside(sheet, reading.catalog, given)
    _refuse_beyond(sheet, names)
    return _by_name(sheet, names)


def _named_beside(sheet: Sheet, catalog: Catalog | None, given: Given) -> Sheet:
    """By the names that lie with the files, where they fit: else numbers are indices."""
    found = names_in(given.path) if given.is_folder else None
    if found is None:
        return sheet
    names, path = found
    used = sheet.category.used().labels
    beyond = bool(((used < 0) | (used >= len(names))).any())
    if beyond or (catalog and not {names[number] for number in used} <= {*catalog.category_names}):
        return sheet
    note = f"{sheet.source.name}: class names come from {path}"
    return replace(_by_name(sheet, names), notes=(*sheet.notes, note))


def _refuse_beyond(sheet: Sheet, names: Sequence[str]) -> None:
    numbers = sheet.category.labels
    rows = np.flatnonzero(sheet.category.spread((numbers < 0) | (numbers >= len(names))))
    if not len(rows):
        return
    row = int(rows[0])
    wrong = numbers[row if sheet.category.code is None else sheet.category.code[row]]
    raise InputError(
        f"{sheet.source.name}: {sheet.source.place(row, 'categories')}: class {wrong}, but "
        f"{counted(len(names), 'class name')} given are of 0 to {len(names) - 1:,}: are they of "
        f"another data set? ({counted(len(rows), 'detection')} of such classes)"
    )


def _by_name(sheet: Sheet, names: Sequence[str]) -> Sheet:
    """With the names in place of the numbers."""
    numbers = sheet.category.labels
    known = [names[number] if 0 <= number < len(names) else "" for number in numbers.tolist()]
    texts = object_column(known)
    return replace(sheet, category=Keys(texts, sheet.category.code), class_key="name")


def _has_names(catalog: Catalog | None) -> bool | None:
    """Whether the classes of the ground truth have names that are more than their numbers."""
    if catalog is None:
        return None
    return list(catalog.category_names) != [
        str(known) for known in catalog.category_ids.tolist()
    ] or (catalog.category_ids.dtype == object)


def _as_asked(sheet: Sheet, how: str) -> Sheet:
    labels, code = sheet.category
    if how == "ids":
        return replace(sheet, class_key="id")
    if how == "index1":
        labels = labels - 1
    if how == "coco91":
        order = {known: place for place, known in enumerate(sorted(COCO_91))}
        labels = np.array([order.get(label, -1) for label in labels.tolist()], np.int64)
    return replace(sheet, category=Keys(labels, code), class_key="index")


def read_ground_truth(
    path: Path, reading: Reading = READING, *, progress: Progress | None = None
) -> GroundTruth:
    """Ground truth from a file or a folder of any known format (``-`` is standard input).

    reading: what files leave open; progress: called with a phase and the share of it that is
    done.

    Raises:
        FormatError: it cannot be read or is not ground truth; all faults are listed.

    >>> ground_truth = read_ground_truth("fixtures/ground_truth.json")
    >>> ground_truth.catalog.category_names
    ('person', 'bicycle', 'car', 'bus', 'dog')
    """
    sheet = read_sheet(path, "ground truth", reading, progress=progress)
    return GroundTruth.from_sheet(sheet, pixels=reading.pixels, invalid_boxes=reading.invalid_boxes)


def read_detections(
    path: Path,
    ground_truth: GroundTruth,
    reading: Reading = READING,
    *,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    progress: Progress | None = None,
) -> Detections:
    """Detections from a file or a folder, paired with the images and classes of the ground truth.

    unknown_images, unknown_categories: ``"error"``, or ``"drop"`` to leave out and count the
    detections whose image or class the ground truth lacks. reading, progress: as in
    :func:`read_ground_truth`.

    Raises:
        FormatError: it cannot be read or holds no detections.
        UnknownIdError: ids that the ground truth lacks; the message names the likely cause.

    >>> ground_truth = read_ground_truth("fixtures/ground_truth.json")
    >>> len(read_detections("fixtures/detections.json", ground_truth)) > 100
    True
    """
    known = replace(reading, catalog=ground_truth.catalog)
    return Detections.from_sheet(
        read_sheet(path, "detections", known, progress=progress),
        catalog=ground_truth.catalog,
        relative=ground_truth.relative,
        pixels=reading.pixels,
        unknown_images=unknown_images,
        unknown_categories=unknown_categories,
        invalid_boxes=reading.invalid_boxes,
    )
