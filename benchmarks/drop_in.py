"""``COCOeval`` of detmetrics beside that of pycocotools, each in fresh processes that take turns.

``python benchmarks/drop_in.py TRUTH DETECTIONS``: seconds from ``evaluate()`` to ``summarize()``,
files read before, medians of three.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import statistics
import subprocess
import sys
import time
import warnings

TOOLS = {
    "detmetrics": ("detmetrics.compat.pycocotools", "detmetrics.compat.pycocotools"),
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval"),
}
ROUNDS = 3


def measured(tool: str, truth: str, found: str) -> dict[str, object]:
    """Seconds, and the twelve numbers."""
    warnings.simplefilter("ignore")
    coco, evaluator = (importlib.import_module(name) for name in TOOLS[tool])
    with contextlib.redirect_stdout(io.StringIO()):
        there = coco.COCO(truth)
        run = evaluator.COCOeval(there, there.loadRes(found), "bbox")
        start = time.perf_counter()
        run.evaluate()
        run.accumulate()
        run.summarize()
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "stats": run.stats.tolist()}


def main() -> None:
    """Measure one tool in this process, or both in processes of their own."""
    if len(sys.argv) == 4:
        print(json.dumps(measured(*sys.argv[1:])))
        return
    rounds: dict[str, list[dict]] = {tool: [] for tool in TOOLS}
    for _ in range(ROUNDS):
        for tool, told in rounds.items():
            command = [sys.executable, __file__, tool, *sys.argv[1:]]
            told.append(json.loads(subprocess.check_output(command)))
    assert len({json.dumps(one["stats"]) for told in rounds.values() for one in told}) == 1
    for tool, told in rounds.items():
        print(f"{tool:<12} {statistics.median(one['seconds'] for one in told):.2f} s")


if __name__ == "__main__":
    main()
