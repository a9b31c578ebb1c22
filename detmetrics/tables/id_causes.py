"""What usually makes ids differ from those of the ground truth, where the ids speak for it.

A hint to an option stands behind a cause only where the option makes every id fit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import takewhile

from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, shown
from detmetrics.tables.catalog import Id, Keys
from detmetrics.tables.id_readings import Known, readings
from detmetrics.tables.image_paths import stem

__all__ = ["COCO_91", "COCO_GAPS", "causes", "index_causes"]

# The ids of COCO's 80 classes, of 91 numbers.
COCO_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
COCO_91 = frozenset(range(1, 91)) - frozenset(COCO_GAPS)
LOOKED_AT = 1_000


def index_causes(wanted: Keys, known: Known) -> Iterator[str]:
    """Why places in the order of the classes do not fit."""
    if known.ids.dtype == object:
        yield f"class numbers against class names: {hint('class-order')}"
        return
    yield (
        f"the ground truth has {counted(len(known.ids), 'class', 'classes')}, so places in its "
        f"order are 0 to {len(known.ids) - 1}"
    )
    if wanted.labels.dtype != object:
        yield from _other_numbering(set(wanted.labels.tolist()), known, "index0")


def causes(wanted: Keys, known: Known, *, own: bool, options: bool = True) -> Iterator[str]:
    """Why ids or names do not fit, the cause that explains most first.

    options: they come from a file, of which options of a reader decide how it is read.
    """
    # wanted.labels are the distinct ids; rows are counted through wanted.spread.
    asked, have = set(wanted.labels.tolist()), set(known.ids.tolist())
    best = 0
    for reading in readings(wanted.labels, known, own=own):
        hits = int((wanted.spread(reading.position) >= 0).sum())
        if hits > best:
            best = hits
            if reading.how != "by id":
                said = f"{hits:,} of {len(wanted):,} would be paired {reading.how}"
                yield f"{said}; the others fit no way"
    if known.kind == "category" and (cause := _class_cause(asked, have, options)):
        yield cause
        return
    numbered = [*_off_by_one(asked, known, options)]
    yield from numbered
    texts = [*_other_spelling(asked, known)]
    yield from texts
    if not asked & have and best == 0 and not numbered and not texts:
        yield f"no {known.kind} id is shared: the files may be of different data sets"


# --- texts that nearly agree ---------------------------------------------------------------------


def _other_spelling(asked: set[Id], known: Known) -> Iterator[str]:
    """The first change to texts after which all of them are known."""
    texts = sorted(value for value in asked if isinstance(value, str))
    if not texts or len(texts) < len(asked):
        return
    names = {*known.names, *(str(value) for value in known.ids.tolist())}
    if not names:
        return  # nothing is known that they could be like
    if known.kind == "image":
        names |= {stem(name) for name in names}
        texts = [stem(text) for text in texts]
    if {*texts} <= names:
        return  # spelling is not what differs
    for way, says in SPELLINGS:
        if {way(text) for text in texts} <= {way(name) for name in names}:
            yield f"the names differ in nothing but {says}"
            return
    added = [*_added(texts, names)]
    yield from added or _contained(texts, known)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


SPELLINGS: tuple[tuple[Callable[[str], str], str], ...] = (
    (_composed, "their Unicode form (NFC and NFD)"),
    (str.casefold, "capital letters"),
    (lambda text: _composed(text).casefold().strip(), "capital letters and spaces"),
    (lambda text: re.sub(r"0*(\d+)", r"\1", text), "zeros before numbers"),
    (lambda text: "".join(filter(str.isalnum, text.casefold())), "spaces, dashes and the like"),
)


def _added(texts: list[str], names: set[str]) -> Iterator[str]:
    """A beginning or an end that all texts of one side have and the other side lacks."""
    for texts_of, others, side in (
        (texts, names, "these names"),
        ([*names], {*texts}, "those of the ground truth"),
    ):
        for before in (True, False):
            extra = _common(texts_of[:LOOKED_AT], before=before)
            # Shorter ones too: what is common may go on into the names, as the 0 of numbers.
            for length in range(len(extra), 0, -1):
                part = extra[:length] if before else extra[-length:]
                cut = {text[length:] if before else text[:-length] for text in texts_of}
                lacking = not any(part in other for other in others)
                if not lacking:
                    continue
                if cut <= others or (side != "these names" and others <= cut):
                    where = "begin with" if before else "end with"
                    yield f"{side} {where} {shown(part)}, which the others lack"
                    return


def _contained(texts: list[str], known: Known) -> Iterator[str]:
    """That every name has one of the other side within it, as a hash or a folder was added."""
    theirs = [stem(name) for name in known.names]
    if max(len(texts), len(theirs)) > LOOKED_AT or known.kind != "image":
        return
    for longer, shorter, side in (
        (texts, theirs, "these names contain those of the ground truth"),
        (theirs, texts, "the names of the ground truth contain these"),
    ):
        hits = [next((s for s in shorter if len(s) > 2 and s in text), None) for text in longer]
        known_hits = [(text, hit) for text, hit in zip(longer, hits, strict=True) if hit]
        if len(known_hits) * 2 > len(texts) and len({hit for _, hit in known_hits}) > 1:
            text, hit = known_hits[0]
            yield f"{side}, as {shown(text)} and {shown(hit)}: take out what was added"
            return


def _common(texts: list[str], *, before: bool) -> str:
    step = 1 if before else -1
    low, high = min(text[::step] for text in texts), max(text[::step] for text in texts)
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    )
    return low[:shared][::step]


# --- numbers -------------------------------------------------------------------------------------


def _off_by_one(asked: set[Id], known: Known, options: bool) -> Iterator[str]:
    """Ids that count from another number, with what to do: an option where the ids are indices."""
    have = set(known.ids.tolist())
    numbers = {value for value in asked if isinstance(value, int)}
    if numbers != asked or not asked:
        return
    ways = ((1, "added (these count from 0)"), (-1, "taken away (these count from 1)"))
    for by, how in ways:
        if not {value + by for value in numbers} <= have:
            continue
        option = _by_option(numbers, known, by) if options else ""
        yield f"off by one: every id would fit if 1 were {how}{option}"
        return


def _by_option(numbers: set[int], known: Known, by: int) -> str:
    """The option that makes indices of them; an index must name the class that the id names."""
    if known.kind != "category":
        return ""
    order, first = known.ids.tolist(), min(by, 0)
    places = {value: value + first for value in numbers}
    if all(0 <= at < len(order) and order[at] == value + by for value, at in places.items()):
        return f": {hint('class-numbers', way=f'index{-first}')}"
    return ""


def _other_numbering(numbers: set[Id], known: Known, tried: str) -> Iterator[str]:
    """The numbering of classes under which all numbers fit."""
    places = {value for value in numbers if isinstance(value, int)}
    if places != numbers or not places:
        return
    count = len(known.ids)
    ways = {
        "index1": places <= set(range(1, count + 1)),
        "ids": places <= set(known.ids.tolist()),
        "coco91": count == len(COCO_91) and places <= COCO_91,
    }
    for way, fits in ways.items():
        if fits and way != tried:
            meaning = {
                "index1": "they may count from 1",
                "ids": "they may be its ids",
                "coco91": "they may be COCO's ids, which run to 90 with gaps",
            }[way]
            yield f"{meaning}: {hint('class-numbers', way=way)}"
            return


def _fix(options: bool, name: str, **values: str) -> str:
    return f": {hint(name, **values)}" if options else ""


def _class_cause(asked: set[Id], have: set[Id], options: bool) -> str | None:
    """Numbers against names, or COCO's two numberings: 80 classes of ids 1 to 90 with gaps, which
    detectors count from 0 to 79.
    """
    if asked and have and _kinds(asked) == {int} and _kinds(have) == {str}:
        return f"class numbers against class names{_fix(options, 'class-order')}"
    indices, from_one = set(range(80)), set(range(1, 81))
    if have == COCO_91 and (asked <= indices or asked <= from_one):
        span = "0 to 79" if asked <= indices else "1 to 80"
        way = "index0" if asked <= indices else "index1"
        return (
            f"class indices {span} against COCO's 80 ids, which run to 90 with gaps"
            f"{_fix(options, 'class-numbers', way=way)}"
        )
    if have in (indices, from_one) and asked <= COCO_91:
        return (
            "COCO's 80 ids, which run to 90 with gaps, against classes counted without gaps"
            f"{_fix(options, 'class-numbers', way='coco91')}"
        )
    return None


def _kinds(ids: set[Id]) -> set[type]:
    return set(map(type, ids))
