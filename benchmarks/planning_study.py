"""Whether the error of a paired difference falls as ``detmetrics plan`` says, on VOC2007.

``planning_study.py [--draws 300]`` takes the standard error of the difference of AP of two
detectors on all images, and beside what it predicts for fewer images how far the difference really
scatters over random samples of so many.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings

import numpy as np
from coverage_study import VOC, voc2007

from detmetrics.analysis import sample_size
from detmetrics.analysis.bootstrap import Samples
from detmetrics.metrics.summary import summarize

SIZES = (300, 1_000, 2_500)


def main() -> None:
    """Print one row per number of images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=300)
    draws = parser.parse_args().draws
    if not VOC.exists():
        sys.exit("needs the VOC2007 detections in ../shared")
    warnings.simplefilter("ignore")
    a, b = voc2007().results
    plan, images = sample_size(a, b), a.matching.images
    one, other, random = Samples(a), Samples(b), np.random.default_rng(0)
    print("images   found    predicted")
    for size in SIZES:
        # Drawn without replacement they scatter less: by size / images of the variance.
        found = []
        for _ in range(draws):
            weights = np.zeros(images, np.int64)
            weights[random.permutation(images)[:size]] = 1
            x, y = (summarize(side.curves(weights))["AP"] for side in (one, other))
            found.append(y - x)
        spread = float(np.std(found, ddof=1)) / math.sqrt(1 - size / images)
        predicted = plan.standard_errors["AP"] * math.sqrt(images / size)
        print(f"{size:6,}   {spread:.4f}   {predicted:.4f}")


if __name__ == "__main__":
    main()
