"""One set of boxes, read in any format and written in another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detmetrics.formats.format import Side
from detmetrics.formats.given import Given
from detmetrics.formats.loading import announce, read_ground_truth, read_sheet
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import READING, Reading
from detmetrics.formats.registry import format_named, formats, recognised
from detmetrics.formats.writing.written import Table, Written, whole_characters, without_outlines
from detmetrics.foundation.errors import InputError, OutputError
from detmetrics.foundation.outputs import write_tree
from detmetrics.foundation.progress import Progress
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Id
from detmetrics.tables.choice import images_chosen
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.sheets import Sheet

__all__ = ["Conversion", "convert", "targets", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What :func:`convert` did.

    Attributes:
        side: ``"ground truth"`` or ``"detections"``.
        table: what was read.
        files: what was written, below the target; ``""`` is the target itself.
        lost: what the format could not hold.

    >>> import tempfile
    >>> import detmetrics as dm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = dm.convert("fixtures/ground_truth.json", f"{folder}/labels", to="yolo")
    >>> done.side, len(done.files)
    ('ground truth', 26)
    """

    side: Side
    table: Table
    files: tuple[str, ...]
    lost: tuple[str, ...]


def targets() -> tuple[str, ...]:
    """The names of the formats that can be written."""
    return tuple(sorted(known.name for known in formats() if known.writes))


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str,
    side: Side | None = None,
    ground_truth: str | os.PathLike[str] | GroundTruth | None = None,
    images: Iterable[Id] | None = None,
    unknown_images: UnknownPolicy = "error",
    unknown_categories: UnknownPolicy = "error",
    reading: Reading = READING,
    force: bool = False,
    progress: Progress | None = None,
    before_writing: Callable[[], None] | None = None,
) -> Conversion:
    """Write ground truth or detections in another format, whole or not at all.

    to: the name of the format. side: what the source is, where its content leaves that open.
    ground_truth: gives detections the ids, names and image sizes of their ground truth.
    images: only these, by id, file name, stem, or the end of a path that fits one image.
    unknown_images, unknown_categories: as in :func:`~detmetrics.read_detections`, where there is
    ground truth.
    force: put the new files in place of old ones. reading, progress: as in
    :func:`~detmetrics.read_ground_truth`. before_writing: called when everything is read.

    Raises:
        FormatError, UnknownIdError: the source cannot be read.
        InputError: no such format, or it cannot be written for this side; no such image.
        OutputError: the target is there already, a name would leave it, or image sizes are
            needed and unknown.

    >>> import pathlib, tempfile
    >>> import detmetrics as dm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = dm.convert("fixtures/detections.json", f"{folder}/found.csv", to="csv")
    ...     print(pathlib.Path(folder, "found.csv").read_text().splitlines()[0])
    image,class,score,x,y,w,h
    """
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(source, target):
        raise OutputError(f"{os.fspath(target)}: is the source itself, which would be lost")
    if to == "voc":  # whose own corners hold their last pixel, so they go as they stand
        reading = replace(reading, pixels="continuous")
    given = Given(source)
    side = side or _side(given, reading)
    _writer(to, side)
    if side == "ground truth":
        sheet = read_sheet(source, side, reading, progress=progress, given=given)
        announce(sheet, reading)
        table: Table = GroundTruth.from_sheet(
            sheet, pixels=reading.pixels, invalid_boxes=reading.invalid_boxes
        )
    else:
        unknown = (unknown_images, unknown_categories)
        table = _detections(source, given, ground_truth, unknown, reading, progress)
    table = _with_images(table, images)
    done = written(table, to)
    if before_writing is not None:
        before_writing()
    write_tree(os.fspath(target), done.files, force=force)
    return Conversion(side=side, table=table, files=tuple(done.files), lost=done.lost)


def written(table: Table, to: str) -> Written:
    """A table in a format, and all that it cannot hold; to: the name of the format.

    Raises:
        InputError: no such format, or it cannot be written for this side.
        OutputError: what :func:`convert` says of names and sizes.
    """
    side: Side = "ground truth" if isinstance(table, GroundTruth) else "detections"
    writer, writes_outlines = _writer(to, side)
    if isinstance(table, Detections) and not table.scored:
        raise InputError(f"{table.source.name}: detections without scores are not written")
    with whole_characters():
        done = writer(table)
    if writes_outlines:
        return done
    return Written(done.files, (*done.lost, *without_outlines(table)))


def _with_images(table: Table, images: Iterable[Id] | None) -> Table:
    """The table with these images alone, and with all classes."""
    chosen = images_chosen(images, table.catalog)
    if chosen.all():
        return table
    every = np.ones(len(table.catalog.category_ids), bool)
    kept = table.within(table.catalog.select(chosen, every), chosen, every)
    if isinstance(kept, GroundTruth) and kept.federation:
        return replace(kept, federation=kept.federation.select(chosen, every))
    return kept


def _side(given: Given, reading: Reading) -> Side:
    """Detections where they are recognised as such, else ground truth."""
    if reading.gt_format is not None:
        return "ground truth"
    if reading.det_format is not None or recognised(given, "detections"):
        return "detections"
    return "ground truth"


def _writer(to: str, side: Side) -> tuple[Callable[[Any], Written], bool]:
    """The writer, and whether it knows of outlines."""
    chosen = format_named(to)
    if chosen is None or not chosen.writes:
        raise InputError(f"cannot write {to!r}; there are {', '.join(targets())}")
    writer = chosen.write_ground_truth if side == "ground truth" else chosen.write_detections
    if writer is None:
        raise InputError(f"format {to!r} has no {side}")
    return writer, chosen.writes_outlines


def _own_catalog(sheet: Sheet, reading: Reading) -> Catalog:
    """The images and classes of detections that stand alone, with the sizes that are known."""
    catalog = sheet.catalog()
    if catalog.sized:
        return catalog
    sizes = sizes_of(catalog.image_names, reading)
    return replace(catalog, image_sizes=np.where(np.isnan(sizes), catalog.image_sizes, sizes))


def _detections(
    source: str | os.PathLike[str],
    given: Given,
    ground_truth: str | os.PathLike[str] | GroundTruth | None,
    unknown: tuple[UnknownPolicy, UnknownPolicy],
    reading: Reading,
    progress: Progress | None,
) -> Detections:
    """Detections with the catalog of their ground truth, or with their own."""
    if ground_truth is None:
        sheet = read_sheet(source, "detections", reading, progress=progress, given=given)
        announce(sheet, reading)
        key = "id" if sheet.class_key == "index" else sheet.class_key
        sheet = replace(sheet, class_key=key)
        catalog = _own_catalog(sheet, reading)
        relative = sheet.relative and not catalog.sized
        return Detections.from_sheet(
            sheet,
            catalog=catalog,
            relative=relative,
            pixels=reading.pixels,
            invalid_boxes=reading.invalid_boxes,
        )
    if not isinstance(ground_truth, GroundTruth):
        ground_truth = read_ground_truth(ground_truth, reading, progress=progress)
    known = replace(reading, catalog=ground_truth.catalog)
    sheet = read_sheet(source, "detections", known, progress=progress, given=given)
    announce(sheet, reading)
    return Detections.from_sheet(
        sheet,
        catalog=ground_truth.catalog,
        relative=ground_truth.relative,
        pixels=reading.pixels,
        unknown_images=unknown[0],
        unknown_categories=unknown[1],
        invalid_boxes=reading.invalid_boxes,
    )
