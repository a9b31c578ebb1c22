"""What a result in parts says beside metrics: counts and remarks, as sums over parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from detmetrics.evaluation.attention import Remark, partial, remarks
from detmetrics.foundation.arrays import Ints
from detmetrics.foundation.messages import counted, few, printable
from detmetrics.parts.condensed_file import coverage_of_images
from detmetrics.parts.condensed_part import DETECTED, UNDETECTED
from detmetrics.parts.index import Index
from detmetrics.tables.coverage import Coverage

__all__ = ["PARTS", "Wording", "counts_of", "coverage_of", "described_inputs", "remarks_of"]


class Wording(NamedTuple):
    """What sentences call the parts.

    of_part: stands before the name of one; several: of them; missing: the question where detections
    lack; unasked: what is not looked for.
    """

    of_part: str
    several: str
    missing: str
    unasked: str


PARTS = Wording(
    "part ",
    "parts",
    "Are detections of some parts missing?",
    "evaluation in parts does not check whether files were misread (evaluate a smaller set as a "
    "whole to check), nor how far AP depends on the order of equal scores (tie_interval() in "
    "Python)",
)


def counts_of(index: Index) -> dict[str, int]:
    """The counts of all parts, as of one evaluation of all images."""
    counts: dict[str, int] = {}
    for part in index.parts:
        for name, number in part.head.counts.items():
            counts[name] = counts.get(name, 0) + number
    elsewhere = index.images - counts["images"]
    pooled = index.rules.class_agnostic
    empty = index.objects == 0
    unseen = np.zeros(len(empty), bool) if pooled else empty
    return counts | {
        "images": index.images,
        "images_without_ground_truth": counts["images_without_ground_truth"] + elsewhere,
        "classes": len(empty),
        "classes_without_ground_truth": int(empty.sum()),
        "classes_without_detections": len(_undetected_classes(index)),
        "detections_in_classes_without_ground_truth": int(index.found[unseen].sum()),
        "classes_detected_without_ground_truth": int((index.found[unseen] > 0).sum()),
    }


def _undetected_classes(index: Index) -> Ints:
    """The classes that have objects and no detection."""
    pooled = index.rules.class_agnostic
    # A class of crowds alone has no recall that could be 0.
    measured = index.objects if pooled else index.positives[:, 0]
    return np.flatnonzero((measured > 0) & (index.found == 0))


def coverage_of(index: Index) -> Coverage:
    """Which images with ground truth have detections, over all parts."""
    marks = np.zeros(index.images, np.uint8)
    undetected: list[tuple[int, str]] = []
    told = zip(index.parts, coverage_of_images(index.parts), strict=True)
    for number, (part, covered) in enumerate(told):
        place = index.images_of(number)
        marks[place] = covered
        undetected += [(int(place[row]), name) for name, row in part.head.undetected]
    return Coverage(
        detected=np.flatnonzero(marks == DETECTED),
        undetected=np.flatnonzero(marks == UNDETECTED),
        names=tuple(name for _, name in sorted(undetected)[:3]),
        objects=sum(part.head.undetected_objects for part in index.parts),
        detections=sum(part.head.covering for part in index.parts),
    )


def remarks_of(
    index: Index, counts: dict[str, int], class_names: tuple[str, ...], words: Wording = PARTS
) -> tuple[Remark, ...]:
    """What a reader of the numbers should know."""
    coverage = coverage_of(index)
    first = partial(replace(coverage, part=words.missing) if coverage.partial else coverage)
    never: tuple[str, ...] = ()
    if not index.rules.class_agnostic:
        never = tuple(class_names[row] for row in _undetected_classes(index))
    rest = remarks(counts, index.rules, coverage, never)
    notes = map(Remark, _notes(index, words))
    order = _ties(index) if words is PARTS else ()
    return (*first, *_other_readings(index), *notes, *rest, *order, Remark(words.unasked))


def _ties(index: Index) -> Iterator[Remark]:
    """That the rules order equal scores as a file that is not there."""
    if index.rules.ties == "file" and len(index.parts) > 1:
        yield Remark(
            f"rules {index.rules.name} order equal scores by place in the file: here by part, then "
            "by place in the part; another division gives another order"
        )


def _notes(index: Index, words: Wording) -> Iterator[str]:
    """What all parts say, and of the other notes the first ones by part, the rest counted."""
    shared = [
        note
        for note in index.parts[0].head.notes
        if all(note in part.head.notes for part in index.parts)
    ]
    yield from shared
    notes = [
        (part.head.part, note)
        for part in index.parts
        for note in part.head.notes
        if note not in shared
    ]
    for name, note in notes[:5]:
        yield f"{words.of_part}{printable(name)}: {note}"
    if len(notes) > 5:
        yield f"{counted(len(notes) - 5, 'more note')} on {words.several}"


def _other_readings(index: Index) -> Iterator[Remark]:
    """Parts that were read in another way than the first."""
    first, *others = index.parts
    taken = _taken(first.head.interpretations)
    odd = [part.head.part for part in others if _taken(part.head.interpretations) != taken]
    if odd:
        yield Remark(
            f"{counted(len(odd), 'part is', 'parts are')} read in another way than "
            f"{printable(first.head.part)} (format, columns, ids or classes): {few(odd)}",
            warning=True,
        )


def _taken(interpretations: Any) -> list[tuple[object, object, object]]:
    return sorted((one["side"], one["of"], one["taken"]) for one in interpretations)


def described_inputs(index: Index, folders: tuple[str, str]) -> dict[str, Any]:
    """What was read, as the JSON contract has it: of both folders the size of what was read, and
    the SHA-256 of those of its parts.
    """
    inputs = []
    for side, folder in enumerate(folders):
        told = [part.head.inputs[side] for part in index.parts if len(part.head.inputs) > side]
        digests = "".join(digest for _, _, digest in told)
        inputs.append(
            {
                "path": folder,
                "format": few(sorted({name for name, _, _ in told})),
                "size": sum(size for _, size, _ in told),
                "sha256": sha256(digests.encode()).hexdigest(),
            }
        )
    return {
        "interpretations": [dict(one) for one in index.parts[0].head.interpretations],
        "inputs": inputs,
        "parts": [part.head.part for part in index.parts],
    }
