"""Every hint that an error or a warning gives to an option, in one table.

A hint is given only where following it makes the input fit; a test walks this table, and follows
each hint on an input on which it is given.
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["HINTS", "hint"]

HINTS = MappingProxyType(
    {
        "class-numbers": "use --class-numbers {way}",
        "class-order": "give the order of the classes with --class-names FILE (one name per line, "
        "or data.yaml)",
        "image-ids": "use --image-ids {way}",
        "unique-names": "keep the folders in the names of the detections, as in cam1/0001, or give "
        "every image a name of its own",
        "suffixes": "keep the suffix in the names of the detections, as in {file}, or give every "
        "image a name of its own",
        "one-image": "{names} are one image of the ground truth: leave out the detections of all "
        "but one, or give every image a name of its own on both sides",
        "own-classes": "give the detector's own classes in its order with --class-names FILE",
        "background": "if these are images without objects: list them with --image-list FILE, "
        "--image-dir DIR or --image-sizes FILE (image_list, image_dir, image_sizes of dm.Reading)",
        "drop-images": "to leave them out: --unknown-images drop, or unknown_images='drop' in "
        "Python; this raises AP, as their false positives are not counted",
        "drop-categories": "to leave them out: --unknown-categories drop, or "
        "unknown_categories='drop' in Python",
        "normalized": "use --{side}-coordinates normalized",
        "columns": "use --columns '{order}'",
        "track-ids": "to ignore them, use --columns '{order}'",
        "ignored-column": "to ignore a column, call it - in the order of columns, as in "
        "--{side}-format text --columns '{order}'",
        "oriented-columns": "use --det-format text --columns 'class cx cy w h angle score'",
        "text-pixels": "use --gt-format text",
        "other-side": "it is read as {title} of the {found}: give a file of the {side} here; the "
        "ground truth comes first",
        "swap": "fix: swap the two arguments, the ground truth comes first",
        "convert-first": "convert it to COCO JSON with the tool that wrote it",
        "pipe-limit": "if it has an end, use --pipe-limit {size}, or write it to a file",
        "json-lines": "make a list of it with: jq -s . FILE > list.json",
        "list-alone": "write the list alone, without the object around it",
        "no-scores": "if these are detections without scores: --scores none, or scores='none' of "
        "dm.Reading in Python",
        "rename-key": "rename the key {found} to {wanted}",
        "the-file": "give the file in it: {path}",
        "parts": "if these are parts of one data set: detmetrics evaluate --in-parts, or "
        "dm.evaluate_parts",
    }
)


def hint(name: str, **values: str) -> str:
    """One of the table, filled in.

    >>> hint("class-numbers", way="index1")
    'use --class-numbers index1'
    """
    return HINTS[name].format(**values)
