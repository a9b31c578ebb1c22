"""The command ``detmetrics``, one file per command; it may import any room.

A command parses, calls the library once and prints.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any, TextIO

import click

from detmetrics.cli.exit_codes import BAD_INPUT, CLOSED_PIPE, INTERRUPTED, SOME_FAILED
from detmetrics.cli.reading_options import AS_ERRORS
from detmetrics.foundation.errors import DetmetricsError, DetmetricsWarning, PartsError, WorkerError
from detmetrics.foundation.messages import printable
from detmetrics.foundation.outputs import give_up_standard_output
from detmetrics.foundation.version import __version__

__all__ = ["COMMANDS", "cli", "command_of"]


MEMORY_CURE = (
    "Fix: divide the data set with detmetrics partition and evaluate it with --in-parts, measure "
    "fewer images (--images), or ask for fewer thresholds or resamples"
)


ELSEWHERE = {"formats": "convert"}
"""Commands that share the module of another command."""
COMMANDS = (
    *("check", "compare", "convert", "errors", "evaluate", "formats", "gate", "history"),
    *("partition", "plan", "plot", "reconcile", "report", "rules", "slices", "split"),
    *("stats", "thresholds"),
)


def command_of(name: str) -> click.Command:
    """The command of a name, which is that of its module."""
    module = import_module(f"{__name__}.{ELSEWHERE.get(name, name)}")
    command: click.Command = getattr(module, name)
    return command


class _Commands(click.Group):
    """Imports a command when it is called. Turns our own errors, and running out of memory, into
    one message and exit code 1; a reader that has gone into silence.
    """

    def list_commands(self, _: click.Context) -> list[str]:
        """All of them, in the order of the alphabet."""
        return [*COMMANDS]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        return command_of(name) if name in COMMANDS else None

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            return self._guarded(ctx)

    def _guarded(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DetmetricsError as error:
            _complain(str(error))
            sys.exit(SOME_FAILED if isinstance(error, PartsError | WorkerError) else BAD_INPUT)
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
