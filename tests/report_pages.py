"""Reports to look at: of the example, with hostile names, and of a large scene."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

import detmetrics as dm
from detmetrics.foundation.arrays import object_column
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.polygons.polygons import Rectangles

TRUTH, FOUND = "fixtures/ground_truth.json", "fixtures/detections.json"
HOSTILE = (
    "</script><script>window.broken=1</script>",
    '" onmouseover="window.broken=1',
    "javascript:window.broken=1",
    "\u202egnp.exe\u2066",
    "x" * 10_000,
    "__proto__",
    "constructor",
    "<img src=x onerror=window.broken=1>",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
    "\u2028\u2029\x00\x1b[31m",
    "\ud800",
    "'; window.broken=1; '",
)


def example() -> dm.Evaluation:
    return dm.evaluate(TRUTH, FOUND)


def scene(
    images: int, classes: list[str], objects: int, extra: int, seed: int = 0
) -> dm.Evaluation:
    """Boxes at random places, each found a little off, and so many others an image."""
    rng = np.random.default_rng(seed)
    names = [f"{n:06}.jpg" for n in range(images)]
    catalog = dm.Catalog.from_ids(
        images=range(images),
        image_names=names,
        categories=range(1, len(classes) + 1),
        category_names=classes,
        image_sizes=np.full((images, 2), (640.0, 480.0)),
    )
    image = np.repeat(np.arange(images), objects)
    category = rng.integers(1, len(classes) + 1, len(image))
    corner = rng.uniform(0, 400, (len(image), 2))
    boxes = np.hstack([corner, rng.uniform(10, 80, (len(image), 2))])
    truth = dm.GroundTruth.from_arrays(
        image_ids=image, categories=category, boxes=boxes, catalog=catalog
    )
    more = images * extra
    off = np.hstack([rng.uniform(0, 400, (more, 2)), rng.uniform(10, 80, (more, 2))])
    found = dm.Detections.from_arrays(
        image_ids=np.concatenate([image, np.repeat(np.arange(images), extra)]),
        categories=np.concatenate([category, rng.integers(1, len(classes) + 1, more)]),
        boxes=np.vstack([boxes + rng.normal(0, 4, boxes.shape), off]).clip(1),
        scores=np.concatenate([rng.beta(4, 2, len(image)), rng.beta(1, 4, more)]),
        catalog=catalog,
    )
    return dm.evaluate(truth, found)


def of_shapes(kind: str, shape: str = "auto") -> dm.Evaluation:
    """Two oriented boxes (``kind="oriented"``) or two masks with a hole and a part (``"mask"``) on
    each of two images: one found a little off, one missed, and one detection of nothing.
    """
    make = {"oriented": _rectangles, "mask": _rings}[kind]
    truth = dm.GroundTruth.from_arrays(
        image_ids=["a", "a", "b", "b"],
        categories=["cat"] * 4,
        shapes=make([(60, 50), (200, 50), (60, 120), (200, 120)]),
        catalog=dm.Catalog.from_ids(
            images=["a", "b"], categories=["cat"], image_sizes=[[300.0, 200.0]] * 2
        ),
    )
    found = dm.Detections.from_arrays(
        image_ids=["a", "a", "b"],
        categories=["cat"] * 3,
        shapes=make([(62, 51), (110, 150), (57, 119)]),
        scores=[0.9, 0.8, 0.7],
        catalog=truth.catalog,
    )
    return dm.evaluate(truth, found, shape=shape)


def _rectangles(centres: list[tuple[int, int]]) -> Rectangles:
    sides = [(x, y, 40.0, 16.0, 0.1 * at + 0.4) for at, (x, y) in enumerate(centres)]
    return Rectangles.from_cxcywhr(np.array(sides))


def _rings(centres: list[tuple[int, int]]) -> Masks:
    from pycocotools import mask

    y, x = np.mgrid[:200, :300]
    codes = []
    for left, top in centres:
        far = np.hypot(x - left, y - top)
        pixels = ((far < 30) & (far > 12)) | (np.hypot(x - left - 45, y - top) < 8)
        codes.append(mask.encode(np.asfortranarray(pixels.astype(np.uint8))))
    return Masks(object_column(codes))


def hostile() -> dm.Evaluation:
    """Names of classes and images that try to be markup, code, or to steer text."""
    catalog = dm.Catalog.from_ids(
        images=[f"{n}{name}" for n, name in enumerate(HOSTILE)],
        image_names=HOSTILE,
        categories=range(1, len(HOSTILE) + 1),
        category_names=HOSTILE,
    )
    rows = np.arange(len(HOSTILE))
    boxes = np.tile([50.0, 60.0, 30.0, 20.0], (len(rows), 1))
    ids = [f"{n}{name}" for n, name in enumerate(HOSTILE)]
    truth = dm.GroundTruth.from_arrays(
        image_ids=ids, categories=rows + 1, boxes=boxes, catalog=catalog
    )
    found = dm.Detections.from_arrays(
        image_ids=ids * 2,
        categories=np.concatenate([rows + 1, np.roll(rows, 1) + 1]),
        boxes=np.vstack([boxes + 1, boxes]),
        scores=np.linspace(0.3, 0.9, 2 * len(rows)),
        catalog=catalog,
    )
    return dm.evaluate(truth, found)


def write_pictures(folder: Path) -> Path:
    """A picture of each image of the example: grey, with its name as a colour."""
    from PIL import Image

    folder.mkdir(exist_ok=True)
    for one in json.loads(Path(TRUTH).read_text())["images"]:
        colour = (one["id"] % 200, 90, 120)
        Image.new("RGB", (one["width"], one["height"]), colour).save(folder / one["file_name"])
    return folder


@dataclass
class Cell:
    """A cell of a table as it stands in the page."""

    text: str = ""
    value: float | None = None


@dataclass
class Parsed(HTMLParser):
    """Tables by name, every element with its attributes, and the data for the script."""

    tables: dict[str, list[list[Cell]]] = field(default_factory=dict)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    numbers: list[Cell] = field(default_factory=list)
    data: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._table = self._script = ""
        self._cell: Cell | None = None
        self._number: Cell | None = None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "script":
            self._script = given.get("id", "script")
        if tag == "table" and "data-table" in given:
            self._table = given["data-table"]
            self.tables[self._table] = []
        if tag == "tr" and self._table:
            self.tables[self._table].append([])
        if "data-v" in given:
            self._number = Cell(value=float(given["data-v"]))
            self.numbers.append(self._number)
        if tag in ("td", "th") and self._table and given.get("class") != "bars":
            self._cell = self._number if "data-v" in given else Cell()
            self.tables[self._table][-1].append(self._cell)

    def handle_endtag(self, tag):
        if tag == "table":
            self._table = ""
        if tag in ("td", "th"):
            self._cell = None
        if tag in ("td", "dd", "span", "p"):
            self._number = None
        if tag == "script":
            self._script = ""

    def handle_data(self, data):
        if self._script == "data":
            self.data += data
        for cell in {id(one): one for one in (self._cell, self._number) if one}.values():
            cell.text += data.strip()


def parsed(page: str) -> Parsed:
    found = Parsed()
    found.feed(page)
    found.close()
    return found
