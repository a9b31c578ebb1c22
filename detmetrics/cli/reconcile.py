"""``detmetrics reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import CLASSES, IMAGE_OPTIONS, SHAPE, added
from detmetrics.cli.outputs import CSV_SAFE, check_outputs, terminal_width, write_together
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_IMAGES,
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
)

if TYPE_CHECKING:
    from detmetrics.analysis.reconcile.reconcile import Reconciliation

__all__ = ["reconcile"]

EXAMPLES = f"""\b
Examples:
  detmetrics reconcile val.json predictions.json
  detmetrics reconcile val.json predictions.json --theirs ultralytics
  detmetrics reconcile VOC2007/Annotations results --reported 0.7466
  detmetrics reconcile val.json predictions.json --reported 52.3 --json -
  detmetrics reconcile labelTxt Task1_results --theirs voc2007

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections")
@click.option(
    "--ours",
    metavar="NAME|FILE",
    help="Rule set to start from (detmetrics rules lists them).  "
    "[default: coco; of DOTA's files dota]",
)
@click.option(
    "--theirs",
    metavar="NAME|FILE",
    help="Rule set to explain; voc2007 where objects are marked as difficult, else ultralytics.",
)
@SHAPE
@click.option("--reported", metavar="NUMBER", help="A number that somebody got, as 0.523 or 52.3%.")
@click.option("--per-class", is_flag=True, help="Add a table of classes under every rule set.")
@click.option("--json", "json_file", metavar="FILE|-", help="Write everything as JSON.")
@click.option("--csv", "csv_file", metavar="FILE|-", help="Write a row a number as CSV.")
@CSV_SAFE
@click.option("--markdown", "markdown_file", metavar="FILE|-", help="Write it as Markdown.")
@CLASSES
@added(IMAGE_OPTIONS)
@reading_options
@UNKNOWN_IMAGES
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def reconcile(ground_truth: str, detections: str, **options: Any) -> None:
    """Say why two tools disagree on DETECTIONS against GROUND_TRUTH.

    The same files under every rule set; the difference between two of them, split into causes;
    mistakes that the files may contain; and what gives a number that somebody reported.
    """
    check_outputs(ground_truth, detections, options)
    heed_warnings(options)  # the notes say all of them
    from detmetrics.analysis.reconcile.reconcile import reconcile as run

    with Patience(quiet=options["quiet"]) as patience:
        reconciliation = run(
            ground_truth,
            detections,
            options["ours"],
            options["theirs"],
            shape=options["shape"],
            reported=options["reported"],
            images=options["images"],
            only_detected_images=options["only_detected_images"],
            classes=options["classes"],
            unknown_images=options["unknown_images"],
            reading=reading_of(options),
            progress=patience,
        )
    refuse_unused(options)
    write_together(_outputs(reconciliation, options), options)


def _outputs(reconciliation: Reconciliation, options: dict[str, Any]) -> dict[str, str]:
    """What was asked for, by path; the text where nothing else takes standard output."""
    from detmetrics.reports.reconciliation import to_csv, to_json, to_markdown, to_text

    per_class = options["per_class"]
    outputs = {}
    if path := options["json_file"]:
        outputs[path] = to_json(reconciliation)
    if path := options["csv_file"]:
        outputs[path] = to_csv(reconciliation, safe=options["csv_safe"])
    if path := options["markdown_file"]:
        outputs[path] = to_markdown(reconciliation, per_class=per_class)
    if "-" not in outputs:
        outputs["-"] = to_text(reconciliation, per_class=per_class, width=terminal_width())
    return outputs
