"""The images and categories of a data set: ids and names on the outside, indices inside.

The core counts images and categories from zero, in order of id. Original ids (integers or text),
file names and class names live here alone, so no id can be mistaken for a marker or an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detmetrics.foundation.arrays import (
    Bools,
    Floats,
    Ints,
    Objects,
    object_column,
    positions,
    read_only,
)
from detmetrics.foundation.errors import TableError

__all__ = ["Catalog", "Id", "Keys", "id_array", "positions"]

Id = int | str
COUNTED = 1 << 22


class Keys(NamedTuple):
    """A column of ids, of which many may repeat: row D holds ``labels[code[D]]``.

    labels : (U,) int64 or objects; code : (D,), None where every row has a label of its own.
    """

    labels: Objects
    code: Ints | None = None

    def __len__(self) -> int:
        return len(self.labels) if self.code is None else len(self.code)

    def used(self) -> Keys:
        """Without the labels that no row has."""
        if self.code is None:
            return self
        marked = np.zeros(len(self.labels), bool)
        marked[self.code] = True
        if marked.all():
            return self
        # The new code of a label is how many used ones stand before it.
        return Keys(self.labels[marked], (np.cumsum(marked) - 1)[self.code])

    def distinct(self) -> Keys:
        """Every label once."""
        labels = self.labels
        if self.code is not None:
            return self
        if labels.dtype == object:
            place: dict[Any, int] = {}
            code = [place.setdefault(label, len(place)) for label in labels.tolist()]
            return Keys(object_column([*place]), np.array(code, np.int64))
        if len(labels) and labels.min() >= 0 and labels.max() < COUNTED:
            # Small numbers are counted, which costs far less than sorting them.
            return Keys(np.arange(labels.max() + 1), labels).used()
        return Keys(*np.unique(labels, return_inverse=True))

    def spread(self, values: Any) -> Any:
        """(D,) what each row's label has; values : (U,)."""
        return values if self.code is None else values[self.code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The images and categories that are evaluated, each in order of id.

    Build one with :meth:`from_ids`, which sorts and checks.

    Attributes:
        image_ids : (N,) int64 or objects, sorted.
        image_names : (N,) file names, or the ids as text.
        category_ids : (K,) int64 or objects, sorted.
        category_names : (K,) class names, or the ids as text.
        image_sizes : (N, 2) width and height in pixels, nan where unknown.
        untrained: indices of classes that detectors are rarely trained on (background, ignored
            regions, a supercategory without objects), so that their own lists may lack them.

    >>> import detmetrics as dm
    >>> dm.read_ground_truth("fixtures/ground_truth.json").catalog.category_ids
    array([ 1,  2,  3,  6, 18])
    """

    image_ids: Objects
    image_names: tuple[str, ...]
    category_ids: Objects
    category_names: tuple[str, ...]
    image_sizes: Floats
    untrained: tuple[int, ...] = ()

    @classmethod
    def from_ids(
        cls,
        *,
        images: Iterable[Id],
        categories: Iterable[Id],
        image_names: Sequence[str] | None = None,
        category_names: Sequence[str] | None = None,
        image_sizes: ArrayLike | None = None,
    ) -> Catalog:
        """A catalog of these ids, sorted; names default to the ids as text.

        image_sizes : (N, 2) width and height in pixels, in the order of ``images``; nan or left
        out where unknown.

        Raises:
            TableError: an id occurs twice, or names, sizes and ids differ in number.

        >>> Catalog.from_ids(images=[7, 3], categories=[1], category_names=["cat"]).image_names
        ('3', '7')
        """
        image_ids, names, order = _sorted("images", list(images), image_names)
        category_ids, classes, _ = _sorted("categories", list(categories), category_names)
        sizes = np.full((len(order), 2), np.nan)
        if image_sizes is not None:
            given = np.asarray(image_sizes, dtype=np.float64)
            if given.shape != sizes.shape:
                raise TableError(f"image_sizes: expected shape {sizes.shape}, got {given.shape}")
            sizes = given[order]
        return cls(
            image_ids=read_only(image_ids),
            image_names=names,
            category_ids=read_only(category_ids),
            category_names=classes,
            image_sizes=read_only(sizes),
        )

    @property
    def sized(self) -> bool:
        """Whether the width and height of every image are known."""
        return not np.isnan(self.image_sizes).any()

    @property
    def class_labels(self) -> tuple[str, ...]:
        """(K,) the class names; where several classes share one, with their id behind it."""
        labels = [*self.category_names]
        # Naming one by its id can make it the double of another, hence the loop.
        while shared := {name for name, times in Counter(labels).items() if times > 1}:
            labels = [
                f"{label} (id {known})" if label in shared else label
                for label, known in zip(labels, self.category_ids.tolist(), strict=True)
            ]
        return tuple(labels)

    def select(self, images: Bools, categories: Bools) -> Catalog:
        """The catalog of the images and categories that are marked."""
        return Catalog(
            image_ids=read_only(self.image_ids[images]),
            image_names=tuple(n for n, kept in zip(self.image_names, images, strict=True) if kept),
            category_ids=read_only(self.category_ids[categories]),
            category_names=tuple(
                n for n, kept in zip(self.category_names, categories, strict=True) if kept
            ),
            image_sizes=read_only(self.image_sizes[images]),
            untrained=tuple(int(categories[:at].sum()) for at in self.untrained if categories[at]),
        )


def _sorted(
    what: str, ids: list[Id], names: Sequence[str] | None
) -> tuple[Objects, tuple[str, ...], Ints]:
    """Ids in order, their names, and where each stood."""
    if names is not None and len(names) != len(ids):
        raise TableError(f"{what}: {len(ids)} ids, but {len(names)} names")
    try:
        column = id_array(ids)
    except TableError as error:
        raise TableError(f"{what}: {str(error).removeprefix('ids: ')}") from None
    texts = [str(value) for value in ids] if names is None else [str(name) for name in names]
    listed = column.tolist()
    alike = len(set(map(type, listed))) < 2
    by_id = listed.__getitem__ if alike else (lambda row: sort_key(listed[row]))
    order = sorted(range(len(listed)), key=by_id)
    column = column[order]
    if len(set(listed)) < len(ids):
        twice = next(a for a, b in pairwise(column.tolist()) if a == b)
        raise TableError(f"{what}: id {twice!r} occurs more than once")
    return column, tuple(texts[row] for row in order), np.array(order, dtype=np.int64)


def sort_key(value: Any) -> tuple[bool, Any]:
    """Numbers first, in order; then text."""
    return isinstance(value, str), value


def id_array(ids: Iterable[Any]) -> Objects:
    """A column of ids: int64 where all are whole numbers, else objects (int or str).

    Floats without a fraction are the whole numbers that they stand for.

    Raises:
        TableError: an id is neither a whole number of 64 bits nor text.

    >>> id_array([1.0, 2]), id_array(["a", 2])
    (array([1, 2]), array(['a', 2], dtype=object))
    """
    if not isinstance(ids, np.ndarray):
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise TableError(f"ids: expected one dimension, got {ids!r}")
        values = list(ids)
    elif ids.ndim != 1:
        raise TableError(f"ids: expected one dimension, got shape {ids.shape}")
    elif ids.dtype.kind in "iu" and ids.dtype != np.uint64:
        return ids.astype(np.int64)
    else:
        values = ids.tolist()
    # type, not isinstance: True is an int to Python, and no id.
    kinds = set(map(type, values))
    if kinds - {int, str}:
        values = [_clean_id(value) for value in values]
        kinds = set(map(type, values))
    if kinds <= {int}:
        return _whole_numbers(values)
    return object_column(values)


def _whole_numbers(values: list[int]) -> Ints:
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        big = next(value for value in values if not -(2**63) <= value < 2**63)
        raise TableError(f"ids: expected whole numbers of 64 bits or text, got {big!r}") from None


def _clean_id(value: Any) -> Id:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, list | tuple | np.ndarray):
        raise TableError(f"ids: expected one dimension, got {value!r} among them")
    raise TableError(f"ids: expected whole numbers of 64 bits or text, got {value!r}")
