"""How the ids that detections name find the images and categories of the ground truth.

By id first. Where that fails, one other reading is taken if *every* id agrees with it, and a
note says so: text that spells a number, a file name or its stem, a class name. Formats that
count classes from zero, as YOLO's do, are paired by the order of the classes. Anything less is
an error that counts the unknown ids, shows the first few with their place, and names the likely
cause; or, where asked, the rows are dropped and the note counts them. Nothing is guessed in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Literal, NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints, Objects, object_column, positions, used
from detmetrics.foundation.errors import UnknownIdError
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.tables.catalog import Id, Keys

__all__ = ["KeyKind", "Known", "Paired", "UnknownPolicy", "pair", "stem"]

UnknownPolicy = Literal["error", "drop"]
KeyKind = Literal["id", "name", "index"]
EXAMPLES = 3
BY_NAME = "paired by class name, not by id"

# The ids of COCO's 80 classes, of 91 numbers.
COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_91 = frozenset(range(1, 91)) - frozenset(COCO_GAPS)

NUMBERS_AGAINST_NAMES = (
    "class numbers against class names: give the order of the classes, --class-names FILE with "
    "one a line, or data.yaml"
)
BACKGROUND = (
    "  if these are images without objects: list them with --image-list FILE, --image-dir DIR or "
    "--image-sizes FILE (image_list, image_dir, image_sizes of dm.Reading)"
)
RAISES = "this raises AP, as their false positives are not counted"
SUFFIXES = (
    ".avif .bmp .dng .gif .heic .heif .jp2 .jpe .jpeg .jpg .json .mpo .pfm .png .pnm .ppm .tif "
    ".tiff .txt .webp .xml"
)
FILE_SUFFIXES = frozenset(SUFFIXES.split())


class Known(NamedTuple):
    """What detections may refer to. kind: ``"image"`` or ``"category"``."""

    kind: str
    ids: Objects
    names: tuple[str, ...]

    @property
    def plural(self) -> str:
        """``images`` or ``categories``."""
        return {"image": "images", "category": "categories"}[self.kind]


class Paired(NamedTuple):
    """position : (D,) index among the known, -1 for rows to drop; note: what to tell, or None."""

    position: Ints
    note: str | None


def stem(name: str) -> str:
    r"""The name of a file without its folders and its suffix, if that is one of an image.

    >>> stem("val/000012.jpg"), stem("frame.000012"), stem(r"val\000012.PNG")
    ('000012', 'frame.000012', '000012')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    plain, dot, suffix = last.rpartition(".")
    return plain if plain and f"{dot}{suffix}".lower() in FILE_SUFFIXES else last


def pair(
    wanted: Keys,
    known: Known,
    policy: UnknownPolicy | None,
    place: Callable[[int], str],
    subject: str,
    key: KeyKind = "id",
    *,
    own: bool = False,
) -> Paired:
    """Find every wanted id among the known.

    wanted : (D,) ids; policy: None for ground truth, which cannot leave rows out;
    place: where row D stands in its source; subject: names the source;
    key: what they are: ids, or names of files or classes; an ``index`` counts the known from 0;
    own: the known come from the same source, which then has no need of file stems.

    Raises:
        UnknownIdError: some are not known, no other reading fits all, and policy is ``error``.
    """
    # Each label is looked up once, however many rows name it (Keys); rows are counted and shown
    # only where something is unknown.
    if policy not in ("error", "drop", None):
        raise ValueError(f"unknown ids: expected 'error' or 'drop', got {policy!r}")
    wanted = wanted.used()
    if not len(wanted.labels):  # an empty table refers to nothing, whatever its keys would be
        return Paired(np.zeros(0, np.int64), None)
    paired, found = _fitting(wanted, known, subject, key, own=own)
    if paired is not None:
        return paired
    if policy == "drop":
        return _dropped(wanted, known, found, subject, key)
    rows = wanted.spread(found)
    what = _unknown(wanted, known, rows, "object" if policy is None else "detection")
    lines = [f"{subject}: {what}", *_examples(wanted, rows, place)]
    causes = _index_causes(known) if key == "index" else _causes(wanted, known, own=own)
    lines += [f"  likely cause: {cause}" for cause in causes]
    if policy == "error":
        lines += [BACKGROUND] if known.kind == "image" else []
        lines.append(
            f"  to leave them out: --unknown-{known.plural} drop, "
            f"or unknown_{known.plural}='drop' in Python"
            + (f"; {RAISES}" if known.kind == "image" else "")
        )
    raise UnknownIdError("\n".join(lines))


def _dropped(wanted: Keys, known: Known, found: Ints, subject: str, key: KeyKind) -> Paired:
    """Without what is unknown, under the reading that knows most; by id where several do."""
    best, how = wanted.spread(found), ""
    for reading in _readings(wanted.labels, known, own=False) if key != "index" else ():
        rows = wanted.spread(reading.position)
        if int((rows >= 0).sum()) > int((best >= 0).sum()):
            best, how = rows, f"{known.plural} were {reading.how}; "
    what = _unknown(wanted, known, best, "detection")
    effect = f"; {RAISES}" if known.kind == "image" else ""
    return Paired(best, f"{subject}: {how}dropped, as asked: {what}{effect}")


