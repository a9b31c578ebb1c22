"""The packages whose rules are followed, on random sets; those that are installed.

How each is asked, and how closely it must agree, stands beside the tests in ``tests/peers``.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import detmetrics as dm
from proof.generator import boxes_scene, code_of, masks_scene
from proof.pycocotools_sets import agree, measured, original, quiet, rules_of
from proof.scenes import Comparison, Scene
from proof.tables import tables_of

__all__ = ["PACKAGES"]

PEERS = Path(__file__).parents[1] / "peers"
Row = dict[str, Any]


def _peer(name: str) -> ModuleType:
    """The module of tests that knows how to ask a package."""
    if str(PEERS) not in sys.path:
        sys.path.insert(0, str(PEERS))
    with quiet():
        return importlib.import_module(f"test_peer_{name}")


# --- scenes --------------------------------------------------------------------------------------


def _numbered(scene: Scene) -> Scene:
    """Ids from 1 on and every field, for packages that know no others; boxes have a size."""
    ids = {
        side: {one["id"]: n for n, one in enumerate(scene.truth[side], start=1)}
        for side in ("images", "categories")
    }

    def row(one: Row) -> Row:
        x, y, w, h = one.get("bbox", [0.0, 0.0, 1.0, 1.0])
        return {
            **one,
            "image_id": ids["images"][one["image_id"]],
            "category_id": ids["categories"][one["category_id"]],
            "bbox": [x, y, max(w, 1.0), max(h, 1.0)],
        }

    # An area of 0 is of no object for lvis, and a missing one for torchmetrics.
    annotations = [
        {"iscrowd": 0, **one, "id": n, "area": one.get("area") or one["bbox"][2] * one["bbox"][3]}
        for n, one in enumerate(map(row, scene.truth["annotations"]), start=1)
    ]
    truth = {
        side: [{**one, "id": n} for n, one in enumerate(scene.truth[side], start=1)] for side in ids
    }
    return scene.replace(
        truth={**truth, "annotations": annotations}, found=[row(one) for one in scene.found]
    )


def _plain(seed: int) -> Scene:
    return _numbered(boxes_scene(np.random.default_rng(seed), text=False, most=40))


def _lvis_scene(seed: int) -> Scene:
    rng, scene = np.random.default_rng(seed), _plain(seed)
    classes = [{**one, "frequency": "rcf"[rng.integers(3)]} for one in scene.truth["categories"]]
    images = [
        {
            **one,
            "file_name": f"{one['id']}.jpg",
            **{
                key: [k["id"] for k in classes if rng.random() < 0.4]
                for key in ("neg_category_ids", "not_exhaustive_category_ids")
            },
        }
        for one in scene.truth["images"]
    ]
    truth = {**scene.truth, "images": images, "categories": classes}
    fixed = {"rules": "lvis-fixed", "class_limit": int(rng.integers(1, 60))}
    return scene.replace(truth=truth, settings=fixed if rng.random() < 0.3 else {"rules": "lvis"})


def _oriented_scene(seed: int) -> Scene:
    """Boxes anywhere, so that no overlap lies on a threshold by design."""
    rng = np.random.default_rng(seed)
    images, kinds = int(rng.integers(1, 5)), int(rng.integers(1, 4))

    def rows(boxes: np.ndarray, image: np.ndarray, category: np.ndarray) -> list[Row]:
        return [
            {"image_id": i, "category_id": k, "obb": box, "area": box[2] * box[3]}
            for i, k, box in zip(image.tolist(), category.tolist(), boxes.tolist(), strict=True)
        ]

    def boxes(count: int) -> np.ndarray:
        sides = np.exp(rng.normal(2.5, 1.0, (count, 2)))
        turn = rng.uniform(-np.pi, np.pi, count)
        return np.column_stack([rng.uniform(0, 60, (count, 2)), sides, turn])

    objects, count = int(rng.integers(1, 30)), int(rng.integers(1, 90))
    there = boxes(objects)
    image, category = rng.integers(1, images + 1, objects), rng.integers(1, kinds + 1, objects)
    annotations = rows(there, image, category)
    for number, row in enumerate(annotations, start=1):
        row |= {"id": number, "iscrowd": 0, "bbox": [0, 0, 1, 1]}
    source, blur = rng.integers(0, objects, count), rng.exponential(0.1, (count, 1))
    found = there[source] + blur * rng.normal(0, 1, (count, 5)) * [*[10] * 2, 0, 0, 1]
    found[:, 2:4] *= np.exp(blur * rng.normal(0, 1, (count, 2)))
    results = rows(found, image[source], category[source])
    for row, score in zip(results, rng.permutation(count).tolist(), strict=True):
        row["score"] = (score + 0.5) / count
    truth = {
        "images": [{"id": n, "width": 100, "height": 100} for n in range(1, images + 1)],
        "categories": [{"id": n, "name": f"k{n}"} for n in range(1, kinds + 1)],
        "annotations": annotations,
    }
    return Scene(truth=truth, found=results)


# --- comparisons ---------------------------------------------------------------------------------


def _asked(made: Callable[[Scene], int]) -> Callable[[Scene], int]:
    """In silence: packages print, log, and warn of what is old."""

    def compared(scene: Scene) -> int:
        logging.disable()
        with quiet(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            return made(scene)

    return compared


def _lvis(scene: Scene) -> int:
    if not scene.found or not scene.truth["annotations"]:
        return 0
    rules = dm.rule_set(scene.settings["rules"])
    if "class_limit" in scene.settings:
        rules = rules.replace(class_limit=scene.settings["class_limit"])
    with tempfile.TemporaryDirectory() as folder:
        _peer("lvis").compare(Path(folder), scene.truth, scene.found, rules)
    # precision and recall at 10 thresholds of each class in 4 ranges
    return 10 * (101 + 1) * 4 * len(scene.truth["categories"]) + 13


def _tide(scene: Scene) -> int:
    peer = _peer("tide")
    truth, found = tables_of(scene)
    # It knows no largest area, and what has no score above 0 matches nothing there.
    found = replace(found, scores=np.clip(found.scores, 0.01, 1), boxes=_whole(found.boxes))
    truth = replace(truth, boxes=_whole(truth.boxes), area=np.minimum(truth.area, 1e10))
    peer.compare(peer.plain(truth, found))
    return len(scene.found) + 16


def _torchmetrics(scene: Scene) -> int:
    """Whole coordinates, and scores that float32 holds exactly."""
    truth, found = tables_of(scene)
    scores = np.round(np.clip(found.scores, 0, 1) * 256) / 256
    found = replace(found, scores=scores, boxes=_whole(found.boxes))
    area = np.round(truth.area).astype(np.float32).astype(float)
    truth = replace(truth, boxes=_whole(truth.boxes), area=area, ignore=truth.none)
    _peer("torchmetrics").compare(truth, found)
    return 12 + len(scene.truth["categories"])


def _whole(boxes: np.ndarray) -> np.ndarray:
    return np.clip(np.round(boxes), -1000, 1000)


def _ultralytics(scene: Scene) -> int:
    peer = _peer("ultralytics")
    truth, found = tables_of(scene)
    found = replace(found, scores=np.clip(found.scores, 0.01, 1), boxes=_whole(found.boxes))
    peer.compare(replace(truth, boxes=_whole(truth.boxes)), peer.without_ties(found))
    return 10 * len(scene.truth["categories"])


def _ultralytics_oriented(scene: Scene) -> int:
    from detmetrics.overlap.polygons.polygons import Rectangles

    catalog = dm.Catalog.from_ids(
        images=[one["id"] for one in scene.truth["images"]],
        categories=[one["id"] for one in scene.truth["categories"]],
    )

    def columns(rows: list[Row]) -> dict[str, Any]:
        boxes = np.array([row["obb"] for row in rows], float).reshape(-1, 5)
        return {
            "image_ids": [row["image_id"] for row in rows],
            "categories": [row["category_id"] for row in rows],
            "shapes": Rectangles.from_cxcywhr(boxes),
            "catalog": catalog,
        }

    truth = dm.GroundTruth.from_arrays(**columns(scene.truth["annotations"]))
    scores = [row["score"] for row in scene.found]
    found = dm.Detections.from_arrays(**columns(scene.found), scores=scores)
    # Its three classes are named in the comparison, and must all be there.
    _peer("ultralytics_oriented").compare(truth, found, polygons=False)
    return 10 * len(scene.truth["categories"])


def _boundary(scene: Scene) -> int:
    """faster-coco-eval, all cells; masks as text, whose areas it is told."""
    if not scene.found:
        return 0
    from faster_coco_eval import COCO, COCOeval_faster

    frame = {one["id"]: (one["width"], one["height"]) for one in scene.truth["images"]}

    def texts(rows: list[Row]) -> list[Row]:
        return [
            {**row, "segmentation": code_of(row["segmentation"], *frame[row["image_id"]])}
            for row in rows
        ]

    def index() -> Any:
        made = COCO()
        made.print_function = print
        return made

    def evaluation(truth: Any, found: Any, _: str) -> Any:
        return COCOeval_faster(truth, found, "boundary", extra_calc=False, boundary_cpu_count=1)

    scene = scene.replace(
        truth={**scene.truth, "annotations": texts(scene.truth["annotations"])},
        found=[{k: v for k, v in row.items() if k != "bbox"} for row in texts(scene.found)],
    )
    rules = rules_of(scene.settings, shape="boundary")
    theirs = original(scene, "segm", index, evaluation)
    return agree(measured(scene, rules).arrays(), theirs, close=1e-12)


def _hotcoco_oriented(scene: Scene) -> int:
    stats = _hotcoco(scene, "obb").stats
    ours = measured(scene, dm.COCO_ORIENTED).summary.values()
    return _close(ours, stats[:12])


def _hotcoco_openimages(scene: Scene) -> int:
    theirs = _hotcoco(scene, "bbox", oid_style=True).get_results()["AP"]
    return _close([measured(scene, dm.OPEN_IMAGES).summary["AP"]], [theirs])


def _hotcoco(scene: Scene, kind: str, **options: Any) -> Any:
    from hotcoco import COCO, COCOeval

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "truth.json")
        path.write_text(json.dumps(scene.truth))
        truth = COCO(str(path))
        evaluator = COCOeval(truth, truth.load_res(scene.found), kind, **options)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def _close(ours: Any, theirs: Any) -> int:
    mine, other = (np.array([*values], float) for values in (ours, theirs))
    np.testing.assert_allclose(mine, np.where(other == -1, np.nan, other), rtol=0, atol=1e-9)
    return len(mine)


def _openimages_scene(seed: int) -> Scene:
    """Scores that differ: among equal ones the order is not defined there."""
    rng, scene = np.random.default_rng(seed), _plain(seed)
    order = rng.permutation(len(scene.found))
    found = [
        {**row, "bbox": _small(row["bbox"]), "score": (int(place) + 0.5) / len(order)}
        for row, place in zip(scene.found, order, strict=True)
    ]
    # Without groups, which count there, so that AP may be above 1; and one object of a class in an
    # image, as a detection takes the best free one there, where TensorFlow's script has the best.
    single: dict[Any, Row] = {}
    for row in scene.truth["annotations"]:
        if not row["iscrowd"]:
            key, box = (row["image_id"], row["category_id"]), _small(row["bbox"])
            single.setdefault(key, {**row, "bbox": box, "area": 1.0})
    annotations = [*single.values()]
    known = {row["category_id"] for row in annotations}
    truth = {
        **scene.truth,
        "annotations": annotations,
        "categories": [one for one in scene.truth["categories"] if one["id"] in known],
    }
    return scene.replace(truth=truth, found=[r for r in found if r["category_id"] in known])


def _small(box: list[float]) -> list[float]:
    """It leaves out what is larger than COCO's largest size, and Open Images has no sizes."""
    return np.clip(box, -1e4, 9e4).tolist()


