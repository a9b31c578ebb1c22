"""Folders of files and the commands that read them: what ``mutations.py`` breaks."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from samples import IMAGES, KITTI, KITTI_FOUND, SAMPLES
from training_logs import LOGS

import detmetrics as dm
from detmetrics.datasets.conversion import targets

__all__ = ["Input", "inputs"]

FIXTURES = Path(__file__).parents[2] / "fixtures"

RULES = """base = "coco"
iou_thresholds = [0.5, 0.75]
max_detections = [1, 100]
area_ranges = { low = { low = 0, high = 64, of = "height" }, wide = { low = 0, high = 1e5 } }
metrics = ["ap", "ap_area", "ar"]
"""
LISTS = {
    "--image-list": ("list.txt", "100\n107\n114\n"),
    "--images": ("images.csv", "image\n100\n107\n"),
    "--class-names": ("names.txt", "person\nbicycle\ncar\nbus\ndog\n"),
}
OF_OPEN_IMAGES = {
    "--image-sizes": ("sizes.csv", "image,width,height\na.jpg,640,480\nb.jpg,100,80\n"),
    "--hierarchy": (
        "tree.json",
        '{"LabelName": "/m/0", "Subcategory": [{"LabelName": "/m/01"}, {"LabelName": "/m/02"}]}',
    ),
    "--image-labels": (
        "labels.csv",
        "ImageID,Source,LabelName,Confidence\na,verification,/m/01,1\nb,verification,/m/02,0\n",
    ),
}
IN_SHARES = ("yolo", "openimages")
SIZES = {"sizes.csv": b"image,width,height\na,100,80\nb,100,80\n"}
SLICES = b"image,weather\n100,rain\n107,sun\n114,\n"
JSON = ("--json", "out/r.json")
VIEWS = (*JSON, "--csv", "out/r.csv", "--markdown", "out/r.md")
BOTH = {
    "evaluate": VIEWS,
    "errors": VIEWS,
    "reconcile": VIEWS,
    "thresholds": ("-o", "out/t.json", *JSON),
    "check": JSON,
    "report": ("-o", "out/report.html"),
    "plot": ("--kind", "pr", "-o", "out/pr.svg"),
}
ALONE = {"check": JSON, "stats": JSON, "split": ("-o", "out/parts")}


class Input(NamedTuple):
    """files: by their path; broken: those that may be; argv: of the command."""

    name: str
    files: Mapping[str, bytes]
    broken: tuple[str, ...]
    argv: tuple[str, ...]


class Side(NamedTuple):
    """A file or folder, and what is in it."""

    path: str
    files: Mapping[str, bytes]


def inputs() -> list[Input]:
    """Every reader and every command, on files that they take."""
    return [*_of_samples(), *_of_formats(), *_of_options(), *_of_logs()]


def _of_samples() -> Iterator[Input]:
    """A side by itself, as tests/fuzz/samples.py has it."""
    for name, sample in SAMPLES.items():
        held = {**sample.extra, **sample.files}
        files = {f"in/{path}": content for path, content in held.items()}
        broken = tuple(f"in/{path}" for path in sample.files)
        path = f"in/{sample.name}" if sample.name else "in"
        asked = ("--det-format", sample.format, "--columns", sample.columns)
        asked = asked if sample.columns else ()
        if sample.format in IN_SHARES and sample.side == "found":
            files, asked = {**files, **SIZES}, (*asked, "--image-sizes", *SIZES)
        if sample.side == "truth":
            for command, options in ALONE.items():
                yield Input(f"{name}, {command}", files, broken, (command, path, *options))
        to = "csv" if sample.side == "truth" else "coco"
        side = "ground-truth" if sample.side == "truth" else "detections"
        argv = ("convert", path, "out/made", "--to", to, "--side", side, *asked)
        yield Input(f"{name}, convert", files, broken, argv)


def _of_formats() -> Iterator[Input]:
    """Both sides as convert writes the fixtures, in every format, through every command."""
    truths, founds = _written("ground-truth"), _written("detections")
    for place, (name, truth) in enumerate(truths.items()):
        found = founds.get(name) or founds["coco"]
        files = {**truth.files, **found.files}
        for command, options in BOTH.items():
            argv = (command, truth.path, found.path, *options)
            yield Input(f"{name}, {command}", files, tuple(files), argv)
        argv = ("compare", truth.path, found.path, found.path, "--resamples", "20", *JSON)
        yield Input(f"{name}, compare", files, tuple(files), argv)
        argv = ("gate", truth.path, found.path, found.path, "--resamples", "20", *JSON)
        yield Input(f"{name}, gate", files, tuple(files), argv)
        argv = ("plan", truth.path, found.path, found.path, "--resamples", "20", *JSON)
        yield Input(f"{name}, plan", files, tuple(files), argv)
        to = targets()[place % len(targets())]
        argv = ("convert", truth.path, "out/made", "--to", to)
        yield Input(f"{name}, convert to {to}", truth.files, tuple(truth.files), argv)


def _written(side: str) -> dict[str, Side]:
    """The first images of the fixtures in every format that has a writer, and packed."""
    truth, found = _small()
    made = {}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = Path(scratch, "truth.json"), Path(scratch, "found.json")
        for path, content in zip(paths, (truth, found), strict=True):
            path.write_text(json.dumps(content))
        detected = side == "detections"
        beside = {"ground_truth": paths[0]} if detected else {}
        for name in targets():
            try:
                dm.convert(paths[detected], Path(scratch, name), to=name, **beside)
            except dm.DetmetricsError:  # it has no writer of this side
                continue
            made[name] = _read(Path(scratch, name), f"{side}/{name}")
    packed = f"{side}/coco.json.gz"
    whole = made["coco"].files[f"{side}/coco"]
    return {**made, "packed": Side(packed, {packed: gzip.compress(whole, mtime=0)})}


def _small() -> tuple[dict, list[dict]]:
    """Four images of the fixtures; every class that is detected has an object."""
    whole = json.loads((FIXTURES / "ground_truth.json").read_text())
    images = whole["images"][:4]
    known = {one["id"] for one in images}

    def here(rows: list[dict]) -> list[dict]:
        return [row for row in rows if row["image_id"] in known][:40]

    annotations = here(whole["annotations"])
    classes = {row["category_id"] for row in annotations}
    found = here(json.loads((FIXTURES / "detections.json").read_text()))
    truth = {**whole, "images": images, "annotations": annotations}
    return truth, [row for row in found if row["category_id"] in classes]


def _read(target: Path, name: str) -> Side:
    if target.is_file():
        return Side(name, {name: target.read_bytes()})
    files = {
        f"{name}/{path.relative_to(target)}": path.read_bytes()
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }
    return Side(name, files)


def _of_options() -> Iterator[Input]:
    """Files that options name: rules, lists, sizes, names, hierarchies."""
    files = {f"{name}.json": json.dumps(content).encode() for name, content in
             zip(("truth", "found"), _small(), strict=True)}  # fmt: skip
    both = tuple(files)
    rules = {"mine.toml": RULES.encode()}
    argv = ("evaluate", *both, "--rules", "mine.toml", *JSON)
    yield Input("rules", {**files, **rules}, tuple(rules), argv)
    yield Input("rules shown", rules, tuple(rules), ("rules", "show", "mine.toml"))
    for option, (name, text) in LISTS.items():
        argv = ("evaluate", *both, option, name, *JSON)
        yield Input(option, {**files, name: text.encode()}, (name,), argv)
    boxes = {"a.csv": IMAGES.encode()}
    for option, (name, text) in OF_OPEN_IMAGES.items():
        argv = ("check", "a.csv", option, name, *JSON)
        yield Input(option, {**boxes, name: text.encode()}, (name,), argv)
    argv = ("slices", *both, "--slices-by", "slices.csv:weather", *VIEWS)
    yield Input("slices", {**files, "slices.csv": SLICES}, ("slices.csv", *both), argv)
    table = {"images.parquet": _in_parquet(SLICES)}
    argv = ("slices", *both, "--slices-by", "images.parquet:weather", *VIEWS)
    yield Input("slices of Parquet", {**files, **table}, tuple(table), argv)
    argv = ("evaluate", *both, "--image-list", "images.parquet", *JSON)
    yield Input("list in Parquet", {**files, **table}, tuple(table), argv)
    street = {"in/a.txt": KITTI.encode(), "res/a.txt": KITTI_FOUND.encode()}
    yield Input("kitti", street, tuple(street), ("evaluate", "in", "res", *VIEWS))


def _in_parquet(table: bytes) -> bytes:
    buffer = io.BytesIO()
    pd.read_csv(io.BytesIO(table)).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _of_logs() -> Iterator[Input]:
    for name, text in LOGS.items():
        file = "log.csv" if "epoch," in text else "log.json"
        role = ("--role", "val") if name == "detr" else ()
        argv = ("history", file, *role, *JSON, "--plot", "out/p.svg")
        yield Input(f"log {name}", {file: text.encode()}, (file,), argv)
