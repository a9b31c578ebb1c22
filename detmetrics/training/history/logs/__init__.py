"""Training logs that are read, one file a kind, recognised from their content."""

from __future__ import annotations

import os

from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import printable, shown
from detmetrics.training.history.logs import (
    coco_eval,
    journal,
    lightning,
    paddle,
    tensorboard,
    trainer,
    ultralytics,
    wandb,
    yolov7,
)
from detmetrics.training.history.logs.finding import logs_in
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOGS", "found_log", "read_log"]

LOGS: tuple[Log, ...] = (
    journal.LOG,
    trainer.LOG,
    coco_eval.LOG,
    tensorboard.LOG,
    wandb.LOG,
    ultralytics.LOG,
    lightning.LOG,
    yolov7.LOG,
    paddle.LOG,
)


def read_log(path: str) -> tuple[Log, Parsed]:
    """The kind of a log, and its rows; of a folder, those of the log in it.

    Raises:
        FormatError: it cannot be read, or is no log of a kind that is known; a folder without a
            log, or with several.
    """
    found = found_log(path)
    log, content, notes = _known(found[0])
    if found[1:]:
        parsed = tensorboard.joined([content, *(_known(other)[1] for other in found[1:])])
    else:
        parsed = log.read(content)
    return log, parsed._replace(notes=notes + parsed.notes)


def found_log(path: str) -> list[str]:
    """The file itself; of a folder the log in it, or all scalars that TensorBoard saved in it.

    Raises:
        FormatError: a folder without a log, or with several.
    """
    return logs_in(path, _kind) if os.path.isdir(path) else [path]


def _kind(content: Content) -> Log | None:
    return next((log for log in LOGS if log.knows(content)), None)


def _known(path: str) -> tuple[Log, Content, tuple[str, ...]]:
    data, _ = read_input(path)
    text, latin = decoded(data, path)
    content = Content(path, text)
    if log := _kind(content):
        return log, content, ("not in UTF-8, and taken for Latin-1",) if latin else ()
    titles = ", ".join(log.title for log in LOGS)
    found = shown(printable(text.strip().partition("\n")[0].strip()))
    raise FormatError(path, [f"line 1: expected a training log ({titles}), found {found}"])
