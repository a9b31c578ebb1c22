"""Class numbers that mean another list of classes: shifted, shifted from one on, or reordered.

Detections and objects that overlap vote, whatever their classes are. If each class of detections
votes for a different class of objects, the names were in another order. A detector that merely
confuses classes looks different: two of its classes vote for the same one, and then the class with
fewer votes is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from detmetrics.evaluation.misreadings.mistake import Mistake
from detmetrics.foundation.arrays import Bools, Ints, Objects, positions, read_only, used
from detmetrics.foundation.messages import counted, printable
from detmetrics.tables import Detections
from detmetrics.tables.id_causes import COCO_91

__all__ = ["clearly_more", "off_by", "other_order", "renumbering_cure", "shifted", "shifted_from"]

LEAST_VOTES = 3
MOSTLY = 0.5
EXAMPLES = 3
OF_NUMBERS = ("yolo",)
"""Formats whose classes are numbers, also where a list gives them names."""
ORDER_CURE = "give the class names in the order of the detector's training (--class-names FILE)"
NAMES_CURE = "exchange the class names in the file of detections"
EITHER_CURE = f"if the file has class numbers, {ORDER_CURE}; if it has class names, exchange them"


def shifted(detections: Detections, by: int) -> Mistake:
    """Class numbers off by the same for all, in the order of classes; what has none is left out."""
    catalog = detections.catalog
    count = len(catalog.category_ids)
    place = np.arange(count) + by
    place = np.where((place >= 0) & (place < count), place, -1)
    cure = _cure(detections, place, f"{_step(by)} the class numbers of the detections")
    return off_by(by, cure, _change(place), place)


def off_by(
    by: int, cure: str, change: Callable[[Detections], Detections], place: Ints | None = None
) -> Mistake:
    """Class numbers off by the same for all; place : (K,) where each class goes, -1 for nowhere."""
    much = "one" if abs(by) == 1 else f"{abs(by)}"
    return Mistake(
        family="classes",
        name=f"class numbers off by {much} ({by:+d})",
        cure=cure,
        change=change,
        classes=place,
        seems=f"class numbers look off by {much}",
        undoing=f"{_step(by, 'ing')} the class numbers of the detections",
    )


def renumbering_cure(ids: Objects, numbers: Objects, by: int) -> str:
    """What to do about numbers that are off by so much; an option only where it does just that.

    ids : (K,) of the classes, sorted; numbers: those that the detections have.
    """
    plain = f"{_step(by)} the class numbers of the detections"
    if ids.dtype == object or numbers.dtype == object:
        return f"{plain}, or {EITHER_CURE}"
    return _of_numbers(numbers, positions(ids, numbers + by), len(ids), plain)


def _cure(detections: Detections, place: Ints, plain: str = "") -> str:
    """What to do about classes that are others; place : (K,) the one that each is, -1 for none.

    plain: what to do by hand.
    """
    names = any(
        one.of == "classes" and one.taken.startswith("by name")
        for one in detections.interpretations
    )
    if names and detections.source.format not in OF_NUMBERS:
        return NAMES_CURE
    ids = detections.catalog.category_ids
    seen = used(detections.category)
    if names or ids.dtype == object:
        return f"{plain}, or {ORDER_CURE}" if plain else ORDER_CURE
    return _of_numbers(ids[seen].astype(np.int64), place[seen], len(ids), plain)


def _of_numbers(numbers: Ints, place: Ints, classes: int, plain: str) -> str:
    """The option that takes numbers to these places of so many classes, where there is one."""
    ways = {"index0": numbers, "index1": numbers - 1}
    if {*numbers.tolist()} <= COCO_91 and classes == len(COCO_91):
        ways["coco91"] = np.searchsorted(sorted(COCO_91), numbers)
    for way, to in ways.items():
        if (place >= 0).all() and (to == place).all():
            return f"--class-numbers {way}"
    return f"{plain}, or {ORDER_CURE}" if plain else ORDER_CURE


def clearly_more(votes: int, others: int) -> bool:
    """Whether so many votes against so many are no accident: two standard deviations of a coin."""
    return votes > others and (votes - others) ** 2 >= 4 * (votes + others)


def shifted_from(detections: Detections, found: Ints, there: Ints) -> Iterator[Mistake]:
    """A class too many or too few in one of the lists: all behind it are off by one.

    found, there : (V,) the class of a detection and that of the object it lies on.
    """
    count = len(detections.catalog.category_ids)
    own = np.bincount(found[found == there], minlength=count)
    for by in (-1, 1):
        moved = np.bincount(found[found + by == there], minlength=count)
        # votes[k] = the classes before k are themselves, those from k on are off by one
        votes = np.cumsum(own) - own + moved.sum() - (np.cumsum(moved) - moved)
        at = int(votes.argmax())
        behind = slice(at, None)
        clear = clearly_more(int(moved[behind].sum()), int(own[behind].sum()))
        if at > 0 and clear and votes[at] >= moved.sum() + LEAST_VOTES:
            place = np.arange(count)
            place[at:] += by
            place[place >= count] = -1
            yield _off_from(detections, place, at, by)


def other_order(detections: Detections, found: Ints, there: Ints) -> Iterator[Mistake]:
    """Undoing another order of the names, where the votes are clear.

    found, there : (V,) the class of a detection and that of the object it lies on.
    """
    catalog = detections.catalog
    meant = _meant(len(catalog.category_ids), found, there)
    moved = np.flatnonzero(meant != np.arange(len(meant)))
    as_meant = int((meant[found] == there)[np.isin(found, moved)].sum())
    as_named = int((found == there)[np.isin(found, moved)].sum())
    # One step for all of them is another mistake, with a name of its own.
    if not clearly_more(as_meant, as_named) or (
        len(moved) > 1 and len(np.unique((meant - np.arange(len(meant)))[moved])) == 1
    ):
        return
    names = [printable(name) for name in catalog.class_labels]
    shown = ", ".join(f"{names[at]} is {names[meant[at]]}" for at in moved[:EXAMPLES].tolist())
    more = ", ..." if len(moved) > EXAMPLES else ""
    which = f"{counted(len(moved), 'class', 'classes')} of it: {shown}{more}"
    yield Mistake(
        family="class order",
        name=f"classes in another order, {which}",
        cure=_cure(detections, meant),
        change=_change(meant),
        classes=meant,
        seems="the class names of the two files look ordered differently",
        undoing=f"exchanging {counted(len(moved), 'class', 'classes')} of the detections "
        f"({shown}{more})",
    )


def _off_from(detections: Detections, place: Ints, at: int, by: int) -> Mistake:
    name = printable(detections.catalog.class_labels[at])
    return Mistake(
        family="classes",
        name=f"class numbers off by one from {name} on ({by:+d})",
        cure=f"one list has a class that the other lacks; {_cure(detections, place)}",
        change=_change(place),
        classes=place,
        seems=f"class numbers look off by one from {name} on",
        undoing=f"{_step(by, 'ing')} these class numbers of the detections",
    )


def _step(by: int, ending: str = "") -> str:
    return f"add{ending} {by} to" if by > 0 else f"subtract{ending} {-by} from"


def _change(place: Ints) -> Callable[[Detections], Detections]:
    """To the class at a place, -1 for none, whose detections are left out; place : (K,)."""

    def change(detections: Detections) -> Detections:
        moved = place[detections.category]
        changed = replace(detections, category=read_only(np.maximum(moved, 0)))
        return changed if (moved >= 0).all() else changed.keep(moved >= 0)

    return change


def _meant(classes: int, found: Ints, there: Ints) -> Ints:
    """(K,) the class that each class is, which is itself where nothing else is clear."""
    kinds, count = np.unique(found * classes + there, return_counts=True)
    itself = kinds // classes == kinds % classes
    order = np.lexsort((-count, ~itself))
    total = np.bincount(found, minlength=classes)
    meant, taken = np.full(classes, -1), np.zeros(classes, bool)
    # Those that are clearly themselves, then most votes first: a class is what it votes for most,
    # if that is clear and nobody is it yet.
    for at in order.tolist():
        one, other = divmod(int(kinds[at]), classes)
        clear = count[at] >= LEAST_VOTES and count[at] > MOSTLY * total[one]
        if clear and meant[one] < 0 and not taken[other]:
            meant[one], taken[other] = other, True
    return _completed(meant, taken, _common_step(found, there))


def _common_step(found: Ints, there: Ints) -> int:
    """By how much most votes say that classes are off; 0 where they do not agree."""
    steps, count = np.unique(there - found, return_counts=True)
    at = int(count.argmax()) if len(count) else 0
    return int(steps[at]) if len(count) and count[at] > MOSTLY * len(found) else 0


def _completed(meant: Ints, taken: Bools, step: int) -> Ints:
    """Classes of few votes go with the others, stay what they are, or go where those went that
    took their place.
    """
    for by in dict.fromkeys((step, 0)):
        open_ones = np.flatnonzero(meant < 0)
        to = open_ones + by
        free = (to >= 0) & (to < len(meant))
        free[free] = ~taken[to[free]]
        meant[open_ones[free]], taken[to[free]] = to[free], True
    open_ones = np.flatnonzero(meant < 0)
    # a took the place of b, so b goes to the place that is left at the other end of the chain.
    source = {int(place): one for one, place in enumerate(meant.tolist()) if place >= 0}
    for one in open_ones.tolist():
        end = one
        while end in source:
            end = source[end]
        meant[one] = end
        source[end] = one
    return meant
