"""How the ids that detections name find the images and categories of the ground truth.

By id or by name, as the source says which they are; else by the one other reading that *every* id
agrees with (text that spells a number, a file stem, the end of a path). Classes that a source
counts, as YOLO does, are paired by their place in the order of the ground truth. Where two
readings fit every id and give different pairs, and where one name may be several images, nothing
is taken: an error shows both and names the option that decides. Unknown ids are an error that
counts them, shows the first few with their place, and names the likely cause; or, where asked,
the rows are dropped and a note counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from detmetrics.foundation.arrays import Bools, Ints, positions, used
from detmetrics.foundation.errors import AmbiguousIdError, UnknownIdError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import counted, few, printable, shown
from detmetrics.tables.catalog import Id, Keys
from detmetrics.tables.id_causes import causes, index_causes
from detmetrics.tables.id_readings import (
    BY_ID,
    BY_NAME,
    SEVERAL,
    IdReading,
    Known,
    readings,
    same_numbers,
    spelled_number,
)
from detmetrics.tables.image_paths import ImagePaths, path_parts, stem

__all__ = ["KeyKind", "Known", "Paired", "UnknownPolicy", "pair"]

UnknownPolicy = Literal["error", "drop"]
KeyKind = Literal["id", "name", "index"]
EXAMPLES = 3


class Paired(NamedTuple):
    """position : (D,) index among the known, -1 for rows to drop; note: what to tell, or None.

    taken: how ids were read; others: how else they could have been.
    """

    position: Ints
    note: str | None
    taken: str = ""
    others: tuple[str, ...] = ()


def pair(
    wanted: Keys,
    known: Known,
    policy: UnknownPolicy | None,
    place: Callable[[int], str],
    subject: str,
    key: KeyKind = "id",
    *,
    own: bool = False,
    settled: bool = False,
    said: bool = True,
    numbers: Keys | None = None,
    image: Callable[[int], str] | None = None,
) -> Paired:
    """Find every wanted id among the known.

    wanted : (D,) ids; policy: None for ground truth, which cannot leave rows out;
    place: where row D stands in its source; subject: names the source;
    key: what they are: ids, or names of files or classes; an ``index`` counts the known from 0;
    own: the known come from the same source, which then has no need of file stems;
    settled: the user or the format says that they are what ``key`` says, so no other reading
    contests it; said: the source names what the ids are, and not a caller's parameter;
    numbers: the ids as the source has them, where they were renumbered; image: what is said behind
    row D of its image.

    Raises:
        UnknownIdError: some are not known, no other reading fits all, and policy is ``error``.
        AmbiguousIdError: two readings fit all and give different pairs, or a name may be several.
    """
    # Each label is looked up once, however many rows name it (Keys); rows are counted and shown
    # only where something is unknown.
    if policy not in ("error", "drop", None):
        raise ValueError(f"unknown ids: expected 'error' or 'drop', got {policy!r}")
    wanted = wanted.used().distinct()
    if not len(wanted.labels):  # an empty table refers to nothing, whatever its keys would be
        return Paired(np.zeros(0, np.int64), None)
    pairing = _Pairing(wanted, known, place, subject, key, own=own, settled=settled, said=said)
    pairing.numbers = numbers or wanted
    pairing.image = image or pairing.image
    paired = pairing.by_index() if key == "index" else pairing.by_reading()
    if paired is not None:
        return paired
    if policy == "drop":
        return pairing.dropped()
    raise UnknownIdError("\n".join(pairing.unknown(policy)))


class _Pairing:
    """One question of ids, and the ways to answer it."""

    def __init__(
        self,
        wanted: Keys,
        known: Known,
        place: Callable[[int], str],
        subject: str,
        key: KeyKind,
        *,
        own: bool,
        settled: bool,
        said: bool,
    ) -> None:
        self.wanted, self.known, self.place, self.subject = wanted, known, place, subject
        self.key, self.own, self.settled, self.said = key, own, settled, said
        self.numbers = wanted
        self.image: Callable[[int], str] = lambda _: ""

    # --- by what ids or names say ----------------------------------------------------------------

    def by_reading(self) -> Paired | None:
        """The first reading that fits every id, unless another one contests it.

        Names of files and classes come before ids that are numbers: a file ``000002.png`` may well
        have the id 3.
        """
        # 1. Ids that all are known, as ids; where they should be names, names that all are known.
        # 2. The first other reading under which all are known.
        # 3. Two of ids and names that fit and pair differently: it is open, and asked.
        exact = IdReading(positions(self.known.ids, self.wanted.labels), BY_ID, "ids", True)
        if exact.fits and (self.own or self.settled or not self.said) and self.key == "id":
            return self._paired(exact)
        plain = exact.fits and self.key == "id" and self.known.kind == "image"
        if plain and same_numbers(self.wanted.labels, self.known):
            return self._paired(exact, exact)
        ways = [way for way in self._in_order() if way.fits and self._may_be_several(way)]
        if not ways:
            return None
        first = ways[0]
        self._refuse_several(first)
        rivals = () if self.settled or self.own else [*self._rivals(first, ways)]
        if rivals:
            raise AmbiguousIdError("\n".join(self._both(first, rivals[0])))
        if first.how == BY_ID and self.known.kind == "category" and not self.own:
            self._refuse_untrained(first.position)
        return self._paired(first, exact)

    def _in_order(self) -> Iterator[IdReading]:
        by_id, *others = readings(self.wanted.labels, self.known, own=self.own)
        if self.key == "id" or self.known.ids.dtype == object:
            yield by_id
            yield from others
        else:
            yield from others
            yield by_id

    def _may_be_several(self, way: IdReading) -> bool:
        """Whether it says what every id means, or one that it leaves open can be asked for."""
        return self.known.kind == "image" or not (way.position == SEVERAL).any()

    def _rivals(self, first: IdReading, ways: list[IdReading]) -> Iterator[IdReading]:
        """Readings of the other kind that fit as well and pair differently."""
        # Texts that agree outweigh numbers that texts spell, but not the ids of a source that
        # other tools fill with stems. What a column of classes holds, its name says.
        if self.known.kind == "category" or not self.said:
            return
        for way in ways:
            if not way.distinct:
                continue  # it leaves open what an id would mean, so that it is no rival
            by_id = self.key == "id" and first.how == BY_ID
            equal = way.exact or not first.exact or by_id
            if way.of != first.of and equal and (way.position != first.position).any():
                yield way

    def _paired(self, taken: IdReading, exact: IdReading | None = None) -> Paired:
        expected = self.key == "name" and taken.how == BY_NAME
        same = exact is not None and bool((taken.position == exact.position).all())
        plain = taken.how == BY_ID or expected or same
        note = None if plain else f"{self.subject}: {self.known.plural} were paired {taken.how}"
        how = BY_ID if same else taken.how.removesuffix(", not by id")
        return Paired(self.wanted.spread(taken.position), note, how)

    def _refuse_several(self, taken: IdReading) -> None:
        several = self.wanted.spread(taken.position == SEVERAL)
        if not several.any():
            return
        labels = _labels(self.wanted, several)
        names = counted(len(labels), f"{self.known.kind} name")
        rows = counted(int(several.sum()), "detection")
        text = f"have {names} that may mean several {self.known.plural} of the ground truth"
        paths = ImagePaths(self.known.names)
        lines = [f"{self.subject}: {rows} of {len(self.wanted):,} {text}"]
        found = [(label, text, self._meant(label, paths)) for label, text in self._first(several)]
        lines += [f"{text} may be {_one_of(meant)}" for _, text, meant in found]
        lines.append(f"  fix: {self._cure(found[0][0], found[0][2])}")
        raise AmbiguousIdError("\n".join(lines))

    def _meant(self, label: Id, paths: ImagePaths) -> list[str]:
        """The names of the known that a label may be."""
        rows = paths.rows(label) if isinstance(label, str) else ()
        if rows:
            return [self.known.names[row] for row in rows]
        return [name for name in self.known.names if _bare(name) == _bare(label)]

    def _cure(self, label: Id, meant: Sequence[str]) -> str:
        """What makes a label one image: folders, suffixes, or a name for each of several."""
        if len(meant) > 1:
            folders = {path_parts(name) for name in meant}
            return hint("unique-names") if len(folders) > 1 else hint("suffixes", file=meant[0])
        same = [
            shown(other) for other in self.wanted.labels.tolist() if _bare(other) == _bare(label)
        ]
        return hint("one-image", names=" and ".join(same[:EXAMPLES]))

    def _meanings(self, label: Id) -> str:
        """The known that a label may be, each by its name."""
        return _one_of(self._meant(label, ImagePaths(self.known.names)))

    def _both(self, first: IdReading, other: IdReading) -> Iterator[str]:
        """Two readings that fit, on the rows where they differ."""
        yield (
            f"{self.subject}: the {self.known.kind} ids of all {len(self.wanted):,} detections fit "
            "the ground truth in two ways, and the pairs differ"
        )
        differ = self.wanted.spread(first.position != other.position)
        place = {label: at for at, label in enumerate(self.wanted.labels.tolist())}
        for label, text in self._first(differ):
            one, two = (self._name(way.position[place[label]], label) for way in (first, other))
            hows = (first.how.removesuffix(", not by id"), other.how.removesuffix(", not by id"))
            yield f"{text} is {one} {hows[0]}, and {two} {hows[1]}"
        ways = (hint("image-ids", way=way.of) for way in (first, other))
        yield f"  fix: {' or '.join(ways)}"

    def _name(self, at: int, label: Id) -> str:
        return self._meanings(label) if at == SEVERAL else printable(self.known.names[at])

    # --- by place in the order of classes --------------------------------------------------------

    def by_index(self) -> Paired | None:
        """Classes by their place in order, where the known have an order that numbers give.

        Classes that are no more than numbers, of which one is 0, were counted from 0 too: then the
        numbers are equal, though some between them are not used.
        """
        known, index = self.known, self.wanted.labels
        if known.ids.dtype == object or index.dtype == object:
            return None
        found, equal = self._places()
        if (found < 0).any():
            return None
        if equal:
            return Paired(self.wanted.spread(found), None, "by number")
        self._refuse_untrained(found)
        order = f"by index, counted from 0: {_order(known)}"
        plain = known.ids.tolist() == list(range(len(known.ids)))
        note = None if plain else f"{self.subject}: categories were paired {order}"
        return Paired(self.wanted.spread(found), note, order)

    def _places(self) -> tuple[Ints, bool]:
        """(U,) the place of each number, -1 where there is none; whether numbers are equal."""
        known, index = self.known, self.wanted.labels
        count = len(known.ids)
        if known.ids.dtype == object or index.dtype == object:
            return np.full(len(index), -1), False
        places = np.where((index >= 0) & (index < count), index, -1)
        bare = [str(number) for number in known.ids.tolist()] == [*known.names]
        if not bare or not count or self.settled:
            return places, False
        numbers = positions(known.ids, index)
        if known.ids[0] == 0:
            return numbers, True
        if not (numbers < 0).any() and not (places < 0).any():
            raise AmbiguousIdError(self._equal_or_place())
        return (places, False) if (numbers < 0).any() else (numbers, True)

    def _equal_or_place(self) -> str:
        number, first = int(self.wanted.labels[0]), int(self.known.ids[0])
        return (
            f"{self.subject}: the classes of the ground truth are numbers from {first} on, and "
            f"class {number} of the detections may be the same number or the place of "
            f"{self.known.names[number]} counted from 0. Fix: "
            f"{hint('class-numbers', way='ids')} or {hint('class-numbers', way='index0')}"
        )

    def _refuse_untrained(self, found: Ints) -> None:
        """Refuse an order that holds for one list of classes and not for the other.

        Raises:
            AmbiguousIdError: the numbers fit the list of the ground truth with and without classes
                that detectors are hardly ever trained on.
        """
        known, numbers = self.known, self.wanted.labels
        if self.settled or not self.said or not known.untrained or numbers.dtype == object:
            return
        trained = np.setdiff1d(np.arange(len(known.ids)), known.untrained)
        if not 0 <= numbers.min() <= numbers.max() < len(trained):
            return  # places in the shorter list do not fit
        by_id = self.key == "id"
        if (trained[numbers] == found).all() or (
            by_id and not np.isin(found, known.untrained).any()
        ):
            return
        names = np.array(known.names, object)
        whole, without = few([*names], 6), few([*names[trained]], 6)
        left = few([shown(name) for name in names[list(known.untrained)]], EXAMPLES)
        keep = hint("class-numbers", way="ids" if by_id else "index0")
        raise AmbiguousIdError(
            f"{self.subject}: class numbers {numbers.min()} to {numbers.max()} fit the classes of "
            f"the ground truth in two ways: with {left}, which detectors are rarely trained on "
            f"({whole}), and without ({without}). Fix: {hint('own-classes')}, or {keep} if they "
            "count all of them"
        )

    # --- what is unknown -------------------------------------------------------------------------

    def dropped(self) -> Paired:
        """Without what is unknown, under the reading that knows most; by id where several do."""
        taken = IdReading(self._places()[0], BY_ID, "ids", True)
        if self.key != "index":
            ways = [*readings(self.wanted.labels, self.known, own=False)]
            taken = max(ways, key=lambda way: int((self.wanted.spread(way.position) != -1).sum()))
            self._refuse_several(taken)
        how = "" if taken.how == BY_ID else f"{self.known.plural} were paired {taken.how}; "
        rows = self.wanted.spread(taken.position)
        what = self._count(rows, "detection")
        note = f"{self.subject}: {how}dropped, as asked: {what}"
        if self.known.kind == "image":
            note += "; this raises AP, as their false positives are not counted"
        return Paired(rows, note, taken.how.removesuffix(", not by id"))

    def unknown(self, policy: UnknownPolicy | None) -> Iterator[str]:
        """How many are unknown, the first few, the likely causes and what to do."""
        index = self.key == "index"
        found = self._places()[0] if index else positions(self.known.ids, self.wanted.labels)
        rows = self.wanted.spread(found)
        yield f"{self.subject}: {self._count(rows, 'object' if policy is None else 'detection')}"
        yield from (f"{text}" for _, text in self._first(rows < 0))
        yield from self._listed()
        why = index_causes(self.wanted, self.known) if index else None
        why = why or causes(self.wanted, self.known, own=self.own, options=self.said)
        yield from (f"  likely cause: {cause}" for cause in why)
        if policy == "error" and self.known.kind == "image" and self.said:
            yield f"  {hint('background')}"
        if policy == "error":
            yield f"  {hint(f'drop-{self.known.plural}')}"

    def _listed(self) -> Iterator[str]:
        """The first few of the other side, to compare with."""
        pairs = zip(self.known.ids.tolist()[:EXAMPLES], self.known.names, strict=False)
        texts = [shown(i) if str(i) == name else f"{shown(i)} ({name})" for i, name in pairs]
        if texts:
            more = ", ..." if len(self.known.ids) > EXAMPLES else ""
            yield f"  the ground truth has {', '.join(map(printable, texts))}{more}"

    def _count(self, found: Ints, noun: str) -> str:
        missing = found < 0
        labels, rows = _labels(self.wanted, missing), int(missing.sum())
        return (
            f"{counted(rows, noun)} of {len(self.wanted):,} {'names' if rows == 1 else 'name'} "
            f"{counted(len(labels), self.known.kind, self.known.plural)} that the ground truth "
            "does not list"
        )

    def _first(self, marked: Bools) -> list[tuple[Id, str]]:
        """The first few ids of the marked rows, each where it stands first."""
        rows = np.flatnonzero(marked)
        code = self.wanted.code
        labels = self.wanted.labels[rows if code is None else code[rows]]
        first: dict[Id, int] = {}
        for row, value in zip(rows.tolist(), labels.tolist(), strict=True):
            if first.setdefault(value, row) == row and len(first) == EXAMPLES:
                break
        return [
            (value, f"  {self.place(row)}: {shown(self._as_it_stands(row))}{self.image(row)}")
            for value, row in first.items()
        ]

    def _as_it_stands(self, row: int) -> Id:
        """The id of a row as its source has it."""
        labels, code = self.numbers
        at = row if code is None else int(code[row])
        return labels[at : at + 1].tolist()[0]  # type: ignore[no-any-return]


def _one_of(names: Sequence[str]) -> str:
    texts = [*map(printable, names)]
    if len(texts) < 2:
        return f"{', '.join(texts)}, which another name may be too"
    return " or ".join([*texts[:2], *(["others"] if len(texts) > 2 else [])])


def _bare(name: Id) -> Id:
    """The number or the text of a stem."""
    return spelled_number(stem(name) if isinstance(name, str) else name)


def _labels(wanted: Keys, marked: Bools) -> set[Id]:
    """The ids of the marked rows."""
    if wanted.code is None:
        return set(wanted.labels[marked].tolist())
    return set(wanted.labels[used(wanted.code[marked])].tolist())


def _order(known: Known) -> str:
    """The first classes and the last one by their place."""
    texts = [f"{row} is {printable(name)}" for row, name in enumerate(known.names)]
    return ", ".join(texts if len(texts) < 5 else [*texts[:3], "...", texts[-1]])
