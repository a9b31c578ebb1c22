"""One small data set, and its files in every format, written out by hand and not by our writers."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

IMAGES = {"000001": (200, 100), "000002": (400, 300), "000012": (64, 64)}
CLASSES = ("cat", "dog", "no")

# image, class, xmin, ymin, xmax, ymax, difficult: powers of two keep shares exact.
OBJECTS = [
    ("000001", "cat", 20, 10, 120, 60, 0),
    ("000001", "dog", 100, 25, 150, 75, 0),
    ("000002", "cat", 0, 0, 200, 150, 0),
    ("000002", "no", 300, 75, 400, 300, 1),
]
# image, class, score, xmin, ymin, xmax, ymax
FOUND = [
    ("000001", "cat", 0.9, 21, 11, 119, 61),
    ("000001", "dog", 0.25, 50, 25, 150, 75),
    ("000001", "dog", 0.5, 102, 26, 150, 75),
    ("000002", "cat", 0.75, 10, 10, 190, 140),
    ("000002", "no", 0.6, 290, 80, 390, 290),
    ("000012", "cat", 0.125, 1, 2, 30, 33),
]


@dataclass(frozen=True)
class Data:
    """Paths of one data set in one format, and what a reader needs beside it."""

    path: Path
    options: dict


def png(width: int, height: int) -> bytes:
    """A valid PNG of one colour; only its header is ever read."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * ((width + 7) // 8)) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def centres(image: str, box: tuple) -> tuple[float, ...]:
    width, height = IMAGES[image]
    xmin, ymin, xmax, ymax = box
    return (
        (xmin + xmax) / 2 / width,
        (ymin + ymax) / 2 / height,
        (xmax - xmin) / width,
        (ymax - ymin) / height,
    )


