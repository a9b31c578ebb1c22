"""What can go wrong, as a tree.

::

    DetmetricsError
    ├── InputError (ValueError)        what was given cannot be evaluated
    │   ├── FormatError                a file is not what its format says
    │   ├── TableError                 arrays or frames that do not fit together
    │   ├── UnknownIdError             ids that the ground truth does not have
    │   └── AmbiguousIdError           ids that fit the ground truth in several ways
    ├── RulesError (ValueError)        rules that contradict themselves
    ├── PartsError (RuntimeError)      parts of an evaluation failed; the others are done
    ├── WorkerError (RuntimeError)     a process that takes part was killed, or does not answer
    └── OutputError (OSError)          a result could not be written

    DetmetricsWarning (UserWarning)    read and evaluated, but worth a look
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from detmetrics.foundation.messages import SHOWN, counted, listing

__all__ = [
    "AmbiguousIdError",
    "DetmetricsError",
    "DetmetricsWarning",
    "FormatError",
    "InputError",
    "OutputError",
    "PackageWarning",
    "PartsError",
    "RulesError",
    "TableError",
    "UnknownIdError",
    "WorkerError",
]


class DetmetricsError(Exception):
    """Base of every error that detmetrics raises on purpose.

    >>> import detmetrics as dm
    >>> try:
    ...     dm.read_ground_truth("nowhere.json")
    ... except dm.DetmetricsError as error:
    ...     print(error)
    nowhere.json: no such file
    """


class InputError(DetmetricsError, ValueError):
    """What was given cannot be evaluated; the message says where and why.

    >>> import detmetrics as dm
    >>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
    >>> result.curve("cat")
    Traceback (most recent call last):
    detmetrics.foundation.errors.InputError: no class 'cat'; there are person, bicycle, car, bus, \
    dog
    """


class FormatError(InputError):
    """A file is not what its format says.

    Attributes:
        path: the file, as it was named.
        faults: ``place: expected ..., got ...``, one a fault, the first ten.
        count: how many faults there are in all.
        hint: what to do, empty where it is not known.
        code: what ``detmetrics check`` calls it, see ``docs/checks.md``.

    >>> import detmetrics as dm
    >>> try:
    ...     dm.read_ground_truth("nowhere.json")
    ... except dm.FormatError as error:
    ...     print(error.path, error.faults, error.count)
    nowhere.json ('no such file',) 1
    """

    code: ClassVar[str] = "D001"

    def __init__(
        self, path: str, faults: Sequence[str], count: int | None = None, hint: str = ""
    ) -> None:
        self.path = path
        self.faults = tuple(faults[:SHOWN])
        self.count = len(faults) if count is None else count
        self.hint = hint
        text = listing(path, self.faults, self.count)
        super().__init__(f"{text}\n  {hint}" if hint else text)

    def __reduce__(self) -> tuple[Any, ...]:
        """By what it was made of, so that it comes back from another process."""
        made_of = self.path, self.faults, self.count, self.hint
        return type(self), made_of, self.__dict__


class TableError(InputError):
    """Arrays or frames that do not fit together.

    >>> import detmetrics as dm
    >>> dm.GroundTruth.from_arrays(image_ids=[1], categories=["cat"], boxes=[[0, 0, 10]])
    Traceback (most recent call last):
    detmetrics.foundation.errors.TableError: ground-truth arrays: boxes: expected \
shape (1, 4), got (1, 3)
    """


class UnknownIdError(InputError):
    """Detections name images or categories that the ground truth lacks.

    >>> import detmetrics as dm
    >>> catalog = dm.Catalog.from_ids(images=[1], categories=[1])
    >>> try:
    ...     dm.Detections.from_arrays(
    ...         image_ids=[0], categories=[1], boxes=[[0, 0, 9, 9]], scores=[0.5], catalog=catalog)
    ... except dm.UnknownIdError as error:
    ...     print(str(error).splitlines()[3])
      likely cause: off by one: every id would fit if 1 were added (these count from 0)
    """


class AmbiguousIdError(InputError):
    """Ids of detections fit the ground truth in several ways, and the pairs would differ.

    >>> import detmetrics as dm
    >>> catalog = dm.Catalog.from_ids(
    ...     images=[1, 2], image_names=["cam1/01.jpg", "cam2/01.jpg"], categories=[1])
    >>> try:
    ...     dm.Detections.from_arrays(
    ...         image_ids=["01"], categories=[1], boxes=[[0, 0, 9, 9]], scores=[0.5],
    ...         catalog=catalog)
    ... except dm.AmbiguousIdError as error:
    ...     print(str(error).splitlines()[1])
      image_ids[0]: '01' may be cam1/01.jpg or cam2/01.jpg
    """


class RulesError(DetmetricsError, ValueError):
    """Rules that contradict themselves or ask for what does not exist.

    >>> import detmetrics as dm
    >>> dm.COCO.replace(iou_thresholds=(0.5, 1.5))
    Traceback (most recent call last):
    detmetrics.foundation.errors.RulesError: iou_thresholds: expected 0 < t <= 1, got (0.5, 1.5)
    """


class PartsError(DetmetricsError, RuntimeError):
    """Some parts of an evaluation failed.

    Attributes:
        failed: what went wrong, by the name of the part.
        done: how many parts are done.
        kept: those are in the state, and need not run again.

    >>> print(PartsError({"part-7": "gt/part-7.json: no such file"}, 199))
    1 part of 200 failed; the others are in the state, and the next run goes on from there:
      part-7: gt/part-7.json: no such file
    """

    def __init__(self, failed: Mapping[str, str], done: int, kept: bool = True) -> None:
        self.failed = dict(failed)
        self.done, self.kept = done, kept
        lines = [f"  {name}: {text}".replace("\n", "\n    ") for name, text in self.failed.items()]
        if len(lines) > SHOWN:
            lines[SHOWN:] = [f"  ... and {len(lines) - SHOWN:,} more"]
        parts = f"{counted(len(self.failed), 'part')} of {done + len(self.failed):,} failed"
        rest = "; the others are in the state, and the next run goes on from there:"
        super().__init__("\n".join([f"{parts}{rest if kept else ':'}", *lines]))

    def __reduce__(self) -> tuple[Any, ...]:
        """By what it was made of, so that it comes back from another process."""
        return type(self), (self.failed, self.done, self.kept)


class WorkerError(DetmetricsError, RuntimeError):
    """A process that evaluates parts was killed, and what was done is in the state; or one of
    ``torch.distributed`` was, or did not answer in time.

    >>> issubclass(WorkerError, DetmetricsError)
    True
    """


class OutputError(DetmetricsError, OSError):
    """A result could not be written; nothing was left half-written.

    >>> from detmetrics.foundation.outputs import write_whole
    >>> write_whole({"nowhere/result.json": "{}"})
    Traceback (most recent call last):
    detmetrics.foundation.errors.OutputError: nowhere/result.json: cannot be written: its \
    folder does not exist
    """


class DetmetricsWarning(UserWarning):
    """The input was read and evaluated, but deserves a look.

    >>> import warnings
    >>> import detmetrics as dm
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[[5, 5, 0, 9]])
    >>> print(caught[0].message)
    ground-truth arrays: 1 box of zero size, first at boxes[0] of image 1
    """


class PackageWarning(DetmetricsWarning):
    """A package that adds a format is broken, and is left out."""
