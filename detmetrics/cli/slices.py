"""``detmetrics slices``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import (
    CI_OR_NOT,
    MANY_INTERVALS,
    added,
    measured,
    measuring_options,
    remark,
    resampled,
    rules_of,
)
from detmetrics.cli.outputs import CSV_SAFE, check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused
from detmetrics.foundation.messages import no_such, printable

if TYPE_CHECKING:
    from detmetrics.analysis.attributes import Attribute
    from detmetrics.analysis.slicing import Slices
    from detmetrics.evaluation.result import Evaluation
    from detmetrics.rules import Rules

__all__ = ["SLICE_OPTIONS", "WAYS", "attribute_of", "check_by", "slices", "slicing"]

EXAMPLES = f"""\b
Examples:
  detmetrics slices val.json predictions.json --slices-by images.csv:weather
  detmetrics slices val.json predictions.json --slices-by-field time_of_day --metric AP50
  detmetrics slices val.json predictions.json --slices-by-pattern '^(cam[0-9]+)_'
  detmetrics slices val.json predictions.json --slices-by images.csv:brightness --slices-bins 4

{exit_codes()}
"""
SLICE_OPTIONS = (
    click.option(
        "--slices-by",
        "slices_by_column",
        metavar="FILE:COLUMN",
        help="A column of a CSV, TSV or Parquet file with a column of images (names or ids).",
    ),
    click.option(
        "--slices-by-field",
        metavar="NAME",
        help="A field of the images in the ground truth, a COCO file.",
    ),
    click.option(
        "--slices-by-pattern",
        metavar="REGEX",
        help="What a regular expression finds in the names of images: its group, if it has one.",
    ),
    click.option(
        "--slices-bins",
        type=click.IntRange(2, 50),
        help="Numbers, in so many bins of equal count.",
    ),
)
WAYS = ("slices_by_column", "slices_by_field", "slices_by_pattern")


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@added(SLICE_OPTIONS)
@click.option("--metric", help="Sort by this metric.  [default: the first of the rules, AP]")
@CI_OR_NOT
@added(resampled(*MANY_INTERVALS))
@click.option(
    "--smallest",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Slices of fewer images are marked, and stand last.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write every metric as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a slice as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def slices(ground_truth: str, detections: str, **options: Any) -> None:
    """Say on which images DETECTIONS are worst, by an attribute of the images.

    Images without a value form the slice (none). Intervals are over images of the slice.
    """
    check_outputs(ground_truth, detections, options)
    check_by(ground_truth, options)
    rules = rules_of(ground_truth, options)
    metric = _metric(options["metric"], rules)
    heed_warnings(options)  # what is remarked says all of them
    from detmetrics.analysis.slicing import slices as run

    with Patience(quiet=options["quiet"]) as patience:
        result = measured(ground_truth, detections, rules, options, patience)
        attribute = attribute_of(ground_truth, result, options)
        refuse_unused(options)
        slices = run(
            result,
            attribute.values,
            metric,
            by=attribute.name,
            resamples=options["resamples"] if options["ci"] else 0,
            seed=options["seed"],
            smallest=options["smallest"],
            progress=patience,
        )
    remark(result, options)
    for note in attribute.notes if not options["quiet"] else ():
        click.echo(printable(note), err=True)
    write_together(_outputs(slices, options), options)


def check_by(ground_truth: str, options: dict[str, Any]) -> None:
    """Refuse what is not one attribute.

    Raises:
        UsageError: it is none, or several, or cannot be read.
    """
    ways = [name for name in WAYS if options[name] is not None]
    if len(ways) != 1:
        raise click.UsageError(
            "expected one of --slices-by FILE:COLUMN, --slices-by-field and --slices-by-pattern"
        )
    column = options["slices_by_column"]
    if column is not None and not all(column.rpartition(":")[::2]):
        raise click.UsageError(f"--slices-by: expected FILE:COLUMN, got {column!r}")
    if ways == ["slices_by_field"] and ground_truth == "-":
        raise click.UsageError("--slices-by-field reads the ground truth twice, so it cannot be -")


def slicing(options: dict[str, Any]) -> bool:
    """Whether an option asks for slices.

    Raises:
        UsageError: bins of an attribute that is not named.
    """
    asked = any(options[way] is not None for way in WAYS)
    if options["slices_bins"] and not asked:
        raise click.UsageError("--slices-bins needs --slices-by, -field or -pattern")
    return asked


def _metric(asked: str | None, rules: Rules) -> str:
    from detmetrics.metrics.summary import metrics_of

    known = [metric.name for metric in metrics_of(rules)]
    if asked is not None and asked not in known:
        raise click.UsageError(f"--metric: {no_such('metric', asked, known)}")
    return asked or known[0]


def attribute_of(ground_truth: str, result: Evaluation, options: dict[str, Any]) -> Attribute:
    """The attribute that the options ask for."""
    from detmetrics.analysis.attributes import (
        by_column,
        by_field,
        by_pattern,
        in_quantiles,
        ungrouped,
    )

    catalog = result.ground_truth.catalog
    if asked := options["slices_by_column"]:
        path, _, column = asked.rpartition(":")
        attribute = by_column(catalog, path, column, reading_of({**options, "quiet": True}))
    elif asked := options["slices_by_field"]:
        attribute = by_field(catalog, ground_truth, asked)
    else:
        attribute = by_pattern(catalog, options["slices_by_pattern"])
    bins = options["slices_bins"]
    return in_quantiles(attribute, bins) if bins else ungrouped(attribute)


def _outputs(slices: Slices, options: dict[str, Any]) -> dict[str, str]:
    """What was asked for, by path; the table where nothing else takes standard output."""
    from detmetrics.reports.slices import to_csv, to_json, to_markdown, to_text

    outputs = {}
    if path := options["json_file"]:
        outputs[path] = to_json(slices)
    if path := options["csv_file"]:
        outputs[path] = to_csv(slices, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(slices)
    if "-" not in outputs:
        outputs["-"] = to_text(slices, terminal_width())
    return outputs
