"""Files of boxes in every format that is measured: ``format_data.py PART FOLDER``.

Beside the files lies a folder ``tiny`` with a few of the same kind, which a process reads before
it is timed, so that nothing is imported while it is. VOC2007 is the real set where it lies beside
this repository, and made up in the same size where it does not.
"""

from __future__ import annotations

import struct
import sys
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import workload
from workload import HEIGHT, WIDTH, Workload

VOC = Path(__file__).parent.parent.parent / "shared/data/voc2007"
ARCHIVES = {"small": "yolov2", "large": "yolov1_18_classes"}
VOC_SIZES = {"small": 111_247, "large": 631_583}
XML = """\
<annotation>
	<folder>VOC2007</folder>
	<filename>{name}.jpg</filename>
	<source>
		<database>The VOC2007 Database</database>
		<annotation>PASCAL VOC2007</annotation>
		<image>flickr</image>
		<flickrid>{name}</flickrid>
	</source>
	<owner>
		<flickrid>{name}</flickrid>
		<name>{name}</name>
	</owner>
	<size>
		<width>640</width>
		<height>480</height>
		<depth>3</depth>
	</size>
	<segmented>0</segmented>
{objects}</annotation>
"""
XML_OBJECT = """\
	<object>
		<name>{name}</name>
		<pose>Left</pose>
		<truncated>0</truncated>
		<difficult>{difficult}</difficult>
		<bndbox>
			<xmin>{0}</xmin>
			<ymin>{1}</ymin>
			<xmax>{2}</xmax>
			<ymax>{3}</ymax>
		</bndbox>
	</object>
"""


def voc_is_real() -> bool:
    """Whether the real VOC2007 set is at hand."""
    return VOC.is_dir()


# --- VOC -----------------------------------------------------------------------------------------


def voc(folder: Path) -> None:
    """``Annotations``, and in two sizes ``comp4_*`` (a file a class), ``text_*`` (an image)."""
    made_up_voc(folder / "tiny", 10, 60, 2, {"small": 1_000, "large": 1_000})
    if not voc_is_real():
        made_up_voc(folder, 4_952, 14_976, 20, VOC_SIZES)
        return
    with tarfile.open(VOC / "annotations_test.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    for size, name in ARCHIVES.items():
        with tarfile.open(VOC / f"detections/{name}.tar.gz") as archive:
            archive.extractall(folder / f"comp4_{size}", filter="data")
        an_image_each(folder / f"comp4_{size}", folder / f"text_{size}")


def an_image_each(source: Path, target: Path) -> None:
    """The same detections with a file an image: ``class score xmin ymin xmax ymax``.

    Real detectors now and then write a score above 1 or a right corner left of the left one, at
    which globox gives up; here those are put right, for all who read it.
    """
    lines: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.glob("*.txt")):
        label = path.stem.rpartition("_")[2]
        for line in path.read_text().splitlines():
            image, *words = line.split()
            score, left, top, right, bottom = map(float, words)
            if score > 1 or right < left or bottom < top:
                box = min(left, right), min(top, bottom), max(left, right), max(top, bottom)
                words = [f"{value:.6f}" for value in (min(score, 1.0), *box)]
            lines[image].append(" ".join((label, *words)) + "\n")
    write_files(target, lines)


def made_up_voc(
    folder: Path, images: int, objects: int, classes: int, sizes: dict[str, int]
) -> None:
    """The same kinds of files with made-up boxes."""
    for size, detections in sizes.items():
        work = workload.make(images, objects, classes, detections)  # the objects are the same
        if not (folder / "Annotations").exists():
            made_up_annotations(folder, work)
        lines: dict[str, list[str]] = defaultdict(list)
        boxes = (corners(work.boxes) + 1).tolist()
        rows = zip(
            work.image.tolist(), work.category.tolist(), work.scores.tolist(), boxes, strict=True
        )
        for image, category, score, box in rows:
            numbers = " ".join(f"{value:.6f}" for value in (score, *box))
            lines[f"comp4_det_test_class{category:02d}"].append(f"{image:06d} {numbers}\n")
        write_files(folder / f"comp4_{size}", lines)
        an_image_each(folder / f"comp4_{size}", folder / f"text_{size}")


def made_up_annotations(folder: Path, work: Workload) -> None:
    """An XML file an image."""
    objects: dict[int, list[str]] = {image: [] for image in work.image_ids.tolist()}
    boxes = (np.floor(corners(work.gt_boxes)) + 1).astype(int).tolist()
    rows = zip(
        work.gt_image.tolist(),
        work.gt_category.tolist(),
        boxes,
        work.gt_crowd.tolist(),
        strict=True,
    )
    for image, category, box, crowd in rows:
        name = f"class{category:02d}"
        objects[image].append(XML_OBJECT.format(*box, name=name, difficult=int(crowd)))
    (folder / "Annotations").mkdir(parents=True)
    for image, parts in objects.items():
        text = XML.format(name=f"{image:06d}", objects="".join(parts))
        (folder / f"Annotations/{image:06d}.xml").write_text(text)


# --- YOLO ----------------------------------------------------------------------------------------


def yolo(folder: Path) -> None:
    """7 labels and 100 predictions an image, and images that hold nothing but their size."""
    write_yolo(folder, workload.make(5_000, 35_000, 80, 500_000, even=True))
    write_yolo(folder / "tiny", workload.make(10, 70, 2, 1_000, even=True))


