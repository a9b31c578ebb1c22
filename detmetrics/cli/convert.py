"""``detmetrics convert`` and ``detmetrics formats``."""

from __future__ import annotations

from typing import Any

import click

from detmetrics.cli.exit_codes import exit_codes
from detmetrics.cli.measuring import ONLY_IMAGES
from detmetrics.cli.progress_bar import Patience
from detmetrics.cli.reading_options import (
    UNKNOWN_CATEGORIES,
    UNKNOWN_IMAGES,
    heed_warnings,
    reading_of,
    reading_options,
    refuse_unused,
    say_notes,
)
from detmetrics.foundation.messages import counted, printable

__all__ = ["convert", "formats"]

EXAMPLES = f"""\b
Examples:
  detmetrics convert VOC2007/Annotations ground_truth.json --to coco
  detmetrics convert predictions.json found --to yolo --ground-truth val.json
  detmetrics convert labels boxes.parquet --to parquet --image-dir images

{exit_codes()}
"""


@click.command(epilog=EXAMPLES)
@click.argument("source")
@click.argument("target")
@click.option("--to", required=True, metavar="NAME", help="Format to write: coco, yolo, voc, ...")
@click.option(
    "--side",
    type=click.Choice(["ground-truth", "detections"]),
    help="What SOURCE is, where its content does not tell.",
)
@click.option(
    "--ground-truth",
    metavar="PATH",
    help="Of the detections in SOURCE: gives them ids, class names and image sizes.",
)
@click.option("--force", is_flag=True, help="Take the place of what is there.")
@ONLY_IMAGES
@reading_options
@UNKNOWN_IMAGES
@UNKNOWN_CATEGORIES
@click.option("--quiet", "-q", is_flag=True, help="Nothing on standard error but errors.")
def convert(source: str, target: str, to: str, **options: Any) -> None:
    """Write SOURCE, ground truth or detections, as TARGET in another format.

    What the format cannot hold is said on standard error. TARGET is a file or a new folder; it
    is written whole or not at all.
    """
    from detmetrics.datasets.conversion import convert as run
    from detmetrics.datasets.conversion import targets

    if to not in targets():
        raise click.UsageError(f"--to: cannot write {to!r}; there are {', '.join(targets())}")
    side = options["side"].replace("-", " ") if options["side"] else None
    if options["ground_truth"] and side == "ground truth":
        raise click.UsageError("--ground-truth belongs to detections, and --side says otherwise")
    heed_warnings(options)  # the notes say all of them
    with Patience(quiet=options["quiet"]) as patience:
        done = run(
            source,
            target,
            to=to,
            side="detections" if options["ground_truth"] else side,
            ground_truth=options["ground_truth"],
            images=options["images"],
            unknown_images=options["unknown_images"],
            unknown_categories=options["unknown_categories"],
            reading=reading_of(options),
            force=options["force"],
            progress=patience,
            before_writing=lambda: refuse_unused(options),
        )
    say_notes(done.table.notes, options)
    if options["quiet"]:
        return
    for lost in done.lost:
        click.echo(f"not in the target: {printable(lost)}", err=True)
    what = "object" if done.side == "ground truth" else "detection"
    images = counted(len(done.table.catalog.image_ids), "image")
    files = f" in {counted(len(done.files), 'file')}" if len(done.files) > 1 else ""
    click.echo(
        f"{counted(len(done.table), what)} of {images} read; {printable(target)} written as "
        f"{to}{files}",
        err=True,
    )


FORMATS_EXAMPLES = f"""\b
Examples:
  detmetrics formats

{exit_codes()}
"""


@click.command(epilog=FORMATS_EXAMPLES)
def formats() -> None:
    """List the formats that can be read and written."""
    from rich.console import Console
    from rich.table import Table

    from detmetrics.formats.registry import formats as known

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "format", "ground truth", "detections"):
        table.add_column(heading)
    for found in sorted(known(), key=lambda found: found.name):
        table.add_row(
            found.name,
            found.title,
            _ways(found.read_ground_truth, found.write_ground_truth),
            _ways(found.read_detections, found.write_detections),
        )
    Console(width=100, highlight=False).print(table)


def _ways(read: object, write: object) -> str:
    ways = [word for word, way in (("read", read), ("write", write)) if way]
    return " and ".join(ways) or "-"
