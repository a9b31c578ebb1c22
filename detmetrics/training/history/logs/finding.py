"""The log in the folder of a training, found by its name and its content.

The nearest one counts: folders are looked through level by level, and the first level with a log
ends the search. In one folder a name that frameworks give comes before any other; of checkpoints
(``checkpoint-500``) the last holds the whole training. Several logs that are left are several
trainings, and somebody has to say which; all files that TensorBoard saved in one folder are one.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable

from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError, InputError
from detmetrics.foundation.messages import few
from detmetrics.training.history.logs.kind import LOOKED_AT, Content, Log

__all__ = ["logs_in"]

NAMES = (
    "results.csv", "metrics.csv", "trainer_state.json", "scalars.json", "metrics.json",
    "history.jsonl", "results.txt", "log.txt", "workerlog.0",
)  # fmt: skip
ENDS = re.compile(r".*\.(csv|json|jsonl|txt|log)(\.gz)?|workerlog\.\d+", re.I)
CHECKPOINT = re.compile(r"checkpoint[-_](\d{1,15})")
DEEPEST = 4
MOST = 20_000  # files and folders that are looked at
LARGEST = 64 << 20  # of a file without a usual name, which is read to know whether it is a log

Kind = Callable[[Content], Log | None]


def logs_in(folder: str, kind: Kind) -> list[str]:
    """The path of the log, or of all scalars that TensorBoard saved side by side.

    Raises:
        FormatError: there is none, or there are several.
    """
    looked = 0
    level = [folder]
    for _ in range(DEEPEST + 1):
        inside: list[str] = []
        found: list[tuple[str, bool]] = []
        for each in level:
            folders, files = _entries(each)
            looked += len(folders) + len(files)
            inside += folders
            found += _logs(files, kind)
            if looked > MOST:
                raise FormatError(folder, [f"more than {MOST:,} files: name the log itself"])
        if found:
            return _one(folder, found)
        level = inside
    usual = ", ".join(NAMES[:4])
    raise FormatError(
        folder, [f"expected a training log ({usual}, ...), found none: name the log itself"]
    )


def _entries(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files in order of their names; links to folders, which may lead in a circle, and
    hidden ones are passed over.
    """
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
            return (
                [e.path for e in inside if e.is_dir(follow_symlinks=False) and e.name[0] != "."],
                [e.path for e in inside if e.is_file() and ENDS.fullmatch(e.name)],
            )
    except OSError:
        return [], []


def _logs(files: list[str], kind: Kind) -> list[tuple[str, bool]]:
    """The logs of one folder, and whether each is a scalar of TensorBoard."""
    usual = sorted((path for path in files if os.path.basename(path) in NAMES), key=_rank)
    for path in usual:
        if _recognised(path, kind):
            return [(path, False)]
    others = [path for path in files if path not in usual]
    known = [(path, found) for path in others if (found := _recognised(path, kind))]
    return [(path, log.name == "tensorboard") for path, log in known if _holds_rows(path, log)]


def _rank(path: str) -> int:
    return NAMES.index(os.path.basename(path))


def _recognised(path: str, kind: Kind) -> Log | None:
    content = _content(path, LOOKED_AT)
    return None if content is None else kind(content)


def _holds_rows(path: str, log: Log) -> bool:
    """Whether a file without a usual name is a log: a line of settings may look like one."""
    try:
        content = _content(path, LARGEST + 1)
        if content is None or len(content.text) > LARGEST:
            return False
        return bool(log.read(content).rows)
    except InputError:
        return log.name == "tensorboard"


def _content(path: str, size: int) -> Content | None:
    """The beginning of a file as text; None where it cannot be read."""
    try:
        with gzip.open(path) if path.lower().endswith(".gz") else open(path, "rb") as file:
            return Content(path, decoded(file.read(size), path)[0])
    except (OSError, EOFError, zlib.error, InputError):
        return None


def _one(folder: str, found: list[tuple[str, bool]]) -> list[str]:
    paths = [path for path, _ in found]
    if len(paths) == 1:
        return paths
    if all(scalar for _, scalar in found) and len({*map(os.path.dirname, paths)}) == 1:
        return paths
    steps = [CHECKPOINT.fullmatch(os.path.basename(os.path.dirname(path))) for path in paths]
    if all(steps):
        return [max(zip(paths, steps, strict=True), key=lambda pair: int((pair[1] or "0")[1]))[0]]
    names = [os.path.relpath(path, folder) for path in paths]
    raise FormatError(
        folder, [f"expected one training log, found {len(paths):,} ({few(names)}): name them"]
    )
