"""VOC annotations: an XML file an image.

Boxes are corners in pixels that count from 1 and include their last pixel; they are kept as they
stand, floats too. ``difficult`` objects are marked, parts of objects are no objects. Entities
and external references are refused. Source: the VOC2007 development kit.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from detmetrics.formats.format import Format, Side
from detmetrics.formats.given import Given
from detmetrics.formats.metadata.class_names import listed_classes, names_of
from detmetrics.formats.metadata.image_sizes import sizes_of
from detmetrics.formats.reading import Reading
from detmetrics.formats.voc.elements import frames_in, plain
from detmetrics.formats.voc.image_sets import of_split, splits_of
from detmetrics.formats.voc.objects import Frame, frame_of, framed, number, text_of
from detmetrics.formats.writing.written import (
    Table,
    Written,
    by_image,
    image_stems,
    in_pixels,
    lost_areas,
    lost_attributes,
    lost_classes,
    renamed_images,
    safe_name,
)
from detmetrics.foundation.arrays import Floats, object_column
from detmetrics.foundation.errors import FormatError, OutputError
from detmetrics.foundation.messages import counted, printable, shown
from detmetrics.tables import Detections, GroundTruth
from detmetrics.tables.catalog import Catalog, Keys
from detmetrics.tables.sheets import Categories, Images, Sheet
from detmetrics.tables.sources import Source

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["FORMAT"]

TRUE = frozenset(("1", "true", "yes"))
FALSE = frozenset(("", "0", "false", "no", "unspecified", "none", "null"))
ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)[\"']")
ASCII_LIKE = frozenset((b"utf-8", b"utf8", b"ascii", b"us-ascii", b"iso-8859-1", b"latin-1"))
FIELDS = {"categories": "name", "boxes": "bndbox", "shapes": "polygon", "image_ids": "filename"}


@dataclass(slots=True)
class _Objects:
    """Objects of all files, as columns, and what was odd about them."""

    file: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    name: list[str] = field(default_factory=list)
    frame: list[Frame] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    without_box: int = 0
    odd_flags: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each object stands; files: names; file, number : (R,) the file and its object."""

    files: tuple[str, ...]
    file: Sequence[int]
    number: Sequence[int]

    def __call__(self, row: int) -> str:
        return f"{printable(self.files[self.file[row]])}: object {self.number[row]}"


def _recognise(given: Given, side: Side) -> str | None:
    if side != "ground truth":
        return None
    if given.is_folder:
        files = given.ending(".xml")
        if not files:
            return None
        contents, _ = given.contents(files[:1])
        return "a folder of VOC XML files" if _is_annotation(contents[0][:4096]) else None
    return "a VOC XML file" if _is_annotation(given.head[:4096]) else None


def _is_annotation(head: bytes) -> bool:
    text = head.replace(b"\0", b"")  # UTF-16, near enough for one ASCII word
    return re.search(rb"<annotation[\s>/]", text) is not None


def read_ground_truth(given: Given, reading: Reading) -> Sheet:
    """Ground truth of a folder of XML files, or of one.

    Raises:
        FormatError: a file that is no XML or no annotation, or a box without four numbers.
    """
    files, contents, read = _contents(given, reading)
    objects = _Objects()
    names, sizes = [], []
    for at, content in enumerate(contents):
        root = _parsed(content, printable(files[at]), objects)
        if root is not None:
            names.append(_image_name(root, files[at]))
            sizes.append(_size(root))
            _objects(root, at, printable(files[at]), objects)
        reading.on_progress((at + 1) / len(contents))
    if objects.faults:
        raise FormatError(given.path, objects.faults)
    ids = object_column([os.path.splitext(name)[0] for name in files])
    classes = sorted(set(objects.name))
    code_of = {name: code for code, name in enumerate(classes)}
    asked = names_of(reading.class_names)
    reading.mark("class_names")
    boxes, shapes, notes = framed(objects.frame, given.path, reading.angle)
    return Sheet(
        source=Source(
            name=given.path,
            input=read,
            fields=FIELDS,
            template="{field}",
            where=_Places(tuple(files), objects.file, objects.number),
        ),
        image=Keys(ids, np.array(objects.file, np.int64)),
        category=Keys(
            object_column(classes), np.array([code_of[name] for name in objects.name], np.int64)
        ),
        boxes=boxes,
        box_format="xyxy",
        shapes=shapes,
        difficult=np.array(objects.difficult, bool),
        images=Images(
            ids=ids,
            names=tuple(names),
            sizes=_known_or(np.array(sizes).reshape(-1, 2), names, reading),
            template="{row}",
        ),
        categories=listed_classes(Keys(object_column(classes)), asked, given.path)[1]
        or Categories(ids=object_column(classes), names=tuple(classes)),
        class_key="name",
        corners_inclusive=all(frame.box is not None for frame in objects.frame),
        notes=(*_notes(objects, given.path), *notes),
    )


