"""Training logs that are read, one file a kind, recognised from their content."""

from __future__ import annotations

from detmetrics.foundation.decoding import decoded
from detmetrics.foundation.errors import FormatError
from detmetrics.foundation.inputs import read_input
from detmetrics.foundation.messages import printable, shown
from detmetrics.training.history.logs import coco_eval, journal, lightning, trainer, ultralytics
from detmetrics.training.history.logs.kind import Content, Log, Parsed

__all__ = ["LOGS", "read_log"]

LOGS: tuple[Log, ...] = (journal.LOG, trainer.LOG, coco_eval.LOG, ultralytics.LOG, lightning.LOG)


def read_log(path: str) -> tuple[Log, Parsed]:
    """The kind of a log, and its rows.

    Raises:
        FormatError: it cannot be read, or is no log of a kind that is known.
    """
    data, _ = read_input(path)
    text, latin = decoded(data, path)
    content = Content(path, text)
    for log in LOGS:
        if log.knows(content):
            parsed = log.read(content)
            notes = ("not in UTF-8, and taken for Latin-1",) if latin else ()
            return log, parsed._replace(notes=notes + parsed.notes)
    titles = ", ".join(log.title for log in LOGS)
    found = shown(printable(text.strip().partition("\n")[0].strip()))
    raise FormatError(path, [f"line 1: expected a training log ({titles}), found {found}"])
