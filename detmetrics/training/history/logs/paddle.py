r"""What PaddleDetection prints while it trains, saved as a file (``workerlog.0``, ``train.log``).

Lines of a train step begin, after what the logger puts before them, with ``Epoch: [3] [ 50/125]``,
and go on with pairs such as ``loss: 0.51``; torchvision's reference and DETR print the same with a
mean in brackets after each number. The metrics of a validation are the lines of pycocotools
(``Average Precision  (AP) @[ IoU=0.50:0.95 | ... ] = 0.123``, of boxes and, as ``segm/AP``, of
masks), or ``mAP(0.50, 11point) = 71.23%`` of VOC; they belong to the epoch that was trained before
them. -1 is undefined: nan. ``Best test bbox ap`` is the best so far and no course: it is not read.
Source: ``ppdet/engine/callbacks.py``, ``ppdet/metrics``; pycocotools' ``summarize``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.messages import shown
from detmetrics.training.history.epoch_rows import Epoch
from detmetrics.training.history.logs.by_epoch import Record, by_evaluation
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOG"]

STEERING = re.compile(r"\x1b\[[0-9;]*m")
STEP = re.compile(r"\bEpoch: \[(\d{1,15})\]\s+\[ *\d+/\d+\]")
PAIR = re.compile(r"([A-Za-z_][\w/.-]*): +(\S+)")
COCO = re.compile(
    r"Average (?:Precision|Recall)\s+\((AP|AR)\) @\[ IoU=([\d.:]+)\s*\| area=\s*(\w+)"
    r" \| maxDets=\s*(\d+)\s*\] = (\S+)"
)
VOC = re.compile(r"\bmAP\((\d?\.\d{1,3}), *\w+\) = (\S+?)%")
KIND = re.compile(r"annotation type \*(\w+)\*|IoU metric: (\w+)")
BEST = re.compile(r"Best test \w+ ap is")
OVERLAPS = {"0.50:0.95": "", "0.50": "50", "0.75": "75"}
SIZES = {"small": "s", "medium": "m", "large": "l"}


def _knows(content: Content) -> bool:
    found = STEP.search(content.text)
    return found is not None and "loss" in content.text[found.end() :].partition("\n")[0]


class _Reader:
    """The lines of a log, one after another."""

    def __init__(self) -> None:
        self.epoch: Epoch = 0
        self.kind = "bbox"
        self.metrics: dict[str, float] = {}
        self.faults: list[str] = []

    def line(self, text: str, place: str) -> Iterator[Record]:
        """What a line says; a validation is known to be over when something else begins."""
        if step := STEP.search(text):
            yield from self.done()
            self.epoch, self.kind = int(step[1]), "bbox"
            losses = {
                name: self.number(value, f"{place}: {name}")
                for name, value in PAIR.findall(text, step.end())
                if "loss" in name.lower()
            }
            if losses:
                yield Record(self.epoch, train=losses)
        elif kind := KIND.search(text):
            self.kind = (kind[1] or kind[2]).lower()
        elif found := COCO.search(text):
            name = _named(*found.groups()[:4])
            yield from self.measured(name, self.number(found[5], f"{place}: {name}"))
        elif found := VOC.search(text):
            overlap = round(100 * float(found[1]))
            yield from self.measured(f"AP{overlap}", self.number(found[2], place) / 100)

    def measured(self, name: str, value: float) -> Iterator[Record]:
        """A metric of the validation that goes on, or the first of the next one."""
        name = name if self.kind in ("bbox", "") else f"{self.kind}/{name}"
        if name in self.metrics:
            yield from self.done()
        self.metrics[name] = math.nan if value == -1 else value

    def done(self) -> Iterator[Record]:
        """The metrics of a validation, once it is over."""
        if self.metrics:
            yield Record(self.epoch, metrics=self.metrics)
        self.metrics = {}

    def number(self, text: str, place: str) -> float:
        """The number itself, or a fault."""
        try:
            return float(text.rstrip(","))
        except ValueError:
            self.faults.append(f"{place}: expected a number, found {shown(text)}")
            return math.nan


def _named(kind: str, overlap: str, area: str, limit: str) -> str:
    if area in SIZES:
        return f"{kind}{SIZES[area]}"
    return f"{kind}{limit if kind == 'AR' else OVERLAPS.get(overlap, overlap)}"


def _read(content: Content) -> Parsed:
    lines = STEERING.sub("", content.text).split("\n")
    notes = []
    if any(kind.search(lines[-1]) for kind in (STEP, COCO, VOC)):  # no end: was it written whole?
        notes.append(f"line {len(lines):,}, the last, may break off: left out")
        lines.pop()
    reader = _Reader()
    records = [
        record
        for number, line in enumerate(lines, start=1)
        for record in reader.line(line, f"line {number:,}")
    ]
    records += reader.done()
    if reader.faults:
        raise FormatError(content.path, reader.faults)
    if not records:
        raise FormatError(content.path, ["expected lines such as Epoch: [0] [ 0/9] loss: 0.5"])
    if BEST.search(content.text) and not any(record.evaluates for record in records):
        notes.append(
            "the log has no metrics but the best AP so far (Best test ... ap), which is not read; "
            "workerlog.0 or what the training printed has all"
        )
    return Parsed(by_evaluation(records), tuple(notes))


LOG = Log(
    name="paddle",
    title="what PaddleDetection prints",
    knows=_knows,
    read=_read,
)
