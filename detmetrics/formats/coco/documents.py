"""A COCO document as typed records: decoded at once, and again with care where it is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec

from detmetrics.formats.json.careful import faults_in, records
from detmetrics.formats.json.parsing import kind_of, matters, parse, refuse_malformed
from detmetrics.formats.json.pieces import MalformedError
from detmetrics.formats.json.records import REFUSED, AnyId, Box, Flag
from detmetrics.formats.json.repeated_keys import (
    disagreeing,
    refuse_repeated,
    repeated_in_list,
    repeated_keys,
)
from detmetrics.formats.json.segmentations import NO_TEXT
from detmetrics.formats.json.shape_fields import is_shaped, is_sound
from detmetrics.formats.json.unusual import HALF_TEXT, MEANT, restored, usual
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import FewTexts

__all__ = [
    "Annotation",
    "Category",
    "Document",
    "Image",
    "ShapedAnnotation",
    "document_of",
    "sound_document",
]


HEAD = 1 << 16
"""Bytes in which licenses stand, where there are some."""


class Image(msgspec.Struct):
    """An image; what LVIS adds is None where it is missing."""

    id: AnyId
    file_name: str | None = None
    width: Any = None
    height: Any = None
    neg_category_ids: list[AnyId] | None = None
    not_exhaustive_category_ids: list[AnyId] | None = None


class Category(msgspec.Struct):
    """A class, with LVIS's frequency and a supercategory, which is looked at where it is text."""

    id: AnyId
    name: str | int | float | None = None
    frequency: str | None = None
    supercategory: Any = None


class Annotation(msgspec.Struct, gc=False):
    """A box; ``score`` is there in documents that hold detections.

    What nobody asked for may be anything: attributes are looked at only where they are numbers.
    """

    image_id: AnyId
    category_id: AnyId
    bbox: Box
    id: AnyId | None = None
    area: float | None = None
    iscrowd: Flag = None
    ignore: Flag = None
    visibility: Any = None
    vis_ratio: Any = None
    occlusion: Any = None
    occluded: Any = None
    truncation: Any = None
    truncated: Any = None
    score: float | None = None
    segmentation: msgspec.Raw = NO_TEXT
    bbox_mode: Any = None
    obb: Any = None
    poly: Any = None


class ShapedAnnotation(Annotation, kw_only=True, gc=False):
    """One with an oriented box in ``bbox``, or without any."""

    bbox: tuple[float, ...] | None = None  # type: ignore[assignment]


class Document(msgspec.Struct):
    """The three lists; whatever else stands there is passed over."""

    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category]


class _ShapedDocument(msgspec.Struct):
    images: list[Image]
    annotations: list[ShapedAnnotation]
    categories: list[Category]


NO_OBJECT = "expected an object with images, annotations and categories, got a list"
SECTIONS: tuple[tuple[str, type[Any]], ...] = (
    ("images", Image),
    ("annotations", Annotation),
    ("categories", Category),
)


def document_of(data: bytes, path: str) -> Document:
    """The document.

    Raises:
        FormatError: it is none; all faults are listed.
    """
    return sound_document(data, path) or _careful_document(data, path)


def sound_document(data: bytes, path: str) -> Document | None:
    """The document, or None where it is none.

    Raises:
        RepeatedKeyError: a key that matters is there twice.
    """
    try:
        found = _decoded(data)
    except REFUSED:
        return None
    _refuse_repeated(data, found, path)
    return Document(found.images, found.annotations, found.categories)


def _decoded(data: bytes) -> Any:
    """The document of the kind that it is.

    Raises:
        REFUSED: it is none.
    """
    found: Any
    try:
        return msgspec.json.decode(data, type=Document)
    except REFUSED as error:
        why = error
    # Only boxes may be otherwise in the other kind, and only some values are written otherwise.
    if "bbox" in str(why) and "out of range" not in str(why):
        found = msgspec.json.decode(data, type=_ShapedDocument)
        if is_sound(found.annotations):
            return found
    if "out of range" in str(why) and "bbox" not in str(why):  # as an area: wrong in any case
        raise why
    plain = usual(data, why)
    if plain.text == data or HALF_TEXT in plain.text:
        raise why
    found = msgspec.json.decode(plain.text, type=Document)
    if any(row.area in MEANT for row in found.annotations):
        raise why
    if restored(found.annotations, ("score",)) != plain.numbers:
        raise why
    return found


