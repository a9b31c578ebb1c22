"""pycocotools on the same documents: every cell of precision, recall and scores, bit for bit."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import detmetrics as dm
from proof.generator import boxes_scene, code_of, masks_scene
from proof.scenes import Comparison, Different, Scene

__all__ = ["BOXES", "MASKS", "agree", "measured", "original", "rules_of"]

CELLS = ("precision", "recall", "scores")


def rules_of(settings: dict[str, Any], base: dm.Rules = dm.COCO, **changes: Any) -> dm.Rules:
    """The parameters of pycocotools as rules."""
    return base.replace(
        iou_thresholds=tuple(settings["iouThrs"]),
        recall_points=tuple(settings["recThrs"]),
        max_detections=tuple(settings["maxDets"]),
        area_ranges=[
            ("all" if n == 0 else f"range{n}", low, high)
            for n, (low, high) in enumerate(settings["areaRng"])
        ],
        class_agnostic=not settings["useCats"],
        **changes,
    )


def original(
    scene: Scene, kind: str, index: Any = None, evaluation: Any = None
) -> dict[str, np.ndarray]:
    """What pycocotools itself gives; the id 0 of an object, which it takes for none, is avoided.

    index, evaluation: stand-ins for its classes.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    index, evaluation = index or COCO, evaluation or COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        truth = index()
        truth.dataset = _complete(scene.truth, kind)
        truth.createIndex()
        found = _results(index, truth, scene, kind)
        evaluator = evaluation(truth, found, kind)
        for name, value in scene.settings.items():
            setattr(evaluator.params, name, copy.deepcopy(value))
        evaluator.params.areaRngLbl = [str(n) for n in range(len(scene.settings["areaRng"]))]
        evaluator.params.iouThrs = np.array(scene.settings["iouThrs"])
        evaluator.params.recThrs = np.array(scene.settings["recThrs"])
        with np.errstate(all="ignore"):
            evaluator.evaluate()
            evaluator.accumulate()
    return {name: np.where(cells == -1, np.nan, cells) for name, cells in _cells(evaluator)}


def _cells(evaluator: Any) -> list[tuple[str, np.ndarray]]:
    # A score may be -1, which is no mark; recall and precision never are.
    undefined = evaluator.eval["precision"] == -1
    found = [(name, evaluator.eval[name].astype(float)) for name in CELLS]
    found[2] = ("scores", np.where(undefined, -1, np.where(found[2][1] == -1, -0.5, found[2][1])))
    return found


def _complete(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """With what pycocotools does not do without."""
    document = copy.deepcopy(document)
    frame = {one["id"]: one for one in document["images"]}
    for number, row in enumerate(document["annotations"], start=1):
        row["id"] = number
        row.setdefault("iscrowd", 0)
        if kind == "segm":
            image = frame[row["image_id"]]
            row["segmentation"] = code_of(row["segmentation"], image["width"], image["height"])
        if "area" not in row:
            row["area"] = _area(row, kind)
    return document


def _area(row: dict[str, Any], kind: str) -> float:
    from pycocotools import mask

    if kind == "segm":
        return float(mask.area(row["segmentation"]))
    return row["bbox"][2] * row["bbox"][3]


def _results(index: Any, truth: Any, scene: Scene, kind: str) -> Any:
    if not scene.found:  # its loadRes stops with an IndexError
        none = index()
        none.dataset = {**truth.dataset, "annotations": []}
        none.createIndex()
        return none
    rows = copy.deepcopy(scene.found)
    frame = {one["id"]: one for one in scene.truth["images"]}
    for row in rows if kind == "segm" else ():
        image = frame[row["image_id"]]
        row["segmentation"] = code_of(row["segmentation"], image["width"], image["height"])
    return truth.loadRes(rows)


def measured(scene: Scene, rules: dm.Rules) -> dm.Evaluation:
    """From two files of COCO JSON."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        paths = Path(folder, "truth.json"), Path(folder, "found.json")
        for path, content in zip(paths, (scene.truth, scene.found), strict=True):
            path.write_text(json.dumps(content))
        return dm.evaluate(*map(str, paths), rules, shape=rules.shape)


@contextlib.contextmanager
def quiet() -> Any:
    """What is doubtful about random boxes is told, and is not asked for here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def agree(ours: Any, theirs: Any, what: str = "", close: float = 0.0) -> int:
    """How many cells are equal, bit for bit but for the sign of zero; nan equals nan.

    close: how far apart they may be.

    Raises:
        Different: one is not.
    """
    count = 0
    for name, other in theirs.items():
        mine = np.asarray(ours[name])
        if mine.shape != other.shape:
            raise Different(f"{what}{name}: shape {mine.shape}, expected {other.shape}")
        equal = (mine == other) | (np.abs(mine - other) <= close)
        unequal = ~(equal | (np.isnan(mine) & np.isnan(other)))
        if unequal.any():
            at = tuple(np.argwhere(unequal)[0].tolist())
            raise Different(
                f"{what}{name}{list(at)}: {float(mine[at])!r}, expected {float(other[at])!r}; "
                f"{int(unequal.sum())} of {mine.size} cells differ"
            )
        count += mine.size
    return count


def _without_minus_one(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As pycocotools' cells are told above: a score of -1 stands as -0.5."""
    return {
        name: np.where(cells == -1, -0.5, cells) if name == "scores" else cells
        for name, cells in arrays.items()
    }


def _boxes(scene: Scene) -> int:
    ours = measured(scene, rules_of(scene.settings)).arrays()
    return agree(_without_minus_one(ours), original(scene, "bbox"))


def _masks(scene: Scene) -> int:
    area = "box" if scene.found and "bbox" in scene.found[0] else "shape"
    rules = rules_of(scene.settings, shape="mask", detection_area=area)
    ours = measured(scene, rules).arrays()
    return agree(_without_minus_one(ours), original(scene, "segm"))


BOXES = Comparison(
    name="pycocotools-boxes",
    made=lambda seed: boxes_scene(np.random.default_rng(seed)),
    compared=_boxes,
)
MASKS = Comparison(
    name="pycocotools-masks",
    made=lambda seed: masks_scene(np.random.default_rng(seed)),
    compared=_masks,
)
