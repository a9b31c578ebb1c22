"""What writers share: safe file names, numbers in full, and boxes in the unit of the target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from detmetrics.formats.writing.written_shapes import polygons_in
from detmetrics.foundation.arrays import Floats, used
from detmetrics.foundation.csv_text import csv_text
from detmetrics.foundation.errors import OutputError
from detmetrics.foundation.messages import counted, shown
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.image_paths import stem

__all__ = [
    "Table",
    "Written",
    "by_image",
    "four_corners",
    "image_labels",
    "image_stems",
    "in_pixels",
    "in_shares",
    "lost_areas",
    "lost_attributes",
    "lost_classes",
    "lost_outlines",
    "named_by_more_than_ids",
    "outlines_in_shares",
    "renamed_images",
    "safe_name",
    "size_table",
    "unique_stems",
    "whole_characters",
    "without_outlines",
]

Table = GroundTruth | Detections
RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
LONGEST = 200
AROUND = 30  # characters of a long text on both sides of a fault


class Written(NamedTuple):
    """files: what each holds, by its path below the target, ``""`` for the target itself;
    lost: what the format could not hold.
    """

    files: Mapping[str, bytes]
    lost: tuple[str, ...] = ()


@contextmanager
def whole_characters() -> Iterator[None]:
    """JSON may hold half a surrogate pair, which is no character of any file.

    Raises:
        OutputError: a text has one.
    """
    try:
        yield
    except UnicodeEncodeError as error:
        text = error.object[max(0, error.start - AROUND) : error.end + AROUND]
        raise OutputError(
            f"{shown(text)}: half a surrogate pair cannot be written: nothing was written. "
            "Fix: rename it in the source"
        ) from None


def safe_name(name: str, what: str) -> str:
    """A name that stays a single file inside the target on any system.

    Raises:
        OutputError: it would leave the target, or is no file name.
    """
    odd = (
        not name
        or name in (".", "..")
        or any(mark in name for mark in '/\\:*?"<>|')
        or not name.isprintable()
        or name != name.strip(" .")
        or RESERVED.fullmatch(name)
        or len(name) > LONGEST
    )
    if odd:
        raise OutputError(f"{what} {shown(name)} cannot be a file name: nothing was written")
    return name


def image_stems(catalog: Catalog) -> list[str]:
    """(N,) a file name without suffix for each image, with its folders where several share one.

    Raises:
        OutputError: two images would share one, or a name is not safe.
    """
    stems = unique_stems(catalog)
    taken = [name.casefold() for name in stems]
    if len(set(taken)) < len(taken):
        double = next(name for name in stems if taken.count(name.casefold()) > 1)
        raise OutputError(f"two images would be written to {shown(double)}: nothing was written")
    return ["/".join(safe_name(part, "image") for part in name.split("/")) for name in stems]


def unique_stems(catalog: Catalog) -> list[str]:
    """(N,) the stem of each image; of those that share one the path, and where that is no help the
    id.
    """
    names = [stem(name) for name in catalog.image_names]
    for row in _shared(names):
        parts = catalog.image_names[row].replace("\\", "/").split("/")
        names[row] = "/".join([*(part for part in parts[:-1] if part not in ("", ".")), names[row]])
    for row in _shared(names):
        names[row] = str(catalog.image_ids[row])
    return names


def _shared(names: Sequence[str]) -> list[int]:
    """The rows whose name another has too, whatever the capitals."""
    times = Counter(map(str.casefold, names))
    return [row for row, name in enumerate(names) if times[name.casefold()] > 1]


def renamed_images(catalog: Catalog) -> Iterator[str]:
    """That files are called after ids, since images share a name."""
    stems = [*map(stem, catalog.image_names)]
    renamed = sum(
        name.rpartition("/")[2] != own
        for name, own in zip(unique_stems(catalog), stems, strict=True)
    )
    if renamed:
        what = counted(renamed, "image", "images")
        yield f"the names of {what} that share a name: their files are named after their ids"


def image_labels(catalog: Catalog) -> tuple[str, ...]:
    """(N,) the names of the images, or where several share one the ids of these as text."""
    times = Counter(catalog.image_names)
    return tuple(
        name if times[name] == 1 else str(known)
        for name, known in zip(catalog.image_names, catalog.image_ids.tolist(), strict=True)
    )


def in_shares(table: Table) -> Floats:
    """(n, 4) ``x y w h`` as shares of the image.

    Raises:
        OutputError: boxes are in pixels of images of unknown size.
    """
    boxes = table.xywh
    if table.relative or not len(boxes):
        return boxes
    return boxes / _sides(table, "shares of the image, as the target has them")


def outlines_in_shares(table: Table) -> list[Floats | None]:
    """(R,) the corners of each row that is one polygon, (C, 2) in shares of the image, else None.

    Raises:
        OutputError: they are in pixels of images of unknown size.
    """
    corners = polygons_in(table)
    if corners is None:
        return [None] * len(table)
    if table.relative or not len(table):
        return corners
    sides = _sides(table, "shares of the image, as the target has them")[:, :2]
    return [None if own is None else own / side for own, side in zip(corners, sides, strict=True)]


def four_corners(table: Table) -> tuple[Floats, tuple[str, ...]]:
    """(R, 4, 2) the corners of oriented boxes, and what they do not hold.

    Upright boxes are their corners, from the upper left one on, clockwise as the image is seen;
    polygons of more or fewer corners the smallest rectangles around them.
    """
    shapes = table.shapes
    if not isinstance(shapes, Polygons):
        upright = Polygons.from_boxes(table.xyxy).points.reshape(-1, 4, 2)
        return upright, tuple(lost_outlines(table))
    corners = np.empty((len(shapes), 4, 2))
    cornered = shapes.count == 4
    corners[cornered] = shapes.take(np.flatnonzero(cornered)).points.reshape(-1, 4, 2)
    others = np.flatnonzero(~cornered)
    corners[others] = _smallest_rectangles(shapes.take(others))
    if not len(others):
        return corners, ()
    what = counted(len(others), "polygon has", "polygons have")
    return corners, (f"{what} not 4 corners: the smallest rectangles around them are written",)


def _smallest_rectangles(polygons: Polygons) -> Floats:
    """(R, 4, 2) corners; what has no area is the upright box around it."""
    import shapely

    corners = Polygons.from_boxes(polygons.hulls).points.reshape(-1, 4, 2)
    rings = np.repeat(np.arange(len(polygons)), polygons.count)
    drawn = shapely.polygons(shapely.linearrings(polygons.points, indices=rings))
    # The envelope of a line or a point is no polygon: its upright box stands there already. Rings
    # of shapely repeat their first corner at the end, hence five.
    around = shapely.oriented_envelope(drawn)
    flat = shapely.get_type_id(around) != shapely.GeometryType.POLYGON
    found = shapely.get_coordinates(around[~flat]).reshape(-1, 5, 2)
    corners[~flat] = found[:, :4]
    return corners


def lost_outlines(table: Table, lost: int | None = None) -> Iterator[str]:
    """What a target without masks does not hold; lost: of how many rows, where some are kept."""
    if table.shapes is None or isinstance(table.shapes, Polygons):
        return
    if count := len(table) if lost is None else lost:
        yield f"the masks of {counted(count, 'row')}: their upright boxes are written"


def size_table(catalog: Catalog) -> bytes:
    """A CSV of the widths and heights of images, as ``--image-sizes`` takes it."""
    sizes = zip(image_stems(catalog), catalog.image_sizes.tolist(), strict=True)
    rows = [["image", "width", "height"], *([name, *size] for name, size in sizes)]
    return csv_text(rows).encode()


def in_pixels(table: Table) -> Table:
    """The table itself, whose boxes are pixels.

    Raises:
        OutputError: boxes are shares of images of unknown size.
    """
    if table.relative and len(table):
        _refuse(table, "pixels, as the target has them")
    return table


def _sides(table: Table, unit: str) -> Floats:
    sizes = table.catalog.image_sizes[table.image]
    if np.isnan(sizes).any():
        _refuse(table, unit)
    return np.concatenate([sizes, sizes], axis=1)


def _refuse(table: Table, unit: str) -> None:
    unknown = int(np.isnan(table.catalog.image_sizes).any(axis=1).sum())
    raise OutputError(
        f"{table.source.name}: the size of {counted(unknown, 'image')} is unknown, so boxes cannot "
        f"become {unit}: give the images with --image-dir DIR, or their sizes with "
        "--image-sizes FILE (a CSV with image, width, height)"
    )


def without_outlines(table: Table) -> Iterator[str]:
    """What a target that holds boxes alone does not hold."""
    if table.shapes is not None and len(table):
        yield "outlines: only their upright boxes are written"


def lost_attributes(ground_truth: GroundTruth) -> Iterator[str]:
    """What a target without columns for attributes does not hold."""
    for name, values in ground_truth.attributes.items():
        if told := int((~np.isnan(values)).sum()):
            yield f"the {name} of {counted(told, 'object')}"


def lost_areas(ground_truth: GroundTruth) -> Iterator[str]:
    """What a target without areas does not hold."""
    sides = ground_truth.xywh
    if (ground_truth.area != sides[:, 2] * sides[:, 3]).any():
        yield "areas of masks: the target has those of boxes alone"


def lost_classes(ground_truth: GroundTruth, name: str) -> Iterator[str]:
    """What labels without a list of classes do not hold; name: of the format."""
    if unseen := len(ground_truth.catalog.category_ids) - len(used(ground_truth.category)):
        what = counted(unseen, "class", "classes")
        yield f"{what} without objects, of which {name} has no list"


def named_by_more_than_ids(ids: Iterable[object], names: Sequence[str]) -> bool:
    """Whether images or classes have names that their ids do not spell."""
    return [*names] != [str(known) for known in ids]


def by_image(table: Table, lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines of each image, images without any included."""
    order = np.argsort(table.image, kind="stable")
    ends = np.searchsorted(table.image[order], np.arange(len(table.catalog.image_ids) + 1))
    rows = order.tolist()
    for image, (start, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        yield image, [lines[row] for row in rows[start:end]]
