"""Pictures from a folder, made small and put into the page.

Only files of the folder itself are opened: a link that leads out of it is left out. Pixels are
taken as they are stored, whatever the EXIF data says of how to turn them, since that is what boxes
and other shapes are of. Very large ones are refused, as a small file can hold very many pixels.
"""

from __future__ import annotations

import base64
import importlib
import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detmetrics.formats.metadata.image_sizes import ImageFiles, files_of
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import counted, few
from detmetrics.foundation.progress import Share

__all__ = ["Pictures", "pictures"]

SIDE = 720
QUALITY = 80
LARGEST = 100_000_000
KINDS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000")


@dataclass(slots=True)
class Pictures:
    """uris: of each image (a row of the catalog); sizes: width and height of the files;
    notes: what is not there, and why.
    """

    uris: dict[int, str] = field(default_factory=dict)
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def pictures(
    wanted: Sequence[int],
    names: Mapping[int, str],
    folder: str,
    megabytes: float,
    progress: Share | None = None,
) -> Pictures:
    """The pictures of some images, in this order, as long as all of them fit into the room.

    names: of each image, as a reader found it.

    Raises:
        InputError: there is no such folder, or Pillow is missing.
    """
    if not os.path.isdir(folder):
        raise InputError(f"{folder}: expected a folder of images (--image-dir)")
    opened = _pillow()
    paths = files_of([names[image] for image in wanted], ImageFiles.of(folder).paths)
    pictures, room = Pictures(), megabytes * 1e6
    lost: dict[str, list[str]] = {}
    for done, image in enumerate(wanted, start=1):
        why, uri, size = _picture(opened, paths.get(names[image]), folder)
        if not why and len(uri) > room:
            why = f"beyond {megabytes:g} MB of pictures (--max-megabytes)"
        if size is not None:
            pictures.sizes[image] = size
        if why:
            lost.setdefault(why, []).append(names[image])
        else:
            pictures.uris[image] = uri
            room -= len(uri)
        if progress is not None:
            progress(done / len(wanted))
    pictures.notes = [
        f"{counted(len(which), 'picture')} not shown, {why}: {few(which, 3)}"
        for why, which in lost.items()
    ]
    return pictures


def _pillow() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise InputError(
            "pictures need Pillow, which is not installed: pip install 'detmetrics[html]'"
        ) from None


def _picture(opened: Any, path: str | None, folder: str) -> tuple[str, str, Any]:
    """Why there is none (empty where there is one), the data URI, and the size if known."""
    if path is None:
        return f"no such file in {folder}", "", None
    root = os.path.realpath(folder)
    if os.path.commonpath([root, os.path.realpath(path)]) != root:
        return f"a link that leads out of {folder}", "", None
    size = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged metadata and of many pixels, see below
            with opened.open(path, formats=KINDS) as image:
                size = (int(image.width), int(image.height))
                if size[0] * size[1] > LARGEST:
                    return f"more than {LARGEST:,} pixels", "", size
                return "", _data_uri(image), size
    except opened.DecompressionBombError:
        return f"more than {LARGEST:,} pixels", "", size
    except Exception:  # damaged files let Pillow's decoders raise whatever they lead to
        return "cannot be read", "", size


def _data_uri(image: Any) -> str:
    image.draft("RGB", (SIDE, SIDE))
    small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")