def _contents(given: Given, reading: Reading) -> tuple[tuple[str, ...], Sequence[bytes], Any]:
    if not given.is_folder:
        data, read = given.content()
        return (os.path.basename(given.path),), [data], read
    files = given.ending(".xml")
    given.refuse_unreadable(lambda name: name.lower().endswith(".xml"))
    if not files:
        raise FormatError(given.path, ["expected a folder of .xml files, found none"])
    if reading.split is not None:
        reading.mark("split")
        files = of_split(given, files, reading.split)
    contents, read = given.contents(files)
    names = tuple(os.path.basename(name) for name in files)
    return names if len(set(names)) == len(names) else files, contents, read


def _parsed(content: bytes, file: str, objects: _Objects) -> Element | None:
    """The root of a document without entities, or a fault."""
    from xml.etree.ElementTree import XML

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        with warnings.catch_warnings():  # of codecs that nobody writes XML in
            warnings.simplefilter("ignore")
            root: Element = (
                XML(content) if _is_harmless(content) else fromstring(content, forbid_dtd=True)
            )
    except DefusedXmlException:
        objects.faults.append(f"{file}: a document type or an entity, which can do harm: refused")
    except ParseError as error:
        hint = "; the file ends early: was it cut off?" if "no element" in str(error) else ""
        objects.faults.append(f"{file}: not XML: {error}{hint}")
    except (ValueError, LookupError, RecursionError) as error:
        objects.faults.append(f"{file}: not XML that can be read: {error}")
    else:
        if root.tag == "annotation":
            return root
        objects.faults.append(f"{file}: expected <annotation>, got <{printable(root.tag[:80])}>")
    return None


def _is_harmless(content: bytes) -> bool:
    """Whether no entity can be declared, since nothing that declares anything is there.

    Then the parser of Python itself is as safe, and three times faster. Only encodings in which
    ``<!`` is written as in ASCII can be looked through like that.
    """
    if b"<!" in content or b"\0" in content:
        return False
    named = ENCODING.search(content[:200])
    return named is None or named[1].lower() in ASCII_LIKE


def _image_name(root: Element, file: str) -> str:
    """The file name inside, where it names the same image; copies often keep an old one."""
    stem = os.path.splitext(file)[0]
    name = text_of(root, "filename").replace("\\", "/").rpartition("/")[2]
    return name if os.path.splitext(name)[0] == stem else stem


def _size(root: Element) -> tuple[float, float]:
    width, height = (number(text_of(root, f"size/{side}")) for side in ("width", "height"))
    return (width, height) if 0 < width < 1e9 and 0 < height < 1e9 else (math.nan, math.nan)


def _known_or(sizes: Any, names: list[str], reading: Reading) -> Any:
    """Sizes of the XML, which many tools write as 0, filled from the images where they are."""
    if not np.isnan(sizes).any():
        return sizes
    return np.where(np.isnan(sizes), sizes_of(names, reading), sizes)


def _objects(root: Element, file_number: int, file: str, objects: _Objects) -> None:
    for order, node in enumerate(root.findall("object"), start=1):
        place = f"{file}: object {order}"
        frame = frame_of(node, place, objects.faults)
        if frame is None:
            objects.without_box += 1
            continue
        name = text_of(node, "name")
        if not name:
            objects.faults.append(f"{place}: name: expected a class, got nothing")
            continue
        flag = _flag(text_of(node, "difficult").lower(), objects)
        objects.file.append(file_number)
        objects.number.append(order)
        objects.name.append(name)
        objects.frame.append(frame)
        objects.difficult.append(flag)


def _flag(text: str, objects: _Objects) -> bool:
    if text in FALSE:
        return False
    if text in TRUE:
        return True
    objects.odd_flags += 1
    return False


def _notes(objects: _Objects, path: str) -> Iterator[str]:
    if objects.without_box:
        what = counted(objects.without_box, "object has", "objects have")
        yield f"{path}: {what} no bndbox: left out"
    if objects.odd_flags:
        what = counted(objects.odd_flags, "object")
        yield f"{path}: difficult is neither 0 nor 1 for {what}: taken for 0"


# --- writing -------------------------------------------------------------------------------------


def write_ground_truth(ground_truth: GroundTruth) -> Written:
    """An XML file an image; a crowd is written as difficult, the nearest that VOC has.

    Raises:
        OutputError: boxes are shares of images of unknown size, or names are no file names.
    """
    in_pixels(ground_truth)
    names = ground_truth.catalog.class_labels
    frames, masks = frames_in(ground_truth, _corners(ground_truth))
    columns = zip(
        ground_truth.category.tolist(),
        frames,
        (ground_truth.crowd | ground_truth.difficult).tolist(),
        strict=True,
    )
    objects = [_object(names[category], frame, marked) for category, frame, marked in columns]
    stems = image_stems(ground_truth.catalog)
    files = {
        f"{stems[image]}.xml": _document(
            ground_truth.catalog.image_names[image],
            ground_truth.catalog.image_sizes[image].tolist(),
            own,
        )
        for image, own in by_image(ground_truth, objects)
    }
    return Written(
        files,
        (
            *_lost(ground_truth),
            *_lost_shapes(ground_truth, masks),
            *renamed_images(ground_truth.catalog),
        ),
    )


