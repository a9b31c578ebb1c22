"""COCO ground truth divided by image, every record and every other section as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from detmetrics.foundation.arrays import Ints, Objects, positions
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.tables.catalog import id_array

__all__ = ["document_parts"]

SECTIONS = {"images": "id", "annotations": "image_id"}
"""The lists that are divided, and the key that names the image of a record."""


def document_parts(path: str, image_ids: Objects, part_of: Ints, parts: int) -> Iterator[bytes]:
    """The document of each part in turn.

    image_ids : (N,) of all images; part_of : (N,) the part of each, -1 for none.

    Raises:
        FormatError: the file is not what it was when the images were read.
    """
    data = read_input(path)[0].removeprefix(b"\xef\xbb\xbf")
    try:
        sections = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        divided = {
            name: _divided(sections[name], key, image_ids, part_of, parts)
            for name, key in SECTIONS.items()
        }
    except (msgspec.MsgspecError, UnicodeError, LookupError) as error:
        raise FormatError(path, [f"changed while it was read: {error}"]) from None
    for part in range(parts):
        own = {
            name: msgspec.Raw(b"[" + b",\n".join(records[part]) + b"]")
            for name, records in divided.items()
        }
        yield msgspec.json.encode({**sections, **own}) + b"\n"


def _divided(
    section: msgspec.Raw, key: str, image_ids: Objects, part_of: Ints, parts: int
) -> list[list[bytes]]:
    """The records of each part."""
    records = msgspec.json.decode(section, type=list[msgspec.Raw])
    kind = msgspec.defstruct("Named", [(key, Any)])
    ids = id_array([getattr(msgspec.json.decode(record, type=kind), key) for record in records])
    of_record = np.append(part_of, -1)[positions(image_ids, ids)]
    divided: list[list[bytes]] = [[] for _ in range(parts)]
    for record, part in zip(records, of_record.tolist(), strict=True):
        if part >= 0:
            divided[part].append(bytes(record))
    return divided
