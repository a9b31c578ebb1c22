"""DOTA: oriented boxes, ``labelTxt`` an image and ``Task1_CLASS.txt`` a class.

Labels are lines ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult`` in pixels, below two lines that tell
where the image is from; both these and the mark of difficult objects may be missing. Detections are
lines ``image score x1 y1 ... x4 y4`` in a file named after its class. Source: the development kit's
``dota_utils.py`` and ``dota_evaluation_task1.py``, whose marks of difficult objects are any number
but 0 (2 in DOTA v1.5 and v2.0).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

import numpy as np

from detmetrics.formats.dota.labels import CORNERS, plain, read_labels
from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.lines.class_files import class_lines
from detmetrics.formats.lines.decimals import reads_as_float
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.lines.text_folder import box_files, required_files, sampled, stems
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import (
    SIZE_TABLE,
    ImageFiles,
    sizes_of,
    with_size_table,
)
from detmetrics.formats.reading import Reading
from detmetrics.formats.writing.written import (
    Written,
    by_image,
    four_corners,
    image_stems,
    in_pixels,
    lost_areas,
    lost_attributes,
    lost_classes,
    named_by_more_than_ids,
    renamed_images,
    safe_name,
    size_table,
)
from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError, OutputError
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.columns import LARGEST
from detmetrics.tables.sheets import Categories, Images, Sheet
from detmetrics.tables.sources import Source

__all__ = ["FORMAT"]

OF_KIT = re.compile(r"(?:.*_)?Task1_(?P<name>.+)\.txt", re.IGNORECASE)
OF_UPRIGHT = re.compile(r"(?:.*_)?Task2_.+\.txt", re.IGNORECASE)
LABELS = ("labeltxt", "annfiles")
FIELDS = {
    "categories": "class",
    "boxes": "corners",
    "shapes": "corners",
    "image_ids": "image",
    "scores": "score",
}
LOOKED_AT, BYTES = 20, 4096  # files and lines of each, of so many bytes of each file
SKEWED = 0.25
"""How far, in parts of its extent, the fourth corner may lie from where it closes a rectangle."""


# --- recognition ---------------------------------------------------------------------------------


def _recognise(given: Given, side: Side) -> str | None:
    if not box_files(given):
        return None
    return _recognise_detections(given) if side == "detections" else _recognise_labels(given)


def _recognise_detections(given: Given) -> str | None:
    if named := _of_kit(given):
        rows = [*_first_rows(given, named)]
        if sum(map(_is_detection, rows)) >= len(rows) / 2:
            return "files named after classes, as Task1_CLASS.txt"
    lines = sampled(given)
    if lines is not None and len(lines) and set(lines.width.tolist()) == {1 + CORNERS}:
        scores = lines.matrix(1 + CORNERS)[:, 0]
        if lines.label.labels.dtype == object and ((scores >= 0) & (scores <= 1)).all():
            return "a file a class, with lines of an image, a score and four corners"
    return None


def _recognise_labels(given: Given) -> str | None:
    rows = [*_first_rows(given, _label_files(given))]
    labels = sum(map(_is_label, rows))
    return "lines of four corners and the name of a class" if labels > len(rows) / 2 else None


def _first_rows(given: Given, files: Sequence[str]) -> Iterator[list[str]]:
    """The words of the first lines of some files, evenly taken, without headings."""
    for name in files[:: max(1, len(files) // LOOKED_AT)]:
        try:
            with open(given.join(name), "rb") as file:
                start = file.read(BYTES)
            text, _ = decoded(plain(start, name), name)
        except (OSError, FormatError):
            continue
        lines = text.splitlines()
        whole = lines if len(start) < BYTES else lines[:-1]
        yield from (line.split() for line in whole[:LOOKED_AT] if line.strip())


def _is_detection(words: Sequence[str]) -> bool:
    return len(words) == CORNERS + 2 and all(map(reads_as_float, words[1:]))


def _is_label(words: Sequence[str]) -> bool:
    if len(words) < CORNERS + 1 or not all(map(reads_as_float, words[:CORNERS])):
        return False
    return not reads_as_float(words[CORNERS]) or _is_numbered(words)


def _is_numbered(words: Sequence[str]) -> bool:
    """Whether corners of nearly a rectangle in pixels stand before a numbered class and a mark."""
    behind = words[CORNERS:]
    if len(behind) != 2 or not behind[0].isdigit() or behind[1] not in ("0", "1", "2"):
        return False
    corners = np.array(words[:CORNERS], np.float64).reshape(4, 2)
    if not (np.abs(corners) <= LARGEST).all():
        return False
    # In a rectangle both diagonals have the same middle. What extends over 2 at most is in shares,
    # in which DOTA has no boxes.
    extent = np.ptp(corners, axis=0)
    off = np.abs(corners[0] + corners[2] - corners[1] - corners[3])
    return bool((off <= SKEWED * extent).all() and extent.max() > 2)


def _of_kit(given: Given) -> list[str]:
    return [name for name in box_files(given) if OF_KIT.fullmatch(os.path.basename(name))]


# --- labels --------------------------------------------------------------------------------------


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Labels of a folder ``labelTxt``, or of the data set that holds it.

    Raises:
        FormatError: a line that is no four corners and a class, or several folders of labels.
    """
    required_files(given)
    files = _label_files(given)
    folders = {os.path.dirname(name) for name in files}
    _refuse_files(given, files, folders)
    contents, read = given.contents(files)
    lines, corners, difficult = read_labels(contents, files, given.path)
    images, home = _images_of(files, folders)
    sizes = _sizes(given.join(home) if home else given.path, images, reading)
    polygons = Polygons.from_corners(corners)
    return Sheet(
        source=Source(
            name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
        ),
        image=Keys(object_column(images), lines.file),
        category=lines.label,
        boxes=polygons.hulls,
        box_format="xyxy",
        shapes=polygons,
        difficult=difficult,
        images=Images(ids=object_column(images), names=tuple(images), sizes=sizes),
        categories=_classes(lines, reading, given.path),
        class_key="name",
        notes=lines.notes(given.path),
    )


