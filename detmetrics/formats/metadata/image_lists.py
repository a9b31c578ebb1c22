"""Files that list images: one name per line, a column of a table, or the images of a COCO file.

VOC's ``ImageSets/Main/test.txt`` has one name per line, its ``dog_test.txt`` a flag behind each;
darknet's and Ultralytics' lists have paths.
"""

from __future__ import annotations

import os
import re
from typing import Any

from detmetrics.formats.given import Given
from detmetrics.formats.json.parsing import parse
from detmetrics.formats.metadata.image_fields import images_column
from detmetrics.formats.tabular.headings import image_column
from detmetrics.formats.tabular.parquet import is_parquet
from detmetrics.formats.tabular.separator import split_heading
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.tables.catalog import Id

__all__ = ["read_image_list"]

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
FLAGGED = re.compile(r"(\S+)\s+(?:-1|0|1)")
EXPECTED = "expected one image name per line, a table with a column of images, or a COCO file"


def read_image_list(path: str | os.PathLike[str]) -> tuple[Id, ...]:
    """The images that a file lists, in its order: names, or ids of a COCO file without names.

    Raises:
        FormatError: it cannot be read, or lists none.

    >>> read_image_list("fixtures/ground_truth.json")[:2]
    ('street_000.jpg', 'street_001.jpg')
    """
    given = Given(path)
    if given.is_folder:
        raise FormatError(given.path, ["expected a file that lists images, got a folder"])
    found = _listed(given)
    if not found:
        raise FormatError(given.path, [f"no images are listed: {EXPECTED}"])
    return tuple(dict.fromkeys(found))


def _listed(given: Given) -> list[Id]:
    if given.head.lstrip()[:1] in (b"{", b"["):
        return _of_document(given)
    if is_parquet(given.head) or _has_heading(given.head):
        return [*images_column(given)]
    text, _ = decoded(given.content()[0], given.path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    flagged = [FLAGGED.fullmatch(line) for line in lines]
    names = [match[1] for match in flagged if match]
    return [*(names if len(names) == len(lines) else lines)]


def _has_heading(head: bytes) -> bool:
    """Whether the first line names a column of images, as that of a table does."""
    if head.startswith(UTF_16):
        text = head[: len(head) // 2 * 2].decode("utf-16", "replace")
    else:
        text = head.decode("utf-8-sig", "replace")
    first = next(filter(str.strip, text.splitlines()), "")
    return image_column(split_heading(first)) is not None


def _of_document(given: Given) -> list[Id]:
    """A COCO document's images, or a plain list of names."""
    content = parse(given.content()[0], given.path)
    rows = content.get("images") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise FormatError(given.path, [f"no images are listed: {EXPECTED}"])
    return [_name(row, at, given.path) for at, row in enumerate(rows)]


def _name(row: Any, at: int, path: str) -> Id:
    found = row.get("file_name") or row.get("id") if isinstance(row, dict) else row
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise FormatError(path, [f"images[{at}]: expected a name or an id, got {shown(row)}"])
    return found
