"""The files of a split: what each part is written as."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

from detmetrics.datasets.splitting import Split
from detmetrics.formats.writing.written import whole_characters
from detmetrics.foundation.arrays import positions
from detmetrics.foundation.errors import OutputError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import shown
from detmetrics.tables.catalog import Id, id_array

__all__ = ["part_files"]


def part_files(split: Split, source: str, target: str) -> dict[str, bytes]:
    """File names and their content.

    A COCO document is cut and keeps every key that it has; of YOLO the parts are lists of image
    files, and a ``data.yaml`` that names them; of anything else lists of image names.

    target: the folder, from which the paths of lists are told.

    Raises:
        OutputError: a name holds a line end, which no list can hold, or half a character.
    """
    writers: Mapping[str, Callable[[Split, str, str], dict[str, bytes]]] = {
        "coco": _coco,
        "yolo": _yolo,
    }
    with whole_characters():
        return writers.get(split.ground_truth.source.format, _lists)(split, source, target)


def _coco(split: Split, source: str, _: str) -> dict[str, bytes]:
    document: dict[str, Any] = json.loads(read_input(source)[0])
    ground_truth = split.ground_truth
    document["images"] += _unlisted(split, {row["id"] for row in document["images"]})
    listed = positions(
        ground_truth.catalog.image_ids, id_array(row["id"] for row in document["images"])
    )
    parts = {"images": split.part[listed], "annotations": split.part[ground_truth.image]}
    files = {}
    for at, name in enumerate(split.parts):
        cut = dict(document)
        for section, part in parts.items():
            rows = zip(document[section], part.tolist(), strict=True)
            cut[section] = [row for row, own in rows if own == at]
        files[f"{name}.json"] = json.dumps(cut, ensure_ascii=False).encode()
    return files


def _unlisted(split: Split, known: set[Id]) -> list[dict[str, Any]]:
    """Images without objects that the document does not list and something else does."""
    catalog = split.ground_truth.catalog
    rows = zip(
        catalog.image_ids.tolist(), catalog.image_names, catalog.image_sizes.tolist(), strict=True
    )
    return [
        {"id": image, "file_name": name} | _size(size)
        for image, name, size in rows
        if image not in known
    ]


def _size(size: list[float]) -> dict[str, int]:
    if math.isnan(size[0]):
        return {}
    return {"width": int(size[0]), "height": int(size[1])}


def _yolo(split: Split, _: str, target: str) -> dict[str, bytes]:
    """Lists of image files, with paths from the folder that they are written to."""
    import yaml

    def path(name: str) -> str:
        known = split.files.get(name)
        return os.path.relpath(known, target).replace(os.sep, "/") if known else name

    files = _listed(split, path)
    if not split.files:  # without images a list holds names, which no trainer finds
        return files
    names = dict(enumerate(split.ground_truth.catalog.category_names))
    content = {part: f"{part}.txt" for part in split.parts}
    described = yaml.safe_dump({"path": ".", **content, "names": names}, sort_keys=False)
    return {**files, "data.yaml": described.encode()}


def _lists(split: Split, _: str, __: str) -> dict[str, bytes]:
    return _listed(split, str)


def _listed(split: Split, path: Callable[[str], str]) -> dict[str, bytes]:
    return {
        f"{part}.txt": "".join(
            f"{_on_a_line(path(name))}\n" for name in split.image_names(part)
        ).encode("utf-8", "surrogateescape")
        for part in split.parts
    }


def _on_a_line(name: str) -> str:
    if name != name.strip() or len(name.splitlines()) != 1:
        raise OutputError(f"image {shown(name)} cannot stand in a list: nothing was written")
    return name
