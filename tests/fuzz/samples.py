"""Small valid inputs of every format, what mutates them, and the one outcome that is allowed."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as arrow
from pyarrow import parquet

import detmetrics as dm

BOXES = "0 0.5 0.5 0.2 0.2\n1 0.25 0.25 0.1 0.1\n0 0.7 0.7 0.25 0.125\n"
FOUND = "0 0.5 0.5 0.2 0.2 0.9\n1 0.25 0.25 0.1 0.1 0.8\n0 0.7 0.7 0.25 0.125 0.75\n"
POLYGON = "0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"
NAMES = "cat\ndog\n"
YAML = "# a data set\npath: .\nval: images\nnames:\n  0: cat\n  1: 'dog'\n"
LISTED = 'path: .\nval: [images]\ntrain: images\nnames: [cat, "dog"]\nnc: 2\n'
DARKNET = "classes = 2\nvalid = valid.txt\nnames = obj.names\nbackup = out/\n"
TEXT = "cat 10 10 50 50\ndog 20 20 90.5 80 difficult\n" + "cat 60 70 80 90\n" * 10
TEXT_FOUND = "cat 0.9 10 10 50 50\ndog 0.8 20 20 90.5 80\n" + "".join(
    f"cat 0.5 {n} {n}.5 {n + 9} {n + 8}\n" for n in range(60, 72)
)
COMP4 = "000001 0.9 10 10 50 50\n000002 0.8 20 20 90 80\n"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<annotation><filename>a.jpg</filename>
<size><width>100</width><height>80</height></size>
<object><name>cat</name><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>
<object><name>dog</name><difficult>1</difficult>
<bndbox><xmin>5</xmin><ymin>6</ymin><xmax>70</xmax><ymax>60</ymax></bndbox>
<part><name>head</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>
</object></annotation>
"""
CSV = """image,class,xmin,ymin,xmax,ymax,crowd,image_width,image_height
a.jpg,cat,1,2,30,40.5,0,100,80
"b.jpg","dog",5,6,70,60,1,100,80
c.jpg,,,,,,,100,80
"""
CSV_FOUND = """image;class;score;x;y;w;h
a.jpg;cat;0.9;1;2;30;40.5
b.jpg;dog;0,8;5;6;70;60
"""
IMAGES = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf
a,x,/m/01,1,0.1,0.5,0.2,0.6,0,0,0
b,x,/m/02,1,0.3,0.9,0.2,0.8,0,0,1
"""
IMAGES_FOUND = """ImageID,LabelName,Score,XMin,XMax,YMin,YMax
a,/m/01,0.9,0.1,0.5,0.2,0.6
b,/m/02,0.8,0.3,0.9,0.2,0.8
"""
PREDICTIONS = json.dumps(
    [
        {
            "image_id": name,
            "file_name": f"{name}.jpg",
            "category_id": number,
            "bbox": [1.0, 2.5, 30.125, 40.0],
            "score": 0.9 / number,
        }
        for number, name in enumerate(("a", "b"), start=1)
    ]
)
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}],
    }
)


def table(columns: Mapping[str, object], compression: str = "none") -> bytes:
    """A Parquet file of these columns."""
    target = io.BytesIO()
    parquet.write_table(arrow.table(dict(columns)), target, compression=compression)
    return target.getvalue()


ROWS = {
    "image": ["a.jpg", "b.jpg", "b.jpg"],
    "class": ["cat", "dog", "cat"],
    "xmin": [1.0, 5.0, 6.0],
    "ymin": [2, 6, 7],
    "xmax": [30.0, 70.0, 60.0],
    "ymax": [40.5, 60.0, 50.0],
}


KITTI = (
    "cat 0.00 0 1.85 1.5 2 30 40.5 1.6 1.7 3.7 -2.7 1.7 9.2 1.5\n"
    "dog 0.30 1 -0.2 10 20 70 60 1.6 1.7 3.7 -2.7 1.7 9.2 1.5\n"
    "DontCare -1 -1 -10 50 17 59 19 -1 -1 -1 -1000 -1000 -1000 -10\n"
)
KITTI_FOUND = (
    "cat -1 -1 1.85 1.5 2 30 40.5 1.6 1.7 3.7 -2.7 1.7 9.2 1.5 0.5\n"
    "dog -1 -1 -0.2 10 20 70 60 1.6 1.7 3.7 -2.7 1.7 9.2 1.5 0.25\n"
)

DOTA = (
    "imagesource:GoogleEarth\ngsd:0.14\n"
    "10.0 10.0 50.0 12.0 49.0 30.0 9.0 28.0 cat 0\n60 60 90.5 60 90.5 80 60 80 dog 2\n"
)
DOTA_FOUND = "a 0.9 10.0 10.0 50.0 12.0 49.0 30.0 9.0 28.0\nb 0.5 60 60 90.5 60 90.5 80 60 80\n"
OBB_FOUND = (
    "1 0.400376 0.715749 0.408635 0.69497 0.395132 0.686583 0.386873 0.707363 0.726237\n"
    "0 0.485623 0.549246 0.52174 0.516857 0.475271 0.435894 0.439154 0.468283 0.70108\n"
)
MASKS_FOUND = "0 0.392 0.67 0.388 0.675 0.38 0.68 0.5\n1 0.5 0.5 0.6 0.5 0.6 0.7 0.7 0.9 0.25\n"
TURNED_FOUND = "0 50 40 20 10 0.5 0.9\n1 30 30 10 10 -0.25 0.8\n"
OBB_PREDICTIONS = json.dumps(
    [
        {
            "image_id": name,
            "file_name": f"{name}.jpg",
            "category_id": number,
            "score": 0.9 / number,
            "rbox": [15.0, 11.0, 10.0, 2.0, 0.0],
            "poly": [10.0, 10.0, 20.0, 10.0, 20.0, 12.0, 10.0, 12.0],
        }
        for number, name in enumerate(("a", "b"), start=1)
    ]
)


class Sample(NamedTuple):
    """files: by name, ``""`` for a single file; extra: files that are needed but not mutated."""

    format: str
    side: str
    files: Mapping[str, bytes]
    name: str = ""
    extra: Mapping[str, bytes] = {}
    columns: str = ""


def _folder(**files: str) -> dict[str, bytes]:
    return {name.replace("__", "/") + ".txt": text.encode() for name, text in files.items()}


PICTURES = {"images/a.jpg": b"", "images/b.jpg": b"", "labels/a.txt": BOXES.encode()}

SAMPLES = {
    "yolo labels": Sample("yolo", "truth", _folder(a=BOXES, b=POLYGON, classes=NAMES)),
    "yolo predictions": Sample("yolo", "found", _folder(a=FOUND, b=FOUND)),
    "yolo predictions asked": Sample(
        "yolo", "found", _folder(a=FOUND, b=FOUND), columns="class cx cy w h score"
    ),
    "yolo oriented predictions": Sample("yolo", "found", _folder(a=OBB_FOUND, b=OBB_FOUND)),
    "yolo masks": Sample("yolo", "found", _folder(a=MASKS_FOUND, b=MASKS_FOUND)),
    "yolo angles": Sample(
        "yolo",
        "found",
        _folder(a=TURNED_FOUND, b=TURNED_FOUND),
        columns="class cx cy w h angle score",
    ),
    "dota": Sample("dota", "truth", _folder(a=DOTA, b=DOTA)),
    "dota detections": Sample("dota", "found", _folder(Task1_cat=DOTA_FOUND, Task1_dog=DOTA_FOUND)),
    "ultralytics oriented": Sample(
        "ultralytics", "found", {"predictions.json": OBB_PREDICTIONS.encode()}, "predictions.json"
    ),
    "data.yaml": Sample("yolo", "truth", {"data.yaml": YAML.encode()}, "data.yaml", PICTURES),
    "listed yaml": Sample("yolo", "truth", {"data.yaml": LISTED.encode()}, "data.yaml", PICTURES),
    "darknet": Sample(
        "yolo",
        "truth",
        {
            "obj.data": DARKNET.encode(),
            "obj.names": NAMES.encode(),
            "valid.txt": b"images/a.jpg\nimages/b.jpg\n",
        },
        "obj.data",
        PICTURES,
    ),
    "text": Sample("text", "truth", _folder(a=TEXT, b=TEXT)),
    "text detections": Sample("text", "found", _folder(a=TEXT_FOUND, b=TEXT_FOUND)),
    "text asked": Sample(
        "text",
        "found",
        _folder(a=TEXT_FOUND, b=TEXT_FOUND),
        columns="class score xmin ymin xmax ymax",
    ),
    "comp4": Sample("comp4", "found", _folder(comp4_det_test_cat=COMP4, comp4_det_test_dog=COMP4)),
    "kitti": Sample("kitti", "truth", _folder(a=KITTI, b=KITTI)),
    "kitti detections": Sample("kitti", "found", _folder(a=KITTI_FOUND, b=KITTI_FOUND)),
    "voc": Sample("voc", "truth", {"a.xml": XML.encode(), "b.xml": XML.encode()}),
    "voc file": Sample("voc", "truth", {"a.xml": XML.encode()}, "a.xml"),
    "csv": Sample("csv", "truth", {"a.csv": CSV.encode()}, "a.csv"),
    "csv detections": Sample("csv", "found", {"a.csv": CSV_FOUND.encode()}, "a.csv"),
    "tsv": Sample("csv", "truth", {"a.tsv": CSV.replace(",", "\t").encode()}, "a.tsv"),
    "parquet": Sample("parquet", "truth", {"a.parquet": table(ROWS)}, "a.parquet"),
    "parquet detections": Sample(
        "parquet",
        "found",
        {"a.parquet": table({**ROWS, "score": [0.5, 0.6, 0.7]}, "snappy")},
        "a.parquet",
    ),
    "openimages": Sample("openimages", "truth", {"a.csv": IMAGES.encode()}, "a.csv"),
    "openimages detections": Sample(
        "openimages", "found", {"a.csv": IMAGES_FOUND.encode()}, "a.csv"
    ),
    "ultralytics": Sample(
        "ultralytics", "found", {"predictions.json": PREDICTIONS.encode()}, "predictions.json"
    ),
    "coco": Sample("coco", "truth", {"a.json": COCO.encode()}, "a.json"),
    "sizes": Sample(
        "yolo",
        "truth",
        {"sizes.csv": b"image,width,height\na,640,480\nb.jpg,100,80\n"},
        "labels",
        PICTURES,
    ),
}

TOKENS = (
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e400", b"-1e400", b"1e30", b"-1", b"0x1F", b"1_000"),
    *(b"1e15", b"9" * 25, b"9" * 5000, b"18446744073709551615", b"9223372036854775808", b"0.5"),
    *(b"-", b"+", b".", b",", b";", b"|", b'"', b"'", b"\t", b" ", b"  ", b"\n", b"\r", b"\r\n"),
    *(b"\n\n", b"\0", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xe9", b"\xc2\xa0", b"\x85"),
    *(b"\xe2\x80\xa8", b"\x0b", b"\x1c", b"\x1b[31m", b"\xed\xa0\x80", b"\xf0\x9f\x90\xb1"),
    *(b"True", b"false", b"None", b"null", b"NA", b"difficult", b"0 0 0 0 0\n", b"cat", b"2", b"7"),
    *(b"&a ", b"*a", b"<<: ", b"!!python/name:os.system ", b"{", b"}", b"[", b"]", b": ", b"- "),
    *(
        b"| ",
        b"> ",
        b"%YAML 9.9\n",
        b"---\n",
        b"...\n",
        b"? ",
        b"# ",
        b'"\\UFFFFFFFF"',
        b'"\\ud800"',
    ),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&#0;", b"&#x110000;", b"<object>", b"</object>"),
    *(
        b"<![CDATA[",
        b"]]>",
        b"<?x?>",
        b"<!--",
        b"-->",
        b"<bndbox>",
        b"</bndbox>",
        b"encoding='utf-7'",
    ),
    *(
        b"image",
        b"class",
        b"score",
        b"xmin",
        b"x",
        b"../",
        b"/dev/null",
        b"=",
        b"PAR1",
        b"\x1f\x8b",
    ),
)


def mutate(data: bytes, chance: random.Random, times: int) -> bytes:
    """The same with so many accidents."""
    content = bytearray(data)
    for _ in range(times):
        if not content:
            break
        at = chance.randrange(len(content))
        to = min(len(content), at + chance.choice((1, 1, 2, 4, 8, 20, 60)))
        there = chance.randint(0, len(content))
        place, put = chance.choice(
            (
                (slice(at, at + 1), bytes([content[at] ^ 1 << chance.randrange(8)])),
                (slice(at, at + 1), chance.randbytes(1)),
                (slice(at, to), b""),
                (slice(there, there), content[at:to]),
                (slice(at, None), b"") if chance.random() < 0.3 else (slice(0, 0), b""),
                (slice(at, to), chance.choice(TOKENS)),
                (slice(at, at), chance.choice(TOKENS)),
                (_word(content, at), chance.choice(TOKENS)),
                (_word(content, at), chance.choice(TOKENS)),
            )
        )
        content[place] = put
    return bytes(content)


def _word(content: bytearray, at: int) -> slice:
    """The number or the name that stands there."""
    breaks = b" \t\r\n,;<>:\"'[]{}"
    first = last = at
    while first and content[first - 1] not in breaks:
        first -= 1
    while last < len(content) and content[last] not in breaks:
        last += 1
    return slice(first, last)


def lay(folder: Path, sample: Sample, files: Mapping[str, bytes]) -> Path:
    """The files on the disk, and which path to read."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in {**sample.extra, **files}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder / sample.name if sample.name else folder


