"""What evaluation in parts costs beside one process: time, peak memory, bytes of state.

``parts.py [--millions 5]`` writes so many parts of a million detections each into a temporary
folder, 100 an image, as Parquet, and prints a row for ``dm.evaluate`` of the whole and for
``dm.evaluate_parts`` with one and with two workers, each in a fresh process. The numbers of all
must be the same in every bit. Each part takes some 30 MB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import workload

IMAGES, OBJECTS, DETECTIONS, CLASSES = 10_000, 75_000, 1_000_000, 80
SIDES = ("ground_truth", "detections")
HOW = {"whole": "`dm.evaluate`", "1": "in parts, `workers=1`", "2": "in parts, `workers=2`"}


def main() -> None:
    """Print a table, or as a child one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=5)
    parser.add_argument("--child", nargs=2, metavar=("HOW", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(*given.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), given.millions)
        found = {how: in_a_process(how, folder) for how in HOW}
    print("| | CPU | wall | calling process | largest worker | state |\n|---|---|---|---|---|---|")
    for how, one in found.items():
        print(
            f"| {HOW[how]} | {one['cpu']:.1f} s | {one['wall']:.1f} s | {one['own']:,} MiB "
            f"| {one['workers']:,} MiB | {one['state']:,} MB |"
        )
    if len({one["numbers"] for one in found.values()}) > 1:
        sys.exit("the numbers differ")


def write(folder: Path, parts: int) -> None:
    """Two folders of parts, and the whole of both as one table each."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for side in SIDES:
        (folder / side).mkdir()
    for part in range(parts):
        work = workload.make(IMAGES, OBJECTS, CLASSES, DETECTIONS, seed=part)
        for side, table in zip(SIDES, tables(work, part * IMAGES), strict=True):
            pq.write_table(pa.table(table), folder / side / f"part-{part:05}.parquet")
    for side in SIDES:
        whole = [pq.read_table(path) for path in sorted((folder / side).iterdir())]
        pq.write_table(pa.concat_tables(whole), folder / f"{side}.parquet")


def tables(work: Any, before: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of both sides; before: images of the parts before. An image without objects is a
    row without a box.
    """
    import pyarrow as pa

    empty = np.setdiff1d(work.image_ids, work.gt_image)
    nothing = np.full((len(empty), 4), np.nan)
    category = np.append(work.gt_category, np.zeros(len(empty), np.int64))
    truth = {
        "image_id": np.append(work.gt_image, empty) + before,
        "category_id": pa.array(category, mask=category == 0),
        **dict(zip("xywh", np.concatenate([work.gt_boxes, nothing]).T, strict=True)),
        "iscrowd": np.append(work.gt_crowd, np.zeros(len(empty), bool)).astype(np.int8),
    }
    found = {
        "image_id": work.image + before,
        "category_id": work.category,
        **dict(zip("xywh", work.boxes.T, strict=True)),
        "score": work.scores,
    }
    return truth, found


def in_a_process(how: str, folder: str) -> dict[str, Any]:
    """What one way costs."""
    command = [sys.executable, __file__, "--child", how, folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(how: str, folder: str) -> dict[str, Any]:
    """Evaluate one way; seconds, peaks in MiB, state in MB, and the numbers."""
    import detmetrics as dm

    warnings.simplefilter("ignore")
    state, start = Path(folder) / f"state-{how}", time.perf_counter()
    sides = [os.path.join(folder, side) for side in SIDES]
    result: Any = (
        dm.evaluate(*(f"{side}.parquet" for side in sides), "coco")
        if how == "whole"
        else dm.evaluate_parts(
            *sides, "coco", state=state, workers=int(how), class_list=range(1, CLASSES + 1)
        )
    )
    numbers = {name: float(value).hex() for name, value in result.summary.items()}
    wall = time.perf_counter() - start
    own, workers = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    # Not ru_maxrss, which begins at that of the process that started this one.
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    return {
        "wall": wall,
        "cpu": sum(one.ru_utime + one.ru_stime for one in (own, workers)),
        "own": int(peak) >> 10,
        "workers": workers.ru_maxrss >> 10,
        "state": sum(file.stat().st_size for file in state.rglob("*") if file.is_file()) // 10**6,
        "numbers": json.dumps(numbers),
    }


if __name__ == "__main__":
    main()
