"""Rule sets beside slow loops written from their definitions: every verdict, AP and metric."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import reference_metrics
import reference_rules

import detmetrics as dm
from detmetrics.rules.setting_table import CHOICES
from detmetrics.tables.federation import Federation
from proof.generator import boxes_scene, settings_of
from proof.pycocotools_sets import quiet
from proof.scenes import Comparison, Different, Scene
from proof.tables import tables_of

__all__ = ["LOOPS"]

CLOSE = 1e-12
NAMES = (["Car", "Van", "Pedestrian", "Cyclist"], ["a", "b", "c", "d"])
STREETS = [
    ("Car", 0.7, ("Van",)), ("Pedestrian", 0.5, ("Person_sitting",)), ("Van", 0.4), ("a", 0.3),
    ("c", 0.5, ("a", "b")), ("B", 0.25, ("c",)),
]  # fmt: skip
RANGES = [
    [],
    [["wide", 0.005, 0.1, "share"], ["low", 0.0, 20.0, "height"]],
    [["tall", 0.0, 0.5, "aspect"], ["left", 0.0, 0.1, "x"], ["high", 0.0, 0.125, "y"]],
    [["flat", 1.5, 1e10, "aspect"], ["edge", 0.0, 0.05, "border"], ["in", 0.05, 0.5, "border"]],
    [["seen", 0.0, 1e10, "height", [["visibility", 0.5, 1.0]]], ["small", 0.0, 64.0]],
]


# --- scenes --------------------------------------------------------------------------------------


def _scene(rng: np.random.Generator, most: int = 24, *, streets: bool = False) -> Scene:
    """A set with everything that rules ask of an object or an image."""
    scene = boxes_scene(rng, text=False, most=most)
    names = NAMES[0 if streets else rng.integers(len(NAMES))]
    classes = [
        {**one, "name": name} for one, name in zip(scene.truth["categories"], names, strict=False)
    ]
    grades = {
        "visibility": [0.0, 0.2, 0.5, 0.65, 0.9, 1.0], "occlusion": [0.0, 1.0, 2.0, 3.0],
        "truncation": [0.0, 0.15, 0.2, 0.3, 0.6],
    }  # fmt: skip
    for row in scene.truth["annotations"]:
        row |= {name: float(rng.choice(values)) for name, values in grades.items()}
        row["difficult"] = int(rng.random() < 0.15)
        row["ignore"] = int(rng.random() < 0.15)
    for image in scene.truth["images"]:
        for key in ("neg_category_ids", "not_exhaustive_category_ids"):
            image[key] = [one["id"] for one in classes if rng.random() < 0.4]
    return scene.replace(truth={**scene.truth, "categories": classes})


def _under(*names: str) -> Callable[[int], Scene]:
    """Scenes under one of these rule sets, some with other thresholds and pooled classes."""

    def made(seed: int) -> Scene:
        rng = np.random.default_rng(seed)
        scene = _scene(rng, streets=bool(dm.RULE_SETS[names[0]].class_rules))
        name = names[rng.integers(len(names))]
        changes: dict[str, Any] = {}
        if rng.random() < 0.4 and not dm.RULE_SETS[name].class_rules:
            changes["iou_thresholds"] = [float(rng.choice([0.1, 1 / 3, 0.5, 0.75, 0.99]))]
        return scene.replace(settings={"rules": name, "changes": changes})

    return made


def _any(seed: int) -> Scene:
    """Under settings that no benchmark has, each drawn by itself."""
    rng = np.random.default_rng(seed)
    scene = _scene(rng)
    chosen = {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
    chosen["shape"] = "box"
    chosen["federated"] = bool(chosen["federated"] and not chosen["class_agnostic"])
    own = settings_of(rng)
    chosen |= {"iou_thresholds": own["iouThrs"], "recall_points": own["recThrs"]}
    chosen["range_slack"] = _some(rng, 1.0, 1.25)
    if rng.random() < 0.2:
        chosen |= {"interpolation": "cuts", "assignment": "truths"}
    if chosen["assignment"] == "overlap" and chosen["interpolation"] == "cuts":
        chosen["interpolation"] = "points"
    if chosen["interpolation"] == "cuts":
        chosen |= {"out_of_range": "ignore", "range_slack": None}
        if chosen["assignment"] == "truths":
            chosen["group_weight"] = 0
        chosen["recall_points"] = [[0.0, 0.5, 1.0], [0.3, 0.7]][rng.integers(2)]
    if not chosen["class_agnostic"] and rng.random() < 0.4:
        here = {one["name"].lower() for one in scene.truth["categories"]}
        known = [rule for rule in STREETS if rule[0].lower() in here]
        chosen |= {"class_rules": known, "iou_thresholds": [0.5]}
    chosen |= {
        "max_detections": [[1, 10, 100], [2], [1, math.inf], [math.inf]][rng.integers(4)],
        "area_ranges": RANGES[rng.integers(len(RANGES))],
        "min_score": _some(rng, 0.0, 0.1, 0.3),
        "image_limit": _some(rng, 1, 2, 5),
        "class_limit": _some(rng, 1, 3, 6),
        "box_decimals": _some(rng, 0, 1),
        "score_decimals": _some(rng, 0, 1),
        "metrics": ["ap", "ap_area"],
    }
    return scene.replace(settings={"rules": "coco", "changes": chosen})


def _some(rng: np.random.Generator, *values: Any) -> Any:
    """None as often as not."""
    return None if rng.random() < 0.5 else values[rng.integers(len(values))]


def _given(scene: Scene) -> tuple[dm.GroundTruth, dm.Detections, dm.Rules]:
    truth, found = tables_of(scene)
    images, classes = truth.catalog.image_ids.tolist(), truth.catalog.category_ids.tolist()

    def pairs(key: str) -> np.ndarray:
        told = [
            (images.index(image["id"]), classes.index(one))
            for image in scene.truth["images"]
            for one in image[key]
            if one in classes
        ]
        return np.array(sorted(told), np.int64).reshape(-1, 2)

    federation = Federation(
        verified=pairs("neg_category_ids"),
        not_exhaustive=pairs("not_exhaustive_category_ids"),
        frequency=tuple("rcf"[place % 3] for place in range(len(classes))),
    )
    truth = replace(truth, federation=federation)
    changes = dict(scene.settings["changes"])
    if "area_ranges" in changes:
        changes["area_ranges"] = [tuple(map(_tupled, one)) for one in changes["area_ranges"]]
    rules = dm.rule_set(scene.settings["rules"]).replace(**changes)
    return truth, found, rules


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


# --- what is compared ----------------------------------------------------------------------------


def _verdicts(result: dm.Evaluation, known: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Who is right and who is set aside, in every range and at every threshold."""
    matches = result.matching
    row = result.detections.place[matches.row]  # rows of empty boxes may be gone
    for (t, a), right in known["right"].items():
        pair, is_right = matches.matched[a].at(t)
        found = matches.pairs.detection[pair]
        yield f"right at {t, a}", set(row[found[is_right]].tolist()), right
        unmatched = np.ones(len(matches.row), bool)
        unmatched[found] = False
        aside = {*row[found[~is_right]].tolist()}
        aside |= {*row[unmatched & ~matches.fp_if_unmatched[a]].tolist()}
        yield f"set aside at {t, a}", aside, known["aside"][t, a]


