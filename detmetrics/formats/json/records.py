"""Records in JSON: typed decoding in pieces, and a slow careful way that lists all faults.

Decoding is typed, so that what is not needed is never built. Only a file that the typed decoder
refuses is read again, slowly, to name every fault with its place.
"""

from __future__ import annotations

import contextlib
import gc
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import numpy as np

from detmetrics.formats.json.repeated_keys import (
    OnceEach,
    Repeated,
    disagreeing,
    pairs_of,
    refuse_repeated,
    repeated_in_rows,
)
from detmetrics.formats.json.segmentations import NO_TEXT
from detmetrics.formats.json.shape_fields import FIELDS, box_column, is_shaped, is_sound, outlined
from detmetrics.foundation.arrays import Bools, Floats, Objects, object_column
from detmetrics.foundation.decoding import binary_kind
from detmetrics.foundation.errors import FormatError, TableError
from detmetrics.foundation.messages import FewTexts, shown
from detmetrics.foundation.progress import Share
from detmetrics.overlap import Outlines
from detmetrics.tables.catalog import id_array

__all__ = [
    "REFUSED",
    "SOURCE_IDS",
    "AnyId",
    "Box",
    "DetectionColumns",
    "Flag",
    "detection_columns",
    "ids_of",
    "kind_of",
    "matters",
    "parse",
    "records",
    "refuse_repeated_in_list",
]

PIECE = 1 << 20
"""Bytes that are decoded at once. Of larger ones the records would leave the cache."""
OUTLINED = b'"segmentation"'
TEXTS = (b'"source_image_id"', b'"source_category_id"')
HEAD = 1 << 16
"""Bytes at either end in which rows show whether they have shapes, which all of them must have."""
BETWEEN_RECORDS = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")

SOURCE_IDS = {"image_id": "source_image_id", "category_id": "source_category_id"}
"""Where results that were converted keep ids that are texts, beside the numbers made for them."""

KEYS = frozenset(
    (
        *SOURCE_IDS.values(),
        *("id", "image_id", "category_id", "bbox", "score", "segmentation", "area", "iscrowd"),
        *("ignore", "bbox_mode", "obb", "poly", "rbox", "file_name", "width", "height", "name"),
        *("neg_category_ids", "not_exhaustive_category_ids", "frequency"),
        *("LabelName", "Subcategory"),
    )
)
"""What is read of records and nodes."""

Box = tuple[float, float, float, float]
AnyId = int | float | str
Flag = bool | int | float | None


class _Detection(msgspec.Struct, gc=False):
    """What nearly every file holds, and the fastest to decode."""

    image_id: int
    category_id: int
    bbox: Box
    score: float


class _AnyDetection(msgspec.Struct, gc=False):
    image_id: AnyId
    category_id: AnyId
    bbox: Box
    score: float


class _ShapedDetection(msgspec.Struct, gc=False):
    """What results of other shapes hold, with boxes or without."""

    image_id: AnyId
    category_id: AnyId
    score: float
    bbox: tuple[float, ...] | None = None
    bbox_mode: Any = None
    segmentation: msgspec.Raw = NO_TEXT
    obb: Any = None
    poly: Any = None
    source_image_id: str | None = None
    source_category_id: str | None = None


_Record = TypeVar("_Record", bound=msgspec.Struct)
REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TableError)


@dataclass(frozen=True, slots=True)
class DetectionColumns:
    """image_ids, categories, scores : (D,); boxes : (D, 4).

    source_images, source_categories : (D,) the texts that these ids stand for, None where not all
    rows tell them.
    """

    image_ids: Objects
    categories: Objects
    boxes: Floats
    scores: Floats
    shapes: Outlines | None = None
    outlined: Bools | None = None
    notes: tuple[str, ...] = ()
    source_images: Objects | None = None
    source_categories: Objects | None = None


def detection_columns(
    data: bytes, path: str, progress: Share, angle: str | None = None
) -> DetectionColumns:
    """The columns of a list of detections; angle: see ``--angle``.

    Raises:
        FormatError: it is no such list; all faults are named.
    """
    # From the fastest to the slowest: plain records with whole numbers as ids, with any ids, with
    # shapes or texts of ids; and what none of these decodes, value by value, with the place of
    # every fault.
    ends = (data[:HEAD], data[-HEAD:])
    if not any(name in end for name in (OUTLINED, *FIELDS, *TEXTS) for end in ends):
        for record in (_Detection, _AnyDetection):
            with _no_collection(), contextlib.suppress(*REFUSED):
                return _plain_columns(data, record, path, progress)
    with _no_collection(), contextlib.suppress(*REFUSED):
        found = [row for _, part in _pieces(data, _ShapedDetection, progress) for row in part]
        if is_sound(found):
            refuse_repeated_in_list(data, found, path)
            return _shaped(found, path, angle)
    rows = _careful_detections(data, path)
    if rows and isinstance(rows[0], _ShapedDetection):
        return _shaped(rows, path, angle)
    return _columns(rows)


