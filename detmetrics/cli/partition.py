"""``detmetrics partition``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import ONLY_IMAGES
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_IMAGES,
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
    say_notes,
)
from detmetrics.foundation.messages import counted, printable

if TYPE_CHECKING:
    from detmetrics.datasets.partitioning.dividing import Partition

__all__ = ["partition"]

EXAMPLES = f"""\b
Examples:
  detmetrics partition gt.json predictions.json --into 20 -o set
  detmetrics partition gt.json "predictions/rank*.parquet" --into 200 -o set
  detmetrics evaluate set/gt set/detections --in-parts --state run7

{exit_codes()}
"""


OF_EVALUATION = (
    *("det_format", "class_numbers", "det_coordinates", "hierarchy", "image_labels", "det_angle"),
    "scores",
)
"""Options on how detections and classes are read, which does not matter yet."""


@click.command(epilog=EXAMPLES)
@click.argument("ground_truth")
@click.argument("detections", nargs=-1, required=True)
@click.option("--into", type=click.IntRange(min=1), required=True, help="The number of parts.")
@click.option("--output", "-o", required=True, metavar="DIR", help="A new folder.")
@ONLY_IMAGES
@reading_options
@UNKNOWN_IMAGES
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def partition(ground_truth: str, detections: Sequence[str], **options: Any) -> None:
    """Divide GROUND_TRUTH and DETECTIONS by image into parts for evaluate --in-parts.

    Both are COCO JSON, CSV or Parquet; DETECTIONS may be several files, or a pattern such as
    "rank*.parquet". Records are copied as they are, in their order. If the command is stopped, run
    it again: it resumes.
    """
    from detmetrics.datasets.partitioning.dividing import partition as run

    for name in OF_EVALUATION:
        if options[name] is not None:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} has no effect on partition. Fix: give it to evaluate")
    if "-" in (ground_truth, *detections):
        raise click.UsageError("partition reads files twice, so it takes no standard input")
    heed_warnings(options)
    with Patience(quiet=options["quiet"], time_left=True) as patience:
        done = run(
            ground_truth,
            detections,
            options["output"],
            into=options["into"],
            images=options["images"],
            unknown_images=options["unknown_images"],
            reading=reading_of(options),
            progress=patience,
            before_writing=lambda: refuse_unused(options),
        )
    say_notes(done.notes, options)
    if not options["quiet"]:
        click.echo(_told(done, options["output"]), err=True)


def _told(done: Partition, output: str) -> str:
    parts, images = counted(len(done.parts), "part"), counted(done.images, "image")
    lines = [f"{parts}, {images}, {counted(done.records, 'detection')} written to {output}"]
    if done.dropped:
        lines.append(f"{counted(done.dropped, 'detection')} on other images dropped")
    gt, found = (os.path.join(output, side) for side in ("gt", "detections"))
    lines.append(f"next: detmetrics evaluate {gt} {found} --in-parts --state STATE")
    return "\n".join(map(printable, lines))
