"""Tables as COCO JSON, as :mod:`~detmetrics.formats.coco.coco` has it: documents and lists."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np

from detmetrics.formats.json.parsing import SOURCE_IDS
from detmetrics.formats.writing.written import Table, Written, in_pixels, named_by_more_than_ids
from detmetrics.formats.writing.written_shapes import segmentations_in, shape_areas
from detmetrics.foundation.arrays import Objects
from detmetrics.foundation.messages import counted
from detmetrics.overlap.polygons.polygons import Rectangles
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.id_readings import spelled_number
from detmetrics.tables.image_paths import stem

__all__ = ["write_detections", "write_ground_truth"]

SPELLED = re.compile(r"\d{1,18}", re.ASCII)


def write_ground_truth(ground_truth: GroundTruth) -> Written:
    """A COCO document; ids that are no whole numbers are counted from 1.

    Raises:
        OutputError: image sizes are unknown and boxes are shares.
    """
    in_pixels(ground_truth)
    catalog = ground_truth.catalog
    image_ids, category_ids = _whole_ids(catalog.image_ids), _whole_ids(catalog.category_ids)
    looked, frequency = _looked_for(ground_truth, category_ids)
    crowd = ground_truth.crowd | ground_truth.difficult
    area, unknown = shape_areas(ground_truth)
    columns = zip(
        _whole_ids(ground_truth.ids),
        ground_truth.image.tolist(),
        ground_truth.category.tolist(),
        ground_truth.xywh.tolist(),
        area.tolist(),
        crowd.tolist(),
        ground_truth.ignore.tolist(),
        _told(ground_truth),
        _shapes_of(ground_truth),
        strict=True,
    )
    annotations = [
        {
            "id": number,
            "image_id": image_ids[image],
            "category_id": category_ids[category],
            "bbox": box,
            "area": area,
            "iscrowd": int(is_crowd),
            **({"ignore": 1} if ignore else {}),
            **more,
            **shape,
        }
        for number, image, category, box, area, is_crowd, ignore, more, shape in columns
    ]
    document = {
        "images": [
            {"id": known, "file_name": name, **_sides_of(size), **lists}
            for known, name, size, lists in zip(
                image_ids, catalog.image_names, catalog.image_sizes.tolist(), looked, strict=True
            )
        ],
        "annotations": annotations,
        "categories": [
            {"id": known, "name": name, **told}
            for known, name, told in zip(
                category_ids, catalog.category_names, frequency, strict=True
            )
        ],
    }
    return Written(
        {"": msgspec.json.encode(document)}, (*_lost(ground_truth), *_unmeasured(unknown))
    )


def _shapes_of(table: Table) -> list[dict[str, Any]]:
    """The outline of each row as a segmentation; beside that of oriented boxes, their sides."""
    segmentations = segmentations_in(table)
    if segmentations is None:
        return [{} for _ in range(len(table))]
    if isinstance(table.shapes, Rectangles):
        pairs = zip(segmentations, table.shapes.cxcywhr.tolist(), strict=True)
        return [{"segmentation": one, "obb": sides} for one, sides in pairs]
    return [{"segmentation": one} for one in segmentations]


def _unmeasured(unknown: int) -> Iterator[str]:
    if unknown:
        what = counted(unknown, "object that has none is", "objects that have none are")
        yield f"areas: those of {what} w * h, as the size of an image is unknown (--image-dir)"


def _told(ground_truth: GroundTruth) -> list[dict[str, float]]:
    """The attributes of each object that are known."""
    told: list[dict[str, float]] = [{} for _ in range(len(ground_truth))]
    for name, values in ground_truth.attributes.items():
        for row in np.flatnonzero(~np.isnan(values)).tolist():
            told[row][name] = float(values[row])
    return told


def _looked_for(
    ground_truth: GroundTruth, category_ids: list[int]
) -> tuple[list[dict[str, list[int]]], list[dict[str, str]]]:
    """What LVIS adds to every image and every category; nothing where it is not known."""
    federation = ground_truth.federation
    if federation is None:
        return [{} for _ in ground_truth.catalog.image_ids], [{} for _ in category_ids]
    sides = {
        "neg_category_ids": federation.verified,
        "not_exhaustive_category_ids": federation.not_exhaustive,
    }
    images: list[dict[str, list[int]]] = [
        {k: [] for k in sides} for _ in ground_truth.catalog.image_ids
    ]
    for field, pairs in sides.items():
        for image, category in pairs.tolist():
            images[image][field].append(category_ids[category])
    return images, [{"frequency": name} if name else {} for name in federation.frequency]


def write_detections(detections: Detections) -> Written:
    """A list of COCO results; rows keep ids that are texts beside the numbers made for them.

    Raises:
        OutputError: image sizes are unknown and boxes are shares.
    """
    in_pixels(detections)
    catalog = detections.catalog
    images = _told_ids(catalog.image_ids, "image_id")
    categories = _told_ids(catalog.category_ids, "category_id")
    columns = zip(
        detections.image.tolist(),
        detections.category.tolist(),
        detections.xywh.tolist(),
        detections.scores.tolist(),
        _shapes_of(detections),
        strict=True,
    )
    rows = [
        images[image] | categories[category] | {"bbox": box, "score": score, **shape}
        for image, category, box, score, shape in columns
    ]
    return Written({"": msgspec.json.encode(rows)}, tuple(_lost_of_detections(catalog)))


def _told_ids(ids: Objects, key: str) -> list[dict[str, Any]]:
    """Each id as a row has it: as a number, and as the text that the number was made for."""
    numbers, texts = _whole_ids(ids), ids.tolist()
    if _spell_numbers(ids):
        return [{key: number} for number in numbers]
    return [
        {key: number, SOURCE_IDS[key]: str(text)}
        for number, text in zip(numbers, texts, strict=True)
    ]


def _whole_ids(ids: Objects) -> list[int]:
    """The ids; texts as the numbers that they spell, as converters do, else counted from 1."""
    known: list[Any] = ids.tolist()
    if ids.dtype != object:
        return known
    return [int(text) for text in known] if _spell_numbers(ids) else [*range(1, len(known) + 1)]


def _spell_numbers(ids: Objects) -> bool:
    """Whether ids are whole numbers, or texts that spell as many."""
    if ids.dtype != object:
        return True
    known = ids.tolist()
    numbers = {int(text) for text in known if isinstance(text, str) and SPELLED.fullmatch(text)}
    return len(numbers) == len(known)


def _sides_of(size: list[float]) -> dict[str, float]:
    if math.isnan(size[0]):
        return {}
    whole = [int(side) if side.is_integer() else side for side in size]
    return dict(zip(("width", "height"), whole, strict=True))


def _lost(ground_truth: GroundTruth) -> Iterator[str]:
    if marked := int((ground_truth.difficult & ~ground_truth.crowd).sum()):
        what = counted(marked, "difficult object is", "difficult objects are")
        yield f"{what} written as iscrowd 1"
    yield from _lost_ids(ground_truth.catalog)


def _lost_of_detections(catalog: Catalog) -> Iterator[str]:
    yield from _lost_ids(catalog, SOURCE_IDS)
    kinds = {
        "images": (catalog.image_ids.tolist(), catalog.image_names),
        "classes": (catalog.category_ids.tolist(), catalog.category_names),
    }
    if named := [kind for kind, known in kinds.items() if named_by_more_than_ids(*known)]:
        yield f"names of {' and '.join(named)}: a list of detections has their ids alone"
    if _contradicted(catalog):
        yield (
            "that image ids are ids: file names of this set spell other numbers, so read the list "
            "back with --image-ids ids"
        )


def _contradicted(catalog: Catalog) -> bool:
    """Whether file names spell numbers that are ids of other images."""
    ids = catalog.image_ids.tolist()
    numbers = [spelled_number(stem(name)) for name in catalog.image_names]
    return len({*numbers}) == len(numbers) and bool({*numbers} & {*ids}) and numbers != ids


def _lost_ids(catalog: Catalog, beside: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """What becomes of ids that are texts; beside: where else rows tell them."""
    for kind, ids, key in (
        ("image", catalog.image_ids, "image_id"),
        ("class", catalog.category_ids, "category_id"),
    ):
        if ids.dtype == object and _spell_numbers(ids):
            yield f"{kind} ids that are texts are written as the numbers they spell"
        elif ids.dtype == object:
            more = f"; {beside[key]} has the texts" if key in beside else ""
            yield f"{kind} ids that are texts are numbered from 1, in order{more}"
