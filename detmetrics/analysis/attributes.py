"""A value of each image by which a data set is cut into slices, from wherever it stands.

Values are text; an image without one has None. Nothing is guessed: rows that name no image of the
ground truth are counted, and two values of one image are an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from detmetrics.formats.metadata.image_fields import fields_of_images, rows_of_images
from detmetrics.formats.reading import Reading
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.tables.catalog import Catalog
from detmetrics.tables.image_paths import stem

__all__ = ["Attribute", "by_column", "by_field", "by_pattern", "in_quantiles", "ungrouped"]


NOTHING = frozenset(("na", "n/a", "nan", "none", "null", "nil", "-"))
MANY = 20


@dataclass(frozen=True, slots=True)
class Attribute:
    """name: what it is; values: (N,) text, None where unknown; notes: what to tell."""

    name: str
    values: tuple[str | None, ...]
    notes: tuple[str, ...] = ()


def by_column(catalog: Catalog, path: str, column: str, reading: Reading) -> Attribute:
    """A column of a CSV, TSV or Parquet file with a column of images: names, stems or ids.

    Raises:
        FormatError: it is no table, lacks a column, or has two values of one image.
        InputError: it names no image of the ground truth.
    """
    rows = rows_of_images(path, column, reading)
    images = range(len(catalog.image_ids))
    ways = [
        {name: image for image, name in zip(images, names, strict=True)}
        for names in (catalog.image_names, [str(one) for one in catalog.image_ids.tolist()])
    ]
    stems = [stem(name) for name in catalog.image_names]
    if len(set(stems)) == len(stems):
        ways.append({name: image for image, name in zip(images, stems, strict=True)})
    found: dict[int, str] = {}
    unknown: dict[str, None] = {}
    for key, value in rows:
        image = next((way[k] for way in ways for k in (key, stem(key)) if k in way), None)
        if image is None:
            unknown[key] = None
        elif value is not None and found.setdefault(image, value) != value:
            both = f"{shown(found[image])} and {shown(value)}"
            fault = f"image {shown(key)} has two values of {shown(column)}, {both}: expected one"
            raise FormatError(path, [fault])
    if unknown and len(unknown) == len({key for key, _ in rows}):
        raise InputError(
            f"{path}: none of its images is evaluated: {few([*unknown], 3)}; those are "
            f"{few(catalog.image_names, 3)}"
        )
    notes = []
    if unknown:
        what = counted(len(unknown), "image is", "images are")
        notes.append(f"{path}: {what} not among those evaluated: {few([*unknown], 3)}")
    notes += (f"{path}: {column}: {text}" for text in _doubts({*found.values()}))
    return Attribute(column, tuple(found.get(image) for image in images), tuple(notes))


def _doubts(values: set[str]) -> Iterator[str]:
    """What values of a column may mean that is not taken from them."""
    if empty := sorted(value for value in values if value.lower() in NOTHING):
        yield f"{few(empty, 3)} is a value like any other; an empty cell is none"


def by_field(catalog: Catalog, source: str, name: str) -> Attribute:
    """A field of the images of a COCO file.

    Raises:
        FormatError: it is no COCO file, or no image has the field.
    """
    values = fields_of_images(source, name)
    return Attribute(name, tuple(values.get(one) for one in catalog.image_ids.tolist()))


def by_pattern(catalog: Catalog, expression: str) -> Attribute:
    """What a regular expression finds in the names of images: its group, or all of the match.

    Raises:
        InputError: it is none, has several groups, or fits no name.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"pattern: no regular expression: {error}") from None
    if pattern.groups > 1:
        raise InputError(
            f"pattern: expected one group, got {pattern.groups}: write (?:...) for the others"
        )
    matched = [pattern.search(name) for name in catalog.image_names]
    if not any(matched):
        raise InputError(
            f"pattern: {shown(expression)} fits no image name, such as "
            f"{few(catalog.image_names, 3)}"
        )
    values = tuple(one[pattern.groups] if one else None for one in matched)
    return Attribute(expression, values)


def ungrouped(attribute: Attribute) -> Attribute:
    """The same, with a note where it has so many numbers that bins would serve better."""
    values = {value for value in attribute.values if value is not None}
    if len(values) <= MANY or any(_as_number(value) is None for value in values):
        return attribute
    many = f"{len(values):,} different numbers, a slice each: --slices-bins 4 groups them"
    return replace(attribute, notes=(*attribute.notes, f"{attribute.name}: {many}"))


def in_quantiles(attribute: Attribute, bins: int) -> Attribute:
    """Numbers, put in bins that hold about equally many images each.

    Raises:
        InputError: a value is no number.
    """
    known = [value for value in attribute.values if value is not None]
    numbers = [_number(attribute.name, value) for value in known]
    # Equal edges are one: a value that many images share fills a bin, which is then the larger.
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)) if numbers else [])
    names = [f"{low:.6g} to {high:.6g}" for low, high in pairwise(edges.tolist())]
    names = names or [f"{edge:.6g}" for edge in edges]
    at = np.clip(np.searchsorted(edges, numbers, side="left") - 1, 0, max(len(names) - 1, 0))
    labels = iter([names[place] for place in at.tolist()])
    values = tuple(None if value is None else next(labels) for value in attribute.values)
    return Attribute(attribute.name, values, attribute.notes)


def _as_number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _number(name: str, value: str) -> float:
    number = _as_number(value)
    if number is None:
        raise InputError(f"{name}: bins are of numbers, got {shown(value)}")
    return number
