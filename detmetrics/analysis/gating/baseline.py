"""A model that releases are held against, as a file: its matches, and what they were made from.

The file is an archive (:mod:`detmetrics.foundation.archives`) of matches in few bytes
(:mod:`detmetrics.matching.compact`). Its header has the signature of the rules, the release that
wrote it, counts, the file of the detections, and a digest of each column of the ground truth that
numbers depend on, so that a file of other inputs is refused with what differs. It has no boxes and
no ground truth: whoever reads it brings the ground truth along.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from detmetrics.analysis.comparison import ground_truth_columns
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.archives import archived, is_archive, opened
from detmetrics.foundation.digests import digest_of
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import counted, printable
from detmetrics.matching.compact import compacted, expanded
from detmetrics.matching.matches import Matches
from detmetrics.rules import Rules
from detmetrics.rules.shown_settings import shown_setting
from detmetrics.tables import Detections
from detmetrics.tables.sources import Source

__all__ = ["Baseline", "baseline_bytes", "is_baseline", "read_baseline"]

KIND = "detmetrics.Baseline"
VERSION = 1
CURE = "Fix: gate with the inputs and options that the baseline was saved with, or save it again"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Baseline:
    """What a baseline file holds.

    path: the file. name: of the detections; signature: of the rules, with the release that wrote
    it; sha256: of the file of detections, None without one; digests: of each column of the ground
    truth; counts, attention: as of the result.
    """

    path: str
    name: str
    signature: str
    release: str
    sha256: str | None
    counts: Mapping[str, int]
    digests: Mapping[str, str]
    attention: tuple[str, ...]
    matching: Matches = field(compare=False)

    def __repr__(self) -> str:
        """The detections and the rules."""
        return f"<Baseline {printable(self.path)}: {printable(self.name)}, {self.signature}>"

    def beside(self, candidate: Evaluation) -> Evaluation:
        """The result of the baseline, on the ground truth that a candidate was measured on.

        Its detections have no boxes: what asks for matches alone can read it.

        Raises:
            InputError: the baseline is of other rules or of another ground truth; what differs is
                named.
        """
        differ = [*self._differences(candidate)]
        if differ:
            start = f"{self.path}: the baseline was saved with other inputs than the candidate's:"
            raise InputError("\n".join([start, *(f"  {one}" for one in differ), CURE]))
        matching = replace(
            self.matching, rules=candidate.rules, catalog=candidate.ground_truth.catalog
        )
        detections = _without_boxes(matching, Source(name=self.name))
        return Evaluation(candidate.ground_truth, detections, candidate.rules, matching)

    def _differences(self, candidate: Evaluation) -> Iterator[str]:
        ours, theirs = self.matching.rules, candidate.rules
        if ours.name != theirs.name:
            yield f"rules: {ours.name} in the baseline, {theirs.name} here (--rules)"
        elif ours != theirs:
            yield from _other_settings(ours, theirs)
        unlike = self._unlike(candidate, same_rules=ours == theirs)
        # Other classes, and other images, are other objects.
        if unlike.isdisjoint(SELECTED):
            yield from self._other_objects(candidate, unlike, same_rules=ours == theirs)
        for name, options in SELECTED.items():
            if name in unlike:
                yield f"{self._counts(name, name, candidate)} ({options})"

    def _other_objects(
        self, candidate: Evaluation, unlike: set[str], *, same_rules: bool
    ) -> Iterator[str]:
        kept, table = self.matching, candidate.ground_truth
        if "image" in unlike or (same_rules and len(kept.truth_row) != len(table)):
            yield self._counts("objects", "ground_truths", candidate)
        elif same_rules and kept.images != len(table.catalog.image_ids):
            yield f"images: {kept.images:,} in the matches of the baseline"
        elif columns := [what for name, what in OBJECTS.items() if name in unlike]:
            yield f"objects: {', '.join(columns)} differ"

    def _unlike(self, candidate: Evaluation, *, same_rules: bool) -> set[str]:
        """The columns of the ground truth that differ."""
        # What other rules make of the same ground truth is no difference of its own.
        return {
            name
            for name, digest in digests_of(candidate).items()
            if self.digests.get(name) != digest and (same_rules or name in OF_ANY_RULES)
        }

    def _counts(self, what: str, key: str, candidate: Evaluation) -> str:
        then, now = self.counts.get(key), candidate.counts[key]
        if key == "ground_truths":
            then = len(self.matching.truth_row)
        if then == now:
            return f"{what}: others in the baseline than here"
        return f"{what}: {then:,} in the baseline, {now:,} here"


def _other_settings(ours: Rules, theirs: Rules) -> Iterator[str]:
    names = [one.name for one in fields(ours)]
    other = [name for name in names if getattr(ours, name) != getattr(theirs, name)]
    for name in other[:MOST_SETTINGS]:
        mine, here = shown_setting(ours, name), shown_setting(theirs, name)
        values = "differ" if mine == here else f"{mine} in the baseline, {here} here"
        yield f"rules: {name} {values}"
    if more := other[MOST_SETTINGS:]:
        yield f"rules: {counted(len(more), 'more setting')}"


def baseline_bytes(result: Evaluation) -> bytes:
    """A result as the baseline file that :func:`read_baseline` reads.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> len(baseline_bytes(result)) < len(result.matching.to_bytes()) / 4
    True
    """
    file = result.detections.source.input
    header = {
        "signature": result.signature,
        "detections": result.detections.source.name,
        "sha256": file.sha256 if file else None,
        "ground_truth": result.ground_truth.source.name,
        "digests": digests_of(result),
        "counts": {name: result.counts[name] for name in COUNTED},
        "attention": [*result.attention],
    }
    return archived(KIND, VERSION, header, compacted(result.matching))


SELECTED = {"classes": "--classes", "images": "--images, --split, --only-detected-images"}
"""What options choose, and these."""
OBJECTS = {
    "category": "classes",
    "boxes": "boxes",
    "area": "areas",
    "shapes": "shapes",
    "crowds": "crowds",
    "ignored objects": "which are ignored",
}
"""Columns of objects, and what they are called."""
MOST_SETTINGS = 5
OF_ANY_RULES = ("images", "classes", "image", "category", "boxes")
COMPUTED = ("area", "shapes")
COUNTED = ("images", "classes", "ground_truths", "detections")


def is_baseline(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as baseline files do.

    >>> is_baseline("fixtures/detections.json")
    False
    """
    try:
        with open(path, "rb") as file:
            return is_archive(file.read(64))
    except (OSError, ValueError):
        return False


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
    """What a baseline file holds.

    Raises:
        FormatError: it cannot be read, is no baseline file, or is damaged.

    >>> import os, tempfile
    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "baseline.detm"), "wb") as file:
    ...         _ = file.write(baseline_bytes(result))
    ...     baseline = read_baseline(file.name)
    >>> baseline.beside(result).summary == result.summary
    True
    """
    data, _ = read_input(path)

    def kept(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Baseline:
        return Baseline(
            path=os.fspath(path),
            name=str(header["detections"]),
            signature=str(header["signature"]),
            release=str(header["release"]),
            sha256=None if header["sha256"] is None else str(header["sha256"]),
            counts={str(name): int(count) for name, count in header["counts"].items()},
            digests={str(name): str(digest) for name, digest in header["digests"].items()},
            attention=tuple(map(str, header["attention"])),
            matching=expanded(arrays),
        )

    try:
        return opened(data, KIND, VERSION, kept)
    except InputError as error:
        reason = str(error).removeprefix("from_bytes: ")
        raise FormatError(
            os.fspath(path),
            [f"no baseline file: {reason}. Fix: fetch it again, or save it with --save"],
        ) from None


def digests_of(result: Evaluation) -> dict[str, str]:
    """A digest of each column of the ground truth that numbers depend on, under its rules."""
    # Areas are computed, and the last bits of sums are not the same on every machine.
    return {
        name: digest_of(column.astype(np.float32) if name in COMPUTED else column)
        for name, column in ground_truth_columns(result)
    }


def _without_boxes(matches: Matches, source: Source) -> Detections:
    """A table of the detections that are matched or count, in the order of the matches."""
    order = np.argsort(matches.row)
    count = len(order)
    return Detections(
        catalog=matches.catalog,
        image=matches.image[order],
        category=matches.category[order],
        boxes=np.zeros((count, 4)),
        box_format="xywh",
        relative=False,
        scores=matches.score[order],
        place=np.arange(count),
        source=source,
    )
