"""Large files of every kind that is read, right and with faults, for ``refusals.py``.

Of each kind there is a file (or a folder of files) that is right, and beside it one for each fault
in its last row, in the middle, and in all rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

IMAGES, CLASSES = 500, 20
WIDTH, HEIGHT = 640, 480
PLACES = ("last", "middle", "all")
NAMES = tuple(f"class{number:02d}" for number in range(CLASSES))

Change = Callable[[bytes], bytes]
Record = Callable[[int, Any], str]


@dataclass(frozen=True)
class Kind:
    """Records of a format, what joins them, and what can be wrong with one.

    files: of how many files it is, each with as many records; 0 for one file that is no folder;
    whole: what is wrong with the text of the (last) file as a whole.
    """

    name: str
    side: str
    suffix: str
    record: Callable[[int, np.ndarray], str]
    head: bytes = b""
    between: bytes = b""
    tail: bytes = b""
    files: int = 0
    file_name: Callable[[int], str] = str
    faults: Mapping[str, Change] = field(default_factory=dict)
    whole: Mapping[str, Change] = field(default_factory=dict)


def put(old: str, new: str) -> Change:
    """Another text in place of the first that a pattern of bytes finds."""
    pattern = re.compile(old.encode())
    return lambda record: pattern.sub(new.encode(), record, count=1)


def cut_off(text: bytes) -> bytes:
    """The end is missing, as of a copy that was stopped."""
    return text[: len(text) - len(text) // 50 - 7]


# --- records -------------------------------------------------------------------------------------


def coco_result(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    return (
        f'{{"image_id": {row % IMAGES + 1}, "category_id": {row % CLASSES + 1}, '
        f'"bbox": [{x:.2f}, {y:.2f}, {w:.2f}, {h:.2f}], "score": {score:.6f}}}'
    )


def coco_mask(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    corners = f"{x:.1f}, {y:.1f}, {x + w:.1f}, {y:.1f}, {x + w:.1f}, {y + h:.1f}"
    return (
        f'{{"image_id": {row % IMAGES + 1}, "category_id": {row % CLASSES + 1}, '
        f'"segmentation": [[{corners}]], '
        f'"bbox": [{x:.2f}, {y:.2f}, {w:.2f}, {h:.2f}], "score": {score:.6f}}}'
    )


def coco_object(row: int, box: np.ndarray) -> str:
    x, y, w, h, _ = box
    return (
        f'{{"id": {row + 1}, "image_id": {row % IMAGES + 1}, "category_id": {row % CLASSES + 1}, '
        f'"bbox": [{x:.2f}, {y:.2f}, {w:.2f}, {h:.2f}], "area": {w * h:.2f}, "iscrowd": 0}}'
    )


def csv_row(row: int, box: np.ndarray) -> str:
    numbers = ",".join(f"{value:.4f}" for value in box)
    return f"{row % IMAGES:06d}.jpg,{NAMES[row % CLASSES]},{numbers}\n"


def open_images_row(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    sides = x / WIDTH, (x + w) / WIDTH, y / HEIGHT, (y + h) / HEIGHT
    numbers = ",".join(f"{value:.6f}" for value in sides)
    return f"{row % IMAGES:06d},/m/{NAMES[row % CLASSES]},{numbers},{score:.6f}\n"


def yolo_line(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    sides = (x + w / 2) / WIDTH, (y + h / 2) / HEIGHT, w / WIDTH, h / HEIGHT, score
    return f"{row % CLASSES} {' '.join(f'{value:.6f}' for value in sides)}\n"


def text_line(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    return f"{NAMES[row % CLASSES]} {score:.6f} {x:.2f} {y:.2f} {x + w + 20:.2f} {y + h + 20:.2f}\n"


def comp4_line(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    return f"{row % IMAGES:06d} {score:.6f} {x:.4f} {y:.4f} {x + w:.4f} {y + h:.4f}\n"


def dota_line(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    xs, ys = (x + 5, x + w, x + w - 5, x), (y, y + 5, y + h, y + h - 5)
    numbers = " ".join(f"{a:.2f} {b:.2f}" for a, b in zip(xs, ys, strict=True))
    return f"P{row % IMAGES:04d} {score:.6f} {numbers}\n"


def kitti_line(row: int, box: np.ndarray) -> str:
    x, y, w, h, score = box
    return (
        f"{('Car', 'Pedestrian')[row % 2]} -1 -1 -10 {x:.2f} {y:.2f} {x + w:.2f} {y + h:.2f} "
        f"-1 -1 -1 -1000 -1000 -1000 -10 {score:.6f}\n"
    )


def voc_object(row: int, box: np.ndarray) -> str:
    x, y, w, h, _ = box
    sides = "".join(
        f"<{name}>{value:.0f}</{name}>"
        for name, value in zip(
            ("xmin", "ymin", "xmax", "ymax"), (x + 1, y + 1, x + w + 2, y + h + 2), strict=True
        )
    )
    return (
        f"<object><name>{NAMES[row % CLASSES]}</name><pose>Left</pose><truncated>0</truncated>"
        f"<difficult>0</difficult><bndbox>{sides}</bndbox></object>\n"
    )


# --- kinds ---------------------------------------------------------------------------------------

JSON_FAULTS: dict[str, Change] = {
    "text in bbox": put(r'"bbox": \[[^,]+', '"bbox": ["left"'),
    "three numbers in bbox": put(r'("bbox": \[[^,]+, [^,]+, [^,]+), [^]]+', r"\1"),
    "key missing": put(r'"category_id": \d+, ', ""),
    "list as id": put(r'"image_id": \d+', '"image_id": [1]'),
    "text as id": put(r'"image_id": (\d+)', r'"image_id": "x\1"'),
    "NaN": put(r'"bbox": \[[^,]+', '"bbox": [NaN'),
    "1e999": put(r'"bbox": \[[^,]+', '"bbox": [1e999'),
    "unknown image": put(r'"image_id": (\d+)', r'"image_id": 99\g<1>99'),
    "unknown class": put(r'"category_id": (\d+)', r'"category_id": 99\g<1>99'),
    "negative width": put(r'("bbox": \[[^,]+, [^,]+), ', r"\1, -"),
    "key twice": put(r'"image_id": (\d+)', r'"image_id": \1, "image_id": 7\1'),
    "no object": put(r".*", "7"),
}
RESULT_FAULTS = {
    **JSON_FAULTS,
    "text as score": put(r'"score": [^}]+', '"score": "high"'),
    "infinite score": put(r'"score": [^}]+', '"score": 1e999'),
    "surrogate": put(r'"score"', r'"note": "\\ud800", "score"'),
}
TRUTH_FAULTS = {
    **JSON_FAULTS,
    "text as area": put(r'"area": [^,]+', '"area": "big"'),
    "infinite area": put(r'"area": [^,]+', '"area": 1e999'),
    "id twice": put(r'"id": \d+', '"id": 1'),
}
JSON_WHOLE: dict[str, Change] = {
    "cut off": cut_off,
    "comma too many": lambda text: (
        text[: text.rindex(b"}]") + 1] + b"," + text[text.rindex(b"}]") + 1 :]
    ),
    "more behind": lambda text: text + b"[]",
    "no UTF-8": lambda text: text[:-200] + b"\xff" + text[-199:],
    "zero byte": lambda text: text[:-200] + b"\0" + text[-199:],
}
MASK_FAULTS = {
    **RESULT_FAULTS,
    "text as mask": put(r'"segmentation": \[\[[^]]+\]\]', '"segmentation": "no"'),
    "five numbers": put(r'"segmentation": \[\[([^,]+, [^,]+),', r'"segmentation": [[\1],['),
    "box missing": put(r'"bbox": \[[^]]+\], ', ""),
    "no box or mask": put(r'"segmentation.*"bbox": \[[^]]+\], ', ""),
}


def numbers_faults(separator: str, first: int) -> dict[str, Change]:
    """Of rows of words: the first number is column ``first``."""

    def changed(column: int, new: Callable[[bytes], bytes]) -> Change:
        def change(record: bytes) -> bytes:
            words = record.rstrip(b"\n").split(separator.encode())
            words[column] = new(words[column])
            return separator.encode().join(words) + b"\n"

        return change

    def fewer(record: bytes) -> bytes:
        return separator.encode().join(record.rstrip(b"\n").split(separator.encode())[:-1]) + b"\n"

    def more(record: bytes) -> bytes:
        return record.rstrip(b"\n") + separator.encode() + b"1\n"

    return {
        "text as number": changed(first + 1, lambda _: b"left"),
        "nan": changed(first + 1, lambda _: b"nan"),
        "inf": changed(first + 1, lambda _: b"inf"),
        "huge": changed(first + 1, lambda _: b"1e30"),
        "long number": changed(first + 1, lambda word: word + b"12345678901234"),
        "negative": changed(first + 2, lambda word: b"-" + word),
        "unknown name": changed(
            0, lambda word: b"99" + word + b"x" if word[:1].isalpha() else b"99" + word
        ),
        "a column less": fewer,
        "a column more": more,
        "comma": changed(first + 1, lambda word: word.replace(b".", b",")),
    }


LINES_WHOLE: dict[str, Change] = {
    "cut off": cut_off,
    "zero byte": lambda text: text[:-50] + b"\0" + text[-49:],
    "no UTF-8": lambda text: text[:-50] + b"\xff" + text[-49:],
    "quote open": lambda text: (
        text[: text[:-1].rindex(b"\n") + 1] + b'"' + text[text[:-1].rindex(b"\n") + 1 :]
    ),
}
SECTIONS = (
    '{"images": ['
    + ", ".join(
        f'{{"id": {n + 1}, "file_name": "{n:06d}.jpg", "width": {WIDTH}, "height": {HEIGHT}}}'
        for n in range(IMAGES)
    )
    + '], "categories": ['
    + ", ".join(f'{{"id": {n + 1}, "name": "{name}"}}' for n, name in enumerate(NAMES))
    + '], "annotations": ['
).encode()
CSV_FAULTS = numbers_faults(",", 2)
COMP4_FAULTS = numbers_faults(" ", 1)
CSV_HEAD = b"image,class,x,y,w,h,score\n"
OPEN_HEAD = b"ImageID,LabelName,XMin,XMax,YMin,YMax,Score\n"
VOC_HEAD = f"<annotation><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>\n".encode()
VOC_FAULTS = {
    "text as number": put(r"<xmin>[^<]+", "<xmin>left"),
    "number missing": put(r"<xmin>[^<]+</xmin>", ""),
    "nan": put(r"<xmin>[^<]+", "<xmin>nan"),
    "swapped": put(r"<xmax>[^<]+", "<xmax>-5"),
    "no class": put(r"<name>[^<]+</name>", ""),
    "no number as flag": put(r"<difficult>0", "<difficult>maybe"),
    "open": put(r"</bndbox>", ""),
}


def an_image(number: int) -> str:
    """The name of a text file for each image."""
    return f"{number:06d}.txt"


def json_kind(
    name: str, record: Record, faults: Mapping[str, Change], head: bytes = b"[", tail: bytes = b"]"
) -> Kind:
    """A list in JSON."""
    side = "found" if head == b"[" else "truth"
    return Kind(name, side, ".json", record, head, b",\n ", tail, faults=faults, whole=JSON_WHOLE)


def lines_kind(
    name: str,
    record: Record,
    first: int,
    files: int = IMAGES,
    file_name: Callable[[int], str] = an_image,
) -> Kind:
    """A folder of text files; first: the column of the first number."""
    faults = numbers_faults(" ", first)
    return Kind(name, "found", "", record, b"", b"", b"", files, file_name, faults, LINES_WHOLE)


def table_kind(name: str, record: Record, head: bytes) -> Kind:
    """A text table with a heading."""
    return Kind(name, "found", ".csv", record, head, faults=CSV_FAULTS, whole=LINES_WHOLE)


KINDS = (
    json_kind("coco", coco_result, RESULT_FAULTS),
    json_kind("masks", coco_mask, MASK_FAULTS),
    json_kind("coco truth", coco_object, TRUTH_FAULTS, SECTIONS, b"]}"),
    table_kind("csv", csv_row, CSV_HEAD),
    table_kind("open images", open_images_row, OPEN_HEAD),
    lines_kind("yolo", yolo_line, 1),
    lines_kind("text", text_line, 2),
    lines_kind("comp4", comp4_line, 1, CLASSES, lambda n: f"comp4_det_test_{NAMES[n]}.txt"),
    lines_kind("dota", dota_line, 1, CLASSES, lambda n: f"Task1_{NAMES[n]}.txt"),
    lines_kind("kitti", kitti_line, 4),
    Kind(
        "voc",
        "truth",
        "",
        voc_object,
        VOC_HEAD,
        tail=b"</annotation>\n",
        files=IMAGES,
        file_name=lambda n: f"{n:06d}.xml",
        faults=VOC_FAULTS,
        whole={name: LINES_WHOLE[name] for name in ("cut off", "zero byte", "no UTF-8")},
    ),
)


# --- writing -------------------------------------------------------------------------------------


def records_of(kind: Kind, size: int) -> list[bytes]:
    """Records of so many bytes together; boxes are random, the same in every run."""
    random = np.random.default_rng(1)
    length = len(kind.record(0, np.full(5, 50.0)).encode()) + len(kind.between)
    count = max(size // length, 2 * max(kind.files, 1))
    low, high = np.array([0, 0, 2, 2, 0]), np.array([400, 300, 200, 150, 1])
    boxes = low + random.random((min(count, 50_000), 5)) * (high - low)
    rows = boxes[np.arange(count) % len(boxes)]
    return [kind.record(row, box).encode() for row, box in enumerate(rows.tolist())]


def write(kind: Kind, records: Sequence[bytes], path: Path, whole: Change | None = None) -> None:
    """A file, or a folder of files, of these records."""

    def text(own: Sequence[bytes]) -> bytes:
        return kind.head + kind.between.join(own) + kind.tail

    if not kind.files:
        path.write_bytes(whole(text(records)) if whole else text(records))
        return
    path.mkdir()
    each = -(-len(records) // kind.files)
    for number in range(kind.files):
        content = text(records[number * each : (number + 1) * each])
        last = number == kind.files - 1
        (path / kind.file_name(number)).write_bytes(whole(content) if whole and last else content)


def changed(records: Sequence[bytes], place: str, change: Change) -> list[bytes]:
    """With a fault in the last record, in the middle one, or in all."""
    found = list(records)
    if place == "all":
        return [*map(change, found)]
    at = len(found) - 1 if place == "last" else len(found) // 2
    found[at] = change(found[at])
    return found


def written(folder: Path, kind: Kind, size: int) -> Iterator[dict[str, Any]]:
    """Write one case after the other; whoever takes them may remove each."""
    records = records_of(kind, size)
    base = folder / kind.name.replace(" ", "_")

    def case(name: str, fault: str, place: str) -> dict[str, Any]:
        return {
            "kind": kind.name,
            "side": kind.side,
            "fault": fault,
            "place": place,
            "path": f"{base}_{name}{kind.suffix}",
        }

    right = case("right", "", "")
    write(kind, records, Path(right["path"]))
    yield right
    for number, (fault, change) in enumerate(kind.faults.items()):
        for place in PLACES:
            wrong = case(f"{number}_{place}", fault, place)
            write(kind, changed(records, place, change), Path(wrong["path"]))
            yield wrong
    for fault, whole in kind.whole.items():
        wrong = case(fault.replace(" ", "_"), fault, "whole")
        write(kind, records, Path(wrong["path"]), whole)
        yield wrong
