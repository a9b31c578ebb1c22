"""The ways in which ids can mean images and classes: as ids, as names, as numbers that names spell.

Every way is a lookup: the known ids made into keys, the wanted ones made into keys the same way.
A way fits where every wanted key is known. It may still leave open which image is meant: two
folders may hold a file of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Ints, Objects, positions
from detmetrics.tables.catalog import Id
from detmetrics.tables.image_paths import ImagePaths, stem

__all__ = [
    "BY_ID",
    "BY_NAME",
    "SEVERAL",
    "IdReading",
    "Known",
    "readings",
    "same_numbers",
    "spelled_number",
]

UNKNOWN, SEVERAL = -1, -2
NAME = re.compile(r"[\w-][\w .-]*", re.ASCII)
"""Names without folders or drives, on any system."""
NUMBERED = re.compile(r"^([0-9]{1,18})\.(?:jpe?g|png|JPE?G|PNG)$", re.MULTILINE)
BY_ID = "by id"
BY_NAME = "by class name, not by id"


class Known(NamedTuple):
    """What detections may refer to.

    kind: ``"image"`` or ``"category"``; ids : (N,); names : (N,); untrained: places of classes
    that detectors are hardly ever trained on, see :class:`Catalog`.
    """

    kind: str
    ids: Objects
    names: tuple[str, ...]
    untrained: tuple[int, ...] = ()

    @property
    def plural(self) -> str:
        """``images`` or ``categories``."""
        return {"image": "images", "category": "categories"}[self.kind]


class IdReading(NamedTuple):
    """One way to read ids.

    position : (U,) place among the known of each wanted id, -1 where it is unknown, -2 where it may
    be several; how: in words; of: ``"ids"`` or ``"names"``, what the wanted are under this way;
    exact: the texts or numbers themselves agree, and no number was made of a text; distinct: no two
    of the known are one under this way.
    """

    position: Ints
    how: str
    of: str
    exact: bool
    distinct: bool = True

    @property
    def fits(self) -> bool:
        """Whether every wanted id is known."""
        return not (self.position == UNKNOWN).any()


def spelled_number(value: Id) -> Id:
    """The number that text spells, so that ``"000012"`` equals 12; other ids stay themselves."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)  # of 18 digits at most, which 64 bits always hold
    return value


def readings(wanted: Objects, known: Known, *, own: bool) -> Iterator[IdReading]:
    """All ways to read wanted ids, as ids first, then surest first.

    wanted : (U,) distinct; own: the known come from the same source, which then has no need of
    file stems. Ways that make two wanted ids one are left out: they cannot tell what is meant.
    """
    yield IdReading(positions(known.ids, wanted), BY_ID, "ids", known.ids.dtype == object)
    ids, asked = known.ids.tolist(), wanted.tolist()
    by_name = BY_NAME if known.kind == "category" else "by file name, not by id"
    yield from _way(known.names, asked, by_name, "names")
    if known.kind == "category":
        yield from _way(known.names, [str(value) for value in asked], by_name, "names")
    elif not own:
        yield from _by_stem(ids, known.names, asked)
    numbers = [spelled_number(value) for value in ids]
    how = "by the number that their ids spell"
    yield from _way(numbers, [*map(spelled_number, asked)], how, "ids", exact=False)


def _by_stem(ids: list[Id], names: Sequence[str], asked: list[Id]) -> Iterator[IdReading]:
    how = "by file stem, not by id"
    plain: list[Id] = [*map(_without_any_suffix, names)]
    if len(set(plain)) == len(plain):  # of suffixes that are none of an image, too
        yield from _way(plain, asked, how, "names")
    stems: list[Id] = [stem(value) if isinstance(value, str) else value for value in asked]
    texts = [*map(str, stems)]  # a table may have made numbers of names
    own: list[Id] = [stem(name) for name in names]
    if len(set(own)) == len(own) and len(set(texts)) == len(texts):
        yield from _way(own, texts, how, "names")
    else:
        yield from _by_path(names, asked)
    numbers = [spelled_number(value) for value in stems]
    # An id in place of a missing name is no stem.
    if all(name != str(known) for name, known in zip(names, ids, strict=True)):
        spelled = "by the number that their file stems spell"
        yield from _way([*map(spelled_number, own)], numbers, spelled, "names", exact=False)
    of_ids: list[Id] = [stem(value) if isinstance(value, str) else value for value in ids]
    if of_ids != ids and len(set(of_ids)) == len(of_ids):
        yield from _way(of_ids, stems, how, "ids")
    spelled = "by the number that their ids spell"
    yield from _way([*map(spelled_number, of_ids)], numbers, spelled, "ids", exact=False)


def _without_any_suffix(name: str) -> str:
    """As ``PurePath(name).stem``, which takes ten times as long."""
    if not NAME.fullmatch(name):
        from pathlib import PurePath

        return PurePath(name).stem
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name


def same_numbers(wanted: Objects, known: Known) -> bool:
    """Whether no name can mean another image than an id, as names are the ids with a suffix.

    Only what shows at once counts: such names as ``000012.jpg`` alone.
    """
    if wanted.dtype == object or known.ids.dtype == object:
        return False
    joined = "\n".join(known.names)
    numbers = NUMBERED.findall(joined)
    if len(numbers) != len(known.names) or joined.count("\n") >= max(len(numbers), 1):
        return False
    ids: list[Id] = known.ids.tolist()
    return [*map(int, numbers)] == ids


def _way(
    theirs: Sequence[Id], asked: Sequence[Id], how: str, of: str, *, exact: bool = True
) -> Iterator[IdReading]:
    """The lookup of keys that are equal; none where two wanted ids have one key."""
    if len(set(asked)) < len(asked):
        return
    place: dict[Id, int] = {}
    for at, key in enumerate(theirs):
        place[key] = SEVERAL if key in place else at
    found = np.fromiter((place.get(key, UNKNOWN) for key in asked), np.int64, len(asked))
    yield IdReading(found, how, of, exact, distinct=len(place) == len(theirs))


def _by_path(names: Sequence[str], asked: Sequence[Id]) -> Iterator[IdReading]:
    """The lookup of the longest end of a path that is known, where stems alone leave it open."""
    paths = ImagePaths(names)
    rows = [paths.rows(key) if isinstance(key, str) else () for key in asked]
    found = np.array([_one(each) for each in rows], np.int64)
    hit, times = np.unique(found[found >= 0], return_counts=True)
    shared = np.isin(found, hit[times > 1])  # two names of which each may be this image
    exact = {names[at] for at in hit[times > 1].tolist()} & {*asked}
    for at in np.flatnonzero(shared).tolist():
        # Where one of the two is its very name, the other one of another suffix is another image.
        name, other = names[found[at]], str(asked[at])
        if name not in exact or stem(other) == other:
            found[at] = SEVERAL
        elif other != name:
            found[at] = UNKNOWN
    yield IdReading(found, "by the end of their path, not by id", "names", True)


def _one(rows: Sequence[int]) -> int:
    if not rows:
        return UNKNOWN
    return rows[0] if len(rows) == 1 else SEVERAL