def _refuse_files(given: Given, files: Sequence[str], folders: set[str]) -> None:
    """Detections are no labels, and of several data sets one is meant.

    Raises:
        FormatError: they are.
    """
    if detections := [name for name in _of_kit(given) if name in files]:
        what = "detections of a class, where labels of an image must be"
        raise FormatError(given.path, [f"{printable(detections[0])}: {what}"])
    if len(folders) > 1 and all(_is_label_folder(folder) for folder in folders):
        found = ", ".join(printable(folder) for folder in sorted(folders))
        raise FormatError(given.path, [f"several folders of labels: give one of {found}"])


def _label_files(given: Given) -> Sequence[str]:
    """Those below ``labelTxt`` where there is such a folder, else all."""
    files = box_files(given)
    below = [name for name in files if _is_label_folder(os.path.dirname(name))]
    return below or files


def _is_label_folder(folder: str) -> bool:
    return os.path.basename(folder).lower() in LABELS


def _classes(lines: Lines, reading: Reading, path: str) -> Categories:
    """In the order that was asked for, else by name."""
    reading.mark("class_names")
    used, listed = listed_classes(lines.label.used(), names_of(reading.class_names), path)
    if listed:
        return listed
    names = sorted(used.labels.tolist())
    return Categories(ids=object_column(names), names=tuple(names), template="{row}")


def _images_of(files: Sequence[str], folders: set[str]) -> tuple[list[str], str]:
    """The names of the images, and the folder of their labels where it is a single one."""
    if len(folders) > 1:
        return stems(files), ""
    (home,) = folders
    return stems([os.path.basename(name) for name in files]), home


def _sizes(folder: str, images: Sequence[str], reading: Reading) -> Floats:
    """(N, 2) sizes of images: as asked, from the table among the labels, or from ``images``."""
    reading = with_size_table(folder, reading)
    folder = os.path.abspath(folder)
    asked = reading.image_sizes is not None or reading.image_dir is not None
    beside = os.path.join(os.path.dirname(folder), "images")
    found = None if asked or not _is_label_folder(folder) else ImageFiles.of(beside)
    return sizes_of(images, reading, found)