def _fitting(
    wanted: Keys, known: Known, subject: str, key: KeyKind, *, own: bool
) -> tuple[Paired | None, Ints]:
    """The first reading that fits every id, or None and (U,) where each label is known at once.

    Names of files and classes come before ids that are numbers: a file ``000002.png`` may well
    have the id 3.
    """
    # 1. Ids that all are known, as ids: taken, unless numbers should be names of files or classes.
    # 2. The first other reading under which all are known: taken, and said.
    # 3. Such numbers, as ids after all. Otherwise nothing fits, and the caller says so.
    if key == "index":
        return _by_index(wanted, known, subject)
    found = positions(known.ids, wanted.labels)
    exact = not (found < 0).any()
    if exact and (key == "id" or known.ids.dtype == object):
        return Paired(wanted.spread(found), None), found
    for reading in _readings(wanted.labels, known, own=own):
        if not (reading.position < 0).any():
            expected = key == "name" and reading.how == BY_NAME
            same = exact and bool((reading.position == found).all())
            note = None if expected or same else f"{subject}: {known.plural} were {reading.how}"
            return Paired(wanted.spread(reading.position), note), found
    return (Paired(wanted.spread(found), None) if exact else None), found


def _by_index(wanted: Keys, known: Known, subject: str) -> tuple[Paired | None, Ints]:
    """Classes by their place in order, where the known have an order that numbers give.

    Classes that are no more than numbers, of which one is 0, were counted from 0 too: then the
    numbers are equal, though some between them are not used.
    """
    count, index = len(known.ids), wanted.labels
    nothing = np.full(len(index), -1)
    if known.ids.dtype == object or index.dtype == object:
        return None, nothing
    bare = [str(number) for number in known.ids.tolist()] == [*known.names]
    if bare and count and known.ids[0] == 0:
        found, note = positions(known.ids, index), None
    else:
        found, note = np.where((index >= 0) & (index < count), index, -1), _by_place(known, subject)
    fits = not (found < 0).any()
    return (Paired(wanted.spread(found), note) if fits else None), found


def _by_place(known: Known, subject: str) -> str | None:
    """What to say of classes that were paired by place, where that is not plain."""
    if known.ids.tolist() == list(range(len(known.ids))):
        return None
    first = ", ".join(f"{row} is {printable(name)}" for row, name in enumerate(known.names[:3]))
    more = ", ..." if len(known.ids) > 3 else ""
    return f"{subject}: categories were paired by index, counted from 0: {first}{more}"


def _index_causes(known: Known) -> Iterator[str]:
    if known.ids.dtype == object:
        yield NUMBERS_AGAINST_NAMES
    else:
        yield (
            f"the ground truth has {counted(len(known.ids), 'class', 'classes')}, so indices run "
            f"from 0 to {len(known.ids) - 1}; where they count from 1: --class-numbers index1"
        )


def _unknown(wanted: Keys, known: Known, found: Ints, noun: str) -> str:
    missing = found < 0
    labels = _labels(wanted, missing)
    rows = int(missing.sum())
    return (
        f"{counted(rows, noun)} of {len(wanted):,} "
        f"{'names' if rows == 1 else 'name'} "
        f"{counted(len(labels), known.kind, known.plural)} that the ground truth does not list"
    )


def _labels(wanted: Keys, marked: Bools) -> set[Id]:
    """The ids of the marked rows."""
    if wanted.code is None:
        return set(wanted.labels[marked].tolist())
    return set(wanted.labels[used(wanted.code[marked])].tolist())


def _examples(wanted: Keys, found: Ints, place: Callable[[int], str]) -> list[str]:
    """The first few unknown ids, each where it stands first."""
    missing = np.flatnonzero(found < 0)
    labels = wanted.labels[missing] if wanted.code is None else wanted.labels[wanted.code[missing]]
    first: dict[Id, int] = {}
    for row, value in zip(missing.tolist(), labels.tolist(), strict=True):
        if first.setdefault(value, row) == row and len(first) == EXAMPLES:
            break
    return [f"  {place(row)}: {shown(value)}" for value, row in first.items()]


class _Reading(NamedTuple):
    position: Ints
    how: str


def _readings(wanted: Objects, known: Known, *, own: bool) -> Iterator[_Reading]:
    """Other ways to read the ids, surest first, and only where the known stay distinct."""
    for theirs, asked, how in _ways(wanted, known, own=own):
        # Two known, or two wanted, that this way makes the same: it says not which is meant.
        if len(set(theirs)) == len(theirs) and len(set(asked)) == len(set(wanted.tolist())):
            yield _Reading(positions(object_column(theirs), object_column(asked)), how)


