"""Read one source in a fresh process: ``refusal_child.py SIDE TRUTH PATH``; prints a line of JSON.

*cpu* is user and system time of reading alone, without imports; *memory* the peak in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from pathlib import Path


def main() -> None:
    """Read what the command line names."""
    import detmetrics as dm

    side, truth_path, path = sys.argv[1:4]
    warnings.simplefilter("ignore")
    truth = dm.read_ground_truth(truth_path)
    start = time.process_time()
    said = ""
    try:
        if side == "truth":
            dm.read_ground_truth(path)
        else:
            dm.read_detections(path, truth)
    except dm.DetmetricsError as error:
        said = str(error)
    cpu = time.process_time() - start
    print(json.dumps({"cpu": cpu, "memory": peak() / 1024, "said": said}))


def peak() -> int:
    """The peak of this process in KiB; what ``getrusage`` tells begins with that of its parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.read_text().split("VmHWM:")[1].split()[0])


if __name__ == "__main__":
    main()