def truth_of(sample: Sample) -> dm.GroundTruth:
    """Ground truth that the detections of the samples fit."""
    named = sample.format in ("text", "comp4", "dota", "kitti", "csv", "parquet", "ultralytics")
    classes = {"openimages": ["/m/01", "/m/02"]}.get(
        sample.format, ["cat", "dog"] if named else ["0", "1"]
    )
    numbered = sample.format in ("yolo", "ultralytics")
    images = {"comp4": ["000001", "000002"], "csv": ["a.jpg", "b.jpg"]}.get(
        sample.format, ["a.jpg", "b.jpg"] if sample.format == "parquet" else ["a", "b"]
    )
    catalog = dm.Catalog.from_ids(
        images=images,
        categories=[0, 1] if numbered else classes,
        category_names=classes,
        image_sizes=[[100, 80], [100, 80]],
    )
    return dm.GroundTruth.from_arrays(
        image_ids=images,
        categories=[*catalog.category_ids],
        boxes=[[1, 2, 30, 40]] * 2,
        catalog=catalog,
    )


def read(sample: Sample, path: Path, *, asked: bool = True) -> dm.GroundTruth | dm.Detections:
    """What the reader of the sample makes of a path."""
    sizes = path.parent / "sizes.csv" if "sizes.csv" in sample.files else None
    if sample.side == "truth":
        return dm.read_ground_truth(
            path,
            dm.Reading(gt_format=sample.format if asked else None, image_sizes=sizes),
        )
    return dm.read_detections(
        path,
        truth_of(sample),
        dm.Reading(det_format=sample.format if asked else None, columns=sample.columns),
    )


def settles(sample: Sample, path: Path, *, asked: bool = True) -> bool:
    """Whether it is read; if not it is refused, with a message for people."""
    try:
        table = read(sample, path, asked=asked)
    except dm.InputError as error:
        text = str(error)
        assert str(path.parent) in text or text.startswith("--columns"), text
        assert "\0" not in text, text
        assert "\x1b" not in text, text
        assert len(text) < 3_000, f"a message of {len(text)} characters"
        return False
    assert len(table.boxes) == len(table.image) == len(table.category)
    assert not len(table) or 0 <= table.image.min() <= table.image.max() < len(
        table.catalog.image_ids
    )
    assert not len(table) or 0 <= table.category.min() <= table.category.max() < len(
        table.catalog.category_ids
    )
    assert abs(table.boxes).max(initial=0) < 1e30
    return True