def _plain_columns(
    data: bytes, record: type[_Detection | _AnyDetection], path: str, progress: Share
) -> DetectionColumns:
    """The columns of records that have all fields, each once."""
    parts, once, looked = [], OnceEach(record.__struct_fields__), False
    for piece, rows in _pieces(data, record, progress, once.look):
        if not looked and not once.holds(piece, rows):
            _refuse_repeated(data, record.__struct_fields__, path)
            looked = True
        parts.append(_columns(rows))
    return _joined(parts)


def refuse_repeated_in_list(data: bytes, rows: Sequence[msgspec.Struct], path: str) -> None:
    """Refuse a list of records in which a key is there twice; rows: the records.

    Raises:
        RepeatedKeyError: a key that is read is there twice in a record.
    """
    if keys := disagreeing(data, [rows]):
        _refuse_repeated(data, keys, path)


def _refuse_repeated(data: bytes, keys: Sequence[str], path: str) -> None:
    texts = msgspec.json.decode(data, type=list[msgspec.Raw])
    refuse_repeated(path, repeated_in_rows(texts, keys, ""))


def _shaped(rows: list[_ShapedDetection], path: str, angle: str | None) -> DetectionColumns:
    """With the shapes of rows; boxes are those around them where there are none."""
    columns = outlined(rows, "", path, angle)
    return DetectionColumns(
        image_ids=_id_column(rows, "image_id"),
        categories=_id_column(rows, "category_id"),
        boxes=columns.boxes,
        scores=_scores(rows),
        shapes=columns.shapes,
        outlined=columns.outlined,
        notes=columns.notes,
        source_images=_source_ids(rows, "source_image_id"),
        source_categories=_source_ids(rows, "source_category_id"),
    )


def _source_ids(rows: list[_ShapedDetection], name: str) -> Objects | None:
    if not rows or getattr(rows[0], name) is None:
        return None
    told = list(map(attrgetter(name), rows))
    return None if None in told else object_column(told)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for cycles, of which records have none, and which costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unseen(_: bytes) -> None:
    pass


def _pieces(
    data: bytes,
    record: type[_Record],
    progress: Share,
    look: Callable[[bytes], None] = _unseen,
) -> Iterator[tuple[memoryview, list[_Record]]]:
    """The list in pieces of about a megabyte, so that the records of one are gone before the next.

    Each comes as text and as records; look: called with the text before it is decoded.

    A piece ends where one record seems to end and another to begin. Inside a text or a nested
    list that can be wrong; then the halves do not decode, and the file is read as a whole.
    """
    # '[{A},{B},{C}]' becomes '[{A}]', '[{B},{C}]': cut between two records, with brackets put in.
    # At a wrong cut the first half ends inside a text or an object, which no bracket closes, so it
    # never decodes to something else.
    decoder = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]

    def decoded(*parts: bytes | memoryview) -> list[_Record]:
        text = b"".join(parts)
        look(text)
        return decoder.decode(text)

    view, start, opening = memoryview(data), 0, b""
    while cut := BETWEEN_RECORDS.search(data, start + PIECE):
        piece = view[start : cut.start() + 1]
        yield piece, decoded(opening, piece, b"]")
        start, opening = cut.end() - 1, b"["
        progress(start / len(data))
    yield view[start:], decoded(opening, view[start:])
    progress(1.0)


def _columns(rows: Sequence[Any]) -> DetectionColumns:
    return DetectionColumns(
        image_ids=_id_column(rows, "image_id"),
        categories=_id_column(rows, "category_id"),
        boxes=box_column(map(attrgetter("bbox"), rows), len(rows)),
        scores=_scores(rows),
    )


def _scores(rows: Sequence[Any]) -> Floats:
    return np.fromiter(map(attrgetter("score"), rows), np.float64, len(rows))


def _id_column(rows: Sequence[Any], name: str) -> Objects:
    values = map(attrgetter(name), rows)
    if rows and isinstance(rows[0], _Detection):
        return np.fromiter(values, np.int64, len(rows))
    return id_array(values)