_Way = tuple[list[Id], list[Id], str]


def _ways(wanted: Objects, known: Known, *, own: bool) -> Iterator[_Way]:
    """Each the known ids read one way, the wanted read the same way, and its name."""
    ids, asked = known.ids.tolist(), wanted.tolist()
    by_name = BY_NAME if known.kind == "category" else "paired by file name, not by id"
    yield [*known.names], asked, by_name
    if known.kind == "category":
        yield [*known.names], [str(value) for value in asked], by_name
    elif not own:
        yield from _ways_by_stem(wanted, known)
    yield [*map(_number, ids)], [*map(_number, asked)], "paired by the number that their ids spell"


def _ways_by_stem(wanted: Objects, known: Known) -> Iterator[_Way]:
    ids, asked = known.ids.tolist(), wanted.tolist()
    how = "paired by file stem, not by id"
    yield [PurePath(name).stem for name in known.names], asked, how
    stems: list[Id] = [_stem(value) for value in asked]
    numbers = [_number(value) for value in stems]
    yield [_stem(name) for name in known.names], stems, how
    named = [name != str(known_id) for name, known_id in zip(known.names, ids, strict=True)]
    spelled = "paired by the number that their file stems spell"
    if all(named):  # an id in place of a missing name is no stem
        yield [_number(_stem(name)) for name in known.names], numbers, spelled
    yield [_stem(value) for value in ids], stems, how
    yield [_number(_stem(value)) for value in ids], numbers, spelled


def _stem(value: Id) -> Id:
    return stem(value) if isinstance(value, str) else value


def _number(value: Id) -> Id:
    """The number that text spells, so that ``"000012"`` equals 12; other ids stay themselves."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)  # of 18 digits at most, which 64 bits always hold
    return value


def _causes(wanted: Keys, known: Known, *, own: bool) -> Iterator[str]:
    """What usually makes ids differ, each only where the values speak for it."""
    asked, have = set(wanted.labels.tolist()), set(known.ids.tolist())
    best = int((wanted.spread(positions(known.ids, wanted.labels)) >= 0).sum())
    for reading in _readings(wanted.labels, known, own=own):
        hits = int((wanted.spread(reading.position) >= 0).sum())
        if hits > best:
            best = hits
            yield f"{hits:,} of {len(wanted):,} would be {reading.how}; the others fit no way"
    if known.kind == "category" and (cause := _class_cause(asked, have)):
        yield cause
        return
    yield from _off_by_one(asked, known)
    yield from _other_case(asked, known)
    if not asked & have and best == 0:
        kinds, others = _kinds(asked), _kinds(have)
        yield (
            f"no {known.kind} id is shared: the files may be of different sets "
            f"(ids here are {kinds}, in the ground truth {others})"
        )


def _other_case(asked: set[Id], known: Known) -> Iterator[str]:
    texts = {str(value).casefold() for value in asked if isinstance(value, str)}
    if texts and texts <= {name.casefold() for name in known.names}:
        yield "the names differ in nothing but capital letters"


def _off_by_one(asked: set[Id], known: Known) -> Iterator[str]:
    """Ids that count from another number, with what to do: an option where the ids are indices."""
    have, order = set(known.ids.tolist()), known.ids.tolist()
    numbers = {value for value in asked if isinstance(value, int)}
    if numbers != asked or not asked:
        return
    ways = ((1, "added (these count from 0)"), (-1, "taken away (these count from 1)"))
    for by, how in ways:
        if not {value + by for value in numbers} <= have:
            continue
        first = min(by, 0)  # an index in place of an id: the class that it names must be that one
        indices = all(
            0 <= value + first < len(order) and order[value + first] == value + by
            for value in numbers
        )
        option = f": --class-numbers index{-first}" if indices and known.kind == "category" else ""
        yield f"off by one: every id would fit if 1 were {how}{option}"
        return


def _kinds(ids: set[Id]) -> str:
    words = {int: "whole numbers", str: "text"}
    return " and ".join(sorted({words[type(known)] for known in ids})) or "none"


def _class_cause(asked: set[Id], have: set[Id]) -> str | None:
    """Numbers against names, or COCO's two numberings: 80 classes of ids 1 to 90 with gaps, which
    detectors count from 0 to 79.
    """
    if have and _kinds(asked) == "whole numbers" and _kinds(have) == "text":
        return NUMBERS_AGAINST_NAMES
    indices, counted = set(range(80)), set(range(1, 81))
    if have == COCO_91 and (asked <= indices or asked <= counted):
        span = "0 to 79" if asked <= indices else "1 to 80"
        how = "index0" if asked <= indices else "index1"
        return (
            f"class indices {span} against COCO's 80 ids, which run to 90 with gaps "
            f"(--class-numbers {how})"
        )
    if have in (indices, counted) and asked <= COCO_91:
        return (
            "COCO's 80 ids, which run to 90 with gaps, against classes counted without gaps "
            "(--class-numbers coco91)"
        )
    return None