def _three_classes(seed: int) -> Scene:
    scene = _oriented_scene(seed)
    classes = [{"id": n, "name": f"k{n}"} for n in (1, 2, 3)]
    return scene.replace(truth={**scene.truth, "categories": classes})


def _package(
    name: str, made: Callable[[int], Scene], compared: Callable[[Scene], int], *needs: str
) -> Comparison:
    return Comparison(name=name, made=made, compared=_asked(compared), needs=needs)


def _masks(seed: int) -> Scene:
    return _numbered(masks_scene(np.random.default_rng(seed), sides=(33, 64, 200)))


PACKAGES = (
    _package("lvis", _lvis_scene, _lvis, "lvis"),
    _package("tidecv", _plain, _tide, "tidecv"),
    _package("torchmetrics", _plain, _torchmetrics, "torch", "torchmetrics"),
    _package("ultralytics", _plain, _ultralytics, "torch", "ultralytics"),
    _package("ultralytics-oriented", _three_classes, _ultralytics_oriented, "torch", "ultralytics"),
    _package("faster-coco-eval-boundary", _masks, _boundary, "faster_coco_eval", "cv2"),
    _package("hotcoco-oriented", _oriented_scene, _hotcoco_oriented, "hotcoco"),
    _package("hotcoco-openimages", _openimages_scene, _hotcoco_openimages, "hotcoco"),
)
