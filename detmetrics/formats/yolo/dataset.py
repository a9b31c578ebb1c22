"""Where the labels, images and class names of a YOLO data set lie.

Source: ``ultralytics/data/utils.py``, ``check_det_dataset`` and ``img2label_paths``; for ``.data``
and ``.names`` files, Darknet.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from detmetrics.formats.given import Given
from detmetrics.formats.lines.text_folder import box_files, refuse_unreadable_lines, stems
from detmetrics.formats.metadata.class_names import YAML_SUFFIXES, read_names, read_yaml, yaml_names
from detmetrics.formats.metadata.image_sizes import IMAGE_SUFFIXES, ImageFiles
from detmetrics.formats.metadata.splits import DataSplit
from detmetrics.formats.presence import (
    LINKED_FOLDER,
    is_there,
    obstacle,
    obstacle_above,
    refuse_unreadable,
)
from detmetrics.formats.reading import Reading
from detmetrics.formats.yolo.keypoints import keypoint_numbers
from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import counted, shown

__all__ = [
    "LabelSet",
    "data_file",
    "label_set",
    "lies_elsewhere",
    "name_files_around",
    "names_in",
    "splits_of",
]

NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "data.yaml", "dataset.yaml")
SPLITS = ("val", "valid", "validation", "test", "train")


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Label files by the id of their image, None for images without one; paths from ``root``.

    keypoints: how many numbers of each line are those of keypoints, where a data set says so.
    """

    root: Given
    files: Mapping[str, str | None]
    images: ImageFiles
    names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = field(default=())
    keypoints: int = 0


def data_file(given: Given) -> str | None:
    """The file that describes a whole data set, if the folder holds one."""
    names = given.ending("data.yaml", "data.yml", "dataset.yaml", ".data")
    return next(filter(_describes, names), None)


def _describes(name: str) -> bool:
    """Whether a file of this name describes a data set."""
    low = name.lower()
    return low in ("data.yaml", "data.yml", "dataset.yaml") or (
        "/" not in low and low.endswith(".data") and "obj" in low
    )


def label_set(given: Given, reading: Reading) -> LabelSet:
    """The label files of a folder, or of a data set by its ``data.yaml`` or ``.data`` file.

    Raises:
        FormatError: files or folders that are named and not there or cannot be read, or nothing
            that holds labels.
    """
    if not given.is_folder:
        return _data_set(given.path, reading)
    given.refuse_unreadable(_describes)
    if found := data_file(given):
        return _data_set(given.join(found), reading)
    refuse_unreadable_lines(given)
    paths = dict(zip(stems(box_files(given)), box_files(given), strict=True))
    if not paths:
        raise FormatError(given.path, ["expected a folder of .txt files, found none"])
    if len(paths) < len(box_files(given)):
        kept = {*paths.values()}
        lost = [name for name in box_files(given) if name not in kept]
        raise FormatError(
            given.path, [f"{name}: another file of this name is there" for name in lost]
        )
    images = _images_of(given, paths, reading)
    files: dict[str, str | None] = {**paths, **{i: None for i in images.every if i not in paths}}
    near = _names_near(given)
    names, notes = (None, ()) if near is None else (near[0], _said(given, near[1]))
    described = near is not None and near[1].lower().endswith(YAML_SUFFIXES)
    keypoints = keypoint_numbers(read_yaml(near[1])) if near is not None and described else 0
    return LabelSet(given, dict(sorted(files.items())), images, names, notes, keypoints)


def _said(given: Given, names: str) -> tuple[str, ...]:
    return (f"{given.path}: class names come from {names}",)


def _images_of(folder: Given, labels: Mapping[str, Any], reading: Reading) -> ImageFiles:
    """The images that belong to label files: where asked, beside ``labels``, or with them."""
    asked = None if reading.image_dir is None else os.fspath(reading.image_dir)
    for candidate in (asked, _swapped(folder.path, "labels", "images"), folder):
        images = ImageFiles.of(candidate) if candidate else ImageFiles("")
        if images.every.keys() & labels.keys():
            return images
    return ImageFiles("")


def _swapped(path: str, old: str, new: str) -> str | None:
    """The path with its last part ``old`` replaced, or None without one."""
    parts = os.path.abspath(path).split(os.sep)
    for at in reversed(range(len(parts))):
        if parts[at] == old:
            return os.sep.join([*parts[:at], new, *parts[at + 1 :]])
    return None


def _names_near(given: Given) -> tuple[tuple[str, ...], str] | None:
    """Class names in the folder, or in the folders around its ``labels``, and their file."""
    return next(filter(None, map(names_in, (given.path, *_around(given.path)))), None)


