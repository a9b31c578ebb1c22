"""What evaluation in parts costs: time, peak memory and bytes of state, beside one process.

``run.py --only parts`` writes parts of a million detections each, 100 an image, as Parquet into a
temporary folder, and runs every way in a fresh process: ``dm.evaluate`` of the whole and
``dm.evaluate_parts`` with one and two workers; one and two workers under processes, Dask and Ray,
medians of rounds that take turns, whose wall time begins when the workers are there; and 50 million
under ``ulimit -v``. The numbers of all ways must be the same in every bit.

``parts.py --millions 5 --ways whole 1 2`` runs some ways of one size, and prints the rows.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import engine_runs
import numpy as np
import workload
from targets import Target, lines_of

HEADING = "## In parts"
PACKAGES = ("numpy", "pyarrow")
ENGINES = ("processes", "dask", "ray")
MODULES = {"dask": "distributed", "ray": "ray"}
NAMES = {"whole": "`dm.evaluate`", "1": "in parts, `workers=1`", "2": "in parts, `workers=2`"}
SIZES = {"beside": 5, "engines": 10, "bounded": 50}  # millions of detections
LIMIT = 2_000_000 << 10  # bytes of address space, of 50 million: ulimit -v 2000000
ABOUT = """\
Parquet parts of a million detections with 75,000 objects on 10,000 images, 80 classes, rules
``coco``; every run is a fresh process. *CPU* is that of all processes, *state* the bytes of the
state folder. ``dm.evaluate`` reads the whole as one table."""
ABOUT_ENGINES = """\
The same of {millions} million detections on engines that are started on this machine, medians of
{rounds} rounds that take turns. *start* is until the workers are there, and *wall* what follows."""
ABOUT_BOUNDED = """\
{millions} million detections under ``ulimit -v {limit}``, two workers:"""
IMAGES, OBJECTS, DETECTIONS, CLASSES = 10_000, 75_000, 1_000_000, 80
SIDES = ("ground_truth", "detections")
COLUMNS = {
    "cpu": ("CPU", "{:.1f} s"),
    "start": ("start", "{:.1f} s"),
    "wall": ("wall", "{:.1f} s"),
    "own": ("calling process", "{:,.0f} MiB"),
    "workers": ("largest worker", "{:,.0f} MiB"),
    "state": ("state", "{:,.0f} MB"),
}

Runs = list[dict[str, dict[str, Any]]]


def main() -> None:
    """Print a table, or as a child one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=5)
    parser.add_argument("--ways", nargs="+", default=["whole", "1", "2"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--limit", type=int, metavar="BYTES", help="of address space")
    parser.add_argument("--child", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(*given.child)))
        return
    runs = runs_of(given.ways, given.millions, rounds=given.rounds, limit=given.limit)
    print(table(runs))


def section(machine: str, *, quick: bool) -> str:
    """Measure and write it up."""
    sizes = dict.fromkeys(SIZES, 1) if quick else SIZES
    rounds = 1 if quick else 3
    engines = [name for name in ENGINES if importlib.util.find_spec(MODULES.get(name, "os"))]
    ways = [f"{name} {workers}" for name in engines for workers in (1, 2)]
    beside = runs_of(list(NAMES), sizes["beside"])
    on_engines = runs_of(ways, sizes["engines"], rounds=rounds)
    bounded = runs_of(["2"], sizes["bounded"], limit=LIMIT)
    about = ABOUT_ENGINES.format(millions=sizes["engines"], rounds=rounds)
    within = ABOUT_BOUNDED.format(millions=sizes["bounded"], limit=LIMIT >> 10)
    said = ["**`--quick`: one million, one round. For development only.**"] * quick
    paragraphs = [HEADING, machine, *said, ABOUT, table(beside), about, table(on_engines)]
    paragraphs += [within, table(bounded), lines_of([*targets(on_engines, bounded)])]
    differing = [way for runs in (beside, on_engines) for way in differences(runs)]
    paragraphs += [f"**NUMBERS DIFFER: in parts: {', '.join(differing)}**"] * bool(differing)
    return "\n\n".join(paragraphs) + "\n"


def targets(on_engines: Runs, bounded: Runs) -> Iterator[Target]:
    """What is wanted of each."""
    for name in dict.fromkeys(way.split()[0] for way in on_engines[0]):
        one, two = (median(on_engines, f"{name} {workers}", "wall") for workers in (1, 2))
        what = f"{name}: times that two workers are as fast as one"
        yield Target(what, one / two, least=1.5)
    for column, most in (("own", 150), ("workers", 800)):
        what = f"{COLUMNS[column][0]} under the limit, MiB"
        yield Target(what, median(bounded, "2", column), most=most)


def differences(runs: Runs) -> list[str]:
    """Ways whose numbers are not those of the first."""
    expected = next(iter(runs[0].values()))["numbers"]
    return sorted({way for run in runs for way, one in run.items() if one["numbers"] != expected})


def runs_of(
    ways: Sequence[str], millions: int, *, rounds: int = 1, limit: int | None = None
) -> Runs:
    """What each way costs, in each round; limit: bytes of address space of each process."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), millions, whole="whole" in ways)
        return [
            {way: in_a_process(way, f"{folder}/state-{turn}", limit) for way in ways}
            for turn in range(rounds)
        ]


def table(runs: Runs) -> str:
    """A row of medians for each way."""
    columns = [name for name in COLUMNS if name in next(iter(runs[0].values()))]
    rows = [f"| | {' | '.join(COLUMNS[name][0] for name in columns)} |"]
    rows += [f"|---|{'---|' * len(columns)}"]
    for way in runs[0]:
        values = {name: median(runs, way, name) for name in columns}
        cells = [COLUMNS[name][1].format(value) if value else "" for name, value in values.items()]
        rows += [f"| {NAMES.get(way, way)} | {' | '.join(cells)} |"]
    return "\n".join(rows)


def median(runs: Runs, way: str, name: str) -> float:
    """Over all rounds."""
    return float(statistics.median(run[way][name] for run in runs))


def write(folder: Path, parts: int, *, whole: bool) -> None:
    """Two folders of parts; whole: all of each as one table too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for side in SIDES:
        (folder / side).mkdir()
    for part in range(parts):
        work = workload.make(IMAGES, OBJECTS, CLASSES, DETECTIONS, seed=part)
        for side, columns in zip(SIDES, columns_of(work, part * IMAGES), strict=True):
            pq.write_table(pa.table(columns), folder / side / f"part-{part:05}.parquet")
    for side in SIDES if whole else ():
        tables = [pq.read_table(path) for path in sorted((folder / side).iterdir())]
        pq.write_table(pa.concat_tables(tables), folder / f"{side}.parquet")


def columns_of(work: Any, before: int) -> tuple[dict[str, Any], dict[str, Any]]:
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


def in_a_process(way: str, state: str, limit: int | None) -> dict[str, Any]:
    """What one way costs; state: where it writes; limit: bytes of address space."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", way, state],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))),
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(way: str, state: str) -> dict[str, Any]:
    """Evaluate one way; seconds, peaks in MiB, state in MB, and the numbers."""
    import detmetrics as dm

    warnings.simplefilter("ignore")
    folder, state = os.path.dirname(state), f"{state}-{way.replace(' ', '-')}"
    sides = [os.path.join(folder, side) for side in SIDES]

    def in_parts(**asked: Any) -> Any:
        classes = range(1, CLASSES + 1)
        return dm.evaluate_parts(*sides, "coco", state=state, class_list=classes, **asked)

    if way == "whole":
        costs = timed(lambda: dm.evaluate(*(f"{side}.parquet" for side in sides), "coco"))
    elif way in NAMES:
        costs = timed(lambda: in_parts(workers=int(way)))
    else:
        name, workers = way.split()
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
