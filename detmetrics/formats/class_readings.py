"""What class numbers mean: ids of the ground truth, places in its order or in a list, or names.

A column of numbers says not which. What the user says decides (``class_numbers``), then a list of
names that is given (``class_names``) or lies with the files; of several meanings that fit and
differ none is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from detmetrics.formats.given import Given
from detmetrics.formats.metadata.class_names import names_of
from detmetrics.formats.reading import Reading
from detmetrics.foundation.arrays import Ints, Objects, object_column, positions
from detmetrics.foundation.errors import AmbiguousIdError, InputError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.id_causes import COCO_91
from detmetrics.tables.sheets import Sheet

__all__ = ["with_classes"]


def with_classes(sheet: Sheet, reading: Reading, given: Given) -> Sheet:
    """Detections with their class numbers read as asked, or by name where names are known.

    Raises:
        InputError: a number has no name in the list that was given.
        AmbiguousIdError: numbers fit in several ways.
    """
    if sheet.category.labels.dtype == object or not len(sheet.category):
        return sheet
    names, asked = names_of(reading.class_names), reading.class_numbers
    reading.mark("class_numbers", "class_names")
    if asked == "names":
        return _named(sheet, Keys(_texts(sheet), sheet.category.code))
    if asked == "ids":
        return _as_asked(sheet, asked)
    if names is not None:
        return _by_list(sheet, names, asked, reading.catalog)
    if asked is not None:
        return _as_asked(sheet, asked)
    if sheet.class_key != "index":
        return sheet
    return _named_beside(sheet, reading.catalog, given)


def _texts(sheet: Sheet) -> Objects:
    return object_column([str(number) for number in sheet.category.labels.tolist()])


def _named(sheet: Sheet, names: Keys) -> Sheet:
    """With names in place of numbers."""
    return replace(sheet, category=names, class_key="name", settled=sheet.settled | {"category"})


# --- as asked ------------------------------------------------------------------------------------


def _as_asked(sheet: Sheet, how: str) -> Sheet:
    labels, code = sheet.category
    settled = sheet.settled | {"category"}
    if how == "ids":
        return replace(sheet, class_key="id", settled=settled)
    places = Keys(_places(labels, how), code)
    return replace(
        sheet, category=places, class_key="index", settled=settled, numbers=sheet.category
    )


def _places(labels: Ints, how: str) -> Ints:
    """(U,) numbers as places that count from 0; -1 where a number is none."""
    if how == "coco91":
        order = {known: place for place, known in enumerate(sorted(COCO_91))}
        return np.array([order.get(label, -1) for label in labels.tolist()], np.int64)
    return labels - 1 if how == "index1" else labels


# --- by a list of names --------------------------------------------------------------------------


def _by_list(
    sheet: Sheet, names: Sequence[str], asked: str | None, catalog: Catalog | None
) -> Sheet:
    """With the names that were given; what numbers count from is told from which fit."""
    used = sheet.category.used().labels
    ways = [asked] if asked else [*_fitting(sheet, used, names)]
    by_id = None if asked or sheet.class_key != "id" else _names_by_id(used, names, catalog)
    if by_id is not None:
        same = [way for way in ways if [names[at] for at in _places(used, way)] == by_id]
        if same or not ways:
            return _as_asked(sheet, "ids")
        ways = ["ids", *ways]
    if len(ways) > 1:
        raise AmbiguousIdError(_open(sheet, used, names, ways, by_id))
    way = ways[0] if ways else "index0"
    if way == "names":
        return _named(sheet, Keys(_texts(sheet), sheet.category.code))
    places = _places(sheet.category.labels, way)
    _refuse_beyond(sheet, places, names)
    known = [names[at] if 0 <= at < len(names) else "" for at in places.tolist()]
    return _named(sheet, Keys(object_column(known), sheet.category.code))


def _names_by_id(used: Ints, names: Sequence[str], catalog: Catalog | None) -> list[str] | None:
    """The names that numbers have as ids, or None where one has none or one of another list."""
    if catalog is None:
        return None
    at = positions(catalog.category_ids, used)
    found = [catalog.category_names[place] for place in at.tolist()] if (at >= 0).all() else [""]
    return found if {*found} <= {*names} else None


def _fitting(sheet: Sheet, used: Ints, names: Sequence[str]) -> Iterator[str]:
    """The meanings that all numbers allow."""
    # A format that counts says so; names are meant only where a column may hold them.
    texts = {str(number) for number in used.tolist()}
    from_zero = used.min() >= 0 and used.max() < len(names)
    from_one = used.min() >= 1 and used.max() <= len(names)
    if sheet.may_be_names and texts <= {*names}:
        yield "names"
    if from_zero and not (from_one and used.max() == len(names)):
        yield "index0"
    if sheet.class_key == "id" and from_one:
        yield "index1"


def _open(
    sheet: Sheet,
    used: Ints,
    names: Sequence[str],
    ways: Sequence[str],
    by_id: Sequence[str] | None,
) -> str:
    number = int(used[0])
    meanings = {
        "ids": f"the id of {shown(by_id[0] if by_id else '')}",
        "names": f"the name {shown(str(number))}",
        "index0": f"the place of {shown(names[number % len(names)])} counted from 0",
        "index1": f"the place of {shown(names[number - 1])} counted from 1",
    }
    said = " or ".join(meanings[way] for way in ways)
    options = " or ".join(hint("class-numbers", way=way) for way in ways)
    return (
        f"{sheet.source.name}: class numbers fit the class names given in several ways: {number} "
        f"may be {said}. Fix: {options}"
    )


def _refuse_beyond(sheet: Sheet, places: Ints, names: Sequence[str]) -> None:
    rows = np.flatnonzero(sheet.category.spread((places < 0) | (places >= len(names))))
    if not len(rows):
        return
    row = int(rows[0])
    at = row if sheet.category.code is None else sheet.category.code[row]
    raise InputError(
        f"{sheet.source.name}: {sheet.source.place(row, 'categories')}: class "
        f"{sheet.category.labels[at]}, but {counted(len(names), 'class name')} given are of 0 to "
        f"{len(names) - 1:,}: are they of another data set? "
        f"({counted(len(rows), 'detection')} of such classes)"
    )


# --- by what lies near ---------------------------------------------------------------------------


def _named_beside(sheet: Sheet, catalog: Catalog | None, given: Given) -> Sheet:
    """By the names that lie with the files, where they fit: else numbers are indices, or names."""
    used = sheet.category.used().labels
    found = None
    if given.is_folder:
        from detmetrics.formats.yolo.dataset import names_in

        found = names_in(given.path)
    if found is not None:
        names, path = found
        beyond = bool(((used < 0) | (used >= len(names))).any())
        listed = {names[number] for number in used} if not beyond else set()
        if not beyond and (catalog is None or listed <= {*catalog.category_names}):
            places = object_column([names[at] if at < len(names) else "" for at in _own(sheet)])
            note = f"{sheet.source.name}: class names come from {path}"
            named = _named(sheet, Keys(places, sheet.category.code))
            return replace(named, notes=(*named.notes, note))
    if catalog is None or not sheet.may_be_names or not _has_names(catalog):
        return sheet
    return _digits(sheet, used, catalog)


def _own(sheet: Sheet) -> list[int]:
    numbers: list[int] = np.maximum(sheet.category.labels, 0).tolist()
    return numbers


def _digits(sheet: Sheet, used: Ints, catalog: Catalog) -> Sheet:
    """Numbers of a column that may hold names, where the ground truth has classes named so.

    Raises:
        AmbiguousIdError: they may be places in its order as well.
    """
    names = {*catalog.category_names}
    if not {str(number) for number in used.tolist()} <= names:
        return sheet
    count = len(catalog.category_ids)
    if catalog.category_ids.dtype != object and used.min() >= 0 and used.max() < count:
        number = int(used[0])
        raise AmbiguousIdError(
            f"{sheet.source.name}: class numbers may be names of classes or places in their order "
            f"({few([*catalog.category_names], 6)}): {number} may be the class "
            f"{shown(str(number))} or {shown(catalog.category_names[number])}. Fix: "
            f"{hint('class-numbers', way='names')} or {hint('class-numbers', way='index0')}"
        )
    return _named(sheet, Keys(_texts(sheet), sheet.category.code))


def _has_names(catalog: Catalog) -> bool:
    """Whether the classes of the ground truth have names that are more than their numbers."""
    return list(catalog.category_names) != [
        str(known) for known in catalog.category_ids.tolist()
    ] or (catalog.category_ids.dtype == object)
