"""Settings that say what overlap is, and of what: shape, pixels, arithmetic, rounding, clipping."""

from __future__ import annotations

from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

__all__ = ["SCENES"]

HALF = [0, 0, 10, 5]
DIAMOND = [[20, 0], [40, 20], [20, 40], [0, 20]]
MISSED, FOUND = ("Fm", 0), ("T", 1)

SHAPES = [
    # Box: both hulls are the same, 1. Oriented: 800 / 1600. Probabilistic: covariances of
    # 800 / 12 and 1600 / 12 on both axes, whose mean is 1200 / 12, so that exp(-BD) is
    # sqrt(800 * 1600) / 1200 = 0.9428 and the overlap 1 - sqrt(1 - 0.9428) = 0.7609.
    Scene(
        setting="shape",
        what="a diamond and its hull, above 0.76",
        objects=[Object([0, 0, 40, 40], corners=DIAMOND)],
        found=[Detected(0.9, [0, 0, 40, 40])],
        rules=BASE.replace(iou_thresholds=0.76),
        outlined=True,
        size=(100, 100),
        expected={
            "box": FOUND,
            "oriented": MISSED,
            "probabilistic": FOUND,
            "mask": MISSED,
            "boundary": MISSED,
        },
    ),
    Scene(
        setting="shape",
        what="a diamond and its hull, above 0.77",
        objects=[Object([0, 0, 40, 40], corners=DIAMOND)],
        found=[Detected(0.9, [0, 0, 40, 40])],
        rules=BASE.replace(iou_thresholds=0.77),
        outlined=True,
        size=(100, 100),
        expected={"box": FOUND, "probabilistic": MISSED},
    ),
    Scene(
        setting="shape",
        what="a diamond and its hull, at 0.5",
        objects=[Object([0, 0, 40, 40], corners=DIAMOND)],
        found=[Detected(0.9, [0, 0, 40, 40])],
        outlined=True,
        expected={"box": FOUND, "oriented": FOUND},
    ),
    # A mask has whole pixels: 4.8 rows are 5 of 10, a half.
    Scene(
        setting="shape",
        what="a part of a pixel",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 4.8])],
        outlined=True,
        size=(100, 100),
        expected={"box": MISSED, "oriented": MISSED, "mask": FOUND, "boundary": MISSED},
    ),
    # The image has a diagonal of 141 pixels, so boundaries are 3 deep: of 100 pixels all but the
    # 4 x 4 in the middle, 84, and all 50 of the half. They share 50 - 2 x 4 = 42, of 92 in all.
    Scene(
        setting="shape",
        what="a half, at 0.5",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, HALF)],
        outlined=True,
        size=(100, 100),
        expected={"box": FOUND, "oriented": FOUND, "mask": FOUND, "boundary": MISSED},
    ),
    Scene(
        setting="shape",
        what="a half, at 42 / 92",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, HALF)],
        rules=BASE.replace(iou_thresholds=42 / 92),
        outlined=True,
        size=(100, 100),
        expected={"mask": FOUND, "boundary": FOUND},
    ),
    # The share of a detection inside a crowd is that of the masks, whatever boundaries do.
    Scene(
        setting="shape",
        what="a crowd, of which a half is inside",
        objects=[Object([0, 0, 10, 10], crowd=True), Object([50, 50, 10, 10])],
        found=[Detected(0.9, [5, 0, 10, 10]), Detected(0.8, [50, 50, 10, 10])],
        outlined=True,
        size=(100, 100),
        expected={"oriented": ("iT", 1), "mask": ("iT", 1), "boundary": ("iT", 1)},
    ),
]

PIXELS = [
    # Last pixels 9 and 4: 10 x 5 of 10 x 10 pixels, but 9 x 4 of 9 x 9 otherwise.
    Scene(
        setting="pixel",
        what="a half, at 0.5",
        objects=[Object([0, 0, 9, 9])],
        found=[Detected(0.9, [0, 0, 9, 4])],
        expected={0: MISSED, 1: FOUND},
    ),
    Scene(
        setting="pixel",
        what="a half, at 0.5, for which a pixel is too much",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, HALF)],
        rules=BASE.replace(strict=True),
        expected={0: MISSED, 1: FOUND},
    ),
    # Two of 11 x 11 share a column: 11 of 121 + 121 - 11.
    Scene(
        setting="pixel",
        what="boxes side by side",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [10, 0, 10, 10])],
        rules=BASE.replace(iou_thresholds=11 / 231),
        expected={0: MISSED, 1: FOUND},
    ),
    Scene(
        setting="pixel",
        what="boxes one below the other",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 10, 10, 10])],
        rules=BASE.replace(iou_thresholds=11 / 231),
        expected={0: MISSED, 1: FOUND},
    ),
    # A pixel between two shares nothing.
    Scene(
        setting="pixel",
        what="boxes one pixel apart",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [11, 0, 10, 10])],
        rules=BASE.replace(iou_thresholds=1e-9),
        expected={0: MISSED, 1: MISSED},
    ),
    Scene(
        setting="pixel",
        what="ranges know no pixel",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE)],
        rules=BASE.replace(area_ranges=[("x", 0, 100)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={0: FOUND, 1: FOUND},
    ),
]

