"""``detmetrics report``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import (
    CI_OR_NOT,
    MANY_INTERVALS,
    added,
    measured_alike,
    measuring_options,
    remark,
    resampled,
    rules_of,
)
from detmetrics.cli.outputs import check_outputs, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import heed_warnings, reading_of, reading_options, refuse_unused
from detmetrics.cli.slices import SLICE_OPTIONS, attribute_of, check_by, slicing
from detmetrics.foundation.messages import counted, printable

if TYPE_CHECKING:
    from detmetrics.analysis.attributes import Attribute
    from detmetrics.evaluation.result import Evaluation
    from detmetrics.reports.html import Report
    from detmetrics.rules import Rules

__all__ = ["report"]

EXAMPLES = f"""\b
Examples:
  detmetrics report val.json predictions.json -o report.html
  detmetrics report labels/val runs/predict/labels --image-dir images/val
  detmetrics report val.json before.json --compare after.json
  detmetrics report val.json predictions.json --slices-by images.csv:weather --markdown summary.md

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option(
    "--output",
    "-o",
    "output_file",
    metavar="FILE|-",
    default="report.html",
    show_default=True,
    help="The page, one file that needs nothing else.",
)
@click.option("--json", "json_file", metavar="FILE|-", help="Write all of its numbers as JSON.")
@click.option(
    "--markdown", "markdown_file", metavar="FILE|-", help="Write a summary for a pull request."
)
@click.option(
    "--max-megabytes",
    type=click.FloatRange(0, 1_000),
    default=6.0,
    show_default=True,
    help="Of pictures in the page.",
)
@click.option("--compare", "other", metavar="DETECTIONS", help="Compare with another model.")
@CI_OR_NOT
@added(resampled(*MANY_INTERVALS))
@added(SLICE_OPTIONS)
@measuring_options
@reading_options
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def report(ground_truth: str, detections: str, **options: Any) -> None:
    """Make one page of all that DETECTIONS get right and wrong against GROUND_TRUTH.

    How good, how sure, what to fix first; classes, curves, errors, confusion, a gallery. The page
    opens from disk in any browser and asks no network. Boxes are drawn on the pictures of
    --image-dir.
    """
    _check(ground_truth, detections, options)
    rules = rules_of(ground_truth, options)
    heed_warnings(options)  # attention says all of them
    with Patience(quiet=options["quiet"]) as patience:
        asked = _asked(ground_truth, detections, rules, options, patience)
        made = _made(asked, options, patience)
        patience("writing", None)
        outputs = _outputs(made, options)
    remark(made.result, options)
    _remark(asked, made, options)
    write_together(outputs, options)
    if options["output_file"] != "-" and not options["quiet"]:
        size = len(outputs[options["output_file"]].encode("utf-8", "backslashreplace")) / 1e6
        click.echo(f"{printable(options['output_file'])}: {size:.1f} MB", err=True)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The results to report on, and the attribute of images to slice by."""

    result: Evaluation
    other: Evaluation | None
    attribute: Attribute | None


def _check(ground_truth: str, detections: str, options: dict[str, Any]) -> None:
    for given in (detections, options["other"]):
        if given is not None:
            check_outputs(ground_truth, given, options)
    if [ground_truth, detections, options["other"]].count("-") > 1:
        raise click.UsageError("standard input can be one of the files, not more")
    if slicing(options):
        check_by(ground_truth, options)


def _asked(
    ground_truth: str, detections: str, rules: Rules, options: dict[str, Any], patience: Patience
) -> _Asked:
    from detmetrics.formats.loading import read_ground_truth

    table = read_ground_truth(ground_truth, reading_of(options), progress=patience)
    paths = [detections] if options["other"] is None else [detections, options["other"]]
    result, *others = measured_alike(table, paths, rules, options, patience)
    other = others[0] if others else None
    attribute = attribute_of(ground_truth, result, options) if slicing(options) else None
    refuse_unused(options)
    return _Asked(result, other, attribute)


def _made(asked: _Asked, options: dict[str, Any], patience: Patience) -> Report:
    from detmetrics.reports.html import report_of

    return report_of(
        asked.result,
        resamples=options["resamples"] if options["ci"] else 0,
        seed=options["seed"],
        other=asked.other,
        attribute=asked.attribute,
        image_dir=options["image_dir"],
        megabytes=options["max_megabytes"],
        progress=patience,
    )


def _outputs(made: Report, options: dict[str, Any]) -> dict[str, str]:
    from detmetrics.reports.html import to_html, to_json, to_markdown

    outputs = {options["output_file"]: to_html(made)}
    if path := options["json_file"]:
        outputs[path] = to_json(made)
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(made)
    return outputs


def _remark(asked: _Asked, made: Report, options: dict[str, Any]) -> None:
    """Say on standard error what is not in the page."""
    if options["quiet"]:
        return
    gallery = made.document["gallery"]
    notes = [*(asked.attribute.notes if asked.attribute else ())]
    notes += gallery["notes"] if gallery else []
    notes += [f"no {name.replace('_', ' ')}: {why}" for name, why in made.unavailable.items()]
    if options["image_dir"] is not None and gallery:
        pictures = counted(len(made.pictures), "picture")
        notes.append(f"{pictures} of {len(gallery['pictures'])} images in the gallery")
    for note in notes:
        click.echo(printable(note), err=True)
