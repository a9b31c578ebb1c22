"""What both tables do with a sheet at the door: ids paired with the catalog, doubts said."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from detmetrics.foundation.arrays import Bools, Floats, Ints
from detmetrics.foundation.errors import DetmetricsWarning, TableError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, shown
from detmetrics.overlap.masks.segmentations import Segmentations
from detmetrics.overlap.polygons.polygons import Polygons, Rectangles
from detmetrics.overlap.polygons.self_intersections import UNTANGLED
from detmetrics.overlap.shapes import Shapes
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.columns import LARGEST, BoxFormat, of_length, refuse_unusable
from detmetrics.tables.id_pairing import Known, Paired, UnknownPolicy, pair
from detmetrics.tables.interpretation import Interpretation
from detmetrics.tables.plausibility import SHARES_FOR_PIXELS, suspicions
from detmetrics.tables.sheets import Sheet
from detmetrics.tables.sources import Faults, Source

if TYPE_CHECKING:
    from detmetrics.overlap.masks.masks import Masks

__all__ = [
    "Frames",
    "area_doubt",
    "doubts",
    "hulls_of",
    "no_area_at_all",
    "outline_column",
    "outline_notes",
    "outside_note",
    "paired",
    "pairings",
    "refuse_outlines",
    "seem_swapped",
    "swapped_note",
    "warn",
]

ROWS = 1 << 13
"""Boxes that stay in the cache while they are looked at."""

PIXEL, SHARE = 1.0, 0.005
"""Labels are rounded: what is drawn may reach so far beyond its image unremarked."""
MANY_OUTSIDE, FEW_LEFT = 0.01, 0.1

TURN = 2 * np.pi + 1e-3
"""Angles in radians beyond a whole turn are degrees; a thousandth more may be rounding."""


def doubts(sheet: Sheet, side: str) -> list[str]:
    """That boxes look like another form or unit than the source claims; side: gt or det."""
    # Callers with arrays may have shares and mean them: only areas need pixels.
    unit_is_said = sheet.relative or sheet.source.input is None
    found = suspicions(sheet.boxes, sheet.box_format, unit_is_said=unit_is_said)
    cures = {SHARES_FOR_PIXELS: f". Fix: {hint('normalized', side=side)}"}
    return [
        f"{sheet.source.name}: {text}{cures.get(text, '')} (detmetrics check)" for text in found
    ]


def area_doubt(sheet: Sheet) -> str | None:
    """That every area is 0, so that all objects are small."""
    if sheet.areas is None or sheet.relative or not no_area_at_all(sheet.areas, sheet.boxes):
        return None
    return (
        f"{sheet.source.name}: every area is 0, so all objects count as small (APs, ARs). Fix: "
        "write the areas, or leave the field out for w * h (detmetrics check: D211)"
    )


def no_area_at_all(areas: Floats, boxes: Floats) -> bool:
    """Whether all areas that are told are 0, though boxes are more than points."""
    told = areas[~np.isnan(areas)]
    return bool(len(told) and not told.any() and (boxes[:, 2:] > 0).any())


class Frames(NamedTuple):
    """Boxes of a table and the images around them, to see which reach outside.

    boxes : (R, 4) as box_format says; image : (R,) in the catalog, -1 for rows to drop; relative:
    boxes are shares of images of unknown size; last: 1 where the first pixel has number 1, so that
    images end one further.
    """

    boxes: Floats
    box_format: BoxFormat
    image: Ints
    catalog: Catalog
    relative: bool
    last: float

    def of(self, rows: Ints) -> Frames:
        """Of these rows."""
        return self._replace(boxes=self.boxes[rows], image=self.image[rows])

    def near_an_end(self) -> Ints:
        """The rows that may reach outside: those that would of the smallest image."""
        sizes = np.ones((1, 2)) if self.relative else self.catalog.image_sizes + self.last
        near = np.zeros(len(self.boxes), bool)
        if not len(self.boxes) or np.isnan(sizes).all():
            return np.flatnonzero(near)
        smallest = np.nanmin(sizes, axis=0).tolist()
        for first in range(0, len(near), ROWS):
            part, boxes = near[first : first + ROWS], self.boxes[first : first + ROWS]
            for axis in (0, 1):
                start, end = boxes[:, axis], boxes[:, axis + 2]
                part |= start < 0
                part |= (end if self.box_format == "xyxy" else start + end) > smallest[axis]
        return np.flatnonzero(near)

    def outside(self, swapped: bool = False) -> tuple[Bools, Bools]:
        """(R,) which reach beyond their image, and of which nothing is inside.

        swapped: of images with width and height exchanged. An image of unknown size has no
        outside.
        """
        slack = SHARE if self.relative else PIXEL
        reach, nowhere = np.zeros((2, len(self.boxes)), bool)
        for axis in (0, 1):
            start, size = self.boxes[:, axis], self._sizes(1 - axis if swapped else axis)
            end = self.boxes[:, axis + 2]
            end = end if self.box_format == "xyxy" else start + end
            # Comparisons with nan are false.
            with np.errstate(invalid="ignore"):
                nowhere |= (start >= size) | ((end <= 0) & (size > 0))
                reach |= ((start < -slack) & (size > 0)) | (end > size + slack)
        return reach, nowhere & reach

    def _sizes(self, axis: int) -> Floats:
        """(R,) the right or the lower end of the image of each row, nan where unknown."""
        if self.relative:
            return np.ones(len(self.boxes))
        ends: Floats = np.append(self.catalog.image_sizes[:, axis] + self.last, np.nan)
        return ends[self.image]


def outside_note(faults: Faults, frames: Frames, *, wholly_alone: bool) -> str | None:
    """That boxes reach outside their image.

    wholly_alone: only boxes of which nothing is inside are worth a word: detectors need not clip
    their boxes, and shapes at a border may reach out.
    """
    rows = frames.near_an_end()
    reach, nowhere = frames.of(rows).outside()
    odd = np.zeros(len(frames.boxes), bool)
    odd[rows[nowhere if wholly_alone else reach]] = True
    note = faults.remark(
        odd, "boxes", "box reaches outside its image", "boxes reach outside their images"
    )
    if note and nowhere.any():
        note += f", {int(nowhere.sum()):,} wholly"
    return note and f"{note} (detmetrics check)"


def swapped_note(faults: Faults, frames: Frames) -> str | None:
    """That hardly a box reaches outside where width and height of images are exchanged."""
    outside = int(frames.of(frames.near_an_end()).outside()[0].sum())
    if frames.relative or not seem_swapped(len(frames.boxes), outside, 0):
        return None
    swapped = int(frames.outside(swapped=True)[0].sum())
    if not seem_swapped(len(frames.boxes), outside, swapped):
        return None
    reach = counted(outside, "box reaches", "boxes reach")
    return (
        f"{faults.name}: width and height of the images look swapped: {reach} outside, and "
        f"{swapped:,} with the two exchanged. Fix: exchange them where the sizes come from"
    )


def seem_swapped(boxes: int, outside: int, swapped: int) -> bool:
    """Whether many boxes reach outside, and few with width and height of images exchanged."""
    return outside >= max(MANY_OUTSIDE * boxes, 3) and swapped <= FEW_LEFT * outside


def outline_column(shapes: Any, count: int, source: Source) -> Polygons | Masks | None:
    """A caller's shapes, if there are as many as rows and polygons begin where they say.

    Nothing is of no kind: an empty list of no rows gives None.

    Raises:
        TableError: they do not, or are no shapes.
    """
    if not count and isinstance(shapes, list | tuple | np.ndarray) and not np.size(shapes):
        return None
    if not isinstance(shapes, Shapes | Segmentations):
        raise TableError(f"shapes: expected Rectangles, Polygons or Masks, got {shown(shapes)}")
    if isinstance(shapes, Polygons) and shapes.first.shape in ((), (0,)):
        raise TableError(f"shapes: expected first (R + 1,) from 0 on, got {shapes.first.tolist()}")
    of_length("shapes", shapes, count)
    if isinstance(shapes, Polygons):
        points, first = shapes.points, shapes.first
        if points.ndim != 2 or points.shape[1] != 2 or first[0] or first[-1] != len(points):
            raise TableError(
                "shapes: expected points (V, 2) and first (R + 1,) from 0 to V, got points "
                f"{points.shape} and first from {first[0]} to {first[-1]}"
            )
        if len(short := np.flatnonzero(shapes.count < 3)):
            row = int(short[0])
            corners = f"3 corners or more, got {shapes.count[row]}"
            raise TableError(f"shapes[{row}]: expected {corners}{source.image(row)}")
    if isinstance(shapes, Rectangles):
        _refuse_sides(shapes.cxcywhr, source)
    return cast("Polygons | Masks", shapes)


def hulls_of(shapes: Polygons | Masks | None) -> Floats:
    """(R, 4) the boxes around a caller's shapes, as corners; None is no row."""
    hulls: Floats = getattr(shapes, "hulls", np.zeros((0, 4)))
    return hulls


