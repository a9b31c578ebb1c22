"""The command ``detmetrics``, one file per command; it may import any room.

A command parses, calls the library once and prints.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, TextIO

import click

from detmetrics.cli.check import check
from detmetrics.cli.compare import compare
from detmetrics.cli.convert import convert, formats
from detmetrics.cli.errors import errors
from detmetrics.cli.evaluate import evaluate
from detmetrics.cli.exit_codes import BAD_INPUT, CLOSED_PIPE, INTERRUPTED
from detmetrics.cli.gate import gate
from detmetrics.cli.history import history
from detmetrics.cli.plan import plan
from detmetrics.cli.plot import plot
from detmetrics.cli.reading_options import AS_ERRORS
from detmetrics.cli.reconcile import reconcile
from detmetrics.cli.report import report
from detmetrics.cli.rules import rules
from detmetrics.cli.slices import slices
from detmetrics.cli.split import split
from detmetrics.cli.stats import stats
from detmetrics.cli.thresholds import thresholds
from detmetrics.foundation.errors import DetmetricsError, DetmetricsWarning
from detmetrics.foundation.messages import printable
from detmetrics.foundation.outputs import give_up_standard_output
from detmetrics.foundation.version import __version__

__all__ = ["cli"]


MEMORY_CURE = (
    "Fix: measure fewer images at once (--images), ask for fewer thresholds or resamples, or use a "
    "machine with more memory"
)


class _Commands(click.Group):
    """Turns our own errors, and running out of memory, into one message and exit code 1; a reader
    that has gone into silence.
    """

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            return self._guarded(ctx)

    def _guarded(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DetmetricsError as error:
            _complain(str(error))
            sys.exit(BAD_INPUT)
        except DetmetricsWarning as warning:
            _complain(f"{warning}\n{AS_ERRORS}")
            sys.exit(BAD_INPUT)
        except MemoryError as error:
            _complain(f"out of memory{f' ({error})' if str(error) else ''}. {MEMORY_CURE}")
            sys.exit(BAD_INPUT)
        except KeyboardInterrupt:  # of a caller that hears signals itself
            click.echo("interrupted", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            give_up_standard_output()
            sys.exit(CLOSED_PIPE)


def _say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning of ours as a sentence, without the place in the code where it arose."""
    if issubclass(category, DetmetricsWarning):
        text = "\n".join(map(printable, str(message).split("\n")))
    else:
        text = warnings.formatwarning(message, category, filename, lineno, line).rstrip("\n")
    click.echo(text, file=file or sys.stderr)


def _complain(text: str) -> None:
    click.echo("error: " + "\n".join(map(printable, text.split("\n"))), err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="detmetrics")
def cli() -> None:
    """Measure an object detector: exact, fast, and with the reason for every number."""


cli.add_command(evaluate)
cli.add_command(errors)
cli.add_command(rules)
cli.add_command(check)
cli.add_command(compare)
cli.add_command(convert)
cli.add_command(formats)
cli.add_command(gate)
cli.add_command(history)
cli.add_command(plan)
cli.add_command(plot)
cli.add_command(reconcile)
cli.add_command(report)
cli.add_command(slices)
cli.add_command(split)
cli.add_command(stats)
cli.add_command(thresholds)
