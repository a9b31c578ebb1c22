"""Files of formats that are not read: known by their content, so that they are refused by name.

Each entry says how a file is known, what it is called, and what to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from detmetrics.formats.given import Given
from detmetrics.formats.json.pieces import first_record
from detmetrics.formats.lines.decimals import reads_as_float
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.hints import hint
from detmetrics.foundation.messages import printable, shown

__all__ = ["stranger"]

Record = Mapping[str, Any]

SCORES = ("confidence", "conf", "scores", "prob", "probability", "detection_score")
CLASSES = ("label", "class", "category", "category_name", "class_id", "label_id", "class_name")
IMAGES = ("image", "file_name", "filename", "image_name", "img_id")
BOXES = ("box", "bounding_box", "bndbox", "xyxy", "boxes")
SMALL, FEW = 1 << 16, 100
"""Bytes, and keys, that are looked at in any case."""
OTHER_KEYS = {"score": SCORES, "category_id": CLASSES, "image_id": IMAGES, "bbox": BOXES}


def stranger(given: Given, *, scored: bool) -> str | None:
    """What a file is that no reader takes, and what to do; None where nobody knows.

    scored: it should hold detections. Only asked once reading has failed, as it may parse a whole
    file.
    """
    if given.is_folder:
        return _folder(given, scored=scored)
    head = given.head
    if head.startswith(BASELINE):
        return (
            "a baseline file, which detmetrics gate alone takes: "
            "detmetrics gate GROUND_TRUTH BASELINE CANDIDATE"
        )
    for magic, name in MAGIC:
        if head.startswith(magic):
            return f"{name}, which is not read: {hint('convert-first')}"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        return _json(given, scored=scored)
    return _xml(head)


MAGIC = (
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF file"),
)
BASELINE = b"detmetrics bytes"


# --- JSON ----------------------------------------------------------------------------------------


def _json(given: Given, *, scored: bool) -> str | None:
    try:
        data, _ = given.content()
    except FormatError:  # a stream is read once
        return None
    try:
        content = _sketched(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        return _json_lines(data)
    for known, name in JSON_KINDS:
        if known(content):
            return f"{name}, which is not read: {hint('convert-first')}"
    if not scored:
        return None
    if isinstance(content, dict):
        return _wrapped(content)
    return _renamed(content) if isinstance(content, list) else None


def _sketched(data: bytes | memoryview) -> Any:
    """What is in a JSON text, of long lists the first record alone: nobody looks at the others.

    Raises:
        msgspec.MsgspecError, UnicodeError, RecursionError: it is no JSON, as far as it is read.
    """
    if len(data) < SMALL:
        return msgspec.json.decode(data)
    if bytes(data[:SMALL]).lstrip()[:1] == b"[":
        return [first_record(data)]
    parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    few = [*parts.items()][:FEW]
    return dict.fromkeys(parts) | {key: _sketched(memoryview(text)) for key, text in few}


def _json_lines(data: bytes) -> str | None:
    lines = [line for line in data[:100_000].split(b"\n")[:3] if line.strip()]
    try:
        records = [msgspec.json.decode(line) for line in lines[:2]]
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        return None
    if len(records) == 2 and all(isinstance(record, dict) for record in records):
        return f"JSON Lines, one object per line: {hint('json-lines')}"
    return None


def _wrapped(content: Record) -> str | None:
    """Detections in a list under some key."""
    if "images" in content and "categories" in content:
        return None
    for key, value in content.items():
        if _records(value) and {"image_id", "bbox"} <= value[0].keys():
            return f"an object with the detections under {shown(key)}: {hint('list-alone')}"
    return None


def _renamed(content: list[Any]) -> str | None:
    """Records with a key under another name."""
    if not _records(content):
        return None
    keys = content[0].keys()
    for wanted, others in OTHER_KEYS.items():
        found = next((name for name in others if name in keys), None)
        if wanted not in keys and found is not None:
            what = f"records with {shown(printable(found))} where {wanted!r} is expected"
            return f"{what}: {hint('rename-key', found=printable(found), wanted=wanted)}"
    return None


def _records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _first(content: Any) -> Record:
    if _records(content):
        return content[0]  # type: ignore[no-any-return]
    return {}


def _of_via(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    inner = content.get("_via_img_metadata", content)
    first = next(iter(inner.values()), None) if isinstance(inner, dict) else None
    return isinstance(first, dict) and "regions" in first


JSON_KINDS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda c: isinstance(c, dict) and {"shapes", "imagePath"} <= c.keys(), "a LabelMe file"),
    (lambda c: "data" in _first(c) and "annotations" in _first(c), "a Label Studio export"),
    (lambda c: "data" in _first(c) and "predictions" in _first(c), "a Label Studio export"),
    (_of_via, "a VGG Image Annotator (VIA) project"),
    (
        lambda c: "image" in _first(c) and "coordinates" in str(_first(c).get("annotations"))[:500],
        "a CreateML file",
    ),
    (lambda c: isinstance(c, dict) and "classTitle" in str(c.get("objects"))[:500], "Supervisely"),
    (lambda c: "frame_id" in _first(c) and "objects" in _first(c), "results of Darknet"),
    (lambda c: "name" in _first(c) and "box2d" in str(_first(c).get("labels"))[:500], "BDD100K"),
    (
        lambda c: isinstance(c, dict) and {"items", "categories", "info"} <= c.keys(),
        "a Datumaro data set",
    ),
    (
        lambda c: isinstance(c, dict) and "segments_info" in str(c.get("annotations"))[:2000],
        "COCO panoptic annotations",
    ),
    (
        lambda c: {"boxes", "scores", "labels"} <= _first(c).keys(),
        "predictions of torchvision, one record per image",
    ),
)


# --- XML and text --------------------------------------------------------------------------------


def _xml(head: bytes) -> str | None:
    if re.search(rb"<annotations>.*<(image|track)\b", head, re.DOTALL):
        return f"CVAT for images or video, which is not read: {hint('convert-first')}"
    return None


def _folder(given: Given, *, scored: bool) -> str | None:
    """A folder whose first file is of such a kind."""
    for suffix in (".json", ".xml"):
        files = given.ending(suffix)
        if files and (found := stranger(Given(given.join(files[0])), scored=scored)):
            return f"{printable(files[0])} is {found}"
    texts = given.ending(".txt")
    return _text(given, texts[0]) if texts else None


def _text(given: Given, name: str) -> str | None:
    try:
        with open(given.join(name), "rb") as file:
            line = file.readline(1000)
    except OSError:
        return None
    numbers = line.replace(b",", b" ").split()
    if b"," not in line or not all(map(reads_as_float, numbers)):
        return None
    kinds = {8: "VisDrone annotations", 9: "MOTChallenge", 10: "MOTChallenge"}
    if (kind := kinds.get(len(numbers))) is None:
        return None
    return f"{kind}, which is not read: {hint('convert-first')}"
