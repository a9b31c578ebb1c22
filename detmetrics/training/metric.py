"""A metric for training loops: fed with batches, asked for the result of all of them.

It keeps the boxes of each image, a few arrays, and masks compressed, and measures them when it is
asked; images stand in order of their id, so that neither the order of batches nor the number of
processes changes a bit of the result. Its state is plain bytes, which processes exchange and files
hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, overload

from detmetrics.evaluation.evaluation import evaluate
from detmetrics.evaluation.measurement import Measurement
from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.archives import archived, opened
from detmetrics.foundation.errors import InputError, RulesError
from detmetrics.foundation.messages import shown
from detmetrics.overlap import KINDS, SHAPES
from detmetrics.overlap.masks.masks import Masks
from detmetrics.overlap.polygons.angles import ANGLES
from detmetrics.rules import COCO, Rules
from detmetrics.rules.toml import rule_set
from detmetrics.tables.catalog import Id
from detmetrics.training.batches.at_once import taken_at_once
from detmetrics.training.batches.class_ids import Classes
from detmetrics.training.batches.forms import NUMBERS, Form
from detmetrics.training.batches.gathering import kind_with, one_sided, tables_of
from detmetrics.training.batches.image_columns import ImageBoxes
from detmetrics.training.batches.images import SIDES, Taken, image_of
from detmetrics.training.batches.packing import packed, unpacked
from detmetrics.training.batches.row_faults import ON_INVALID, OnInvalid
from detmetrics.training.batches.state_checks import check_ids
from detmetrics.training.batches.whole_batch import coarse_boxes, image_ids_of, same_length
from detmetrics.training.notes import dropped_rows, left_out, misread, repeated, warn

if TYPE_CHECKING:
    from detmetrics.training.ranks.shares import Agreement, Share

__all__ = ["DetectionMetric"]

VERSION = 1
KIND = "detmetrics.DetectionMetric"
OnRepeat = Literal["replace", "keep", "error"]
SCORES = ("given", "none")
MetricFormat = Literal["xyxy", "xywh", "cxcywh", "cxcywhr", "xyxyxyxy"]
DROPPED = (
    "Such rows are left out and counted, with one warning. Fix: on_invalid='error' stops at the "
    "first"
)


class DetectionMetric:
    """Detections and ground truth, batch by batch, and the evaluation of all of them.

    Attributes:
        warned_of_invalid: rows that are left out were warned of; it is done once.

    >>> metric = DetectionMetric(["cat", "dog"])
    >>> metric.update(
    ...     ["a.jpg"],
    ...     [{"boxes": [[0, 0, 10, 10]], "scores": [0.9], "labels": [1]}],
    ...     [{"boxes": [[0, 0, 10, 11]], "labels": [1]}],
    ... )
    >>> round(metric.compute().summary["AP50"], 3), len(metric)
    (1.0, 1)
    """

    _arguments: ClassVar[tuple[str, str]] = SIDES
    """What messages call the sides; plug-ins have the words of their framework."""

    def __init__(
        self,
        classes: Sequence[str] | Mapping[int, str],
        rules: Rules | str = COCO,
        box_format: MetricFormat = "xyxy",
        on_repeat: OnRepeat = "replace",
        *,
        normalized: bool = False,
        angle: str = "radians-clockwise",
        shape: str = "auto",
        on_invalid: OnInvalid = "error",
        scores: Literal["given", "none"] = "given",
    ) -> None:
        """An empty metric.

        classes: names in the order of labels from 0 on, or a mapping from labels to names.
        rules: a rule set or its name. box_format: of predictions and targets, ``"xyxy"``,
        ``"xywh"`` or ``"cxcywh"``; oriented boxes are ``"cxcywhr"`` (centre, width, height, the
        angle of the width) or ``"xyxyxyxy"`` (four corners, one after the other). normalized: boxes
        are shares of width and height, and :meth:`update` is given the sizes of images.
        angle: how ``"cxcywhr"`` tells it: ``"radians-clockwise"`` as the image is seen, which is
        Ultralytics' ``xywhr``, ``"degrees-counterclockwise"``, which is torchvision's ``CXCYWHR``,
        ``"radians-counterclockwise"`` or ``"degrees-clockwise"``.
        shape: what overlap is measured of, as :func:`~detmetrics.evaluate` has it: ``"auto"`` is
        the oriented box of such forms, the mask where both sides have them, else the upright box.
        on_repeat: what becomes of an image id that was there before, since a distributed sampler
        pads its last batch: the later one counts (``"replace"``), the earlier one
        (``"keep"``), or it is an ``"error"``.
        on_invalid: what becomes of predictions and targets with numbers that are not finite, and of
        targets of negative size or area: an ``"error"``, or ``"drop"``, which leaves these rows
        out; a warning names the first, and the result counts them. scores: ``"none"`` takes
        predictions without scores, and leaves out those that they have.

        Raises:
            InputError, RulesError: one of them does not fit.
        """
        self.classes = Classes.of(classes)
        self.rules = rule_set(rules) if isinstance(rules, str) else rules
        if not isinstance(self.rules, Rules):
            raise RulesError(f"rules: expected a rule set or its name, got {shown(rules)}")
        self.box_format = _choice("box_format", box_format, tuple(NUMBERS))
        self.on_repeat = _choice("on_repeat", on_repeat, ("replace", "keep", "error"))
        self.angle = _choice("angle", angle, ANGLES)
        self.shape = _choice("shape", shape, ("auto", *SHAPES))
        self.on_invalid = _choice("on_invalid", on_invalid, ON_INVALID)
        self.scores = _choice("scores", scores, SCORES)
        self.normalized = bool(normalized)
        if self.normalized and box_format == "cxcywhr":
            raise InputError(
                "normalized: an oriented box of width, height and angle has no shares of an image: "
                "take pixels, or shares of corners (box_format='xyxyxyxy')"
            )
        self._form = Form(self.box_format, self.angle, self.normalized, self._mask_use)
        self.repeats = 0
        self.warned_of_invalid = False
        self._warned = False
        self._kind: str | None = None
        self._images: dict[Id, ImageBoxes] = {}

    def __len__(self) -> int:
        """How many images there are."""
        return len(self._images)

    @property
    def dropped(self) -> tuple[int, int]:
        """How many predictions and targets were left out, since they were no boxes or scores."""
        return dropped_rows(self._images.values())

    def update(
        self,
        image_ids: Any,
        predictions: Sequence[Mapping[str, Any]],
        targets: Sequence[Mapping[str, Any]],
        image_sizes: Any = None,
    ) -> None:
        """Add a batch: for each image its id, what was found and what is there.

        predictions: dicts with ``boxes`` (n, 4), ``scores`` and ``labels`` (n,); targets: dicts
        with ``boxes`` and ``labels``, and where known ``iscrowd`` (or ``crowd``), ``ignore``,
        ``difficult``, ``area`` in square pixels. Arrays of NumPy, torch on any device, JAX or
        TensorFlow, or lists. image_sizes : (B, 2) width and height in pixels.
        Oriented boxes are (n, 5), or (n, 8) or (n, 4, 2). ``masks`` on both sides: (n, height,
        width) of bool, or of whole numbers 0 and 1, or a list of COCO's run-length encodings,
        mappings with ``size`` (height, width) and ``counts``; without ``boxes``, these are the ones
        around the masks.

        Raises:
            InputError: shapes or values that do not fit, named by argument and place; an unknown
                label; an image that is there already where ``on_repeat`` is ``"error"``; masks in
                some images alone. Nothing of the batch is added then.
        """
        ids = image_ids_of(image_ids)
        same_length(ids, predictions=predictions, targets=targets)
        if image_sizes is not None:
            same_length(ids, image_sizes=image_sizes)
        sizes = [None] * len(ids) if image_sizes is None else image_sizes
        taken = None
        if self.scores == "given":
            taken = taken_at_once(predictions, targets, sizes, self.classes, self._form)
        if taken is None:
            given = zip(ids, predictions, targets, sizes, strict=True)
            taken = [self._taken(place, *one) for place, one in enumerate(given)]
        images = [one.image for one in taken]
        kind = kind_with(images, self._kind)
        self.repeats += self._add(zip(ids, images, strict=True))
        self._kind = kind
        if not self.warned_of_invalid:
            faults = [
                _of_image(one.fault, at) for at, one in zip(ids, taken, strict=True) if one.fault
            ]
            self.warned_of_invalid = bool(faults)
            warn([f"{fault}. {DROPPED}" for fault in faults[:1]])
        if not self._warned and (coarse := coarse_boxes(predictions, targets)):
            self._warned = True
            warn([coarse])

    def _taken(self, place: int, image: Id, prediction: Any, target: Any, size: Any) -> Taken:
        """One image of a batch; errors name its place in the batch and its id."""
        try:
            return image_of(
                *(place, prediction, target, self.classes, self._form, size, self.on_invalid),
                self._arguments,
                scored=self.scores == "given",
            )
        except InputError as error:
            raise InputError(_of_image(str(error), image)) from None

    @overload
    def compute(self, *, distributed: Literal[False] = False) -> Evaluation: ...
    @overload
    def compute(
        self, *, distributed: bool, group: Any = None, timeout: float | None = None
    ) -> Measurement: ...
    def compute(
        self, *, distributed: bool = False, group: Any = None, timeout: float | None = None
    ) -> Measurement:
        """The evaluation of all images so far; nothing is forgotten.

        distributed: of the images of all processes of ``torch.distributed``, the same in each and
        equal to ``sync().compute()`` in every bit. Every process calls it, those without a batch
        too. Each matches its own images and sends what some object settled, 35 to 45 bytes per
        such detection; of all others only counts are added, so that it is a result without tables:
        :class:`~detmetrics.evaluation.measurement.Measurement`. Without a process group it is
        that of this process.
        group: the process group, the whole world unless given. timeout: how many seconds a process
        waits for the slowest one at each step; that of the group unless given.

        Raises:
            InputError: there is no image yet, torch is missing, or the metrics of the processes do
                not fit together: all of them say why.
            RulesError: the rules need what the boxes lack, or all images at once.
            WorkerError: a process ended, or did not answer in time.
        """
        if distributed:
            from detmetrics.training.distributed import processes
            from detmetrics.training.ranks.evaluating import CALLER, evaluated_by

            others = processes(group, timeout, CALLER)
            if others is not None:
                return evaluated_by(others, self._share())
        if not self._images:
            raise InputError("no image yet: update(image_ids, predictions, targets) comes first")
        masks = any(image.masks for image in self._images.values())
        told = repeated(self.repeats, len(self), self.on_repeat)
        return self._evaluated(self._images, self._kind, told, masks=masks)

    def _evaluated(
        self,
        images: Mapping[Id, ImageBoxes],
        kind: str | None,
        told: Sequence[str] = (),
        *,
        masks: bool,
    ) -> Evaluation:
        """That of some images; masks: some have them."""
        ground_truth, detections = tables_of(
            images,
            self.classes,
            self._form,
            masks=masks and kind != "boxes",
            scored=self.scores == "given",
        )
        odd = [] if self.normalized else misread(ground_truth, detections)
        warn(odd)
        unused = [] if kind == "masks" else one_sided(images.values())
        lacking = [f"measured by upright boxes: {lack}" for lack in unused]
        notes = (*ground_truth.notes, *told, *odd, *lacking, *left_out(images))
        found, there = dropped_rows(images.values())
        ground_truth = replace(ground_truth, notes=notes, dropped=there)
        detections = replace(detections, dropped=found)
        return evaluate(ground_truth, detections, self.rules, shape=self.shape)

    def _share(self) -> Share:
        """The metric as one of several processes."""
        from detmetrics.training.ranks.shares import Share, ShareFacts

        def evaluated(ids: Sequence[Id], agreement: Agreement) -> Evaluation:
            images = {one: self._images[one] for one in ids}
            return self._evaluated(images, agreement.kind, masks=agreement.masks)

        facts = ShareFacts(
            settings=self._settings,
            kind=self._kind,
            repeats=self.repeats,
            on_repeat=self.on_repeat,
            images={one: image.masks is not None for one, image in self._images.items()},
        )
        return Share(
            facts=facts, rules=self.rules, scored=self.scores == "given", evaluated=evaluated
        )

    @property
    def _settings(self) -> dict[str, Any]:
        """What metrics that belong together share, as JSON has it, by the name of messages."""
        return {
            "classes": list(self.classes.names.items()),
            "rules": dataclasses.asdict(self.rules),
            "normalized": self.normalized,
            "shape": self.shape,
            "scores": self.scores,
            "box_format": self._form.kept,
        }

    def merge(self, other: DetectionMetric) -> Self:
        """Add the images of another metric; repeats among them are treated as in ``update``.

        Raises:
            InputError: its classes, rules or boxes are other ones.
        """
        if not isinstance(other, DetectionMetric):
            raise InputError(f"merge: expected a DetectionMetric, got {shown(other)}")
        theirs = other._settings
        for name, setting in self._settings.items():
            if setting != theirs[name]:
                raise InputError(f"cannot merge metrics of different {name}")
        if len(kinds := {self._kind, other._kind} - {None}) > 1:
            raise InputError("cannot merge a metric of masks and one of boxes alone")
        self.repeats += other.repeats + self._add(other._images.items())
        self._kind = next(iter(kinds), None)
        return self

    def reset(self) -> None:
        """Forget all images."""
        self._images.clear()
        self._kind = None
        self.repeats = 0

    def to_bytes(self) -> bytes:
        """Everything that the metric holds, without pickle; :meth:`from_bytes` reads it back."""
        header = {
            "classes": list(self.classes.names.items()),
            "rules": dataclasses.asdict(self.rules),
            "box_format": self.box_format,
            "on_repeat": self.on_repeat,
            "normalized": self.normalized,
            "angle": self.angle,
            "shape": self.shape,
            "on_invalid": self.on_invalid,
            "scores": self.scores,
            "repeats": self.repeats,
            "image_ids": list(self._images),
        }
        return archived(KIND, VERSION, header, packed(self._images.values(), self._form))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The metric that :meth:`to_bytes` wrote.

        Raises:
            InputError: it is not one, is damaged, or a later release wrote it.
        """
        return opened(data, KIND, VERSION, cls._restored)

    @classmethod
    def _restored(cls, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> Self:
        metric = cls(
            dict(header["classes"]),
            Rules(**header["rules"]),
            header["box_format"],
            header["on_repeat"],
            normalized=header["normalized"],
            angle=header["angle"],
            shape=header["shape"],
            on_invalid=header.get("on_invalid", "error"),
            scores=header.get("scores", "given"),
        )
        ids = image_ids_of(header["image_ids"])
        check_ids(ids)
        known, scored = metric.classes.known, metric.scores == "given"
        images = unpacked(arrays, metric._form, len(ids), known, scored=scored)
        metric._images = dict(zip(ids, images, strict=True))
        metric._kind = kind_with(images)
        metric.repeats = int(header["repeats"])
        return metric

    def sync(self, group: Any = None) -> DetectionMetric:
        """A metric of the images of all processes of ``torch.distributed``, the same in each.

        This one stays as it is, so that the next batch goes on. Without a process group it is
        a copy. group: the process group, the whole world unless given.

        Raises:
            InputError: torch is missing, or the metrics of the processes do not fit together.
        """
        from detmetrics.training.distributed import gathered

        parts = [self.from_bytes(data) for data in gathered(self.to_bytes(), group)]
        whole = parts[0]
        for part in parts[1:]:
            whole.merge(part)
        return whole

    @property
    def _mask_use(self) -> Literal["taken", "needed", "left"]:
        """What becomes of masks, by the shape that is measured."""
        shape = self.rules.shape if self.shape == "auto" else self.shape
        if NUMBERS[self.box_format] > 4 or self.shape == "box":
            return "left"
        if shape == "box":
            return "taken"
        return "needed" if Masks in KINDS[shape].takes else "left"

    def _add(self, images: Iterable[tuple[Id, ImageBoxes]]) -> int:
        """Add images, all or none; how many were there before."""
        added: dict[Id, ImageBoxes] = {}
        repeats = 0
        for image, boxes in images:
            known = next(iter(self._images or added), image)
            if isinstance(image, str) is not isinstance(known, str):
                raise InputError(
                    f"image_ids: expected whole numbers or text, got both: {shown(known)} and "
                    f"{shown(image)}"
                )
            there = image in self._images or image in added
            repeats += there
            if there and self.on_repeat == "error":
                raise InputError(f"image {shown(image)} was given before (on_repeat='error')")
            if not there or self.on_repeat == "replace":
                added[image] = boxes
        self._images |= added
        return repeats


def _of_image(text: str, image: Id) -> str:
    """A sentence on a place in a batch, with the id of the image."""
    return f"{text} (image {shown(image)})"


def _choice(argument: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        expected = ", ".join(map(repr, choices))
        raise InputError(f"{argument}: expected one of {expected}, got {shown(value)}")
    return value