class _Sections(msgspec.Struct):
    """The texts of the three lists."""

    images: msgspec.Raw = NO_TEXT
    annotations: msgspec.Raw = NO_TEXT
    categories: msgspec.Raw = NO_TEXT


def _refuse_repeated(data: bytes, document: Document | _ShapedDocument, path: str) -> None:
    """Refuse a document in which a section, or a key of a record that is read, is there twice."""
    sections = [name for name, _ in SECTIONS]
    lists = [getattr(document, name) for name in sections]
    keys = disagreeing(data, [[document], *lists], _licenses(data))
    if set(keys) & set(sections):
        refuse_repeated(path, [one for one in repeated_keys(data) if matters(one)])
    elif keys:
        texts = msgspec.json.decode(usual(data).text, type=_Sections)
        lists = [(name, memoryview(getattr(texts, name))) for name in sections]
        found = [repeated_in_list(text, keys, name) for name, text in lists]
        few = [one for rows, _ in found for one in rows]
        refuse_repeated(path, few, sum(count for _, count in found))


def _licenses(data: bytes) -> bytes:
    """The text of a list of licenses at the beginning of a document, which has keys of its own."""
    start = data.find(b'"licenses"', 0, HEAD)
    if start < 0:
        return b""
    with contextlib.suppress(ValueError):
        text = data[start : start + HEAD].decode("utf-8", "ignore")
        begin = text.index("[")
        _, end = json.JSONDecoder().raw_decode(text, begin)
        return text[begin:end].encode()
    return b""


def _refuse_wrong(data: bytes, path: str) -> None:
    """Refuse a document with faults, where that shows without parsing all of it.

    Raises:
        FormatError: there are some, or it is no object in JSON.
    """
    start = data[:HEAD].lstrip()[:1]
    if start not in (b"{", b"[") or any(
        data.count(f'"{name}"'.encode()) > 1 for name, _ in SECTIONS
    ):
        return
    if start == b"[":
        if refuse_malformed(data, path):
            raise FormatError(path, [NO_OBJECT])
        return
    try:
        faults = _faults(msgspec.json.decode(usual(data).text, type=_Sections))
    except (*REFUSED, MalformedError):
        refuse_malformed(data, path)
        return
    if faults:
        raise FormatError(path, faults)


def _faults(found: _Sections) -> FewTexts | None:
    faults = FewTexts()
    for name, kind in SECTIONS:
        text = memoryview(getattr(found, name))
        if bytes(text[:1]) != b"[":
            got = kind_of(msgspec.json.decode(text)) if len(text) else "nothing"
            faults.add(f"{name}: expected a list, got {got}")
            continue
        more = faults_in(text, kind, name, ShapedAnnotation if kind is Annotation else None)
        if more is None:
            return None
        faults.extend(more)
    return faults


def _careful_document(data: bytes, path: str) -> Document:
    _refuse_wrong(data, path)
    content = parse(data, path)
    if isinstance(content, list):
        raise FormatError(path, [NO_OBJECT])
    if not isinstance(content, dict):
        raise FormatError(path, [f"expected an object, got {kind_of(content)}"])
    faults = FewTexts()
    parts: dict[str, list[Any]] = {}
    for name, kind in SECTIONS:
        if not isinstance(content.get(name), list):
            got = kind_of(content[name]) if name in content else "nothing"
            faults.add(f"{name}: expected a list, got {got}")
            continue
        shaped = kind is Annotation and any(map(is_shaped, content[name]))
        parts[name], found = records(content[name], ShapedAnnotation if shaped else kind, name)
        faults.extend(found)
    if faults:
        raise FormatError(path, faults)
    return Document(**parts)
