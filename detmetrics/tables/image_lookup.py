"""Which image of a data set a text means: an id, a file name, a stem, or the end of a path.

Lists of images are written by other tools and name images as these see them: with folders of
another machine, without suffixes, with backslashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detmetrics.foundation.arrays import Objects
from detmetrics.tables.catalog import Id
from detmetrics.tables.image_paths import ImagePaths

__all__ = ["ImageLookup", "rows_by_key"]


class ImageLookup:
    """Finds images by what a list calls them.

    >>> from detmetrics.tables.catalog import id_array
    >>> lookup = ImageLookup(id_array([1, 2]), ("val/a.jpg", "val/b.jpg"))
    >>> lookup.rows("../images/val/b.png"), lookup.rows(1), lookup.rows("c")
    ((1,), (0,), ())
    """

    def __init__(self, ids: Objects, names: Sequence[str]) -> None:
        known = ids.tolist()
        self._exact = [rows_by_key(keys) for keys in (known, map(str, known), names)]
        self._paths = ImagePaths(names)

    def rows(self, key: Id) -> tuple[int, ...]:
        """The rows that a key means.

        None where it is unknown. Several where an exact id or name is there several times, or
        where the end of a path fits several images equally well.
        """
        exact = next((way[key] for way in self._exact if key in way), None)
        if exact is not None:
            return tuple(exact)
        return self._paths.rows(key) if isinstance(key, str) else ()


def rows_by_key(keys: Iterable[Id]) -> dict[Id, list[int]]:
    """The rows of each key."""
    rows: dict[Id, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows
