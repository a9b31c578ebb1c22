"""How the ids that detections name find the images and categories of the ground truth.

By id first. Where that fails, one other reading is taken if *every* id agrees with it, and a
note says so: text that spells a number, a file name or its stem, a class name. Anything less is
an error that counts the unknown ids, shows the first few with their place, and names the likely
cause; or, where asked, the rows are dropped and the note counts them. Nothing is guessed in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Literal, NamedTuple

import numpy as np

from detmetrics.arrays import Ints, Objects
from detmetrics.catalog import Id, positions
from detmetrics.errors import UnknownIdError
from detmetrics.messages import counted, shown

__all__ = ["Known", "Paired", "UnknownPolicy", "pair"]

UnknownPolicy = Literal["error", "drop"]
EXAMPLES = 3

# The ids of COCO's 80 classes, of 91 numbers.
COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_91 = frozenset(range(1, 91)) - frozenset(COCO_GAPS)


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


def pair(
    wanted: Objects,
    known: Known,
    policy: UnknownPolicy | None,
    place: Callable[[int], str],
    subject: str,
) -> Paired:
    """Find every wanted id among the known.

    wanted : (D,) ids; policy: None for ground truth, which cannot leave rows out;
    place: where row D stands in its source; subject: names the source.

    Raises:
        UnknownIdError: some are not known, no other reading fits all, and policy is ``error``.
    """
    if policy not in ("error", "drop", None):
        raise ValueError(f"unknown ids: expected 'error' or 'drop', got {policy!r}")
    found = positions(known.ids, wanted)
    if not (found < 0).any():
        return Paired(found, None)
    for reading in _readings(wanted, known):
        if not (reading.position < 0).any():
            return Paired(reading.position, f"{subject}: {known.plural} were {reading.how}")
    what = _unknown(wanted, known, found, "object" if policy is None else "detection")
    if policy == "drop":
        return Paired(found, f"{subject}: dropped, as asked: {what}")
    lines = [f"{subject}: {what}", *_examples(wanted, found, place)]
    lines += [f"  likely cause: {cause}" for cause in _causes(wanted, known)]
    if policy == "error":
        lines.append(
            f"  to leave them out: --unknown-{known.plural} drop, "
            f"or unknown_{known.plural}='drop' in Python"
        )
    raise UnknownIdError("\n".join(lines))


def _unknown(wanted: Objects, known: Known, found: Ints, noun: str) -> str:
    missing = wanted[found < 0]
    ids = len(set(missing.tolist()))
    return (
        f"{counted(len(missing), noun)} of {len(wanted):,} "
        f"{'names' if len(missing) == 1 else 'name'} "
        f"{counted(ids, known.kind, known.plural)} that the ground truth does not list"
    )


def _examples(wanted: Objects, found: Ints, place: Callable[[int], str]) -> list[str]:
    """The first few unknown ids, each where it stands first."""
    missing = np.flatnonzero(found < 0)
    first: dict[Id, int] = {}
    for row, value in zip(missing.tolist(), wanted[missing].tolist(), strict=True):
        first.setdefault(value, row)
    return [f"  {place(row)}: {shown(value)}" for value, row in [*first.items()][:EXAMPLES]]


class _Reading(NamedTuple):
    position: Ints
    how: str


def _readings(wanted: Objects, known: Known) -> Iterator[_Reading]:
    """Other ways to read the ids, surest first, and only where the known stay distinct."""
    names: list[tuple[list[Id], str]] = []
    if known.kind == "image":
        names.append(([*known.names], "paired by file name, not by id"))
        stems: list[Id] = [PurePath(name).stem for name in known.names]
        names.append((stems, "paired by file stem, not by id"))
    else:
        names.append(([*known.names], "paired by class name, not by id"))
    numbers = "paired by the number that their ids spell"
    for reading, how in [([*map(_number, known.ids.tolist())], numbers), *names]:
        if len(set(reading)) == len(reading):
            asked = [_number(v) for v in wanted.tolist()] if how is numbers else wanted.tolist()
            yield _Reading(positions(_objects(reading), _objects(asked)), how)


def _objects(values: list[Id]) -> Objects:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _number(value: Id) -> Id:
    """The number that text spells, so that ``"000012"`` equals 12; other ids stay themselves."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value


def _causes(wanted: Objects, known: Known) -> Iterator[str]:
    """What usually makes ids differ, each only where the values speak for it."""
    asked, have = set(wanted.tolist()), set(known.ids.tolist())
    for reading in _readings(wanted, known):
        hits = int((reading.position >= 0).sum())
        if hits > int((positions(known.ids, wanted) >= 0).sum()):
            yield f"{hits:,} of {len(wanted):,} would be {reading.how}; the others fit no way"
    if known.kind == "category" and (cause := _coco_classes(asked, have)):
        yield cause
        return
    numbers = {value for value in asked if isinstance(value, int)}
    if numbers == asked and asked:
        if {value + 1 for value in numbers} <= have:
            yield "off by one: every id would fit if 1 were added (these count from 0)"
        elif {value - 1 for value in numbers} <= have:
            yield "off by one: every id would fit if 1 were taken away (these count from 1)"
    if not asked & have:
        kinds, others = _kinds(asked), _kinds(have)
        yield (
            f"no {known.kind} id is shared: the files may be of different sets "
            f"(ids here are {kinds}, in the ground truth {others})"
        )


def _kinds(ids: set[Id]) -> str:
    words = {int: "whole numbers", str: "text"}
    return " and ".join(sorted({words[type(known)] for known in ids})) or "none"


def _coco_classes(asked: set[Id], have: set[Id]) -> str | None:
    """COCO numbers its 80 classes 1 to 90 with gaps; detectors count them 0 to 79."""
    indices, counted = set(range(80)), set(range(1, 81))
    if have == COCO_91 and (asked <= indices or asked <= counted):
        span = "0 to 79" if asked <= indices else "1 to 80"
        return f"class indices {span} against COCO's 80 ids, which run to 90 with gaps"
    if have in (indices, counted) and asked <= COCO_91:
        return "COCO's 80 ids, which run to 90 with gaps, against classes counted without gaps"
    return None