def _precision(result: dm.Evaluation, known: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """AP of every class, threshold and range, and the means."""
    rules, curves = result.rules, result.curves
    sampled = rules.interpolation == "points"
    cells = curves.headline_precision.mean(axis=1) if sampled else curves.headline_area
    for (k, t, a), value in known["ap"].items():
        yield f"AP at {k, t, a}", float(cells[t, k, a]), value
    if "AP" in result.summary:
        yield "AP", result.summary["AP"], reference_rules.mean_ap(known, rules)


def _miss_rates(result: dm.Evaluation, known: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    images, columns = len(result.ground_truth.catalog.image_ids), result.class_columns()
    for a, area in enumerate(result.rules.area_ranges):
        name = "MR" if a == 0 else f"MR_{area.name}"
        for k, value in enumerate(columns[name].tolist() if name in columns else ()):
            objects, expected = known["truths"][k, a], math.nan
            if objects:
                right = [one == "tp" for one in known["verdicts"][k, 0, a] if one != "out"]
                expected = reference_metrics.miss_rate(
                    right, objects, images, result.rules.miss_rate
                )
            yield f"{name} of class {k}", value, expected


def _jaccard(
    truth: dm.GroundTruth, found: dm.Detections, result: dm.Evaluation
) -> Iterator[tuple[str, Any, Any]]:
    """Where few pairs are possible: the index lies between those of all greatest pairings."""
    columns = result.class_columns()
    images = len(truth.catalog.image_ids)
    pairs = np.bincount(truth.image, minlength=images) * np.bincount(found.image, minlength=images)
    few = pairs.max() <= FEW_PAIRS
    for k, value in enumerate(columns["JI"].tolist() if few and "JI" in columns else ()):
        low, high = reference_metrics.jaccard_bounds(truth, found, result.rules, k)
        if low is None:
            yield f"JI of class {k}", value, math.nan
        else:
            yield f"JI of class {k}", min(max(value, low), high), value


FEW_PAIRS = 9  # of an image: all subsets of them are tried


def _olrp(
    truth: dm.GroundTruth, found: dm.Detections, result: dm.Evaluation
) -> Iterator[tuple[str, Any, Any]]:
    columns = result.class_columns()
    for k in range(len(truth.catalog.category_ids)):
        known = reference_metrics.optimal_lrp(truth, found, result.rules, k)
        if known is None:
            yield f"oLRP of class {k}", float(columns["oLRP"][k]), math.nan
            continue
        yield f"oLRP of class {k}", float(columns["oLRP"][k]), known["oLRP"]


def _compared(scene: Scene) -> int:
    with quiet():
        truth, found, rules = _given(scene)
        result = dm.evaluate(truth, found, rules)
        known = reference_rules.evaluate(truth, found, rules)
        told = itertools.chain(_verdicts(result, known), _precision(result, known))
        if "mr" in rules.metrics or "mr_area" in rules.metrics:
            told = itertools.chain(told, _miss_rates(result, known))
        if "ji" in rules.metrics:
            told = itertools.chain(told, _jaccard(truth, found, result))
        if "olrp" in rules.metrics:
            told = itertools.chain(told, _olrp(truth, found, result))
        return sum(_same(*one) for one in told)


def _same(name: str, mine: Any, other: Any) -> int:
    if isinstance(mine, set):
        if mine != other:
            raise Different(f"{name}: {sorted(mine)}, expected {sorted(other)}")
        return max(1, len(mine))
    if math.isnan(mine) != math.isnan(other) or abs(mine - other) > CLOSE:
        raise Different(f"{name}: {mine!r}, expected {other!r}")
    return 1


FAMILIES = {
    "loops-voc": ("voc2007", "voc2012"),
    "loops-olrp": ("olrp",),
    "loops-pedestrians": ("citypersons", "crowdhuman"),
    "loops-kitti": ("kitti", "kitti-r11"),
    "loops-openimages": ("openimages", "openimages-challenge"),
    "loops-lvis": ("lvis", "lvis-fixed"),
    "loops-ultralytics": ("ultralytics", "ultralytics-2025"),
    "loops-torchmetrics": ("torchmetrics", "coco"),
}
LOOPS = (
    *(
        Comparison(name=name, made=_under(*rules), compared=_compared)
        for name, rules in FAMILIES.items()
    ),
    Comparison(name="loops-any", made=_any, compared=_compared),
)
