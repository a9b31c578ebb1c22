"""``--role test --ledger FILE``: a look at a test set is recorded before its numbers are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.reading_options import refuse_warnings
from detmetrics.foundation.messages import printable

if TYPE_CHECKING:
    from detmetrics.evaluation.ledger import Look
    from detmetrics.evaluation.result import Evaluation
    from detmetrics.tables.rows import Rows

__all__ = ["ROLE_OPTIONS", "check_role", "look_at", "record_look", "recorded"]

ROLE_OPTIONS = (
    click.option(
        "--role",
        type=click.Choice(["test"]),
        help="test: the data is a test set, which is for the last look; needs --ledger.",
    ),
    click.option(
        "--ledger",
        "ledger_file",
        metavar="FILE",
        help="With --role test: record this look in FILE before its numbers are shown, and warn "
        "from the second model on.",
    ),
)


def check_role(options: dict[str, Any]) -> None:
    """Refuse one option without the other, and a file that is no ledger, before anything is read.

    Raises:
        UsageError: one without the other, or standard output. FormatError: the file is no ledger.
    """
    role, path = options["role"], options["ledger_file"]
    if role and path is None:
        raise click.UsageError(
            "--role test needs --ledger FILE, where every look at the test set is recorded"
        )
    if path is not None and not role:
        raise click.UsageError("--ledger has no effect without --role test. Fix: add --role test")
    if path == "-":
        raise click.UsageError("--ledger takes a file, which keeps the looks; - is none")
    if path is not None:
        from detmetrics.evaluation.ledger import read_ledger

        read_ledger(path)


def recorded(results: Sequence[Evaluation], options: dict[str, Any]) -> list[Evaluation]:
    """Results on one ground truth, after the look at them is recorded where that was asked for.

    The warning that they are of several models is in their attention.

    Raises:
        InputError: the look cannot be recorded; no number may be shown then.
    """
    warning = look_at(results, options)
    if warning is None:
        return list(results)
    return [replace(one, notes=(warning, *one.notes)) for one in results]


def look_at(
    results: Sequence[Evaluation],
    options: dict[str, Any],
    others: Sequence[tuple[str, str]] = (),
) -> str | None:
    """Record a look at results on one ground truth where that was asked for, and return the
    warning from the second model on.

    others: path and SHA-256 of further models whose numbers are shown.

    Raises:
        InputError: the look cannot be recorded; no number may be shown then.
    """
    if not options["role"]:
        return None
    from detmetrics.evaluation.ledger import Look, Looked

    models = (*(Looked(*one) for one in others), *(_looked(one.detections) for one in results))
    look = Look(
        command=click.get_current_context().info_name or "",
        signature=results[0].signature,
        ground_truth=_looked(results[0].ground_truth),
        models=models,
    )
    return record_look(look, options)


def record_look(look: Look, options: dict[str, Any]) -> str | None:
    """Record a look, say how many there are, and return the warning from the second model on.

    Raises:
        InputError: it cannot be recorded, or the warning is an error (``--warnings error``), where
            nothing is recorded.
    """
    from detmetrics.evaluation.ledger import add_look, read_ledger

    path = options["ledger_file"]
    before = read_ledger(path, look, with_look=True).warning
    refuse_warnings([before] if before else [], options)
    ledger = add_look(path, look)
    if not options["quiet"]:
        click.echo(printable(ledger.count), err=True)
    return ledger.warning


def _looked(table: Rows) -> Any:
    from detmetrics.evaluation.ledger import Looked

    source = table.source
    assert source.input is not None  # commands read files
    return Looked(source.input.path, source.input.sha256)
