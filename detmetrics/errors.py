"""What can go wrong, as a tree.

::

    DetmetricsError
    ├── InputError (ValueError)        what was given cannot be evaluated
    │   ├── FormatError                a file is not what its format says
    │   ├── TableError                 arrays or frames that do not fit together
    │   └── UnknownIdError             ids that the ground truth does not have
    ├── RulesError (ValueError)        rules that contradict themselves
    └── OutputError (OSError)          a result could not be written

    DetmetricsWarning (UserWarning)    read and evaluated, but worth a look
"""

from __future__ import annotations

from collections.abc import Sequence

from detmetrics.messages import SHOWN, listing

__all__ = [
    "DetmetricsError",
    "DetmetricsWarning",
    "FormatError",
    "InputError",
    "OutputError",
    "RulesError",
    "TableError",
    "UnknownIdError",
]


class DetmetricsError(Exception):
    """Base of every error that detmetrics raises on purpose."""


class InputError(DetmetricsError, ValueError):
    """What was given cannot be evaluated; the message says where and why."""


class FormatError(InputError):
    """A file is not what its format says.

    Attributes:
        path: the file, as it was named.
        faults: ``place: expected ..., got ...``, one a fault, the first ten.
        count: how many faults there are in all.
    """

    def __init__(self, path: str, faults: Sequence[str], count: int | None = None) -> None:
        self.path = path
        self.faults = tuple(faults[:SHOWN])
        self.count = len(faults) if count is None else count
        super().__init__(listing(path, self.faults, self.count))


class TableError(InputError):
    """Arrays or frames that do not fit together."""


class UnknownIdError(InputError):
    """Detections name images or categories that the ground truth lacks."""


class RulesError(DetmetricsError, ValueError):
    """Rules that contradict themselves or ask for what does not exist."""


class OutputError(DetmetricsError, OSError):
    """A result could not be written; nothing was left half-written."""


class DetmetricsWarning(UserWarning):
    """The input was read and evaluated, but deserves a look."""
