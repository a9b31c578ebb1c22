"""What is wrong with records in JSON, each fault with its place; what is right is passed quickly.

A piece of a list in which all is right decodes at once. Of any other the records are decoded one
by one; those that are shown are parsed once more for their sentence, the others are counted.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import msgspec

from detmetrics.formats.json.parsing import matters
from detmetrics.formats.json.pieces import MalformedError, true_pieces
from detmetrics.formats.json.repeated_keys import may_repeat, pairs_of, repeated_in_list
from detmetrics.formats.json.segmentations import NO_TEXT
from detmetrics.formats.json.shape_fields import FIELDS, is_shaped
from detmetrics.formats.json.unusual import HALF, HALF_TEXT, MEANT, as_written, meant, usual
from detmetrics.foundation.errors import TableError
from detmetrics.foundation.messages import FewTexts, shown
from detmetrics.tables.catalog import id_array

__all__ = ["converted", "faults_in", "id_fault", "records"]

IDS = ("id", "image_id", "category_id")
FINITE = ("area", "iscrowd", "ignore")
TEXTS = (*IDS, "file_name", "name", "frequency", "source_image_id", "source_category_id")
HALF_FAULT = "text with half a surrogate pair, which is no character"
ORIENTED = 5
SHAPES = (*FIELDS, b'"segmentation"')
UNDECODED = (msgspec.MsgspecError, UnicodeError, RecursionError)

_Record = TypeVar("_Record", bound=msgspec.Struct)
_Kind = type[msgspec.Struct]


# --- quickly -------------------------------------------------------------------------------------


class _OtherwiseError(Exception):
    """Records must be read in another way to tell what is wrong."""


def faults_in(
    text: bytes | memoryview, kind: _Kind, prefix: str, shaped: _Kind | None = None
) -> FewTexts | None:
    """What is wrong with the records of a list; None where only parsing all of it tells.

    kind: what they must be; shaped: what they must be instead where one of them is more than a box
    of four numbers.

    Raises:
        MalformedError: it is no list in JSON.
    """
    try:
        return _Search(kind, prefix, shaped).faults(text)
    except _ShapedError:
        return faults_in(text, shaped, prefix) if shaped else None
    except _OtherwiseError:
        return None


class _ShapedError(Exception):
    """A record is more than a box of four numbers."""


class _Outline(msgspec.Struct, gc=False):
    """What of a record says where it is."""

    bbox: Any = None
    obb: Any = None
    poly: Any = None
    segmentation: msgspec.Raw = NO_TEXT


OUTLINES = msgspec.json.Decoder(list[_Outline]).decode


class _Looked(NamedTuple):
    """Records as text; rows: they themselves where all can be decoded, else texts: of each."""

    text: bytes
    rows: list[Any] | None
    texts: Sequence[msgspec.Raw] = ()

    @property
    def size(self) -> int:
        """How many records there are."""
        return len(self.texts if self.rows is None else self.rows)


class _Search:
    """Looks for what is wrong with records."""

    def __init__(self, kind: _Kind, prefix: str, shaped: _Kind | None) -> None:
        self._kind, self._prefix, self._shaped = kind, prefix, shaped
        self._one = msgspec.json.Decoder(kind).decode
        self._many = msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._keys = kind.__struct_fields__
        self._found, self._row = FewTexts(), 0

    def faults(self, text: bytes | memoryview) -> FewTexts:
        """Those of a list."""
        for piece in true_pieces(text, self._decoded):
            self._refuse_shaped(piece)
            self._look_for_repeated(piece)
            odd = None if piece.rows is None else _odd_values(piece.rows, piece.text)
            if odd and not self._found.wanted:
                self._found.skip(odd)
            elif odd != 0:
                self._one_by_one(piece)
            self._row += piece.size
        return self._found

    def _decoded(self, text: bytes) -> _Looked:
        try:
            return _Looked(text, self._many(text))
        except UNDECODED as error:
            plain = usual(text, error).text
        if plain == text:
            return _Looked(text, None, _texts(text))
        with contextlib.suppress(*UNDECODED):
            return _Looked(plain, self._many(plain))
        return _Looked(plain, None, _texts(plain))

    def _refuse_shaped(self, piece: _Looked) -> None:
        """End the search where records must be of the other kind."""
        # Of many wrong records those that are shown decide, unless a name of a shape is there.
        told = piece.rows is None and self._found.wanted
        if self._shaped is None or not (told or any(name in piece.text for name in SHAPES)):
            return
        with contextlib.suppress(*UNDECODED):
            if any(map(_has_more, OUTLINES(piece.text))):
                raise _ShapedError

    def _look_for_repeated(self, piece: _Looked) -> None:
        """Stop at a record with a repeated key, which is reported before any other fault."""
        if not may_repeat(piece.text, piece.size, self._keys):
            return
        if repeated_in_list(piece.text, self._keys, self._prefix)[1]:
            raise _OtherwiseError

    def _one_by_one(self, piece: _Looked) -> None:
        """Say what is wrong with the records of a piece as long as it is shown, and count then."""
        texts = piece.texts if piece.rows is None else _texts(piece.text)
        records = [*map(self._record, texts)] if self._found.wanted else []
        odd = _odd_values([record for record in records if record is not None], piece.text)
        for at, (text, record) in enumerate(zip(texts, records, strict=False)):
            if not self._found.wanted:
                texts = texts[at:]
                break
            if record is None or (odd and _odd_values((record,), bytes(text))):
                self._add(self._row + at, text)
        else:
            texts = texts[len(records) :]
        self._count(texts, piece.text)

    def _count(self, texts: Sequence[msgspec.Raw], text: bytes) -> None:
        """Count records that cannot be, and values of the others."""
        right, decode = [], self._one
        for one in texts:
            try:
                right.append(decode(one))
            except UNDECODED:
                continue
        self._found.skip(len(texts) - len(right) + _odd_values(right, text))

    def _record(self, text: msgspec.Raw) -> Any:
        try:
            return self._one(text)
        except UNDECODED:
            return None

    def _add(self, row: int, text: msgspec.Raw) -> None:
        """What is wrong with a record, as it is written."""
        try:
            value, repeated = pairs_of(as_written(bytes(text)))
        except (ValueError, RecursionError):  # as a text that is not in UTF-8
            raise MalformedError from None
        if any(map(matters, repeated)):
            raise _OtherwiseError
        if self._shaped is not None and is_shaped(value):
            raise _ShapedError
        _, faults = records([value], self._kind, self._prefix, row)
        self._found.extend(faults)


def _texts(piece: bytes) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(piece, type=list[msgspec.Raw])
    except UNDECODED:
        raise MalformedError from None


def _has_more(row: _Outline) -> bool:
    """As :func:`is_shaped`, of what is there of a record."""
    told = row.obb is not None or row.poly is not None
    five = isinstance(row.bbox, list) and len(row.bbox) == ORIENTED
    return told or five or (not row.bbox and bytes(row.segmentation) not in (b"", b"null"))


def _odd_values(rows: Sequence[Any], text: bytes) -> int:
    """How many values of records of the right types stand for nothing; text: holds the records."""
    if not rows:
        return 0
    if HALF_TEXT in text:
        return sum(_has_half(row) or sum(1 for _ in _value_faults(row)) for row in rows)
    fields = rows[0].__struct_fields__
    ids = sum(_odd_ids(map(attrgetter(name), rows)) for name in IDS if name in fields)
    numbers = (map(attrgetter(name), rows) for name in FINITE if name in fields)
    return ids + sum(sum(map(MEANT.__contains__, values)) for values in numbers)


def _odd_ids(values: Iterable[Any]) -> int:
    told = [value for value in values if value is not None]
    try:
        id_array(told)
    except TableError:
        return sum(1 for value in told if id_fault(meant(value)))
    return sum(map(MEANT.__contains__, told)) if any(type(value) is float for value in told) else 0


def _has_half(row: Any) -> bool:
    texts = (getattr(row, name, None) for name in TEXTS)
    return any(isinstance(text, str) and HALF in text for text in texts)


# --- with care -----------------------------------------------------------------------------------


def records(
    content: list[Any], kind: type[_Record], prefix: str, first: int = 0
) -> tuple[list[_Record], FewTexts]:
    """Parsed values as records, and what is wrong with the others; first: how they are numbered."""
    found, faults = [], FewTexts()
    for row, value in enumerate(content, first):
        try:
            record = _record(value, kind)
        except msgspec.ValidationError as error:
            if faults.wanted:
                faults.add(f"{prefix}[{row}]{_readable(str(error))}")
            else:
                faults.skip()
            continue
        except UnicodeError:
            faults.add(f"{prefix}[{row}]: {HALF_FAULT}")
            continue
        found.append(record)
        for name, text in _value_faults(record):
            faults.add(f"{prefix}[{row}].{name}: {text}")
    return found, faults


def _record(value: Any, kind: type[_Record]) -> _Record:
    """One of parsed values; a segmentation is text until it is asked for."""
    # convert takes no Raw from a plain value, so that field is put in as text afterwards.
    outlined = isinstance(value, dict) and "segmentation" in kind.__struct_fields__
    if not outlined or "segmentation" not in value:
        return converted(value, kind)
    plain = {name: given for name, given in value.items() if name != "segmentation"}
    record = converted(plain, kind)
    record.segmentation = msgspec.Raw(msgspec.json.encode(value["segmentation"]))  # type: ignore[attr-defined]
    return record


def converted(value: Any, kind: type[_Record]) -> _Record:
    """Parsed values as a record.

    Raises:
        ValidationError: of msgspec: they are none, and where.
    """
    try:
        return msgspec.convert(value, kind)
    except SystemError:  # before msgspec 0.22, of whole numbers beyond float64
        return msgspec.json.decode(json.dumps(value), type=kind)  # which names the place


def _value_faults(record: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Values of the right type that stand for nothing, by field."""
    for name in IDS:
        value = meant(getattr(record, name, None))
        if value is not None and (text := id_fault(value)):
            yield name, text
    for name in FINITE:
        value = meant(getattr(record, name, None))
        if value is not None and not math.isfinite(value):
            yield name, f"expected a finite number, got {value}"


def id_fault(value: Any) -> str | None:
    """What is wrong with one id."""
    try:
        id_array([value])
    except TableError:
        return f"expected a whole number of 64 bits or text, got {shown(value)}"
    return None


WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "bool": "true or false",
}


def _readable(message: str) -> str:
    """A message of msgspec in the words of all others: ``.bbox[2]: expected ..., got ...``."""
    text, _, place = message.partition(" - at ")
    place = place.strip("`").removeprefix("$")
    if missing := re.match(r"Object missing required field `(\w+)`", text):
        return f"{place}.{missing[1]}: missing"
    text = re.sub(r"`([\w |]+)`", lambda found: _words(found[1]), text)
    return f"{place}: {text[:1].lower()}{text[1:]}"


def _words(kinds: str) -> str:
    found = kinds.split(" | ")
    if {"int", "float"} <= set(found):  # as msgspec has it; to people both are numbers
        found.remove("int")
    return " or ".join(WORDS.get(kind, kind) for kind in found)
