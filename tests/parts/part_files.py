"""Data sets as files, whole and in parts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask

import detmetrics as dm


class DataSet(NamedTuple):
    """Images with the part of each, classes, objects and detections as COCO has them."""

    images: list[dict[str, Any]]
    part_of: dict[Any, int]
    categories: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    detections: list[dict[str, Any]]

    @property
    def parts(self) -> list[int]:
        return sorted({*self.part_of.values()})

    def of(self, part: int | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The documents of a part, or of the whole: parts one below the other."""

        def mine(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
            if part is None:
                return sorted(rows, key=lambda row: self.part_of[row[name]])
            return [row for row in rows if self.part_of[row[name]] == part]

        truth = {
            "images": mine(self.images, "id"),
            "categories": self.categories,
            "annotations": mine(self.annotations, "image_id"),
        }
        return truth, mine(self.detections, "image_id")

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both files of the whole, and beside them the folders ``gt`` and ``detections``."""
        for name in ("gt", "detections"):
            (folder / name).mkdir(exist_ok=True)
        for part in (None, *self.parts):
            truth, found = self.of(part)
            places = (
                (folder / "gt.json", folder / "detections.json")
                if part is None
                else (
                    folder / "gt" / f"part-{part:03}.json",
                    folder / "detections" / f"part-{part:03}.json",
                )
            )
            for place, content in zip(places, (truth, found), strict=True):
                place.write_text(json.dumps(content))
        return folder / "gt.json", folder / "detections.json"


def data_set(
    seed: int, *, parts: int = 4, images: int = 9, text: bool = False, masks: bool = False
) -> DataSet:
    """Few scores, many overlaps, uneven parts; some parts have no detections or no objects."""
    rng = np.random.default_rng(seed)
    ids: list[Any] = rng.permutation(10 * images)[:images].tolist()
    if text:
        ids = [f"im{number}" for number in ids]
    part_of = {known: int(rng.integers(0, parts) ** 2 // parts) for known in ids}
    quiet = int(rng.integers(0, parts))

    def box() -> list[float]:
        corner = rng.integers(0, 3, 2) * 20
        return [*corner.tolist(), *rng.choice([20, 30, 60], 2).tolist()]

    def outline(of: list[float]) -> dict[str, Any]:
        if not masks:
            return {}
        plane = np.zeros((120, 120), np.uint8)
        x, y, w, h = map(int, of)
        plane[y : y + h, x : x + w] = 1
        packed = mask.encode(np.asfortranarray(plane))
        return {"segmentation": {"size": [120, 120], "counts": packed["counts"].decode()}}

    def annotation(number: int) -> dict[str, Any]:
        own = box()
        return {
            "id": number,
            "image_id": ids[rng.integers(0, images)],
            "category_id": int(rng.choice([1, 2, 5])),
            "bbox": own,
            "area": own[2] * own[3] * 0.5,
            "iscrowd": int(rng.random() < 0.1),
            **outline(own),
        }

    def detection() -> dict[str, Any]:
        own = box()
        return {
            "image_id": ids[rng.integers(0, images)],
            "category_id": int(rng.choice([1, 2, 5, 7])),
            "bbox": own,
            "score": float(rng.choice([0.1, 0.5, 0.5, 0.7, 0.9])),
            **outline(own),
        }

    found = [detection() for _ in range(int(rng.integers(0, 90)))]
    return DataSet(
        images=[
            {"id": known, "file_name": f"{known}.jpg", "width": 120, "height": 120} for known in ids
        ],
        part_of=part_of,
        categories=[{"id": number, "name": name} for number, name in enumerate("zabcdef", 1)],
        annotations=[annotation(number) for number in range(1, int(rng.integers(1, 60)))],
        detections=[one for one in found if part_of[one["image_id"]] != quiet],
    )


def write_table(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """Rows as CSV or Parquet, by the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pandas as pd

        pd.DataFrame(rows, columns=columns).to_parquet(path)
        return
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def in_parts(folder: Path, rules: object = "coco", **asked: object) -> dm.PartsEvaluation:
    """The parts of a folder evaluated, with a state beside them unless another is given."""
    asked = {"state": folder / "state"} | asked
    return dm.evaluate_parts(folder / "gt", folder / "detections", rules, **asked)
