"""What it costs to refuse a wrong file, beside reading a right one of the same size.

``refusals.py [--mib 50] [--rounds 3] [--only KIND ...]`` prints a table: user and system time of
reading alone, in fresh processes, the median of some rounds. Nothing may cost more than twice.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import refusal_data

HERE = Path(__file__).parent
MOST = 2.0
PACKAGES = ("numpy", "msgspec", "pandas")


def once(side: str, truth: Path, path: str) -> dict[str, Any]:
    """Read a source in a process of its own."""
    command = [sys.executable, str(HERE / "refusal_child.py"), side, str(truth), path]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def measured(side: str, truth: Path, path: str, rounds: int) -> dict[str, Any]:
    """The medians of some rounds."""
    runs = [once(side, truth, path) for _ in range(rounds)]
    return {
        "cpu": statistics.median(run["cpu"] for run in runs),
        "memory": statistics.median(run["memory"] for run in runs),
        "said": runs[0]["said"],
    }


def truth_of(folder: Path, kind: refusal_data.Kind) -> Path:
    """A small ground truth whose images and classes detections of a kind are of."""
    path = folder / "truth.json"
    names = {"kitti": ["Car", "Pedestrian"]}.get(kind.name, [*refusal_data.NAMES])
    names = [f"/m/{name}" for name in names] if kind.name == "open images" else names
    stem = "P{:04d}" if kind.name == "dota" else "{:06d}"
    images = [
        {"id": n + 1, "file_name": f"{stem.format(n)}.jpg", "width": 640, "height": 480}
        for n in range(refusal_data.IMAGES)
    ]
    objects = [
        {"id": n + 1, "image_id": n + 1, "category_id": n % len(names) + 1}
        | {"bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0}
        for n in range(refusal_data.IMAGES)
    ]
    classes = [{"id": n + 1, "name": name} for n, name in enumerate(names)]
    path.write_text(json.dumps({"images": images, "annotations": objects, "categories": classes}))
    return path


def rows(kind: refusal_data.Kind, mib: float, rounds: int) -> Iterator[dict[str, Any]]:
    """One after the other: the right file, and each wrong one, with the ratios to the right one."""
    with tempfile.TemporaryDirectory(prefix="detmetrics-bench-") as name:
        folder = Path(name)
        truth, right = truth_of(folder, kind), None
        for case in refusal_data.written(folder, kind, int(mib * 2**20)):
            found = measured(case["side"], truth, case["path"], rounds)
            right = right or found
            ratios = {what: found[what] / right[what] for what in ("cpu", "memory")}
            yield {**case, **found, "ratio": ratios["cpu"], "memory_ratio": ratios["memory"]}
            path = Path(case["path"])
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def line(row: dict[str, Any]) -> str:
    """A row of the table."""
    said = row["said"].splitlines()
    what = f"{len(said)} lines" if len(said) > 1 else "refused" if said else "read"
    mark = " **no**" if row["ratio"] > MOST and said else ""
    return (
        f"| {row['kind']} | {row['fault'] or 'right'} | {row['place']} | {row['cpu']:.2f} s "
        f"| {row['ratio']:.2f}{mark} | {row['memory']:.0f} MiB | {row['memory_ratio']:.2f} "
        f"| {what} |"
    )


HEADING = """\
| kind | fault | where | CPU | ratio | peak memory | ratio | outcome |
|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Measure what is named and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=float, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[kind.name for kind in refusal_data.KINDS])
    parser.add_argument("--say", action="store_true", help="print what was said too")
    asked = parser.parse_args()
    print(HEADING, flush=True)
    for kind in refusal_data.KINDS:
        for row in rows(kind, asked.mib, asked.rounds) if kind.name in asked.only else ():
            print(line(row), flush=True)
            if asked.say and row["said"]:
                print("\n".join(f"    {text[:200]}" for text in row["said"].splitlines()[:4]))


if __name__ == "__main__":
    main()