# --- detections ----------------------------------------------------------------------------------


def read_detections(given: Given, reading: Reading) -> Sheet:
    """Detections of a folder with a file a class.

    Raises:
        FormatError: a line that is not an image, a score and four corners.
    """
    every = required_files(given)
    files = _of_kit(given) or _unnamed(given)
    bare, expected = reading.scores is not None, "x1 y1 x2 y2 x3 y3 x4 y4"
    found, lines, read = class_lines(given, files, OF_KIT, 1 + CORNERS, expected, bare=bare)
    scored = not bare or bool((lines.width == 1 + CORNERS).all())
    lines.refuse_unusable(given.path)
    values = lines.matrix(CORNERS + scored)
    polygons = Polygons.from_corners(np.ascontiguousarray(values[:, -CORNERS:]).reshape(-1, 4, 2))
    classes, renamed = _with_spaces(found, reading.catalog, given.path)
    names = object_column(classes)
    return Sheet(
        source=Source(
            name=given.path, input=read, fields=FIELDS, template="{field}", where=lines.place
        ),
        image=lines.label,
        category=Keys(names, lines.file),
        boxes=polygons.hulls,
        box_format="xyxy",
        shapes=polygons,
        scores=np.ascontiguousarray(values[:, 0]) if scored else None,
        categories=Categories(ids=names, names=tuple(classes), template="{row}"),
        class_key="name",
        notes=(*_left_out(every, files, given.path), *renamed, *lines.notes(given.path)),
    )


def _unnamed(given: Given) -> list[str]:
    """Files that are named after their class alone.

    Raises:
        FormatError: the files are those of upright boxes.
    """
    files = [*box_files(given)]
    if upright := [name for name in files if OF_UPRIGHT.fullmatch(os.path.basename(name))]:
        what = "these are upright boxes (image score xmin ymin xmax ymax): --det-format comp4"
        raise FormatError(given.path, [f"{printable(upright[0])}: {what}"])
    return files


def _with_spaces(
    classes: list[str], catalog: Catalog | None, path: str
) -> tuple[list[str], tuple[str, ...]]:
    """Classes as the ground truth has them, where names of files have ``-`` in place of spaces.

    Source: ``ultralytics/models/yolo/obb/val.py``, ``eval_json``.
    """
    known = () if catalog is None else catalog.category_names
    spaced = {_one_word(name): name for name in known}
    if len(spaced) < len(known):
        return classes, ()
    found = [name if name in known else spaced.get(name, name) for name in classes]
    changed = [f"{old} is {new}" for old, new in zip(classes, found, strict=True) if old != new]
    if not changed or len(set(found)) < len(found):
        return classes, ()
    return found, (f"{path}: classes are taken for those with spaces: {', '.join(changed)}",)


def _left_out(every: Sequence[str], files: Sequence[str], path: str) -> Iterator[str]:
    if others := [name for name in every if name not in {*files}]:
        what = counted(len(others), "file is", "files are")
        yield (
            f"{path}: {what} not named Task1_CLASS.txt and left out, first {printable(others[0])}"
        )


# --- writing -------------------------------------------------------------------------------------


def write_ground_truth(ground_truth: GroundTruth) -> Written:
    """Label files, and ``image_sizes.csv`` where sizes are known.

    Raises:
        OutputError: boxes are shares of images of unknown size, or names are no file names.
    """
    corners, lost = four_corners(in_pixels(ground_truth))
    names, renamed = _words(ground_truth.catalog)
    marked = ground_truth.difficult | ground_truth.crowd | ground_truth.ignore
    lines = [
        f"{_spelled(own)} {names[category]} {int(mark)}"
        for own, category, mark in zip(
            corners.reshape(-1, CORNERS).tolist(),
            ground_truth.category.tolist(),
            marked.tolist(),
            strict=True,
        )
    ]
    stems_of = image_stems(ground_truth.catalog)
    files = {
        f"{stems_of[image]}.txt": "".join(f"{line}\n" for line in own).encode()
        for image, own in by_image(ground_truth, lines)
    }
    if not np.isnan(ground_truth.catalog.image_sizes).any():
        files[SIZE_TABLE] = size_table(ground_truth.catalog)
    return Written(
        files, (*lost, *_lost(ground_truth), *renamed, *renamed_images(ground_truth.catalog))
    )