def write_yolo(folder: Path, work: Workload) -> None:
    """``labels``, ``predictions`` and ``pictures``, of which the names agree."""
    write_files(folder / "labels", yolo_lines(work.gt_image, work.gt_category, work.gt_boxes, None))
    write_files(
        folder / "predictions", yolo_lines(work.image, work.category, work.boxes, work.scores)
    )
    pictures(folder / "pictures", work)


def yolo_lines(
    image: np.ndarray, category: np.ndarray, boxes: np.ndarray, scores: np.ndarray | None
) -> dict[str, list[str]]:
    """``class cx cy w h [score]``, clipped to the image as Ultralytics does."""
    box = corners(boxes)
    shares = np.concatenate([(box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]], axis=1)
    shares /= [WIDTH, HEIGHT, WIDTH, HEIGHT]
    columns = shares if scores is None else np.column_stack([shares, scores])
    lines: dict[str, list[str]] = defaultdict(list)
    pattern = " ".join(["%d", *["%.6f"] * columns.shape[1]]) + "\n"
    rows = zip(image.tolist(), (category - 1).tolist(), columns.tolist(), strict=True)
    for number, label, values in rows:
        lines[f"{number:012d}"].append(pattern % (label, *values))
    return lines


def pictures(folder: Path, work: Workload) -> None:
    """A grey image of the right size for each image."""
    header = struct.pack(">2I5B", int(WIDTH), int(HEIGHT), 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + int(WIDTH) // 8) * int(HEIGHT)))
    picture = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")):
        check = zlib.crc32(kind + content)
        picture += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
    folder.mkdir(parents=True)
    for image in work.image_ids.tolist():
        (folder / f"{image:012d}.png").write_bytes(picture)


# --- tables --------------------------------------------------------------------------------------


def tables(folder: Path) -> None:
    """The workload of 500,000 as JSON, CSV, Parquet and Open Images CSV: ``truth``, ``found``."""
    write_tables(folder, workload.make())
    write_tables(folder / "tiny", workload.make(10, 70, 2, 1_000))


def write_tables(folder: Path, work: Workload) -> None:
    """Every format, and the images that globox wants beside Open Images CSV."""
    import pandas as pd

    truth, found = workload.write(work, folder)
    truth.rename(folder / "truth.json")
    found.rename(folder / "found.json")
    names = np.array([f"class {k}" for k in [0, *work.category_ids.tolist()]], dtype=object)
    files = np.array([f"{i:012d}.jpg" for i in [0, *work.image_ids.tolist()]], dtype=object)
    columns = ["x", "y", "w", "h"]
    objects = pd.DataFrame({"image": files[work.gt_image], "class": names[work.gt_category]})
    objects[columns] = work.gt_boxes
    objects["area"] = work.gt_area
    objects["crowd"] = work.gt_crowd.astype(int)
    empty = np.setdiff1d(work.image_ids, work.gt_image)
    objects = pd.concat([objects, pd.DataFrame({"image": files[empty]})])
    boxes = pd.DataFrame({"image": files[work.image], "class": names[work.category]})
    boxes[columns] = work.boxes
    boxes["score"] = work.scores
    for name, frame in (("truth", objects), ("found", boxes)):
        # An image without objects is a row without a box, and flags are whole numbers.
        frame = frame.astype({"crowd": "Int64"}) if "crowd" in frame else frame
        frame.to_csv(folder / f"{name}.csv", index=False)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    open_images(folder, work, names)
    pictures(folder / "pictures", work)


def open_images(folder: Path, work: Workload, names: np.ndarray) -> None:
    """Open Images CSV; it cannot say that an image is empty, so nothing is found on those.

    Its predictions have a ``Score``; globox takes it from ``Confidence``.
    """
    known = np.isin(work.image, work.gt_image)
    sides = {
        "truth": (work.gt_image, work.gt_category, work.gt_boxes, np.ones(len(work.gt_image))),
        "found": (work.image[known], work.category[known], work.boxes[known], work.scores[known]),
    }
    for side, (image, category, boxes, scores) in sides.items():
        shares = corners(boxes) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
        rows = zip(image.tolist(), names[category], scores.tolist(), shares.tolist(), strict=True)
        head = "ImageID,LabelName,Confidence,XMin,YMin,XMax,YMax"
        lines = [head + (",Score\n" if side == "found" else "\n")]
        lines += [
            f"{i:012d}.png,{name},{score:g},{a:.6f},{b:.6f},{c:.6f},{d:.6f}"
            + (f",{score:g}\n" if side == "found" else "\n")
            for i, name, score, (a, b, c, d) in rows
        ]
        (folder / f"{side}_openimages.csv").write_text("".join(lines))


# --- both ----------------------------------------------------------------------------------------


def corners(boxes: np.ndarray) -> np.ndarray:
    """(R, 4) left, top, right, bottom, clipped to the image."""
    ends = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return np.clip(ends, 0.0, [WIDTH, HEIGHT, WIDTH, HEIGHT])


def write_files(folder: Path, lines: dict[str, list[str]]) -> None:
    """A text file for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in lines.items():
        (folder / f"{name}.txt").write_text("".join(texts))


PARTS: dict[str, Callable[[Path], None]] = {
    "voc": voc,
    "yolo": yolo,
    "tables": tables,
    "reconcile": voc,
    "intervals": voc,
}


def main() -> None:
    """Write what the command line names."""
    part, folder = sys.argv[1:3]
    PARTS[part](Path(folder))


if __name__ == "__main__":
    main()