ARITHMETIC = [
    # 0.7 is 0.699999988 in float32.
    Scene(
        setting="arithmetic",
        what="0.7 at a threshold of 0.7",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 7])],
        rules=BASE.replace(iou_thresholds=0.7),
        expected={"float64": FOUND, "float32": MISSED},
    ),
    # 0.6 is 0.600000024 in float32.
    Scene(
        setting="arithmetic",
        what="0.6 above a threshold of 0.6",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 6])],
        rules=BASE.replace(iou_thresholds=0.6, strict=True),
        expected={"float64": MISSED, "float32": FOUND},
    ),
    # Added to a union of 1, 1e-7 makes the next number of it: the half is a bit too little.
    Scene(
        setting="arithmetic",
        what="a half of one pixel",
        objects=[Object([0, 0, 1, 1])],
        found=[Detected(0.9, [0, 0, 1, 0.5])],
        expected={"float64": FOUND, "float32": MISSED},
    ),
    Scene(
        setting="arithmetic",
        what="a half of many pixels",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, HALF)],
        expected={"float64": FOUND, "float32": FOUND},
    ),
    # Probabilistic IoU of a box with itself: 1 - sqrt(1e-7) after 1e-7 is added to 1 - exp(-1e-7),
    # and in float32, where exp(-1e-7) is 1 - 1.19e-7, 1 - sqrt(2.19e-7).
    Scene(
        setting="arithmetic",
        what="a box and itself, as distributions",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE)],
        rules=BASE.replace(shape="probabilistic", iou_thresholds=0.99954),
        outlined=True,
        expected={"float64": FOUND, "float32": MISSED},
    ),
]

CLIPPED = [
    Scene(
        setting="clip",
        what="an object that begins left of the image",
        objects=[Object([-10, 0, 20, 10])],
        found=[Detected(0.9, HALF)],
        size=(100, 50),
        expected={False: MISSED, True: FOUND},
    ),
    Scene(
        setting="clip",
        what="an object that begins above the image",
        objects=[Object([0, -10, 10, 20])],
        found=[Detected(0.9, HALF)],
        size=(100, 50),
        expected={False: MISSED, True: FOUND},
    ),
    Scene(
        setting="clip",
        what="an object that ends right of the image, and one that ends at it",
        objects=[Object([90, 0, 20, 10]), Object([90, 20, 10, 10])],
        found=[Detected(0.9, [90, 0, 10, 5]), Detected(0.8, [90, 20, 10, 5])],
        size=(100, 50),
        expected={False: ("FTm", 1 / 4), True: ("TT", 1)},
    ),
    Scene(
        setting="clip",
        what="a detection that ends below the image",
        objects=[Object([0, 45, 10, 5])],
        found=[Detected(0.9, [0, 40, 10, 60])],
        size=(100, 50),
        expected={False: MISSED, True: FOUND},
    ),
    # Corners 150 and 160 become 99 and 100; both sides are clipped so.
    Scene(
        setting="clip",
        what="an object beyond the image, at its last column",
        objects=[Object([150, 0, 10, 10])],
        found=[Detected(0.9, [99, 0, 1, 10])],
        rules=BASE.replace(iou_thresholds=1),
        size=(100, 50),
        expected={False: MISSED, True: FOUND},
    ),
    Scene(
        setting="clip",
        what="a detection beyond the image, at its last row",
        objects=[Object([0, 49, 10, 1])],
        found=[Detected(0.9, [0, 150, 10, 10])],
        rules=BASE.replace(iou_thresholds=1),
        size=(100, 50),
        expected={False: MISSED, True: FOUND},
    ),
]

