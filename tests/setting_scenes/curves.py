"""Settings that say how a curve becomes a number, and which numbers are reported."""

from __future__ import annotations

import math

from setting_scenes.scene import BASE, Detected, Object, Scene

__all__ = ["SCENES"]

PLACES = [[20 * column, 0, 10, 10] for column in range(8)]
NOWHERE = [900, 0, 10, 10]


def curve(verdicts: str, objects: int) -> dict:
    """Objects, and detections of falling score that find one of them where the letter is T."""
    places = iter(PLACES)
    found = [
        Detected(0.9 - 0.1 * rank, next(places) if letter == "T" else NOWHERE)
        for rank, letter in enumerate(verdicts)
    ]
    return {"objects": [Object(box) for box in PLACES[:objects]], "found": found}


QUARTERS = (0, 0.25, 0.5, 0.75, 1)
INTERPOLATIONS = ("points", "every", "trapezoid", "linear", "slope", "cuts")

SAMPLED = [
    # Of 4 objects 2 are found: precision 1 at recall 1/4, 2/3 at 1/2, and 0 beyond.
    Scene(
        setting="interpolation",
        what="right, wrong, right of four",
        **curve("TFT", 4),
        rules=BASE.replace(recall_points=QUARTERS),
        expected={
            # at 0, 1/4, 1/2, 3/4, 1
            "points": ("TFTmm", (1 + 1 + 2 / 3 + 0 + 0) / 5),
            # 1/4 times the envelope at each true positive
            "every": ("TFTmm", (1 + 2 / 3) / 4),
            # The curve begins at its first point, and rises from 1/2 to 2/3 behind the wrong one.
            "trapezoid": ("TFTmm", (1 / 2 + 2 / 3) / 2 / 4),
            # From (0, 1) to (1/4, 1), there down to 2/3, to (1/2, 2/3), and there down to 0; read
            # at quarters, where the lower one counts: 1, 2/3, 0, 0, 0.
            "linear": ("TFTmm", ((1 + 2 / 3) / 2 + (2 / 3 + 0) / 2) / 4),
            # Two of three detections are right at the end, and from there it falls to 0 at 1:
            # 1, 2/3, 2/3, 1/3, 0.
            "slope": ("TFTmm", (1 / 2 + 2 / 3 + 2 / 3 + 1 / 3) / 4),
            # Both true positives are cuts, which stand for the recalls 0 and 1/40: the first of
            # the points is 1, all others lie behind the last cut.
            "cuts": ("TFTmm", 1 / 5),
        },
    ),
    # The envelope: a precision of 1/2 is 2/3 where that comes later.
    Scene(
        setting="interpolation",
        what="wrong, right, right of two",
        **curve("FTT", 2),
        rules=BASE.replace(recall_points=QUARTERS),
        expected={
            "points": ("FTT", 2 / 3),
            "every": ("FTT", 2 / 3),
            # 0 before the first (a wrong one), 1/2 at it; 1/2 before the second, 2/3 at it
            "trapezoid": ("FTT", ((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2),
            # From (0, 1) down to 2/3 at once, and at recall 1 down to 0: 2/3, 2/3, 2/3, 2/3, 0.
            "linear": ("FTT", (2 / 3 * 3 + 2 / 3 / 2) / 4),
            # It ends at recall 1, with 2 of 3 right, and falls from there to 0 at once.
            "slope": ("FTT", (2 / 3 * 3 + 2 / 3 / 2) / 4),
            "cuts": ("FTT", 2 / 3 / 5),
        },
    ),
    # What is wrong behind the last true positive matters to the slope alone: 1 of 2 at its end.
    Scene(
        setting="interpolation",
        what="right, wrong of two",
        **curve("TF", 2),
        rules=BASE.replace(recall_points=(0, 0.5, 1)),
        expected={
            "points": ("TFm", 2 / 3),
            "every": ("TFm", 1 / 2),
            "trapezoid": ("TFm", 0),
            "linear": ("TFm", (1 + 0) / 2 / 2),
            "slope": ("TFm", ((1 + 1 / 2) / 2 + (1 / 2 + 0) / 2) / 2),
            "cuts": ("TFm", 1 / 3),
        },
    ),
    Scene(
        setting="interpolation",
        what="a class of which nothing is found",
        **curve("F", 1),
        rules=BASE.replace(recall_points=QUARTERS),
        expected=dict.fromkeys(INTERPOLATIONS, ("Fm", 0)),
    ),
    # The cuts are 1/40 apart: one true positive of one object is the cut at 0 alone; the places of
    # the points are the nearest ones.
    Scene(
        setting="recall_points",
        what="two cuts",
        **curve("TFT", 4),
        rules=BASE.replace(interpolation="cuts", recall_points=QUARTERS),
        expected={
            (0.0,): ("TFTmm", 1),
            (0.025,): ("TFTmm", 2 / 3),
            (0.05,): ("TFTmm", 0),
            (0.0, 0.025, 0.05): ("TFTmm", (1 + 2 / 3) / 3),
        },
    ),
    # One of two is found: it reaches a recall of exactly 1/2.
    Scene(
        setting="recall_points",
        what="a recall of exactly 0.5",
        **curve("T", 2),
        rules=BASE.replace(interpolation="points"),
        expected={
            (0.5,): ("Tm", 1),
            (0.5000000000000001,): ("Tm", 0),
            (0.0, 0.5, 1.0): ("Tm", 2 / 3),
            (0.0, 1.0): ("Tm", 1 / 2),
        },
    ),
    # Lines are read at the points, and joined between them.
    Scene(
        setting="recall_points",
        what="a line from recall 1/2 to 1",
        **curve("T", 2),
        rules=BASE.replace(interpolation="slope"),
        expected={
            (0.0, 1.0): ("Tm", 1 / 2),
            (0.0, 0.5, 1.0): ("Tm", 3 / 4),
            (0.5, 1.0): ("Tm", 1 / 4),
        },
    ),
]

MISSED = [
    # One image, so each wrong detection is a whole false alarm. Reached by the wrong one, at every
    # rate, with 3 of 4 missed; within the rates below 1 is the first alone, within 1 the last one.
    Scene(
        setting="miss_rate",
        what="right, wrong, right of four",
        **curve("TFT", 4),
        rules=BASE.replace(metrics="mr"),
        metric="MR",
        expected={
            "reached": ("TFTmm", 3 / 4),
            "within": ("TFTmm", math.exp((8 * math.log(3 / 4) + math.log(1 / 2)) / 9)),
        },
    ),
    # Where there are never so many, the last place stands for it; where already the first has more
    # than a rate allows, the last one too, as in the script.
    Scene(
        setting="miss_rate",
        what="wrong, right, right of four",
        **curve("FTT", 4),
        rules=BASE.replace(metrics="mr"),
        metric="MR",
        expected={
            "reached": ("FTTmm", 1),
            "within": ("FTTmm", 1 / 2),
        },
    ),
    Scene(
        setting="miss_rate",
        what="right of two, with no false alarm",
        **curve("T", 2),
        rules=BASE.replace(metrics="mr"),
        metric="MR",
        expected={"reached": ("Tm", 1 / 2), "within": ("Tm", 1 / 2)},
    ),
    # Ten images: a wrong one is exactly 0.1 an image, the fifth of nine rates.
    Scene(
        setting="miss_rate",
        what="a rate of exactly 0.1",
        **curve("TFTFT", 5),
        images=10,
        rules=BASE.replace(metrics="mr"),
        metric="MR",
        expected={
            # up to 0.1 the first wrong one, at 0.1778 the second, never more: the last
            "reached": (
                "TFTFTmm",
                math.exp((5 * math.log(4 / 5) + math.log(3 / 5) + 3 * math.log(2 / 5)) / 9),
            ),
            # below 0.1 the first; at 0.1 and 0.1778 what is before the second wrong one
            "within": (
                "TFTFTmm",
                math.exp((4 * math.log(4 / 5) + 2 * math.log(3 / 5) + 3 * math.log(2 / 5)) / 9),
            ),
        },
    ),
]

# a is found, b is not looked for, c is not there and d has neither.
CLASSES = Scene(
    setting="classes",
    what="a class that is found, one without detections, one without objects, one without both",
    objects=[Object(PLACES[0]), Object(PLACES[1], "b")],
    found=[Detected(0.9, PLACES[0]), Detected(0.8, PLACES[2], "c")],
    classes="abcd",
    expected={
        "truth": ("TFm", (1 + 0) / 2),
        "detected": ("TFm", 1),
        "all": ("TFm", (1 + 0 + 0 + 0) / 4),
    },
)

# An object of 100 and one of 2,500 square pixels. At 0.5 both are found, the larger one behind a
# wrong one; at 0.75 the smaller one alone, whose detection is exact (the other: 0.6).
GROUPS = Scene(
    setting="metrics",
    what="each group of metrics",
    objects=[Object([0, 0, 10, 10]), Object([100, 0, 50, 50])],
    found=[
        Detected(0.9, [0, 0, 10, 10]),
        Detected(0.8, [300, 0, 40, 40]),
        Detected(0.7, [100, 0, 50, 30]),
    ],
    rules=BASE.replace(
        iou_thresholds=(0.5, 0.75),
        max_detections=(1, 100),
        area_ranges=[("small", 0, 1024), ("medium", 1024, 9216)],
    ),
    metric=None,
    known=[],
    expected={
        # 2 true positives of IoU 1 and 0.6, 1 false positive, nothing missed.
        ("point",): (
            "TFT",
            {
                "F1": 4 / 5,
                "precision": 2 / 3,
                "recall": 1,
                "mean_IoU": (1 + 0.6) / 2,
                "LRP": (0.4 / 0.5 + 1) / 3,
            },
        ),
        # At 0.5 the wrong one is first or last; at 0.75 one of three is right.
        ("ap_range",): (
            "TFT",
            {
                "AP_min": (2 / 3 + 1 / 3 / 2) / 2,
                "AP_max": (1 + 1 / 2) / 2,
                "AP50_min": 2 / 3,
                "AP50_max": 1,
                "AP75_min": 1 / 3 / 2,
                "AP75_max": 1 / 2,
            },
        ),
        ("ap",): ("TFT", {"AP": ((1 + 2 / 3) / 2 + 1 / 2) / 2}),
        ("ap_iou",): ("TFT", {"AP50": (1 + 2 / 3) / 2, "AP75": 1 / 2}),
        # medium: the wrong one of 1,600 is before the right one.
        ("ap_area",): ("TFT", {"APs": 1, "APm": (1 / 2 + 0) / 2}),
        # The one class is rare.
        ("ap_frequency",): (
            "TFT",
            {"APr": ((1 + 2 / 3) / 2 + 1 / 2) / 2, "APc": None, "APf": None},
        ),
        ("ar",): ("TFT", {"AR1": 1 / 2, "AR100": (1 + 1 / 2) / 2}),
        ("ar_area",): ("TFT", {"ARs": 1, "ARm": (1 + 0) / 2}),
        # The best F1 is reached at 0.7 (2/3 and 1: 0.8), smoothed over a tenth of all confidences:
        # a window of 101 places of 1,000 fits below 0.7, and the first such place is 0.
        ("pr",): ("TFT", {"P": 2 / 3, "R": 1, "F1": 4 / 5, "confidence": 0}),
        # (0 + 0.4 / 0.5 + 1 wrong) / 3 at 0.7 is 0.6; (1 missed) / 2 at 0.9 is less.
        ("olrp",): (
            "TFT",
            {
                "oLRP": 1 / 2,
                "oLRP_Loc": 0,
                "oLRP_FP": 0,
                "oLRP_FN": 1 / 2,
                "oLRP_confidence": 0.9,
            },
        ),
        # One false alarm on one image is reached by the wrong one, with one of two missed; in a
        # range its only object is found, or was not found yet.
        ("mr_area",): ("TFT", {"MR_small": 0, "MR_medium": 1}),
        ("mr",): ("TFT", {"MR": 1 / 2}),
        # Below 0.7: 2 pairs, 2 objects, 3 detections.
        # Its denominator has 1e-6 more.
        ("ji",): ("TFT", {"JI": 2 / (3 + 1e-6)}),
        ("ap", "mr"): ("TFT", {"AP": ((1 + 2 / 3) / 2 + 1 / 2) / 2, "MR": 1 / 2}),
    },
)

SCENES = [*SAMPLED, *MISSED, CLASSES, GROUPS]
