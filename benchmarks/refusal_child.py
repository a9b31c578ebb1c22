"""Read one source in a fresh process: ``refusal_child.py SIDE TRUTH PATH``; prints a line of JSON.

*cpu* is user and system time of reading alone, without imports; *memory* the peak in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings


def main() -> None:
    """Read what the command line names."""
    import detmetrics as dm

    side, truth_path, path = sys.argv[1:4]
    warnings.simplefilter("ignore")
    truth = dm.read_ground_truth(truth_path)
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = ""
    try:
        if side == "truth":
            dm.read_ground_truth(path)
        else:
            dm.read_detections(path, truth)
    except dm.DetmetricsError as error:
        said = str(error)
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": cpu, "memory": peak / 1024, "before": before / 1024, "said": said}))


if __name__ == "__main__":
    main()