def _joined(parts: list[DetectionColumns]) -> DetectionColumns:
    def of(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return DetectionColumns(of("image_ids"), of("categories"), of("boxes"), of("scores"))


# --- ids ---


def ids_of(rows: Sequence[Any], name: str, section: str, path: str) -> Objects:
    """One id of every record.

    Raises:
        FormatError: some are neither whole numbers nor text.
    """
    try:
        return id_array(map(attrgetter(name), rows))
    except TableError:
        faults = [
            f"{section}[{row}].{name}: {text}"
            for row, record in enumerate(rows)
            if (text := _id_fault(getattr(record, name)))
        ]
        raise FormatError(path, faults) from None


def _id_fault(value: Any) -> str | None:
    try:
        id_array([value])
    except TableError:
        return f"expected a whole number of 64 bits or text, got {shown(value)}"
    return None


def _careful_detections(data: bytes, path: str) -> list[Any]:
    content = parse(data, path)
    if not isinstance(content, list):
        raise FormatError(path, [f"expected a list of detections, got {kind_of(content)}"])
    record = _ShapedDetection if any(map(is_shaped, content)) else _AnyDetection
    found, faults = records(content, record, "")
    if faults:
        raise FormatError(path, faults)
    return found


def records(content: list[Any], kind: type[_Record], prefix: str) -> tuple[list[_Record], FewTexts]:
    """Parsed values as records, and what is wrong with the others."""
    found, faults = [], FewTexts()
    for row, value in enumerate(content):
        try:
            record = _record(value, kind)
        except msgspec.ValidationError as error:
            if faults.wanted:
                faults.add(f"{prefix}[{row}]{_readable(str(error))}")
            else:
                faults.skip()
            continue
        except UnicodeError:
            faults.add(f"{prefix}[{row}]: text with half a surrogate pair, which is no character")
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
        return _converted(value, kind)
    plain = {name: given for name, given in value.items() if name != "segmentation"}
    record = _converted(plain, kind)
    record.segmentation = msgspec.Raw(msgspec.json.encode(value["segmentation"]))  # type: ignore[attr-defined]
    return record


def _converted(value: Any, kind: type[_Record]) -> _Record:
    try:
        return msgspec.convert(value, kind)
    except SystemError:  # before msgspec 0.22, of whole numbers beyond float64
        return msgspec.json.decode(json.dumps(value), type=kind)  # which names the place


def _value_faults(record: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Values of the right type that stand for nothing, by field."""
    for name in ("id", "image_id", "category_id"):
        value = getattr(record, name, None)
        if value is not None and (text := _id_fault(value)):
            yield name, text
    for name in ("area", "iscrowd", "ignore"):
        value = getattr(record, name, None)
        if value is not None and not math.isfinite(value):
            yield name, f"expected a finite number, got {value}"


def parse(data: bytes, path: str) -> Any:
    """A JSON text as plain values.

    Raises:
        FormatError: it is none, the place is named; or a key that matters is there twice.
    """
    content, repeated = _pairs(data, path)
    refuse_repeated(path, [one for one in repeated if matters(one)])
    return content


def matters(one: Repeated) -> bool:
    """Whether a key decides something: those of the whole file, and those that are read."""
    return not one.place or one.key in KEYS


def _pairs(data: bytes, path: str) -> tuple[Any, list[Repeated]]:
    try:
        return pairs_of(data)
    except RecursionError:
        raise FormatError(path, ["nested too deeply to be COCO JSON"]) from None
    except UnicodeDecodeError as error:
        _refuse_binary(data, path)
        raise FormatError(
            path, [f"byte {error.start:,}: not a text in UTF-8: {error.reason}"]
        ) from None
    except json.JSONDecodeError as error:
        _refuse_binary(data, path)
        place = f"line {error.lineno:,}, column {error.colno:,}"
        said = error.msg.removesuffix(" starting at")
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        hint = "; the file ends early: was it cut off?" if cut else ""
        raise FormatError(path, [f"{place}: not JSON: {said}{hint}"]) from None
    except ValueError:  # Python does not read whole numbers of more than 4,300 digits
        raise FormatError(
            path, ["not JSON that can be read: a number of thousands of digits"]
        ) from None


def _refuse_binary(data: bytes, path: str) -> None:
    if kind := binary_kind(data):
        raise FormatError(path, [f"expected JSON, but this is {kind}"]) from None


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


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    return {dict: "an object", list: "a list", str: "text", bool: "true or false"}.get(
        type(value), "null" if value is None else "a number"
    )