def _refuse_sides(sides: Floats, source: Source) -> None:
    """Refuse a caller's oriented boxes that are none; readers name the place in their file."""
    numbers, angle = sides[:, :4], sides[:, 4]
    usable = (np.abs(numbers) <= LARGEST).all(axis=1) & (numbers[:, 2:] >= 0).all(axis=1)
    for bad, expected in (
        (~usable, "finite numbers cx cy w h angle, w and h from 0 up"),
        (
            ~(np.abs(angle) <= TURN),
            "an angle in radians, a whole turn at most (numpy.deg2rad turns degrees)",
        ),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            got = f"{sides[row].tolist()}{source.image(row)}"
            raise TableError(f"shapes[{row}]: expected {expected}, got {got}")


def refuse_outlines(faults: Faults, sheet: Sheet) -> None:
    """Refuse polygons with a nan, an infinity or a number that is no pixel; note tangled ones.

    Raises:
        FormatError, TableError: numbers that are none, of which nothing more can be told.
    """
    if not isinstance(sheet.shapes, Polygons):
        return
    refuse_unusable(faults, sheet.shapes.hulls, "shapes")
    faults.settle()
    faults.refuse(sheet.shapes.tangled, "shapes", UNTANGLED, sheet.shapes.count)


def outline_notes(faults: Faults, sheet: Sheet) -> list[str | None]:
    """That polygons cross themselves or have no area."""
    shapes = sheet.shapes
    if not isinstance(shapes, Polygons):
        return []
    return [
        faults.remark(
            shapes.crossing,
            "shapes",
            "polygon that crosses or touches itself (its IoU is that of what it encloses)",
            "polygons that cross or touch themselves (their IoU is that of what they enclose)",
        ),
        faults.remark(
            shapes.areas == 0, "shapes", "polygon without an area", "polygons without an area"
        ),
    ]


def warn(notes: Iterable[str | None]) -> None:
    """Warn of each note at the caller of the table's reader or constructor."""
    for note in notes:
        if note:
            warnings.warn(note, DetmetricsWarning, stacklevel=5)


def paired(
    kind: str,
    sheet: Sheet,
    catalog: Catalog,
    policy: UnknownPolicy | None,
    *,
    own: bool = False,
) -> Paired:
    """(R,) places in the catalog, -1 for rows to drop, what to say of it, and how ids were read.

    kind: ``"image"`` or ``"category"``; policy, own: see :func:`pair`.

    Raises:
        UnknownIdError: an id that the catalog lacks.
        AmbiguousIdError: ids that the catalog has in several ways.
    """
    source = sheet.source
    if kind == "image":
        known, column = Known(kind, catalog.image_ids, catalog.image_names), "image_ids"
        ids, key = sheet.image, sheet.image_key
    else:
        classes = catalog.category_ids, catalog.category_names, catalog.untrained
        known, column = Known(kind, *classes), "categories"
        ids, key = sheet.category, sheet.class_key
    return pair(
        ids,
        known,
        policy,
        lambda row: source.place(row, column),
        source.name,
        key,
        own=own,
        settled=kind in sheet.settled,
        numbers=sheet.numbers if kind == "category" else None,
        said=source.input is not None,
        image=source.image if kind == "category" else None,
    )


def pairings(side: str, image: Paired, category: Paired) -> list[Interpretation]:
    """How images and classes were paired, where there were any to pair."""
    found = []
    for of, one in (("images", image), ("classes", category)):
        if one.taken:
            known = int((one.position >= 0).sum())
            share = "all" if known == len(one.position) else f"{known:,} of"
            evidence = f"{share} {counted(len(one.position), 'row')} fit"
            found.append(
                Interpretation(
                    side=side, of=of, taken=one.taken, evidence=evidence, others=one.others
                )
            )
    return found
