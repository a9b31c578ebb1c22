"""Oriented boxes in columns of text that were asked for: four corners, or sides and an angle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detmetrics.formats.lines.column_names import POINTS, TURNED
from detmetrics.formats.lines.layout_evidence import is_relative
from detmetrics.formats.lines.lines import Lines
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Floats
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.angles import Angles, rectangles
from detmetrics.overlap.polygons.polygons import Polygons
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.image_paths import stem

__all__ = ["STRETCHED", "Oriented", "asked_oriented", "in_pixels", "known_sizes", "sizes_in"]

NO_SIZE = (np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Oriented:
    """shapes : (R,) oriented boxes; relative: in shares of the image; notes: how they were read.

    names: of the columns of values : (R, C).
    """

    shapes: Polygons
    relative: bool
    notes: tuple[str, ...]
    names: Sequence[str]
    values: Floats

    def column(self, name: str) -> Floats | None:
        """(R,) one column, or None without one of this name."""
        at = [*self.names].index(name) if name in self.names else None
        return None if at is None else np.ascontiguousarray(self.values[:, at])


def asked_oriented(
    asked: Sequence[str],
    lines: Lines,
    sizes: Floats,
    told: Angles,
    angle: str | None,
    path: str,
) -> Oriented:
    """Oriented boxes of lines that hold what was asked for.

    asked: names of the numbers of a line; sizes : (F, 2) of the image of each file, nan where
    unknown; told: what the format says of angles; angle: what was asked for, see
    :func:`~detmetrics.overlap.polygons.angles.rectangles`.

    Sides in shares are those of the box before it is turned: ``cx`` and ``w`` times the width of
    the image, ``cy`` and ``h`` times its height.

    Raises:
        FormatError: lines of another length, a negative side, an angle of which the convention is
            open, or one in shares of an image of unknown size.
    """
    values = lines.named(asked, path)
    lines.refuse_unusable(path)
    cornered = {*POINTS} <= {*asked}
    sides = values[:, [asked.index(name) for name in (POINTS if cornered else TURNED)]]
    relative = bool(len(sides)) and is_relative(sides if cornered else sides[:, :4])
    unit = "shares of the image" if relative else "pixels"
    said = f"{path}: columns are {' '.join(('class', *asked))} in {unit}, as asked"
    if cornered:
        shapes = Polygons.from_corners(np.ascontiguousarray(sides).reshape(-1, 4, 2))
        return Oriented(shapes, relative, (said,), asked, values)
    lines.refuse(
        path,
        np.flatnonzero((sides[:, 2:4] < 0).any(axis=1)),
        lambda row: f"expected sides from 0 up, got {sides[row, 2]:g} and {sides[row, 3]:g}",
    )
    if relative:
        sides = in_pixels(sides, sizes[lines.file], path)
        said += f": {STRETCHED}"
    shapes, note = rectangles(sides, told, angle, path)
    return Oriented(shapes, False, (said, note), asked, values)


STRETCHED = "cx and w times the width of the image, cy and h times its height, then turned"
"""How sides in shares become pixels, for notes."""


def in_pixels(sides: Floats, sizes: Floats, path: str) -> Floats:
    """(R, 5) ``cx cy w h angle`` in pixels, of sides in shares; sizes : (R, 2) of the images.

    Raises:
        FormatError: a size is unknown.
    """
    unknown = np.isnan(sizes).any(axis=1)
    if unknown.any():
        raise FormatError(
            path,
            [
                (
                    "boxes are shares of the image and turned by an angle, which holds in pixels "
                    f"alone, and the size of the image of {counted(int(unknown.sum()), 'row')} is "
                    "unknown: give the images with --image-dir DIR, or their sizes with "
                    "--image-sizes FILE (a CSV with image, width, height)"
                )
            ],
        )
    return np.column_stack([sides[:, :2] * sizes, sides[:, 2:4] * sizes, sides[:, 4]])


def known_sizes(images: Sequence[str], reading: Reading, own: Floats | None = None) -> Floats:
    """(F, 2) the sizes of images: as the ground truth has them, or as asked; nan where unknown.

    own : (F, 2) those of the file, in place of those that were asked for.
    """
    own = sizes_of(images, reading) if own is None else own
    if reading.catalog is None:
        return own
    known = sizes_in(reading.catalog, images)
    return np.where(np.isnan(known), own, known)


def sizes_in(catalog: Catalog, images: Sequence[str]) -> Floats:
    """(F, 2) the sizes of images as the ground truth has them, by stem; nan where it has none.

    Images of one stem and of different sizes leave it open.
    """
    stems = [stem(str(name)) for name in catalog.image_names]
    of_stem: dict[str, tuple[float, ...]] = {}
    for name, size in zip(stems, catalog.image_sizes.tolist(), strict=True):
        of_stem[name] = tuple(size) if of_stem.get(name, tuple(size)) == tuple(size) else NO_SIZE
    found = [of_stem.get(stem(name), NO_SIZE) for name in images]
    return np.array(found, np.float64).reshape(-1, 2)