def images(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in IMAGES.items():
        (folder / f"{name}.png").write_bytes(png(*size))
    return folder


def size_table(path: Path) -> Path:
    rows = "".join(f"{name}.png,{w},{h}\n" for name, (w, h) in IMAGES.items())
    path.write_text(f"image,width,height\n{rows}")
    return path


def _texts(folder: Path, rows, line) -> Path:
    folder.mkdir(parents=True)
    for image in IMAGES:
        own = "".join(f"{line(row)}\n" for row in rows if row[0] == image)
        (folder / f"{image}.txt").write_text(own)
    return folder


def coco_truth(root: Path) -> Path:
    number = {name: int(name) for name in IMAGES}
    content = {
        "images": [
            {"id": number[name], "file_name": f"{name}.png", "width": w, "height": h}
            for name, (w, h) in IMAGES.items()
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(CLASSES)],
        "annotations": [
            {
                "id": row,
                "image_id": number[image],
                "category_id": CLASSES.index(name),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": difficult,
            }
            for row, (image, name, x1, y1, x2, y2, difficult) in enumerate(OBJECTS, 1)
        ],
    }
    root.mkdir(parents=True, exist_ok=True)
    path = root / "truth.json"
    path.write_text(json.dumps(content))
    return path


def coco_found(root: Path) -> Path:
    rows = [
        {
            "image_id": int(image),
            "category_id": CLASSES.index(name),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for image, name, score, x1, y1, x2, y2 in FOUND
    ]
    root.mkdir(parents=True, exist_ok=True)
    path = root / "found.json"
    path.write_text(json.dumps(rows))
    return path


def yolo_truth(root: Path) -> Path:
    """Labels beside images, names in a YAML; the difficult object cannot be marked."""
    images(root / "images")
    folder = _texts(
        root / "labels",
        OBJECTS,
        lambda row: " ".join(map(repr, (CLASSES.index(row[1]), *centres(row[0], row[2:6])))),
    )
    (folder / "000012.txt").unlink()  # a background image has no label file
    (root / "data.yaml").write_text(f"path: .\nval: images\nnames: [{', '.join(CLASSES)}]\n")
    return root


def yolo_found(root: Path, order: str = "class cx cy w h score") -> Path:
    def line(row) -> str:
        cx, cy, w, h = centres(row[0], row[3:])
        known = {
            "class": CLASSES.index(row[1]),
            "score": row[2],
            "cx": cx,
            "cy": cy,
            "w": w,
            "h": h,
        }
        return " ".join(repr(known[name]) for name in order.split())

    return _texts(root / "predictions", FOUND, line)


def voc_truth(root: Path) -> Path:
    folder = root / "Annotations"
    folder.mkdir(parents=True)
    for image, (width, height) in IMAGES.items():
        objects = "".join(
            f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin>"
            f"<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for own, name, x1, y1, x2, y2, difficult in OBJECTS
            if own == image
        )
        (folder / f"{image}.xml").write_text(
            f"<annotation><filename>{image}.png</filename><size><width>{width}</width>"
            f"<height>{height}</height></size>{objects}</annotation>"
        )
    return folder


def comp4_found(root: Path) -> Path:
    folder = root / "results"
    folder.mkdir(parents=True)
    for name in CLASSES:
        lines = (
            f"{image} {score!r} {x1} {y1} {x2} {y2}\n"
            for image, own, score, x1, y1, x2, y2 in FOUND
            if own == name
        )
        (folder / f"comp4_det_test_{name}.txt").write_text("".join(lines))
    return folder


def text_truth(root: Path) -> Path:
    return _texts(
        root / "ground-truth",
        OBJECTS,
        lambda row: " ".join(map(str, row[1:6])) + (" difficult" if row[6] else ""),
    )


def text_found(root: Path) -> Path:
    return _texts(root / "detection-results", FOUND, lambda row: " ".join(map(str, row[1:])))


def csv_truth(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = ["image,class,xmin,ymin,xmax,ymax,difficult,image_width,image_height"]
    for image, size in IMAGES.items():
        own = [row for row in OBJECTS if row[0] == image] or [(image, *[""] * 6)]
        lines += [",".join(map(str, (*row, *size))) for row in own]
    path = root / "truth.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def csv_found(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = ["filename;label;confidence;left;top;right;bottom"]
    lines += [";".join(map(str, (f"{row[0]}.png", *row[1:]))) for row in FOUND]
    path = root / "found.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def parquet_truth(root: Path) -> Path:
    return _parquet(csv_truth(root), root / "truth.parquet", ",")


def parquet_found(root: Path) -> Path:
    return _parquet(csv_found(root), root / "found.parquet", ";")


def _parquet(table: Path, path: Path, separator: str) -> Path:
    import pandas as pd

    text = {"image": str, "filename": str}
    frame = pd.read_csv(table, sep=separator, dtype=text)
    frame.to_parquet(path)
    return path


def openimages_truth(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = [
        (
            "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,"
            "IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
        )
    ]
    for image, name, x1, y1, x2, y2, difficult in OBJECTS:
        w, h = IMAGES[image]
        box = (x1 / w, x2 / w, y1 / h, y2 / h)
        lines.append(",".join(map(str, (image, "x", name, 1, *box, 0, 0, difficult, 0, 0))))
    path = root / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def openimages_found(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    lines = ["ImageID,LabelName,Score,XMin,XMax,YMin,YMax"]
    for image, name, score, x1, y1, x2, y2 in FOUND:
        w, h = IMAGES[image]
        lines.append(",".join(map(str, (image, name, score, x1 / w, x2 / w, y1 / h, y2 / h))))
    path = root / "predictions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def ultralytics_found(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "image_id": int(image),
            "file_name": f"{image}.png",
            "category_id": CLASSES.index(name) + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "score": score,
        }
        for image, name, score, x1, y1, x2, y2 in FOUND
    ]
    path = root / "predictions.json"
    path.write_text(json.dumps(rows))
    return path


def kitti_truth(root: Path) -> Path:
    return _texts(
        root / "label_2",
        OBJECTS,
        lambda row: f"{row[1]} 0.00 0 -1.57 {' '.join(map(str, row[2:6]))} 1 1 1 0 0 9 0.1",
    )


def kitti_found(root: Path) -> Path:
    return _texts(
        root / "results",
        FOUND,
        lambda row: (
            f"{row[1]} -1 -1 -10 {' '.join(map(str, row[3:]))} "
            f"-1 -1 -1 -1000 -1000 -1000 -10 {row[2]!r}"
        ),
    )


TRUTHS = {
    "coco": coco_truth,
    "voc": voc_truth,
    "text": text_truth,
    "csv": csv_truth,
    "parquet": parquet_truth,
    "openimages": openimages_truth,
    "kitti": kitti_truth,
    "yolo": yolo_truth,
}
FOUNDS = {
    "coco": coco_found,
    "comp4": comp4_found,
    "kitti": kitti_found,
    "text": text_found,
    "csv": csv_found,
    "parquet": parquet_found,
    "openimages": openimages_found,
    "yolo": yolo_found,
    "ultralytics": ultralytics_found,
}
