"""Names of image files as other tools and machines write them: stems, and the ends of paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

__all__ = ["ImagePaths", "file_name", "path_parts", "shared_end", "stem"]

SUFFIXES = (
    ".avif .bmp .dng .gif .heic .heif .jp2 .jpe .jpeg .jpg .json .mpo .pfm .png .pnm .ppm .tif "
    ".tiff .txt .webp .xml"
)
FILE_SUFFIXES = frozenset(SUFFIXES.split())


def stem(name: str) -> str:
    r"""The name of a file without its folders and its suffix, if that is one of an image.

    >>> stem("val/000012.jpg"), stem("frame.000012"), stem(r"val\000012.PNG")
    ('000012', 'frame.000012', '000012')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain, dot, suffix = last.rpartition(".")
    return plain if plain and f"{dot}{suffix}".lower() in FILE_SUFFIXES else last


def file_name(path: str) -> str:
    """The name of a file without its folders."""
    return path.strip().replace("\\", "/").rpartition("/")[2]


def path_parts(name: str) -> tuple[str, ...]:
    r"""The folders of a name, without those that lead nowhere, and its stem.

    >>> path_parts(r"..\images\a.jpg")
    ('images', 'a')
    """
    plain = name.strip().replace("\\", "/")
    folders = [part for part in plain.split("/")[:-1] if part not in ("", ".", "..")]
    return (*folders, stem(plain))


class ImagePaths:
    """Finds images by the longest end of a path that they share with it.

    >>> paths = ImagePaths(["val/cam1/1.jpg", "val/cam2/1.jpg", "other/2.jpg"])
    >>> paths.rows("cam2/1"), paths.rows("/data/2.png"), paths.rows("1"), paths.rows("3")
    ((1,), (2,), (0, 1), ())
    >>> ImagePaths(["1.jpg", "1.png"]).rows("data/1.png")
    (1,)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._parts = [path_parts(name) for name in self.names]
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        for row, parts in enumerate(self._parts):
            self._by_stem[parts[-1]].append(row)

    def rows(self, path: str) -> tuple[int, ...]:
        """The images that a path may be: none, one, or several that fit equally well."""
        # cam1/0001 is val/cam1/0001.jpg, since no other path ends so; 0001 alone may be this or
        # val/cam2/0001.jpg, and is then several, unless one of them is 0001 and nothing more. Of
        # files in one folder that differ in their suffix it is the one with its own.
        parts = path_parts(path)
        rows = self._by_stem.get(parts[-1], [])
        if len(rows) < 2:
            return tuple(rows)
        if whole := [row for row in rows if self._parts[row] == parts]:
            return self._of_suffix(path, whole)
        shared = [shared_end(parts, self._parts[row]) for row in rows]
        best = [row for row, n in zip(rows, shared, strict=True) if n == max(shared)]
        return self._of_suffix(path, best)

    def _of_suffix(self, path: str, rows: Sequence[int]) -> tuple[int, ...]:
        own = [row for row in rows if file_name(self.names[row]) == file_name(path)]
        return tuple(own or rows)


def shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths share, from the end."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