def write_detections(detections: Detections) -> Written:
    """A text file a class, ``comp4_det_test_CLASS.txt``.

    Raises:
        OutputError: boxes are shares of images of unknown size, or names are no file names.
    """
    in_pixels(detections)
    stems = image_stems(detections.catalog)
    files: dict[str, list[str]] = {
        f"comp4_det_test_{safe_name(name, 'class')}.txt": []
        for name in detections.catalog.category_names
    }
    if len(files) < len(detections.catalog.category_names):
        raise OutputError("two classes share a name, and VOC has a file a class name")
    if any(re.search(r"\s", name) for name in stems):
        raise OutputError("an image name holds a space, which ends a name in VOC detections")
    lists = [*files.values()]
    columns = zip(
        detections.image.tolist(),
        detections.category.tolist(),
        detections.scores.tolist(),
        _corners(detections).tolist(),
        strict=True,
    )
    for image, category, score, box in columns:
        numbers = " ".join(map(repr, (score, *box)))
        lists[category].append(f"{stems[image]} {numbers}\n")
    written = {name: "".join(lines).encode() for name, lines in files.items()}
    shapes = 0 if detections.shapes is None else len(detections)
    return Written(
        written,
        (
            *_lost_ids(detections.catalog),
            *_boxes_alone(shapes),
            *renamed_images(detections.catalog),
        ),
    )


def _corners(table: Table) -> Floats:
    """(n, 4) corners; as they stand where the table has corners."""
    if table.box_format == "xyxy":
        return table.boxes
    boxes = table.xywh
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _object(name: str, frame: str, marked: bool) -> str:
    return (
        f"  <object>\n    <name>{_escaped(name)}</name>\n"
        f"    <difficult>{int(marked)}</difficult>\n"
        f"    {frame}\n  </object>\n"
    )


def _document(name: str, size: list[float], objects: list[str]) -> bytes:
    sides = zip(("width", "height"), size, strict=True)
    known = "".join(f"<{side}>{plain(value)}</{side}>" for side, value in sides)
    shape = "" if math.isnan(size[0]) else f"  <size>{known}<depth>3</depth></size>\n"
    return (
        f"<annotation>\n  <filename>{_escaped(name)}</filename>\n{shape}"
        f"{''.join(objects)}</annotation>\n"
    ).encode()


def _escaped(text: str) -> str:
    """Text for XML, which has no place for control characters.

    Raises:
        OutputError: it holds some.
    """
    if not text.isprintable():
        raise OutputError(f"{shown(text)} cannot stand in XML: nothing was written")
    for mark, name in (("&", "amp"), ("<", "lt"), (">", "gt")):
        text = text.replace(mark, f"&{name};")
    return text


def _lost(ground_truth: GroundTruth) -> Iterator[str]:
    yield from lost_attributes(ground_truth)
    if crowds := int((ground_truth.crowd & ~ground_truth.difficult).sum()):
        yield f"{counted(crowds, 'crowd is', 'crowds are')} written as difficult"
    if ignored := int(ground_truth.ignore.sum()):
        yield f"the ignore flag of {counted(ignored, 'object')}"
    yield from lost_classes(ground_truth, "VOC")
    yield from _lost_ids(ground_truth.catalog)
    yield from lost_areas(ground_truth)


def _lost_shapes(ground_truth: GroundTruth, masks: int) -> Iterator[str]:
    yield from _boxes_alone(masks)
    if ground_truth.natural == "mask" and masks < len(ground_truth):
        yield "pixels of masks: their polygons are written, which are measured as they are drawn"
    if ground_truth.natural == "oriented":
        around = ground_truth.shapes.hulls  # type: ignore[union-attr]
        if not np.allclose(around, _corners(ground_truth), rtol=1e-9, atol=1e-9):
            yield "boxes that are not those around their shapes, of oriented ones"


def _boxes_alone(shapes: int) -> Iterator[str]:
    if shapes:
        yield f"the shapes of {counted(shapes, 'object')}: the target has their upright boxes alone"


def _lost_ids(catalog: Catalog) -> Iterator[str]:
    if catalog.category_ids.dtype != object or catalog.image_ids.dtype != object:
        yield "ids of images and classes: VOC has the names alone"


FORMAT = Format(
    name="voc",
    title="VOC XML",
    recognise=_recognise,
    read_ground_truth=read_ground_truth,
    write_ground_truth=write_ground_truth,
    write_detections=write_detections,
    writes_outlines=True,
    splits=splits_of,
)
