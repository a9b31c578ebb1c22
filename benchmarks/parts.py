"""What evaluation in parts costs beside one process: time, peak memory, bytes of state.

``parts.py [--millions 5]`` writes so many parts of a million detections each into a temporary
folder, 100 an image, as Parquet, and prints a row for ``dm.evaluate`` of the whole and for
``dm.evaluate_parts`` with one and with two workers, each in a fresh process. The numbers of all
must be the same in every bit. Each part takes some 30 MB of disk.

``--engines`` prints a row for one and for two workers under processes, Dask and Ray instead
(``make test-engines`` installs them), medians of ``--rounds`` that take turns, and how much faster
two workers are than one. Their wall time begins when the workers are there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engine_runs
import numpy as np
import workload

IMAGES, OBJECTS, DETECTIONS, CLASSES = 10_000, 75_000, 1_000_000, 80
SIDES = ("ground_truth", "detections")
HOW = {"whole": "`dm.evaluate`", "1": "in parts, `workers=1`", "2": "in parts, `workers=2`"}
ENGINES = [f"{name} {workers}" for name in ("processes", "dask", "ray") for workers in (1, 2)]
COLUMNS = {
    "cpu": ("CPU", "{:.1f} s"),
    "start": ("start", "{:.1f} s"),
    "wall": ("wall", "{:.1f} s"),
    "own": ("calling process", "{:,.0f} MiB"),
    "workers": ("largest worker", "{:,.0f} MiB"),
    "state": ("state", "{:,.0f} MB"),
}


def main() -> None:
    """Print a table, or as a child one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=5)
    parser.add_argument("--engines", action="store_true")
    parser.add_argument("--rounds", type=int, default=3, help="of engines")
    parser.add_argument("--child", nargs=2, metavar=("HOW", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(*given.child)))
        return
    ways, rounds = (ENGINES, given.rounds) if given.engines else ([*HOW], 1)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), given.millions)
        runs = [{how: in_a_process(how, folder, turn) for how in ways} for turn in range(rounds)]
    table([*COLUMNS] if given.engines else [name for name in COLUMNS if name != "start"], runs)
    if given.engines:
        speed_ups(runs)
    if len({one["numbers"] for run in runs for one in run.values()}) > 1:
        sys.exit("the numbers differ")


def table(columns: list[str], runs: list[dict[str, Any]]) -> None:
    """A row of medians for each way."""
    print("| |", " | ".join(COLUMNS[name][0] for name in columns), "|")
    print(f"|---|{'---|' * len(columns)}")
    for how in runs[0]:
        cells = [COLUMNS[name][1].format(median(runs, how, name)) for name in columns]
        print(f"| {HOW.get(how, how)} |", " | ".join(cells), "|")


def speed_ups(runs: list[dict[str, Any]]) -> None:
    """How much faster two workers are than one."""
    for name in dict.fromkeys(how.split()[0] for how in ENGINES):
        one, two = (median(runs, f"{name} {workers}", "wall") for workers in (1, 2))
        print(f"{name}: two workers are {one / two:.2f} times as fast as one")


def median(runs: list[dict[str, Any]], how: str, name: str) -> float:
    """Over all rounds."""
    return statistics.median(run[how][name] for run in runs)


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


def in_a_process(how: str, folder: str, turn: int) -> dict[str, Any]:
    """What one way costs; turn: of the rounds."""
    command = [sys.executable, __file__, "--child", how, os.path.join(folder, f"state-{turn}")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(how: str, state: str) -> dict[str, Any]:
    """Evaluate one way; seconds, peaks in MiB, state in MB, and the numbers."""
    import detmetrics as dm

    warnings.simplefilter("ignore")
    folder, state = os.path.dirname(state), f"{state}-{how.replace(' ', '-')}"
    sides = [os.path.join(folder, side) for side in SIDES]

    def in_parts(**asked: Any) -> Any:
        classes = range(1, CLASSES + 1)
        return dm.evaluate_parts(*sides, "coco", state=state, class_list=classes, **asked)

    if how == "whole":
        costs = timed(lambda: dm.evaluate(*(f"{side}.parquet" for side in sides), "coco"))
    elif how in HOW:
        costs = timed(lambda: in_parts(workers=int(how)))
    else:
        name, workers = how.split()
        costs = engine_runs.run(
            name, int(workers), lambda engine: in_parts(engine=engine, workers=int(workers))
        )
    summary = costs.pop("result").summary
    numbers = {name: float(value).hex() for name, value in summary.items()}
    return costs | {"state": engine_runs.state_in_mb(state), "numbers": json.dumps(numbers)}


def timed(evaluate: Callable[[], Any]) -> dict[str, Any]:
    """What an evaluation costs in this process and in those that it starts."""
    start = time.perf_counter()
    result = evaluate()
    wall = time.perf_counter() - start
    own, workers = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        "wall": wall,
        "cpu": sum(one.ru_utime + one.ru_stime for one in (own, workers)),
        "own": engine_runs.peak_in_mib(),
        "workers": workers.ru_maxrss >> 10,
        "result": result,
    }


if __name__ == "__main__":
    main()