ROUNDED = [
    Scene(
        setting="box_decimals",
        what="detections of 4.6 and of 4.96 of 10 rows, at 0.5",
        objects=[Object(WHOLE), Object([50, 0, 10, 10])],
        found=[Detected(0.9, [0, 0, 10, 4.6]), Detected(0.8, [50, 0, 10, 4.96])],
        expected={None: ("FFmm", 0), 1: ("FTm", 1 / 4), 0: ("TT", 1)},
    ),
    Scene(
        setting="box_decimals",
        what="an object of 10.4 rows",
        objects=[Object([0, 0, 10, 10.4])],
        found=[Detected(0.9, HALF)],
        expected={None: MISSED, 0: FOUND, 1: MISSED},
    ),
    # Numbers are rounded as they came: corners 0.4 and 9.6 are 10 pixels apart then.
    Scene(
        setting="box_decimals",
        what="corners",
        objects=[Object([0, 0.4, 10, 9.6])],
        found=[Detected(0.9, [0, 0, 10, 5])],
        box_format="xyxy",
        rules=BASE.replace(strict=True),
        expected={None: ("Fm", 0), 0: ("Fm", 0)},
    ),
    Scene(
        setting="box_decimals",
        what="corners of which nothing else would be left",
        objects=[Object([0, 0.4, 10, 9.6])],
        found=[Detected(0.9, [0, 0, 10, 10])],
        box_format="xyxy",
        rules=BASE.replace(iou_thresholds=1),
        expected={None: MISSED, 0: FOUND},
    ),
]

SIZES = [
    # An area of 100 lies in the range, one of 0 does not; one of 60 is the source's own.
    Scene(
        setting="zero_area",
        what="objects of areas 0 and 60 in a range from 50 on",
        objects=[Object(WHOLE, area=0), Object([50, 0, 10, 10], area=60)],
        found=[Detected(0.9, WHOLE), Detected(0.8, [50, 0, 10, 10])],
        rules=BASE.replace(area_ranges=[("x", 50, 70)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"kept": ("iT", 1), "missing": ("iT", 1)},
    ),
    Scene(
        setting="zero_area",
        what="objects of areas 0 and 60 in a range up to 100",
        objects=[Object(WHOLE, area=0), Object([50, 0, 10, 10], area=60)],
        found=[Detected(0.9, [0, 0, 10, 4]), Detected(0.8, [50, 0, 10, 10])],
        rules=BASE.replace(area_ranges=[("x", 100, 100)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"kept": ("ii", None), "missing": ("iim", 0)},
    ),
    Scene(
        setting="zero_area",
        what="an area of 0 and no other",
        objects=[Object(WHOLE, area=0)],
        found=[Detected(0.9, WHOLE)],
        rules=BASE.replace(area_ranges=[("x", 1, 100)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"kept": ("i", None), "missing": ("T", 1)},
    ),
    Scene(
        setting="detection_area",
        what="an outline of 100 square pixels in a box of 400",
        objects=[Object([50, 0, 10, 10])],
        found=[
            Detected(0.9, [0, 0, 20, 20], corners=[[0, 0], [10, 0], [10, 10], [0, 10]]),
            Detected(0.8, [50, 0, 10, 10]),
        ],
        rules=BASE.replace(area_ranges=[("x", 0, 100)], metrics="ap_area", shape="oriented"),
        outlined=True,
        area="x",
        metric="AP_x",
        expected={"shape": ("FT", 1 / 2), "box": ("iT", 1)},
    ),
    Scene(
        setting="empty_boxes",
        what="objects and detections without a width, or without a height, beside the smallest",
        objects=[
            Object([0, 0, 0, 10]),
            Object([20, 0, 10, 0]),
            Object([40, 0, 1e-3, 1e-3]),
            Object([60, 0, 10, 10]),
        ],
        found=[
            Detected(0.9, [80, 0, 0, 10]),
            Detected(0.8, [80, 0, 10, 0]),
            Detected(0.7, [80, 0, 1e-3, 1e-3]),
            Detected(0.6, [60, 0, 10, 10]),
        ],
        expected={"kept": ("FFFTmmm", 1 / 16), "drop": ("--FTm", 1 / 4)},
    ),
    # An area of 10 times -1 is in no range from 0 on, and in one of everything.
    Scene(
        setting="empty_boxes",
        what="a detection of negative width, where everything counts",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [50, 0, -1, 10]), Detected(0.8, WHOLE)],
        rules=BASE.replace(area_ranges=[("all", float("-inf"), float("inf"))]),
        expected={"kept": ("FT", 1 / 2), "drop": ("-T", 1)},
    ),
]

SCENES = [*SHAPES, *PIXELS, *ARITHMETIC, *CLIPPED, *ROUNDED, *SIZES]
