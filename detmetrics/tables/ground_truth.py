"""What is really there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.foundation.arrays import Bools, Floats, Ints, Objects, positions, read_only
from detmetrics.tables.catalog import Catalog, Id, Keys
from detmetrics.tables.columns import (
    BoxFormat,
    box_column,
    flag_column,
    id_column,
    number_column,
    of_length,
    refuse_negative,
    refuse_unusable,
)
from detmetrics.tables.coordinates import (
    area_note,
    areas,
    clipped,
    kept_boxes,
    kept_shapes,
    underived,
    unsized_note,
)
from detmetrics.tables.federation import Federation
from detmetrics.tables.invalid_boxes import InvalidBoxes, settled
from detmetrics.tables.rows import Rows
from detmetrics.tables.sheets import Pixels, Sheet
from detmetrics.tables.sources import ARRAYS, Faults, Source, named, of_side
from detmetrics.tables.validation import (
    Frames,
    area_doubt,
    doubts,
    hulls_of,
    outline_column,
    outline_notes,
    outside_note,
    paired,
    refuse_outlines,
    swapped_note,
    warn,
)

if TYPE_CHECKING:
    from detmetrics.overlap.masks.masks import Masks
    from detmetrics.overlap.polygons.polygons import Polygons

__all__ = ["GroundTruth"]


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class GroundTruth(Rows):
    """What is really there; build it with :meth:`from_arrays` or ``read_ground_truth``.

    Attributes:
        catalog: the images and categories.
        image, category : (G,) indices into the catalog.
        boxes : (G, 4) float64 pixels, as ``box_format`` says.
        box_format: ``"xywh"`` or ``"xyxy"``.
        relative: boxes are shares of the width and height of images of unknown size.
        area : (G,) square pixels: the source's own where it has one (COCO's is the mask's),
            else ``w * h``, and once rules have measured shapes that of the shape.
        crowd : (G,) a region of many objects: absorbs detections, is never missed.
        ignore, difficult : (G,) the source's own flags; rules decide what they do.
        ids : (G,) the source's ids; counted from 1 where it has none.
        shapes: (G,) outlines; None where boxes are all there is.
        derived : (G,) the area is computed, as the source has none; None where all are.
        place : (G,) row in the source.
        beside: (G,) it is of a class like this one, see :attr:`Rules.class_rules`; None where no
            object is.
        attributes: (G,) numbers by name, nan where unknown: ``visibility``, the visible share;
            ``occlusion``, KITTI's grade from 0 on; ``truncation``, the share outside the image.
        federation: which classes were looked for in which image; None where all were.
        notes: what the reader should know about the table.
    """

    side: ClassVar[str] = "ground truth"
    columns: ClassVar[tuple[str, ...]] = (
        *("image", "category", "boxes", "area", "crowd", "ignore", "difficult", "ids", "place"),
        *("beside", "attributes", "shapes", "derived"),
    )

    area: Floats
    crowd: Bools
    ignore: Bools
    difficult: Bools
    ids: Objects
    derived: Bools | None = None
    beside: Bools | None = None
    attributes: Mapping[str, Floats] = field(default_factory=dict)
    federation: Federation | None = None

    @property
    def none(self) -> Bools:
        """(G,) a mark on nothing."""
        return np.zeros(len(self), bool)

    @classmethod
    def from_arrays(
        cls,
        *,
        image_ids: ArrayLike | Sequence[Id],
        categories: ArrayLike | Sequence[Id],
        boxes: ArrayLike | None = None,
        box_format: BoxFormat = "xywh",
        shapes: Polygons | Masks | None = None,
        areas: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        ignore: ArrayLike | None = None,
        difficult: ArrayLike | None = None,
        ids: ArrayLike | Sequence[Id] | None = None,
        attributes: Mapping[str, ArrayLike] | None = None,
        catalog: Catalog | None = None,
        source: Source = ARRAYS,
        invalid_boxes: InvalidBoxes | None = None,
    ) -> GroundTruth:
        """Ground truth from columns of equal length G.

        image_ids, categories : (G,) ids; names serve where every one of them fits.
        boxes : (G, 4) pixels, those around the shapes unless given; shapes : (G,) oriented boxes,
        polygons or masks; areas : (G,) square pixels, nan where unknown (then that of the box, or
        of the shape that is measured); crowd, ignore, difficult : (G,) bool; ids : (G,) of the
        objects; attributes: (G,) numbers by name, nan where unknown, such as ``visibility``.
        box_format: of ``boxes``: ``"xywh"``, ``"xyxy"`` or ``"cxcywh"``.
        catalog: all images and categories; without it they are those of the rows, so that
        images without objects are unknown. source: what errors name the rows by.
        invalid_boxes: ``"error"``, ``"drop"`` or ``"clip"`` boxes of negative size, see
        :mod:`detmetrics.tables.invalid_boxes`.

        Raises:
            TableError: columns that do not fit together, or values that cannot be boxes.
            UnknownIdError: an id that the catalog lacks.

        >>> ground_truth = GroundTruth.from_arrays(image_ids=[1], categories=["cat"],
        ...                                 boxes=[[0, 0, 10, 20]])
        >>> len(ground_truth), ground_truth.area.tolist()
        (1, [200.0])
        """
        with named(of_side(source, cls.side)):
            image_column = id_column("image_ids", image_ids)
        source = of_side(source, cls.side, image_column)
        with named(source):
            category_column = id_column("categories", categories)
            count = len(image_column)
            of_length("categories", category_column, count)
            given = None if areas is None else number_column("areas", areas)
            outlines = None if shapes is None else outline_column(shapes, count, source)
            if boxes is None and shapes is not None:
                boxes, box_format = hulls_of(outlines), "xyxy"
            sheet = Sheet(
                source=source,
                image=Keys(image_column),
                image_key="id",
                category=Keys(category_column),
                boxes=box_column(boxes, box_format, count),
                box_format=box_format,
                shapes=outlines,
                areas=None if given is None else of_length("areas", given, count),
                crowd=flag_column("crowd", crowd, count),
                ignore=flag_column("ignore", ignore, count),
                difficult=flag_column("difficult", difficult, count),
                ids=None if ids is None else of_length("ids", id_column("ids", ids), count),
                attributes={
                    name: of_length(name, number_column(name, values), count)
                    for name, values in (attributes or {}).items()
                },
            )
        return cls.from_sheet(sheet, catalog=catalog, invalid_boxes=invalid_boxes)

    @classmethod
    def from_sheet(
        cls,
        sheet: Sheet,
        *,
        catalog: Catalog | None = None,
        pixels: Pixels = "continuous",
        invalid_boxes: InvalidBoxes | None = None,
    ) -> GroundTruth:
        """Ground truth from what a reader found.

        catalog: all images and categories; those of the sheet unless given.
        pixels: whether the last pixel of inclusive corners counts, see :meth:`Sheet.with_pixels`.
        invalid_boxes: as of :meth:`from_arrays`.

        Raises:
            FormatError, TableError: values that cannot be boxes, ids that are there twice.
            UnknownIdError: an id that the catalog lacks.
        """
        everything = sheet.with_pixels(pixels)
        sheet, place, invalid_note = settled(everything, invalid_boxes)
        source, count = sheet.source, len(sheet)
        faults = Faults(source, np.arange(count))
        refuse_unusable(faults, sheet.boxes)
        faults.settle()
        refuse_outlines(faults, sheet)
        refuse_negative(faults, sheet.boxes, sheet.box_format)
        if sheet.areas is not None:
            faults.refuse(
                (sheet.areas < 0) | np.isinf(sheet.areas), "areas", "an area from 0 up", sheet.areas
            )
        faults.settle()

        own = catalog is None
        catalog = everything.catalog() if catalog is None else catalog
        of_images = paired("image", sheet, catalog, None, own=own)
        of_classes = paired("category", sheet, catalog, None, own=own)
        image, category = of_images.position, of_classes.position
        if own:
            catalog = replace(catalog, untrained=_untrained(sheet, catalog, category))
        relative = sheet.relative and not catalog.sized
        boxes, box_format = kept_boxes(sheet, image, catalog, relative)
        clip_note = None
        if invalid_boxes == "clip":
            boxes, clip_note = clipped(sheet, boxes, box_format, image, catalog, relative)
        shapes = kept_shapes(sheet, image, catalog, relative)
        ground_truth = cls(
            catalog=catalog,
            image=read_only(image),
            category=read_only(category),
            boxes=read_only(boxes),
            box_format=box_format,
            relative=relative,
            shapes=shapes,
            derived=underived(sheet),
            area=read_only(areas(sheet, boxes, box_format)),
            crowd=read_only(flag_column("crowd", sheet.crowd, count)),
            ignore=read_only(flag_column("ignore", sheet.ignore, count)),
            difficult=read_only(flag_column("difficult", sheet.difficult, count)),
            ids=read_only(np.arange(1, count + 1) if sheet.ids is None else sheet.ids),
            place=read_only(place),
            source=everything.source,
            dropped=len(everything) - len(sheet),
            attributes={name: read_only(values) for name, values in sheet.attributes.items()},
            federation=_federation(sheet, catalog),
            interpretations=sheet.interpretations,
        )
        empty = (ground_truth.xywh[:, 2:] == 0).any(axis=1)
        notes = [
            faults.remark(empty, "boxes", "box of zero size", "boxes of zero size"),
            *outline_notes(faults, sheet),
            *doubts(sheet, "gt"),
            area_doubt(sheet),
        ]
        last = float(sheet.corners_inclusive or sheet.source.pixel_added)
        frames = Frames(boxes, box_format, image, catalog, relative, last)
        notes.append(swapped_note(faults, frames))
        warn(notes)
        notes.append(outside_note(faults, frames, wholly_alone=shapes is not None))
        notes += [invalid_note, clip_note, of_images.note, of_classes.note]
        notes += [*sheet.notes, area_note(sheet)]
        if relative:
            notes.append(unsized_note(source, catalog))
        return replace(ground_truth, notes=tuple(note for note in notes if note))


NO_CLASS = re.compile(
    r"[\W_]*(ignored?[\W_]*(regions?|areas?)|don'?t[\W_]*care)[\W_]*", re.IGNORECASE
)
NOTHING = re.compile(
    r"[\W_]*(background|bg|ignored?|void|unlabell?ed|none|n/?a)[\W_]*", re.IGNORECASE
)


def _untrained(sheet: Sheet, catalog: Catalog, category: Ints) -> tuple[int, ...]:
    """The classes that detectors are rarely trained on, by their name or by having no object."""
    # Exports of Roboflow list the supercategory of all other classes as a class of its own.
    names = catalog.category_names
    listed = sheet.categories
    groups = [] if listed is None else [*zip(listed.names, listed.groups, strict=False)]
    above = {group for name, group in groups if group != name}
    objects = np.bincount(category, minlength=len(names))
    return tuple(
        at
        for at, name in enumerate(names)
        if NO_CLASS.fullmatch(name)
        or (not objects[at] and (name in above or NOTHING.fullmatch(name)))
    )


def _federation(sheet: Sheet, catalog: Catalog) -> Federation | None:
    """With indices into the catalog instead of places in the lists of the source."""
    known = sheet.federation
    if known is None or sheet.images is None or sheet.categories is None:
        return None
    image = positions(catalog.image_ids, sheet.images.ids)
    category = positions(catalog.category_ids, sheet.categories.ids)

    def indices(pairs: Ints) -> Ints:
        found = np.column_stack([image[pairs[:, 0]], category[pairs[:, 1]]])
        return found[(found >= 0).all(axis=1)]

    frequency = [""] * len(catalog.category_ids)
    for place, name in zip(category.tolist(), known.frequency, strict=True):
        if place >= 0:
            frequency[place] = name
    return Federation(
        verified=indices(known.verified),
        not_exhaustive=indices(known.not_exhaustive),
        frequency=tuple(frequency),
        unsaid=known.unsaid,
    )
