"""``detmetrics compare``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from detmetrics.cli.exit_codes import BELOW_BOUND, exit_codes
from detmetrics.cli.groups import GROUPS, groups_of
from detmetrics.cli.measuring import (
    INTERVAL_OPTIONS,
    added,
    measured_alike,
    measuring_options,
    rules_of,
)
from detmetrics.cli.outputs import CSV_SAFE, check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused
from detmetrics.cli.roles import ROLE_OPTIONS, check_role, recorded
from detmetrics.foundation.messages import printable

if TYPE_CHECKING:
    from detmetrics.analysis.model_ranks import ModelRanks
    from detmetrics.analysis.seeds import GroupComparison

__all__ = ["compare"]

EXAMPLES = f"""\b
Examples:
  detmetrics compare val.json before.json after.json
  detmetrics compare labels/val runs/1/labels runs/2/labels --per-class
  detmetrics compare val.json --group 'a/*.json' --group 'b/*.json'
  detmetrics compare val.json a.json b.json --confidence 0.4 --json comparison.json
  detmetrics compare val.json a.json b.json c.json --fail-if-worse

{exit_codes(BELOW_BOUND)}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.argument("more", nargs=-1)
@GROUPS
@measuring_options
@click.option("--per-class", is_flag=True, help="Add a table of classes.")
@click.option(
    "--iou", type=float, default=0.5, show_default=True, help="Overlap at which an object is found."
)
@click.option("--confidence", type=float, help="Only detections from this score on find an object.")
@added(INTERVAL_OPTIONS)
@click.option(
    "--fail-if-worse",
    is_flag=True,
    help="Exit with 3 where a model is certainly worse than A by the first metric.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a metric as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@reading_options
@added(ROLE_OPTIONS)
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def compare(ground_truth: str, a: str | None, b: str | None, **options: Any) -> None:
    """Say whether detections B are better than detections A on the same GROUND_TRUTH.

    Every metric of both, the interval of the difference, how likely B is better, and what only
    one of them finds. MORE detections are each compared with A, and all are ranked. With --group in
    place of A and B: whether the mean of several runs (seeds) is better by more than the spread
    between seeds and between images.
    """
    if options["groups"]:
        _compare_groups(ground_truth, (a, b), options)
        return
    if a is None or b is None:
        raise click.UsageError("Missing argument 'A' or 'B'; or give groups of runs with --group.")
    paths = (a, b, *options["more"])
    for detections in paths:
        check_outputs(ground_truth, detections, options)
    if [ground_truth, *paths].count("-") > 1:
        raise click.UsageError("standard input can be one of the files, not more")
    check_role(options)
    rules = rules_of(ground_truth, options)
    heed_warnings(options)
    from detmetrics.analysis.model_ranks import compare_models, worse_than_first
    from detmetrics.formats.loading import read_ground_truth

    with Patience(quiet=options["quiet"]) as patience:
        table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
        results = measured_alike(table, paths, rules, options, patience)
        refuse_unused(options)
        ranks = compare_models(
            recorded(results, options),
            options["resamples"],
            options["level"],
            options["seed"],
            per_class=bool(options["per_class"] or options["csv_file"] or options["json_file"]),
            iou=options["iou"],
            confidence=options["confidence"],
            progress=lambda share: patience("resampling", share),
        )
    write_together(_outputs(ranks, options), options)
    if options["fail_if_worse"] and (worse := worse_than_first(ranks.comparisons)):
        click.echo(printable(f"worse than {a}: {', '.join(worse)}"), err=True)
        sys.exit(BELOW_BOUND)


def _compare_groups(
    ground_truth: str, given: tuple[str | None, str | None], options: dict[str, Any]
) -> None:
    if any(path is not None for path in given):
        raise click.UsageError("give either A and B or groups of runs with --group, not both")
    source = click.get_current_context().get_parameter_source
    if any(
        source(name) is not ParameterSource.DEFAULT for name in ("per_class", "iou", "confidence")
    ):
        raise click.UsageError("--per-class, --iou and --confidence compare two models, not groups")
    if options["fail_if_worse"]:
        raise click.UsageError("--fail-if-worse compares models, not groups")
    check_role(options)
    groups = groups_of(options["groups"])
    for path in (path for paths in groups.values() for path in paths):
        check_outputs(ground_truth, path, options)
    rules = rules_of(ground_truth, options)
    heed_warnings(options)
    from detmetrics.analysis.seeds import compare_groups
    from detmetrics.formats.loading import read_ground_truth

    with Patience(quiet=options["quiet"]) as patience:
        table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
        every = [path for paths in groups.values() for path in paths]
        measured = measured_alike(table, every, rules, options, patience)
        refuse_unused(options)
        results = iter(recorded(measured, options))
        comparison = compare_groups(
            {name: [next(results) for _ in paths] for name, paths in groups.items()},
            options["resamples"],
            options["level"],
            options["seed"],
            progress=lambda share: patience("resampling", share),
        )
    write_together(_group_outputs(comparison, options), options)


def _group_outputs(comparison: GroupComparison, options: dict[str, Any]) -> dict[str, str | bytes]:
    from detmetrics.reports.seeds import to_csv, to_json, to_markdown, to_text

    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = to_json(comparison)
    if path := options["csv_file"]:
        outputs[path] = to_csv(comparison, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(comparison)
    if "-" not in outputs:
        outputs["-"] = to_text(comparison, width=terminal_width())
    return outputs


def _outputs(ranks: ModelRanks, options: dict[str, Any]) -> dict[str, str | bytes]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports.model_ranks import to_csv, to_json, to_markdown, to_text

    per_class = options["per_class"]
    outputs: dict[str, str | bytes] = {}
    if path := options["json_file"]:
        outputs[path] = to_json(ranks)
    if path := options["csv_file"]:
        outputs[path] = to_csv(ranks, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(ranks, per_class=per_class)
    if "-" not in outputs:
        outputs["-"] = to_text(ranks, per_class=per_class, width=terminal_width())
    return outputs