def _around(path: str) -> list[str]:
    """The folders around a folder of labels in which class names are looked for."""
    path = os.path.abspath(path)
    folders = [os.path.dirname(path)]
    if _swapped(path, "labels", ""):
        root = path.rpartition(f"{os.sep}labels")[0]
        folders += [root, os.path.dirname(root)]
    return folders


def name_files_around(path: str) -> list[str]:
    """Files outside of a folder of labels that may say what its classes are."""
    places = (os.path.join(folder, name) for folder in _around(path) for name in NAME_FILES)
    return [*filter(os.path.isfile, dict.fromkeys(places))]


def lies_elsewhere(path: str) -> bool:
    """Whether a file or folder is described by a file whose images are outside of it.

    Raises:
        FormatError: the description cannot be read.
    """
    given = Given(path)
    described = data_file(given) if given.is_folder else os.path.basename(path)
    if described is None or not _describes(described):
        return path.lower().endswith(YAML_SUFFIXES)
    content, _, base = _described(given.join(described) if given.is_folder else path)
    inside = os.path.realpath(path) + os.sep
    entries = [content[split] for split in SPLITS if content.get(split)]
    named = [one for entry in entries for one in (entry if isinstance(entry, list) else [entry])]
    return not given.is_folder or not all(
        f"{os.path.realpath(os.path.join(base, str(one)))}{os.sep}".startswith(inside)
        for one in named
    )


def names_in(folder: str) -> tuple[tuple[str, ...], str] | None:
    """The class names that lie in a folder, and the path of their file.

    Raises:
        FormatError: the file holds none, or is there and cannot be read.
    """
    for name in NAME_FILES:
        path = os.path.join(folder, name)
        if is_there(path):
            return read_names(path), min(path, os.path.relpath(path), key=len)
    return None


def _data_set(path: str, reading: Reading) -> LabelSet:
    content, names, base = _described(path)
    split = _split(content, reading.split, path)
    reading.mark("split")
    entries = content[split] if isinstance(content[split], list) else [content[split]]
    others = [name for name in SPLITS if name != split and content.get(name)]
    also = f"{' and '.join(others)} {'is' if len(others) == 1 else 'are'} also available"
    choice = f" (--split chooses; {also})" if others else ""
    note = f"{path}: split {split!r} of the data set is used{choice}"
    home = _home(path)
    found = [image for entry in entries for image in _images_at(base, home, str(entry), path)]
    images = _by_id(dict.fromkeys(found), base)
    labels = {
        image: f"{os.path.splitext(_swapped(file, 'images', 'labels') or file)[0]}.txt"
        for image, file in images.items()
    }
    present = _present(labels, path)
    if not any(present.values()):
        raise FormatError(
            path, [f"{split}: {counted(len(labels), 'image')}, and none has a label file"]
        )
    root = Given(os.path.dirname(os.path.abspath(path)))
    return LabelSet(
        root,
        dict(sorted(present.items())),
        ImageFiles(base, images),
        names,
        (note,),
        keypoint_numbers(content),
    )


def _described(path: str) -> tuple[dict[str, Any], tuple[str, ...], str]:
    """What a file says of its data set, the names of classes, and where its paths begin."""
    if not path.lower().endswith(YAML_SUFFIXES):
        return *_darknet(path), _home(path)
    content = read_yaml(path)
    base = os.path.join(_home(path), str(content.get("path") or ""))
    return content, yaml_names(content, path), base


