"""The tables of one part, with the classes and images of the whole data set."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from detmetrics.formats.loading import detections_of, ground_truth_of, read_sheet
from detmetrics.formats.metadata.image_lists import read_image_list
from detmetrics.formats.metadata.listed_images import with_listed_images
from detmetrics.formats.reading import Reading
from detmetrics.formats.tabular.table import PLAIN_NUMBER
from detmetrics.foundation.arrays import Ints, read_only
from detmetrics.foundation.errors import FormatError, UnknownIdError
from detmetrics.foundation.messages import printable
from detmetrics.parts.folders import PartPaths
from detmetrics.parts.local_copies import at_hand
from detmetrics.parts.storage import STORAGE, Storage
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Id
from detmetrics.tables.federation import Federation
from detmetrics.tables.id_pairing import UnknownPolicy
from detmetrics.tables.image_paths import stem
from detmetrics.tables.sheets import Sheet

__all__ = ["PartReading", "listed_images", "read_part"]

LISTS = (
    "  where a part lacks objects of a class, or images lack objects: --class-list, or class_list= "
    "in Python, names all classes of the data set, --image-list or image_list= its images"
)


@dataclass(frozen=True, kw_only=True)
class PartReading:
    """How the files of every part are read.

    reading: formats, columns and the like; class_list: all classes, by name or id; image_list: all
    images, or the file that lists them; classes: only these, by id or name; unknown_images,
    unknown_categories: as of :func:`~detmetrics.formats.loading.read_detections`; storage: how
    paths of parts and of the list of images are reached; pictures: changes when a picture of
    ``reading.image_dir`` does.
    """

    reading: Reading
    class_list: tuple[Id, ...] | None = None
    image_list: str | tuple[Id, ...] | None = None
    classes: tuple[Id, ...] | None = None
    unknown_images: UnknownPolicy = "error"
    unknown_categories: UnknownPolicy = "error"
    storage: Storage = STORAGE
    pictures: str = ""


def read_part(paths: PartPaths, how: PartReading) -> tuple[GroundTruth, Detections, int]:
    """Both tables of a part, and how many of its images the list of images has.

    paths: of files and folders that this machine sees.

    Raises:
        FormatError, UnknownIdError, AmbiguousIdError: as of the readers.
    """
    reading = replace(how.reading, beside=paths.detections)
    sheet = read_sheet(paths.ground_truth, "ground truth", reading)
    truth = _with_classes(ground_truth_of(sheet, reading), how.class_list)
    with_catalog = replace(how.reading, catalog=truth.catalog, beside=paths.ground_truth)
    found = read_sheet(paths.detections, "detections", with_catalog)
    listed = 0
    if how.image_list is not None:
        every = listed_images(how.image_list, how.storage)
        grown = _with_images(sheet, found, truth, every, reading)
        if grown is not sheet:
            truth = _with_classes(ground_truth_of(grown, reading), how.class_list)
        _refuse_written_otherwise(truth, every, how.image_list)
        listed = sum(_is_listed(truth.catalog, every))
    try:
        detections = detections_of(
            found,
            truth,
            with_catalog,
            unknown_images=how.unknown_images,
            unknown_categories=how.unknown_categories,
        )
    except UnknownIdError as error:
        raise UnknownIdError(f"{error}\n{LISTS}") from None
    return truth, detections, listed


def listed_images(image_list: str | tuple[Id, ...], storage: Storage = STORAGE) -> frozenset[str]:
    """The images that a list names, as text.

    Raises:
        FormatError: the file cannot be read, or lists none.
    """
    if not isinstance(image_list, str):
        return frozenset(map(str, image_list))
    with suppress(OSError):
        return _read(image_list, storage, storage.of(image_list).stamp(image_list))
    return _read(image_list, storage, "")  # whose reader says best what is wrong


@lru_cache(maxsize=1)
def _read(path: str, storage: Storage, stamp: str) -> frozenset[str]:  # noqa: ARG001
    """Once for all parts; stamp: changes when the file does."""
    with at_hand([path], storage) as (here, _):
        return frozenset(map(str, read_image_list(here[0])))


def _is_listed(catalog: Catalog, listed: frozenset[str]) -> list[bool]:
    """Of each image whether its name or its id is listed."""
    ids = catalog.image_ids.tolist()
    return [
        name in listed or str(known) in listed
        for name, known in zip(catalog.image_names, ids, strict=True)
    ]


def _refuse_written_otherwise(
    truth: GroundTruth, listed: frozenset[str], given: str | tuple[Id, ...]
) -> None:
    """Refuse a list that writes images in another way than the files: they would count twice.

    Raises:
        FormatError: it has an image under another folder or suffix.
    """
    marks = zip(_is_listed(truth.catalog, listed), truth.catalog.image_names, strict=True)
    others = [name for listed_so, name in marks if not listed_so]
    if not others:
        return
    stems = {stem(one): one for one in listed}
    for name in others:
        if (other := stems.get(stem(name))) is not None:
            path = given if isinstance(given, str) else "image_list"
            raise FormatError(
                path,
                [f"lists {printable(other)}, which {truth.source.name} calls {printable(name)}"],
                hint="of parts, write images in the list as their files do",
            )


def _with_images(
    sheet: Sheet,
    found: Sheet,
    truth: GroundTruth,
    listed: frozenset[str],
    reading: Reading,
) -> Sheet:
    """Ground truth with the listed images that this part has detections on, and no objects."""
    known = {*map(str, truth.catalog.image_ids.tolist()), *truth.catalog.image_names}
    more = {*map(str, found.image.used().labels.tolist())} & listed - known
    if not more:
        return sheet
    names = sorted(more | {name for name in truth.catalog.image_names if name in listed})
    grown = with_listed_images(sheet, replace(reading, image_list=names))
    if len(sheet.image.used().labels) or found.image.used().labels.dtype == object:
        return grown
    return _with_numbers(grown)


def _with_numbers(sheet: Sheet) -> Sheet:
    """A table without rows whose ids, of a list, are numbers as in other parts."""
    images = sheet.images
    if images is None or not all(PLAIN_NUMBER.fullmatch(str(one)) for one in images.ids.tolist()):
        return sheet
    numbers = np.array([*map(int, images.ids.tolist())], np.int64)
    return replace(sheet, images=replace(images, ids=numbers))


def _with_classes(truth: GroundTruth, class_list: Sequence[Id] | None) -> GroundTruth:
    """Ground truth whose catalog has the classes of the list too."""
    if class_list is None:
        return truth
    catalog = truth.catalog
    ids, names = catalog.category_ids.tolist(), catalog.category_names
    known = {*ids, *map(str, ids), *names}
    # A file of names has numbers as text. A part without objects takes the kind of the list.
    whole = catalog.category_ids.dtype != object if ids else _are_numbers(class_list)
    more = [
        int(one) if whole and isinstance(one, str) and PLAIN_NUMBER.fullmatch(one) else one
        for one in dict.fromkeys(class_list)
        if one not in known
    ]
    if not more:
        return truth
    wider = Catalog.from_ids(
        images=catalog.image_ids,
        image_names=catalog.image_names,
        image_sizes=catalog.image_sizes,
        categories=[*ids, *more],
        category_names=[*names, *map(str, more)],
    )
    place = {known: index for index, known in enumerate(wider.category_ids.tolist())}
    index = np.array([place[known] for known in ids], np.int64)
    federation = truth.federation and _renumbered(truth.federation, index, len(place))
    category = read_only(index[truth.category])
    return replace(truth, catalog=wider, category=category, federation=federation)


def _are_numbers(class_list: Sequence[Id]) -> bool:
    """Whether a table that names these classes would have numbers."""
    return all(PLAIN_NUMBER.fullmatch(str(one)) for one in class_list)


def _renumbered(known: Federation, index: Ints, classes: int) -> Federation:
    """What is known of images and classes, where class ``k`` became ``index[k]``."""
    frequency = [""] * classes
    for row, one in zip(index.tolist(), known.frequency, strict=True):
        frequency[row] = one
    verified, not_exhaustive = (
        np.column_stack([pairs[:, 0], index[pairs[:, 1]]])
        for pairs in (known.verified, known.not_exhaustive)
    )
    return replace(
        known, verified=verified, not_exhaustive=not_exhaustive, frequency=tuple(frequency)
    )
