"""Made-up data with the shape of the real thing.

Ground truth has COCO's spread: few classes hold most objects, the objects of an image share
a handful of classes, 41 % are small, 34 % medium, 25 % large, about 1 % are crowds. Half of
the detections are jittered ground truth (several for one object, scores that follow the
overlap, one in ten with a wrong class), half are background, mostly of classes that the image
holds. Random images and classes alone would make almost no pair that can match, and would
flatter every tool.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 640.0, 480.0

AS_JSON = ("150k", "500k")


@dataclass(frozen=True)
class Workload:
    """Columns of a workload; boxes are x, y, w, h in pixels, ids start at 1."""

    image_ids: np.ndarray  # (N,)
    category_ids: np.ndarray  # (K,)
    gt_image: np.ndarray  # (G,)
    gt_category: np.ndarray
    gt_boxes: np.ndarray  # (G, 4)
    gt_area: np.ndarray
    gt_crowd: np.ndarray
    image: np.ndarray  # (D,)
    category: np.ndarray
    boxes: np.ndarray  # (D, 4)
    scores: np.ndarray


def make(
    images: int = 5_000,
    objects: int = 37_686,
    classes: int = 80,
    detections: int = 500_000,
    seed: int = 0,
    *,
    even: bool = False,
) -> Workload:
    """A workload of the given size; the same seed gives the same bits.

    even: every image has as many objects and detections as every other.
    """
    rng = np.random.default_rng(seed)
    frequency = 1.0 / np.arange(1, classes + 1) ** 1.1
    frequency /= frequency.sum()
    palette = rng.choice(classes, size=(images, 5), p=frequency)

    crowding = rng.gamma(1.2, 1.0, images)
    gt_image = np.sort(rng.choice(images, objects, p=crowding / crowding.sum()))
    if even:
        gt_image = np.repeat(np.arange(images), objects // images)
    gt_category = palette[gt_image, np.minimum(rng.geometric(0.45, objects) - 1, 4)]
    gt_boxes = _boxes(rng, objects)
    gt_area = np.round(gt_boxes[:, 2] * gt_boxes[:, 3] * rng.uniform(0.45, 0.95, objects), 4)

    found = detections // 2
    source = rng.integers(0, objects, found)
    if even:
        first = np.searchsorted(gt_image, np.repeat(np.arange(images), found // images))
        source = first + source % (objects // images)
    blur = rng.exponential(0.09, found)
    size = gt_boxes[source, 2:]
    shift = rng.normal(0.0, 1.0, (found, 2)) * blur[:, None] * size
    scale = np.exp(rng.normal(0.0, 1.0, (found, 2)) * blur[:, None])
    jittered = np.concatenate([gt_boxes[source, :2] + shift, size * scale], axis=1)
    confused = rng.random(found) < 0.1
    category = np.where(confused, rng.choice(classes, found, p=frequency), gt_category[source])
    score = np.clip(rng.beta(4, 2, found) * np.exp(-3.0 * blur), 0.001, 0.999)

    noise = detections - found
    noise_image = gt_image[rng.integers(0, objects, noise)]
    spread = rng.random(noise) < 0.15
    noise_image[spread] = rng.integers(0, images, int(spread.sum()))
    if even:
        noise_image = np.repeat(np.arange(images), noise // images)
    local = palette[noise_image, rng.integers(0, 5, noise)]
    noise_category = np.where(
        rng.random(noise) < 0.7, local, rng.choice(classes, noise, p=frequency)
    )
    noise_score = np.clip(rng.beta(1, 8, noise), 0.001, 0.999)

    image = np.concatenate([gt_image[source], noise_image])
    shuffled = np.lexsort((rng.random(detections), image))
    return Workload(
        image_ids=np.arange(1, images + 1),
        category_ids=np.arange(1, classes + 1),
        gt_image=gt_image + 1,
        gt_category=gt_category + 1,
        gt_boxes=gt_boxes,
        gt_area=gt_area,
        gt_crowd=rng.random(objects) < 0.01,
        image=image[shuffled] + 1,
        category=np.concatenate([category, noise_category])[shuffled] + 1,
        boxes=np.round(np.concatenate([jittered, _boxes(rng, noise)]), 3)[shuffled],
        scores=np.round(np.concatenate([score, noise_score]), 5)[shuffled],
    )


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    side = np.exp(rng.normal(np.log(45.0), 1.05, count))
    stretch = np.exp(rng.normal(0.0, 0.45, count))
    w = np.clip(side * stretch, 2.0, WIDTH - 1.0)
    h = np.clip(side / stretch, 2.0, HEIGHT - 1.0)
    x = rng.random(count) * (WIDTH - w)
    y = rng.random(count) * (HEIGHT - h)
    return np.round(np.stack([x, y, w, h], axis=1), 2)


def images_and_categories(work: Workload) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The images and the categories as COCO records."""
    images = [
        {"id": i, "file_name": f"{i:012d}.jpg", "width": 640, "height": 480}
        for i in work.image_ids.tolist()
    ]
    return images, [{"id": k, "name": f"class {k}"} for k in work.category_ids.tolist()]


def ground_truth_document(work: Workload) -> dict[str, Any]:
    """The ground truth as a COCO document."""
    images, categories = images_and_categories(work)
    columns = zip(
        work.gt_image.tolist(),
        work.gt_category.tolist(),
        work.gt_boxes.tolist(),
        work.gt_area.tolist(),
        work.gt_crowd.astype(int).tolist(),
        strict=True,
    )
    return {
        "images": images,
        "categories": categories,
        "annotations": [
            {"id": n, "image_id": i, "category_id": k, "bbox": b, "area": a, "iscrowd": c}
            for n, (i, k, b, a, c) in enumerate(columns, start=1)
        ],
    }


def detection_records(work: Workload) -> list[dict[str, Any]]:
    """The detections as COCO result records."""
    columns = zip(
        work.image.tolist(),
        work.category.tolist(),
        work.boxes.tolist(),
        work.scores.tolist(),
        strict=True,
    )
    return [{"image_id": i, "category_id": k, "bbox": b, "score": s} for i, k, b, s in columns]


def write(work: Workload, folder: Path) -> tuple[Path, Path]:
    """Write ``ground_truth.json`` and ``detections.json`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ground_truth, detections = folder / "ground_truth.json", folder / "detections.json"
    ground_truth.write_text(json.dumps(ground_truth_document(work)))
    detections.write_text(json.dumps(detection_records(work)))
    return ground_truth, detections


def save(work: Workload, path: Path) -> None:
    """Keep the columns for runs that start from arrays."""
    np.savez(path, **work.__dict__)


def load(path: Path) -> Workload:
    """Read back what :func:`save` wrote."""
    with np.load(path) as data:
        return Workload(**{name: data[name] for name in data.files})


def main() -> None:
    """``workload.py FOLDER NAME IMAGES OBJECTS DETECTIONS``: the columns, and JSON of two sizes."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    images, objects, detections = map(int, sys.argv[3:6])
    work = make(images, objects, 80, detections)
    save(work, folder / f"{name}.npz")
    if name in AS_JSON:
        write(work, folder / name)


if __name__ == "__main__":
    main()
