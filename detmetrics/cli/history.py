"""``detmetrics history``."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.outputs import write_together
from detmetrics.foundation.errors import InputError

if TYPE_CHECKING:
    from detmetrics.training.history.comparing import TrainingComparison

__all__ = ["history"]

EXAMPLES = f"""\b
Examples:
  detmetrics history runs/detect/train/results.csv
  detmetrics history a/results.csv b/results.csv --plot curves.png
  detmetrics history trainer_state.json --metric eval_map --json -
  detmetrics history log.txt --role val

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, required=True, metavar="FILE [FILE ...]")
@click.option("--metric", metavar="NAME", help="Choose by this one; AP, or what is there.")
@click.option(
    "--role",
    type=click.Choice(["val", "test"]),
    help="Which data were measured, where the log calls them something else.",
)
@click.option("--plot", "plot_file", metavar="FILE", help="Draw the curves: .png, .svg or .pdf.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def history(files: tuple[str, ...], **options: Any) -> None:
    """Say which epoch of the training log FILE is best, and whether it is still learning.

    FILE is results.csv of YOLOv5 or YOLOv8, metrics.csv of Lightning, trainer_state.json, log.txt
    of DETR, a log of MMDetection or Detectron2, or a journal of dm.History. Test data do not
    choose: a log of nothing else is refused.
    """
    _check_usage(files, options)
    from detmetrics.training.history import History
    from detmetrics.training.history.comparing import compare

    histories = [History.read(path, role=options["role"]) for path in files]
    if not options["quiet"]:
        for each in histories:
            click.echo(f"{each.source}: read as {each.title}", err=True)
    comparison = compare(histories, options["metric"])
    write_together(_outputs(comparison, options), options)


def _check_usage(files: tuple[str, ...], options: dict[str, Any]) -> None:
    if files.count("-") > 1:
        raise click.UsageError("standard input can be one of the files, not several")
    outputs = {"--plot": options["plot_file"], "--json": options["json_file"]}
    if (plot := outputs["--plot"]) is not None:
        from detmetrics.reports.figures import suffix_of

        try:
            suffix_of(plot)
        except InputError as error:
            raise click.UsageError(f"--plot: {error}") from None
    taken = {os.path.realpath(path): "an input" for path in files if path != "-"}
    for option, path in outputs.items():
        if path is None:
            continue
        if not path:
            raise click.UsageError(f"{option}: the name of the file is empty")
        target = os.path.realpath(path)
        if path != "-" and target in taken:
            raise click.UsageError(f"{option} would write to the same file as {taken[target]}")
        taken[target] = option


def _outputs(comparison: TrainingComparison, options: dict[str, Any]) -> dict[str, str | bytes]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports.history import to_json, to_text

    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = to_json(comparison)
    if path := options["plot_file"]:
        from detmetrics.reports.figures import figure_bytes, suffix_of
        from detmetrics.reports.figures.history import histories_figure

        figure = histories_figure(comparison.standings, comparable=not comparison.reasons)
        outputs[path] = figure_bytes(figure, suffix_of(path))
    if "-" not in outputs:
        width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
        outputs["-"] = to_text(comparison, width=width)
    return outputs