def _home(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


def splits_of(given: Given) -> tuple[DataSplit, ...]:
    """The splits of a data set; of a folder of labels those beside it.

    Raises:
        FormatError: the file of the data set cannot be read.
    """
    found = data_file(given) if given.is_folder else ""
    if found is None:
        return _beside(given.path)
    path = given.join(found) if found else given.path
    content, _, base = _described(path)
    return tuple(
        DataSplit(name, path, f"--split {name}", partial(_split_images, content[name], base, path))
        for name in SPLITS
        if content.get(name)
    )


def _split_images(entries: Any, base: str, path: str) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else [entries]:
        yield from _images_at(base, _home(path), str(entry), path)


def _beside(folder: str) -> tuple[DataSplit, ...]:
    """``labels/train`` beside ``labels/val``, or ``train/labels`` beside ``val/labels``."""
    home = os.path.abspath(folder)
    parent, last = os.path.split(home)
    if last.lower() == "labels":
        root, own, inside = os.path.dirname(parent), os.path.basename(parent), last
    else:
        root, own, inside = parent, last, ""
    if own.lower() not in SPLITS:
        return ()
    splits = []
    for name in SPLITS:
        path = os.path.join(root, name, inside) if inside else os.path.join(root, name)
        if name != own.lower() and os.path.isdir(path):
            shown_path = os.path.relpath(path)
            cure = f"{shown_path} as the ground truth"
            splits.append(DataSplit(name, shown_path, cure, partial(_label_stems, path)))
    return tuple(splits)


def _label_stems(folder: str) -> list[str]:
    return stems(box_files(Given(folder)))


def _present(files: Mapping[str, str], path: str) -> dict[str, str | None]:
    """The label file of each image, None where there is none.

    Raises:
        UnreadableError: some are there and cannot be read, or their folder is and cannot.
    """
    present = {image: name if os.path.isfile(name) else None for image, name in files.items()}
    absent = [files[image] for image, name in present.items() if name is None]
    refuse_unreadable(path, {name: why for name in absent if (why := obstacle(name))})
    folders = {os.path.dirname(name) for name in absent}
    above = {found for folder in folders if (found := obstacle_above(f"{folder}/"))}
    refuse_unreadable(path, {name: obstacle(name) or "" for name in above}, "a folder of labels")
    return present


def _split(content: Mapping[str, Any], asked: str | None, path: str) -> str:
    """The split that was asked for, else the first of val, test and train that there is."""
    if asked is not None:
        if not content.get(asked):
            have = [name for name in SPLITS if content.get(name)]
            raise FormatError(
                path, [f"no split {shown(asked)}; available: {', '.join(have) or 'none'}"]
            )
        return asked
    for name in SPLITS:
        if content.get(name):
            return name
    raise FormatError(path, ["expected val, test or train: where the images are"])


def _darknet(path: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A ``.data`` file: lines of ``key = value``, among them ``names`` and ``train``."""
    text, _ = decoded(read_input(path)[0], path)
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line]
    content = {key.strip(): value.strip() for key, value in pairs}
    base = os.path.dirname(os.path.abspath(path))
    for candidate in (content.get("names", ""), os.path.basename(content.get("names", ""))):
        if candidate and os.path.isfile(os.path.join(base, candidate)):
            return content, read_names(os.path.join(base, candidate))
    if "names" not in content:
        raise FormatError(
            path, ["expected a folder of labels, data.yaml, or a .data file with names"]
        )
    raise FormatError(path, [f"names: no such file: {shown(content['names'])}"])


def _images_at(base: str, home: str, entry: str, path: str) -> list[str]:
    """The images of a folder, or of a text file that lists them.

    Exports name folders as they lay on another machine, so a path is looked for from the data
    set, from the YAML file, and without its leading dots or its first folder.
    """
    short = re.sub(r"^(\.\.?/)+", "", entry)
    ways = [os.path.join(base, entry), os.path.join(home, entry), os.path.join(home, short)]
    ways += [os.path.join(home, short.partition("/")[2])] if "/" in short else []
    found = next((way for way in ways if os.path.exists(way)), None)
    if found is None:
        raise FormatError(
            path,
            [f"{shown(entry)}: no such file or folder, from {shown(base)} or from {shown(home)}"],
        )
    if not os.path.isdir(found) and not os.path.isfile(found):
        raise FormatError(path, [f"{shown(entry)}: expected a folder, or a file that lists images"])
    if os.path.isdir(found):
        given = Given(found)
        pictures = given.unreadable(lambda name: name.lower().endswith(IMAGE_SUFFIXES))
        linked = {name: why for name, why in pictures.items() if why.startswith(LINKED_FOLDER)}
        refuse_unreadable(given.path, linked)
        return [os.path.normpath(p) for p in ImageFiles.of(given).every.values()]
    text, _ = decoded(read_input(found)[0], found)
    listed = [line.strip() for line in text.splitlines() if line.strip()]
    return [_listed(name, base, home, os.path.dirname(found)) for name in listed]


def _listed(name: str, *folders: str) -> str:
    short = re.sub(r"^(\.\.?/)+", "", name)
    for folder in folders:
        for way in (name, short, short.partition("/")[2]):
            image = os.path.join(folder, way)
            label = os.path.splitext(_swapped(image, "images", "labels") or image)[0] + ".txt"
            if way and (os.path.lexists(image) or os.path.lexists(label)):
                return os.path.normpath(image)
    return os.path.normpath(os.path.join(folders[0], name))


def _by_id(paths: Iterable[str], base: str) -> dict[str, str]:
    """Images by their name, and those whose name is there twice by their path in the data set."""
    paths = [*paths]
    times = Counter(map(_image_id, paths))

    def own(path: str) -> str:
        if times[_image_id(path)] == 1:
            return _image_id(path)
        return os.path.splitext(os.path.relpath(path, base))[0].replace(os.sep, "/")

    return {own(path): path for path in paths}


def _image_id(path: str) -> str:
    """The name of an image without folder and suffix."""
    return os.path.splitext(os.path.basename(path))[0]
