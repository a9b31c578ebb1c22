"""How often slices are called different: when they are random, and when one is worse.

``slice_study.py [--draws 500]`` draws 8 random slices of VOC2007's images, and one of 200 images
whose AP is lower by 0.1, and prints in how many draws any of the former and the latter stand out.
Random subsets of one size are drawn once, and each draw takes 200 of them.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

import detmetrics as dm
from detmetrics.analysis.bootstrap import sample_seeds
from detmetrics.analysis.slice_chance import chance_of, holm, of_random_subsets

VOC = Path(__file__).parents[2] / "shared" / "data" / "voc2007" / "coco_json"
SLICES, WEAK, LOWER, SUBSETS, LEVEL = 8, 200, 0.1, 200, 0.05


def main() -> None:
    """Draw, and print the two shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    draws = parser.parse_args().draws
    if not VOC.exists():
        sys.exit("needs the VOC2007 detections in ../shared")
    warnings.simplefilter("ignore")
    ground_truth = dm.read_ground_truth(VOC / "ground_truth_difficult_as_crowd.json.gz")
    detections = dm.read_detections(VOC / "yolov2.json.gz", ground_truth)
    result = dm.evaluate(ground_truth, detections, dm.COCO.replace(metrics="ap"))
    random, images = np.random.default_rng(1), result.matching.images
    sizes = (images // SLICES, WEAK)
    # Of each size: those that stand for slices, and those that they are compared with.
    slices = {n: of_random_subsets(result, "AP", n, sample_seeds(1 + n, draws * 8)) for n in sizes}
    others = {n: of_random_subsets(result, "AP", n, sample_seeds(2 + n, 2_000)) for n in sizes}

    def chances(size: int, values: np.ndarray) -> list[float]:
        drawn = random.choice(others[size], SUBSETS, replace=False)
        return [chance_of(value, drawn)[1] for value in values.tolist()]

    false = found = 0
    for draw in range(draws):
        of_draw = slice(draw * SLICES, (draw + 1) * SLICES)
        plain = chances(sizes[0], slices[sizes[0]][of_draw])
        weak = chances(WEAK, slices[WEAK][[draw]] - LOWER)
        false += min(holm(plain)) < LEVEL
        found += holm([*weak, *plain[1:]])[0] < LEVEL
    print(f"of {draws} draws of {SLICES} random slices, any stands out in {false / draws:.1%}")
    print(f"a slice of {WEAK} images that is {LOWER} AP worse stands out in {found / draws:.1%}")


if __name__ == "__main__":
    main()
