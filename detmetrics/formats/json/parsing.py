"""JSON as plain values, and what is wrong with a text that is none."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from detmetrics.formats.json.pieces import BETWEEN_RECORDS
from detmetrics.formats.json.repeated_keys import Repeated, pairs_of, refuse_repeated
from detmetrics.foundation.decoding import BYTE_ORDER_MARKS, binary_kind
from detmetrics.foundation.errors import FormatError

__all__ = ["KEYS", "SOURCE_IDS", "kind_of", "matters", "parse", "refuse_malformed"]

SOURCE_IDS = {"image_id": "source_image_id", "category_id": "source_category_id"}
"""Where results that were converted keep ids that are texts, beside the numbers made for them."""

KEYS = frozenset(
    (
        *SOURCE_IDS.values(),
        *("id", "image_id", "category_id", "bbox", "score", "segmentation", "area", "iscrowd"),
        *("ignore", "bbox_mode", "obb", "poly", "rbox", "file_name", "width", "height", "name"),
        "supercategory",
        *("neg_category_ids", "not_exhaustive_category_ids", "frequency"),
        *("LabelName", "Subcategory"),
    )
)
"""What is read of records and nodes."""


MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)
WINDOW = 1 << 16
AS_LONG = {b"-Infinity": b" -1      ", b"Infinity": b" 1      ", b"NaN": b" 1 "}
"""Replacements of the same length for numbers that only Python's parser takes."""
NEAR = 16
"""Bytes that the places of an error may be apart, of two parsers."""


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
        raise _no_text(data, path, error) from None
    except json.JSONDecodeError as error:
        _refuse_binary(data, path)
        raise _no_json(path, error, error.lineno, error.colno) from None
    except ValueError:  # Python does not read whole numbers of more than 4,300 digits
        raise FormatError(
            path, ["not JSON that can be read: a number of thousands of digits"]
        ) from None


def _no_text(data: bytes, path: str, error: UnicodeDecodeError) -> FormatError:
    _refuse_binary(data, path)
    return FormatError(path, [f"byte {error.start:,}: not a text in UTF-8: {error.reason}"])


def _no_json(path: str, error: json.JSONDecodeError, line: int, column: int) -> FormatError:
    said = error.msg.removesuffix(" starting at")
    hint = "; the file ends early: was it cut off?" if _is_cut(error) else ""
    return FormatError(path, [f"line {line:,}, column {column:,}: not JSON: {said}{hint}"])


def _is_cut(error: json.JSONDecodeError) -> bool:
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")


def _refuse_binary(data: bytes, path: str) -> None:
    if kind := binary_kind(data):
        raise FormatError(path, [f"expected JSON, but this is {kind}"]) from None


# --- the place of an error in a large text --------------------------------------------------------


def refuse_malformed(data: bytes, path: str) -> bool:
    """Refuse a text that is no JSON as :func:`parse` does, without reading all of it twice.

    Whether it is certain that it is JSON; what is not certain is left to :func:`parse`.

    Raises:
        FormatError: it is no JSON; the place is named.
    """
    if data.startswith(MARKS) or b"\0" in data[:4]:
        return False
    try:
        data.isascii() or data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise _no_text(data, path, error) from None
    try:
        at = _where(data)
    except RecursionError:
        return False
    if at is None:
        return True
    if (found := _error_near(data, at)) is not None:
        why, place = found
        _refuse_binary(data, path)
        line = data.rfind(b"\n", 0, place) + 1
        column = len(data[line:place].decode("utf-8", "surrogatepass")) + 1
        raise _no_json(path, why, data.count(b"\n", 0, place) + 1, column)
    return False


def _where(data: bytes) -> int | None:
    """The byte at which the fast parser stops; None where it does not.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        for word, number in AS_LONG.items():
            data = data.replace(word, number)
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.MsgspecError as error:
        found = re.search(r"\(byte (\d+)\)", str(error))
        return int(found[1]) if found else len(data)
    return None


def _error_near(data: bytes, at: int) -> tuple[json.JSONDecodeError, int] | None:
    """What Python's parser says of a text and at which byte, read from a record near there on."""
    # It must be wrong at the same place as for the other parser. Where the reading does not begin
    # at a record, it goes wrong elsewhere.
    between = BETWEEN_RECORDS.search(data, max(0, at - WINDOW))
    if between is None or between.end() > at:
        return None
    opening = "[" if data[:64].lstrip()[:1] == b"[" else '{"":['
    start = between.end() - 1
    text = opening + data[start:].decode("utf-8", "surrogatepass")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = start + len(text[len(opening) : error.pos].encode("utf-8", "surrogatepass"))
        both_end = at == len(data) and _is_cut(error)
        return (error, place) if both_end or abs(place - at) <= NEAR else None
    except (ValueError, RecursionError):
        pass
    return None


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    return {dict: "an object", list: "a list", str: "text", bool: "true or false"}.get(
        type(value), "null" if value is None else "a number"
    )
