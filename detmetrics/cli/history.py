"""``detmetrics history``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.groups import GROUPS, groups_of
from detmetrics.cli.outputs import terminal_width, write_together
from detmetrics.foundation.errors import InputError

if TYPE_CHECKING:
    from detmetrics.training.history.comparing import TrainingComparison
    from detmetrics.training.history.groups import TrainingGroups

__all__ = ["history"]

EXAMPLES = f"""\b
Examples:
  detmetrics history runs/detect/train/results.csv
  detmetrics history runs/detect/train
  detmetrics history a/results.csv b/results.csv --plot curves.png
  detmetrics history --group 'a/*/results.csv' --group 'b/*/results.csv'
  detmetrics history trainer_state.json --metric eval_map --json -
  detmetrics history log.txt --role val

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("files", nargs=-1, metavar="LOG [LOG ...]")
@GROUPS
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
    """Report which epoch of a training is best, and whether the training is still improving.

    LOG is results.csv of YOLOv5 or YOLOv8, results.txt of YOLOv7, metrics.csv of Lightning,
    trainer_state.json, log.txt of DETR, a log of MMDetection, Detectron2 or PaddleDetection, CSV
    exported from TensorBoard or Weights & Biases, a journal of dm.History, or a folder with one of
    them. Test data do not choose: a log of nothing else is refused.
    """
    groups = groups_of(options["groups"])
    if bool(files) == bool(groups):
        raise click.UsageError(
            "give either logs or groups of them with --group, not both"
            if files
            else "Missing argument 'LOG [LOG ...]'; or give groups of runs with --group."
        )
    files = files or tuple(path for paths in groups.values() for path in paths)
    _check_usage(files, options)
    from detmetrics.training.history.logs import found_log

    _check_usage(tuple(log for path in files for log in found_log(path)), options)
    from detmetrics.training.history import History
    from detmetrics.training.history.comparing import compare

    histories = [History.read(path, role=options["role"]) for path in files]
    if not options["quiet"]:
        for each in histories:
            click.echo(f"{each.source}: read as {each.title}", err=True)
    if groups:
        from detmetrics.training.history.groups import compare_groups

        left = iter(histories)
        given = {
            name: [run for _ in paths for run in next(left).by_run()]
            for name, paths in groups.items()
        }
        found = compare_groups(given, options["metric"])
        write_together(_outputs(found.comparison, options, found), options)
        return
    runs = [run for each in histories for run in each.by_run()]
    write_together(_outputs(compare(runs, options["metric"]), options), options)


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


def _outputs(
    comparison: TrainingComparison, options: dict[str, Any], groups: TrainingGroups | None = None
) -> dict[str, str | bytes]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports import history, history_groups

    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = history_groups.to_json(groups) if groups else history.to_json(comparison)
    if path := options["plot_file"]:
        from detmetrics.reports.figures import figure_bytes, suffix_of
        from detmetrics.reports.figures.history import histories_figure

        figure = histories_figure(comparison.standings, comparable=not comparison.reasons)
        outputs[path] = figure_bytes(figure, suffix_of(path))
    if "-" not in outputs:
        outputs["-"] = (
            history_groups.to_text(groups, width=terminal_width())
            if groups
            else history.to_text(comparison, width=terminal_width())
        )
    return outputs
