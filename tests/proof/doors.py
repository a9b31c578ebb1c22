"""The same data through every way in: all cells are those of two COCO JSON files, bit for bit."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import detmetrics as dm
from detmetrics.metrics.curves import Curves
from proof.generator import boxes_scene, code_of, masks_scene, settings_of
from proof.pycocotools_sets import agree, measured, original, quiet, rules_of
from proof.scenes import Comparison, Different, Scene
from proof.tables import boxes_of, frame_of, named, tables_of

__all__ = ["DOORS"]

Row = dict[str, Any]
PIXELS = dm.Reading(gt_coordinates="pixels", det_coordinates="pixels", decimal="point")


def _made(seed: int) -> Scene:
    return named(boxes_scene(np.random.default_rng(seed), most=40))


def _made_masks(seed: int) -> Scene:
    return masks_scene(np.random.default_rng(seed))


# --- tables and programs -------------------------------------------------------------------------


def _arrays(scene: Scene, rules: dm.Rules) -> Any:
    return dm.evaluate(*tables_of(scene), rules).arrays()


def _frame(scene: Scene, rules: dm.Rules) -> Any:
    import pandas as pd

    truth, _ = tables_of(scene)
    box = boxes_of(scene.found)
    names = {"image_id": "image_id", "category_id": "category_id", "score": "score"}
    columns = {name: [row[name] for row in scene.found] for name in names}
    boxes = {name: box[:, place] for place, name in enumerate("xywh")}
    frame = pd.DataFrame({**columns, **boxes})
    return dm.evaluate(
        truth, dm.Detections.from_frame(frame, catalog=truth.catalog), rules
    ).arrays()


def _metric(scene: Scene, rules: dm.Rules) -> Any:
    """In batches, dealt to processes, each stored and read back, and merged in some order."""
    rng = np.random.default_rng(len(scene.found) + 1000 * len(scene.truth["annotations"]))
    images, classes = frame_of(scene)
    label = {one: place for place, one in enumerate(classes)}
    parts = [dm.DetectionMetric([*classes.values()], rules, "xywh") for _ in range(3)]
    for batch in np.array_split(rng.permutation(len(images)), rng.integers(1, len(images) + 1)):
        chosen = [[*images][place] for place in batch]
        predictions, targets = (
            [_of_image(rows, image, label, fields) for image in chosen]
            for rows, fields in (
                (scene.found, {"scores": "score"}),
                (scene.truth["annotations"], {"iscrowd": "iscrowd", "ignore": "ignore"}),
            )
        )
        parts[rng.integers(3)].update([images[one] for one in chosen], predictions, targets)
    merged = dm.DetectionMetric([*classes.values()], rules, "xywh")
    for place in rng.permutation(3):
        merged.merge(dm.DetectionMetric.from_bytes(parts[place].to_bytes()))
    return merged.compute().arrays()


def _of_image(rows: list[Row], image: Any, label: dict[Any, int], fields: dict[str, str]) -> Row:
    here = [row for row in rows if row["image_id"] == image]
    found: Row = {name: [row.get(key, 0) for row in here] for name, key in fields.items()}
    if "iscrowd" in fields:
        found["area"] = [row.get("area", row["bbox"][2] * row["bbox"][3]) for row in here]
    return {**found, "boxes": boxes_of(here), "labels": [label[row["category_id"]] for row in here]}


def _shuffled(scene: Scene, rules: dm.Rules) -> Any:
    """Rows, images and classes in another order; rows of one image and class keep theirs, as it
    decides between equal scores and equal overlaps."""
    rng = np.random.default_rng(len(scene.found))
    truth = {name: [rows[at] for at in rng.permutation(len(rows))] for name, rows in
             scene.truth.items() if name != "annotations"}  # fmt: skip
    annotations = _dealt(rng, scene.truth["annotations"])
    moved = Scene(
        truth={**truth, "annotations": annotations}, found=_dealt(rng, scene.found),
        settings=scene.settings,
    )  # fmt: skip
    return measured(moved, rules).arrays()


def _dealt(rng: np.random.Generator, rows: list[Row]) -> list[Row]:
    waiting: dict[Any, list[Row]] = {}
    for row in rows:
        waiting.setdefault((row["image_id"], row["category_id"]), []).append(row)
    order = rng.permutation([place for place, group in enumerate(waiting.values()) for _ in group])
    groups = [iter(group) for group in waiting.values()]
    return [next(groups[place]) for place in order]


def _merged(scene: Scene, rules: dm.Rules) -> Any:
    """Three parts of the images, each measured by itself."""
    tables = tables_of(scene)
    rng = np.random.default_rng(len(scene.found) + 1)
    known = tables[0].catalog.image_ids
    owner = rng.integers(0, 3, len(known))
    parts = [
        dm.evaluate(*tables, rules, images=known[owner == n].tolist()).matching
        for n in rng.permutation(np.unique(owner))
    ]
    curves = Curves(dm.merge_matches(parts))
    limits = rules.max_detections
    return {
        "precision": np.stack([curves.precision(limit) for limit in limits], axis=-1),
        "recall": curves.recall,
        "scores": np.stack([curves.scores(limit) for limit in limits], axis=-1),
    }


# --- files ---------------------------------------------------------------------------------------


def _csv(scene: Scene, rules: dm.Rules) -> Any:
    def write(path: str, columns: dict[str, list[Any]]) -> None:
        with open(path, "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file, delimiter=";" if len(scene.found) % 2 else ",")
            table.writerow(columns)
            table.writerows(zip(*columns.values(), strict=True))

    return _tabular(scene, rules, "csv", write)


def _parquet(scene: Scene, rules: dm.Rules) -> Any:
    import pyarrow as arrow
    from pyarrow import parquet

    def write(path: str, columns: dict[str, list[Any]]) -> None:
        parquet.write_table(arrow.table(columns), path)

    return _tabular(scene, rules, "parquet", write)


def _tabular(
    scene: Scene, rules: dm.Rules, suffix: str, write: Callable[[str, dict[str, list[Any]]], None]
) -> Any:
    images, _ = frame_of(scene)
    rows = scene.truth["annotations"]
    truth = _columns(scene, rows)
    truth |= {name: [row.get(name, 0) for row in rows] for name in ("iscrowd", "ignore")}
    truth["area"] = [row.get("area", row["bbox"][2] * row["bbox"][3]) for row in rows]
    empty = [name for one, name in images.items() if all(row["image_id"] != one for row in rows)]
    for column in truth:
        truth[column] += empty if column == "image" else [None] * len(empty)
    found = _columns(scene, scene.found) | {"score": [row["score"] for row in scene.found]}
    with tempfile.TemporaryDirectory() as folder, quiet():
        paths = [str(Path(folder, f"{side}.{suffix}")) for side in ("truth", "found")]
        for path, columns in zip(paths, (truth, found), strict=True):
            write(path, columns)
        return dm.evaluate(*paths, rules, reading=PIXELS).arrays()


def _columns(scene: Scene, rows: list[Row]) -> dict[str, list[Any]]:
    images, classes = frame_of(scene)
    box = boxes_of(rows)
    return {
        "image": [images[row["image_id"]] for row in rows],
        "class": [classes[row["category_id"]] for row in rows],
        **{name: box[:, place].tolist() for place, name in enumerate("xywh")},
    }


def _compact(seed: int) -> Scene:
    """Every class and image has an object, so that tables without lists of them tell them all."""
    return _with_all_classes(boxes_scene(np.random.default_rng(seed), most=40))


def _with_all_classes(scene: Scene) -> Scene:
    known = [row["category_id"] for row in scene.truth["annotations"]]
    lacking = [one for one in scene.truth["categories"] if one["id"] not in known]
    some = scene.truth["images"][0]["id"]
    more = [
        {"id": 10**6 + n, "image_id": some, "category_id": one["id"], "bbox": [1.5, 2.0, 32.0, 4.0]}
        for n, one in enumerate(lacking)
    ]
    annotations = [*scene.truth["annotations"], *more]
    return named(scene.replace(truth={**scene.truth, "annotations": annotations}))


def _exact(seed: int) -> Scene:
    """Coordinates in eighths within images whose sides are powers of two: shares are exact."""
    rng = np.random.default_rng(seed)
    many, kinds = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    images = [
        {"id": n, "width": int(w), "height": int(h)}
        for n, (w, h) in enumerate(rng.choice([128, 256, 512], (many, 2)), start=1)
    ]
    classes = [{"id": n, "name": str(n)} for n in range(1, kinds + 1)]

    def rows(count: int) -> list[Row]:
        box = rng.integers([0, 0, 8, 8], [256, 256, 512, 512], (count, 4)) / 8
        if rng.random() < 0.5:  # on a coarse grid, so that they meet
            box = np.round(box / 16) * 16 + [0, 0, 16, 16]
        return [
            {"image_id": image, "category_id": category, "bbox": one}
            for image, category, one in zip(
                rng.integers(1, many + 1, count).tolist(),
                rng.integers(1, kinds + 1, count).tolist(),
                box.tolist(),
                strict=True,
            )
        ]

    annotations, found = rows(int(rng.integers(1, 30))), rows(int(rng.integers(1, 60)))
    for number, row in enumerate(annotations):
        row["id"] = number
    levels = rng.choice([8, 1000])
    for row in found:
        row["score"] = float((rng.integers(0, levels) + 0.5) / levels)
    truth = {"images": images, "categories": classes, "annotations": annotations}
    return _with_all_classes(Scene(truth=truth, found=found, settings=settings_of(rng)))


def _yolo(scene: Scene, rules: dm.Rules) -> Any:
    images, classes = frame_of(scene)
    number = {one: place for place, one in enumerate(classes)}
    size = {one["id"]: (one["width"], one["height"]) for one in scene.truth["images"]}

    def line(row: Row) -> str:
        wide, high = size[row["image_id"]]
        x, y, w, h = row["bbox"]
        shares = (x + w / 2) / wide, (y + h / 2) / high, w / wide, h / high
        behind = [repr(row["score"])] if "score" in row else []
        return " ".join([str(number[row["category_id"]]), *map(repr, shares), *behind])

    with tempfile.TemporaryDirectory() as folder, quiet():
        for side, rows in (("truth", scene.truth["annotations"]), ("found", scene.found)):
            _write_lines(Path(folder, side), images.values(), _by_image(scene, rows, line))
        Path(folder, "truth", "classes.txt").write_text("".join(f"{k}\n" for k in classes.values()))
        sizes = Path(folder, "sizes.csv")
        sizes.write_text("image,width,height\n" + "".join(
            f"{images[one]},{wide},{high}\n" for one, (wide, high) in size.items()))  # fmt: skip
        reading = dm.Reading(
            gt_format="yolo", det_format="yolo", columns="class cx cy w h score",
            image_sizes=str(sizes),
        )  # fmt: skip
        return dm.evaluate(f"{folder}/truth", f"{folder}/found", rules, reading=reading).arrays()


def _voc(scene: Scene, rules: dm.Rules) -> Any:
    """XML beside a file of text an image, or a file a class."""
    images, classes = frame_of(scene)
    per_class = len(scene.found) % 2 == 0
    with tempfile.TemporaryDirectory() as folder, quiet():
        truth, found = Path(folder, "truth"), Path(folder, "found")
        truth.mkdir()
        for one in scene.truth["images"]:
            rows = [r for r in scene.truth["annotations"] if r["image_id"] == one["id"]]
            (truth / f"{one['file_name'][:-4]}.xml").write_text(_xml(one, rows, classes))

        def line(row: Row) -> str:
            image, name = images[row["image_id"]][:-4], classes[row["category_id"]]
            head = [image if per_class else name, repr(row["score"])]
            return " ".join([*head, *map(repr, _corners(row))])

        if per_class:
            lines: dict[str, list[str]] = {name: [] for name in classes.values()}
            for row in scene.found:
                lines[classes[row["category_id"]]].append(line(row))
            _write_lines(found, [], {f"comp4_det_test_{k}": v for k, v in lines.items()})
            reading = dm.Reading(det_format="comp4")
        else:
            _write_lines(found, images.values(), _by_image(scene, scene.found, line))
            reading = dm.Reading(det_format="text", columns="class score xmin ymin xmax ymax")
        return dm.evaluate(str(truth), str(found), rules, reading=reading).arrays()


def _xml(image: Row, rows: Iterable[Row], classes: dict[Any, str]) -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        f"<object><name>{classes[row['category_id']]}</name>"
        f"<difficult>{row.get('iscrowd', 0)}</difficult><bndbox>"
        + "".join(f"<{n}>{v!r}</{n}>" for n, v in zip(names, _corners(row), strict=True))
        + "</bndbox></object>"
        for row in rows
    )
    return (
        f"<annotation><filename>{image['file_name']}</filename><size><width>{image['width']}"
        f"</width><height>{image['height']}</height></size>{objects}</annotation>"
    )


def _corners(row: Row) -> tuple[float, ...]:
    x, y, w, h = row["bbox"]
    return x, y, x + w, y + h


def _by_image(scene: Scene, rows: list[Row], line: Callable[[Row], str]) -> dict[str, list[str]]:
    images, _ = frame_of(scene)
    lines: dict[str, list[str]] = {name[:-4]: [] for name in images.values()}
    for row in rows:
        lines[images[row["image_id"]][:-4]].append(line(row))
    return lines


def _write_lines(folder: Path, images: Iterable[str], lines: dict[str, list[str]]) -> None:
    folder.mkdir()
    for stem in {**dict.fromkeys(name[:-4] for name in images), **lines}:
        (folder / f"{stem}.txt").write_text("".join(f"{one}\n" for one in lines.get(stem, [])))


# --- comparisons ---------------------------------------------------------------------------------


def _door(name: str, through: Callable[[Scene, dm.Rules], Any], made: Any = _made) -> Comparison:
    def compared(scene: Scene) -> int:
        rules = rules_of(scene.settings)
        with quiet():
            return agree(through(scene, rules), measured(scene, rules).arrays())

    return Comparison(name=name, made=made, compared=compared)


def _drop_in(scene: Scene) -> int:
    """The stand-in for pycocotools beside pycocotools, matched cell by cell or all at once."""
    from detmetrics.compat import measured as ways
    from detmetrics.compat.pycocotools import COCO, COCOeval

    theirs, count = original(scene, "bbox"), 0
    for few in (0, 10**6):
        with (
            mock.patch.object(ways, "FEW", few),
            quiet(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            count += agree(original(scene, "bbox", COCO, COCOeval), theirs, f"up to {few}: ")
    return count


def _masks_drop_in(scene: Scene) -> int:
    from detmetrics.compat.pycocotools import COCO, COCOeval

    with quiet():
        return agree(original(scene, "segm", COCO, COCOeval), original(scene, "segm"))


def _masks_metric(scene: Scene) -> int:
    """Run lengths of masks in batches; without boxes on either side, areas are those of masks."""
    bare = [{name: value for name, value in row.items() if name != "bbox"} for row in scene.found]
    rules = rules_of(scene.settings, shape="mask")
    frame = {one["id"]: (one["width"], one["height"]) for one in scene.truth["images"]}
    label = {one: n for n, one in enumerate(sorted(c["id"] for c in scene.truth["categories"]))}
    metric = dm.DetectionMetric([str(n) for n in label], rules, shape="mask")

    def of_image(rows: list[Row], image: int, fields: dict[str, str]) -> Row:
        here = [row for row in rows if row["image_id"] == image]
        codes = [code_of(row["segmentation"], *frame[image]) for row in here]
        numbers = [label[row["category_id"]] for row in here]
        told = {name: [row.get(key, 0) for row in here] for name, key in fields.items()}
        return {**told, "masks": codes, "labels": numbers}

    given = {"iscrowd": "iscrowd"}
    rows = scene.truth["annotations"]
    if all("area" in row for row in rows):
        given["area"] = "area"
    else:
        rows = [{name: value for name, value in row.items() if name != "area"} for row in rows]
        scene = scene.replace(truth={**scene.truth, "annotations": rows})
    with quiet():
        for image in sorted(frame):
            metric.update([image], [of_image(bare, image, {"scores": "score"})],
                          [of_image(rows, image, given)])  # fmt: skip
        return agree(metric.compute().arrays(), measured(scene.replace(found=bare), rules).arrays())


def _refused(scene: Scene) -> int:
    """A number that is none, at any place: every way in refuses it."""
    if not scene.found:
        return 0
    rng = np.random.default_rng(len(scene.found))
    row, bad = int(rng.integers(len(scene.found))), float(rng.choice([np.nan, np.inf, -np.inf]))
    place = int(rng.integers(5))
    changed = {**scene.found[row], "bbox": [*scene.found[row]["bbox"]]}
    if place < 4:
        changed["bbox"][place] = bad
    else:
        changed["score"] = bad
    scene = scene.replace(found=[*scene.found[:row], changed, *scene.found[row + 1 :]])
    rules = rules_of(scene.settings)
    ways = {"json": lambda *told: measured(*told), "arrays": _arrays, "frame": _frame,
            "metric": _metric, "csv": _csv, "parquet": _parquet}  # fmt: skip
    for name, way in ways.items():
        try:
            with quiet():
                way(scene, rules)
        except dm.InputError:
            continue
        raise Different(f"{name}: {bad} at place {place} of row {row} is taken")
    return len(ways)


DOORS = (
    _door("door-arrays", _arrays),
    _door("door-frame", _frame),
    _door("door-metric", _metric),
    _door("door-shuffled", _shuffled),
    _door("door-merged", _merged),
    _door("door-csv", _csv, _compact),
    _door("door-parquet", _parquet, _compact),
    _door("door-yolo", _yolo, _exact),
    _door("door-voc", _voc, _exact),
    Comparison(name="door-drop-in", made=_made, compared=_drop_in),
    Comparison(name="door-masks-drop-in", made=_made_masks, compared=_masks_drop_in),
    Comparison(name="door-masks-metric", made=_made_masks, compared=_masks_metric),
    Comparison(name="door-refused", made=_compact, compared=_refused),
)
