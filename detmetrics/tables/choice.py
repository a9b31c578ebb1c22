"""Which images and classes are wanted, of those that there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from detmetrics.foundation.arrays import Bools
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few, shown
from detmetrics.tables.catalog import Catalog, Id
from detmetrics.tables.image_lookup import ImageLookup, rows_by_key

__all__ = ["classes_chosen", "images_chosen"]


def images_chosen(wanted: Iterable[Id] | None, catalog: Catalog) -> Bools:
    """Mark the images that are wanted: by id, file name, stem, or end of a path.

    Raises:
        InputError: some are not in the ground truth, or fit several of its images.
    """
    marked = np.full(len(catalog.image_ids), wanted is None)
    if wanted is None:
        return marked
    asked = _listed("images", wanted)
    lookup = ImageLookup(catalog.image_ids, catalog.image_names)
    rows = [lookup.rows(key) for key in asked]
    if unknown := [key for key, found in zip(asked, rows, strict=True) if not found]:
        raise InputError(_unknown_images(unknown, len(asked), catalog.image_names))
    for key, found in zip(asked, rows, strict=True):
        names = {catalog.image_names[row] for row in found}
        if len(names) > 1:
            raise InputError(
                f"image {shown(key)} could be {counted(len(names), 'image')} of the ground truth: "
                f"{few(sorted(names))}. Fix: name it with its folder"
            )
        marked[[*found]] = True
    return marked


def _unknown_images(unknown: Sequence[Id], asked: int, names: Sequence[str]) -> str:
    """One sentence on all that is unknown."""
    first = f"no image {shown(unknown[0])} in the ground truth; it has {few(names)}"
    if len(unknown) == 1:
        return first
    more = ", ".join(map(shown, unknown[:3]))
    return f"{first} ({len(unknown):,} of {asked:,} names given are unknown, first {more})"


def classes_chosen(wanted: Iterable[Id] | None, catalog: Catalog) -> Bools:
    """Mark the classes that are wanted: by id, else by id as text, else by name.

    Raises:
        InputError: one is not in the ground truth.
    """
    ids, names = catalog.category_ids.tolist(), catalog.category_names
    marked = np.full(len(ids), wanted is None)
    if wanted is None:
        return marked
    ways = [rows_by_key(keys) for keys in (ids, map(str, ids), names)]
    for key in _listed("classes", wanted):
        rows = next((way[key] for way in ways if key in way), None)
        if rows is None:
            raise InputError(f"no class {shown(key)} in the ground truth; it has {few(names)}")
        marked[rows] = True
    return marked


def _listed(what: str, wanted: Iterable[Id]) -> list[Id]:
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        raise InputError(f"{what}: expected a list of ids or names, got {wanted!r}")
    return [*wanted]
