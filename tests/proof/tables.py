"""Scenes as what detmetrics takes: columns, and names in the order of ids."""

from __future__ import annotations

from typing import Any

import numpy as np

import detmetrics as dm
from proof.scenes import Scene

__all__ = ["boxes_of", "columns_of", "frame_of", "named", "tables_of"]


def named(scene: Scene) -> Scene:
    """Names of images and classes that sort as their ids do, for formats that have no ids."""
    renamed = {}
    for side, stem in (("images", "im%05d"), ("categories", "k%05d")):
        known = sorted(scene.truth[side], key=lambda one: one["id"])
        renamed[side] = {one["id"]: stem % place for place, one in enumerate(known)}
    truth = {
        "images": [
            {**one, "file_name": renamed["images"][one["id"]] + ".jpg"}
            for one in scene.truth["images"]
        ],
        "categories": [
            {**one, "name": renamed["categories"][one["id"]]} for one in scene.truth["categories"]
        ],
        "annotations": scene.truth["annotations"],
    }
    return scene.replace(truth=truth)


def frame_of(scene: Scene) -> tuple[dict[Any, str], dict[Any, str]]:
    """The file name of each image and the name of each class, by id, in the order of ids."""
    images, classes = (
        sorted(scene.truth[side], key=lambda one: one["id"]) for side in ("images", "categories")
    )
    return (
        {one["id"]: one["file_name"] for one in images},
        {one["id"]: one["name"] for one in classes},
    )


def boxes_of(rows: list[dict[str, Any]]) -> np.ndarray:
    """(n, 4) x y w h."""
    return np.array([row["bbox"] for row in rows], float).reshape(-1, 4)


def columns_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns that both sides have."""
    return {
        "image_ids": [row["image_id"] for row in rows],
        "categories": [row["category_id"] for row in rows],
        "boxes": boxes_of(rows),
    }


def tables_of(scene: Scene) -> tuple[dm.GroundTruth, dm.Detections]:
    """Both sides from arrays."""
    images, classes = scene.truth["images"], scene.truth["categories"]
    catalog = dm.Catalog.from_ids(
        images=[one["id"] for one in images],
        categories=[one["id"] for one in classes],
        category_names=[one["name"] for one in classes],
        image_sizes=[(one["width"], one["height"]) for one in images],
    )
    rows = scene.truth["annotations"]
    attributes = sorted({name for row in rows for name in row if name in ATTRIBUTES})
    truth = dm.GroundTruth.from_arrays(
        **columns_of(rows),
        areas=[row.get("area", np.nan) for row in rows],
        crowd=[row.get("iscrowd", 0) for row in rows],
        ignore=[row.get("ignore", 0) for row in rows],
        difficult=[row.get("difficult", 0) for row in rows],
        attributes={name: [row.get(name, np.nan) for row in rows] for name in attributes},
        catalog=catalog,
    )
    scores = [row["score"] for row in scene.found]
    return truth, dm.Detections.from_arrays(
        **columns_of(scene.found), scores=scores, catalog=catalog
    )


ATTRIBUTES = ("visibility", "occlusion", "truncation")
