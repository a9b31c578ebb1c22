"""Small COCO documents and lists of detections, written to a folder, and what pycocotools says.

The base scene: a cat of 10 x 10 pixels on image 1 and a dog of 50 x 50 on image 2, both found
exactly. Its AP is 1, and 0.5 where one of the two classes gets lost.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import detmetrics as dm
from detmetrics.metrics.summary import metrics_of

CAT, DOG = 1, 2


def unpacked(archive: Path, target: Path) -> Path:
    """An archive of real data, unpacked."""
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target


class Raw(str):
    """Text that stands in the JSON as it is: ``Raw("NaN")``, ``Raw("1e400")``."""


class Files(NamedTuple):
    """Where a ground truth and its detections lie."""

    truth: Path
    found: Path


def image(number: Any, name: str | None = None) -> dict[str, Any]:
    return {"id": number, "file_name": name or f"{number}.jpg"}


def category(number: Any, name: str) -> dict[str, Any]:
    return {"id": number, "name": name}


def annotation(number: Any, image_id: Any = 1, category_id: Any = CAT, **more: Any) -> dict:
    """An object; fields given as None are kept, fields given as ``...`` are left out."""
    box = more.pop("bbox", [0, 0, 10, 10])
    area = box[2] * box[3] if isinstance(box, list) and len(box) == 4 else 1
    fields = {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": box,
        "area": area,
        "iscrowd": 0,
        **more,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def detection(image_id: Any = 1, category_id: Any = CAT, score: Any = 0.9, **more: Any) -> dict:
    return {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [0, 0, 10, 10],
        "score": score,
        **more,
    }


def document(**changes: Any) -> dict[str, Any]:
    """The ground truth of the base scene with some sections replaced."""
    base = {
        "images": [image(1), image(2)],
        "categories": [category(CAT, "cat"), category(DOG, "dog")],
        "annotations": [
            annotation(1),
            annotation(2, image_id=2, category_id=DOG, bbox=[0, 0, 50, 50]),
        ],
    }
    return base | changes


def detections() -> list[dict[str, Any]]:
    """The detections of the base scene, both exact."""
    return [detection(1, CAT), detection(2, DOG, 0.8, bbox=[0, 0, 50, 50])]


def changed(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A copy with one place changed."""
    result = copy.deepcopy(value)
    inner = result
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return result


def dumps(value: Any, **options: Any) -> str:
    """JSON, in which :class:`Raw` stands as it is."""
    raws: list[str] = []

    def mark(inner: Any) -> Any:
        if isinstance(inner, Raw):
            raws.append(str(inner))
            return f"@raw{len(raws) - 1}@"
        if isinstance(inner, dict):
            return {key: mark(item) for key, item in inner.items()}
        return [mark(item) for item in inner] if isinstance(inner, list) else inner

    text = json.dumps(mark(value), **options)
    for index, raw in enumerate(raws):
        text = text.replace(f'"@raw{index}@"', raw)
    return text


def write(folder: Path, truth: Any = None, found: Any = None) -> Files:
    """Both files; bytes and text are written as they are, all else as JSON, None is the base."""
    files = Files(folder / "truth.json", folder / "found.json")
    contents = (document() if truth is None else truth, detections() if found is None else found)
    for path, content in zip(files, contents, strict=True):
        data = content if isinstance(content, (str, bytes)) else dumps(content)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return files


def evaluate(folder: Path, truth: Any = None, found: Any = None, **options: Any) -> dm.Evaluation:
    """Write both files and evaluate them."""
    return dm.evaluate(*write(folder, truth, found), **options)


def pycocotools_ap(truth: dict[str, Any], found: list[dict[str, Any]]) -> float:
    """What pycocotools itself, fed with the very same content, gives as AP."""
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = copy.deepcopy(truth)
        known.createIndex()
        evaluator = COCOeval(known, known.loadRes(copy.deepcopy(found)), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return float(evaluator.stats[0])


def same_cells(one: dm.Evaluation, other: dm.Evaluation) -> None:
    """Fail unless both results are equal in every cell, bit for bit."""
    theirs = other.arrays()
    for name, cells in one.arrays().items():
        np.testing.assert_array_equal(cells, theirs[name], err_msg=name, strict=True)


def without_formats(talk: bytes) -> bytes:
    """Standard error without the lines that say what each side was taken for."""
    lines = talk.splitlines(keepends=True)
    return b"".join(line for line in lines if not SAID_FORMAT.search(line))


SAID_FORMAT = re.compile(rb": (?:ground truth|detections) read as .* \(\w+\): ")


def filled(result: dm.Evaluation, name: str = "AP", category: int | None = None) -> int:
    """In how many images there are objects that count: of the metric's sizes, of a class."""
    matches = result.matching
    area = next(one.area for one in metrics_of(result.rules) if one.name == name)
    rows = zip(matches.truth_image, matches.truth_category, matches.ignored[area], strict=True)
    return len({image for image, own, out in rows if not out and category in (None, own)})