def write_detections(detections: Detections) -> Written:
    """``Task1_CLASS.txt``, a file a class.

    Raises:
        OutputError: boxes are shares of images of unknown size, names are no file names, or those
            of images hold spaces.
    """
    corners, lost = four_corners(in_pixels(detections))
    names, renamed = _words(detections.catalog)
    images = image_stems(detections.catalog)
    if spaced := [name for name in images if len(name.split()) > 1]:
        raise OutputError(
            f"image {shown(spaced[0])}: a name with spaces cannot stand in a line of DOTA's "
            "detections: nothing was written"
        )
    lines: list[list[str]] = [[] for _ in names]
    for image, category, score, own in zip(
        detections.image.tolist(),
        detections.category.tolist(),
        detections.scores.tolist(),
        corners.reshape(-1, CORNERS).tolist(),
        strict=True,
    ):
        lines[category].append(f"{images[image]} {score!r} {_spelled(own)}\n")
    files = {
        safe_name(f"Task1_{name}.txt", "class"): "".join(own).encode()
        for name, own in zip(names, lines, strict=True)
    }
    return Written(
        files,
        (*lost, *_lost_ids(detections.catalog), *renamed, *renamed_images(detections.catalog)),
    )


def _spelled(numbers: Sequence[float]) -> str:
    return " ".join(map(repr, numbers))


def _one_word(name: str) -> str:
    """A class as one word, where white space of any kind parts the words of a line."""
    return "-".join(name.split())


def _words(catalog: Catalog) -> tuple[list[str], tuple[str, ...]]:
    """(K,) the classes, each as one word, and what to say.

    Raises:
        OutputError: two classes would share a word, or one has none.
    """
    labels = catalog.class_labels
    words = [_one_word(label) for label in labels]
    for label, word in zip(labels, words, strict=True):
        # Whole numbers are read where the names of classes are given.
        number = reads_as_float(word) and not word.isdigit()
        if not word.isprintable() or not word or number:
            raise OutputError(
                f"DOTA cannot hold class {shown(label)}: a class must be a word, not a number or "
                "empty. Nothing was written. Fix: rename the class"
            )
    folded = [word.casefold() for word in words]
    if len(set(folded)) < len(folded):
        double = next(word for word in words if folded.count(word.casefold()) > 1)
        raise OutputError(f"two classes would be called {shown(double)}: nothing was written")
    changed = sum(word != label for word, label in zip(words, labels, strict=True))
    if not changed:
        return words, ()
    what = counted(changed, "name of a class", "names of classes")
    return words, (f"spaces in {what}: - stands there, since spaces part the words of a line",)


def _lost(ground_truth: GroundTruth) -> Iterator[str]:
    yield from lost_attributes(ground_truth)
    if marked := int(((ground_truth.crowd | ground_truth.ignore) & ~ground_truth.difficult).sum()):
        what = counted(marked, "object that is", "objects that are")
        yield f"{what} crowd or ignored: written as difficult"
    yield from lost_classes(ground_truth, "DOTA")
    yield from lost_areas(ground_truth)
    yield from _lost_ids(ground_truth.catalog)


def _lost_ids(catalog: Catalog) -> Iterator[str]:
    if named_by_more_than_ids(catalog.category_ids.tolist(), catalog.class_labels):
        yield "ids of classes: DOTA has their names alone"


FORMAT = Format(
    name="dota",
    title="DOTA oriented boxes",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    read_detections=read_detections,
    write_ground_truth=write_ground_truth,
    write_detections=write_detections,
    writes_outlines=True,
    rules="dota",
)
