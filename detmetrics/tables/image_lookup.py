"""Which image of a data set a text means: an id, a file name, a stem, or the end of a path.

Lists of images are written by other tools and name images as these see them: with folders of
another machine, without suffixes, with backslashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from detmetrics.foundation.arrays import Objects
from detmetrics.tables.catalog import Id
from detmetrics.tables.id_pairing import stem

__all__ = ["ImageLookup", "path_parts", "rows_by_key", "shared_tail"]


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
        self._parts = [path_parts(name) for name in names]
        self._by_stem = rows_by_key(parts[-1] for parts in self._parts)

    def rows(self, key: Id) -> tuple[int, ...]:
        """The rows that a key means.

        None where it is unknown. Several where an exact id or name is there several times, or
        where the end of a path fits several images equally well.
        """
        exact = next((way[key] for way in self._exact if key in way), None)
        if exact is not None:
            return tuple(exact)
        return self._by_path(key) if isinstance(key, str) else ()

    def _by_path(self, key: str) -> tuple[int, ...]:
        """Those of the same stem that share most folders before it."""
        parts = path_parts(key)
        rows = self._by_stem.get(parts[-1], [])
        if len(rows) < 2:
            return tuple(rows)
        tails = [shared_tail(parts, self._parts[row]) for row in rows]
        most = max(tails)
        return tuple(row for row, tail in zip(rows, tails, strict=True) if tail == most)


def path_parts(name: str) -> tuple[str, ...]:
    r"""The folders of a name and its stem.

    >>> path_parts(r"..\images\a.jpg")
    ('images', 'a')
    """
    plain = name.strip().replace("\\", "/")
    folders = [part for part in plain.split("/")[:-1] if part not in ("", ".", "..")]
    return (*folders, stem(plain))


def shared_tail(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths share, from the end."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def rows_by_key(keys: Iterable[Id]) -> dict[Id, list[int]]:
    """The rows of each key."""
    rows: dict[Id, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return rows
