"""Settings that say who may match whom: thresholds, choices, pooled classes."""

from __future__ import annotations

from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

__all__ = ["SCENES"]

HALF = [0, 0, 10, 5]
BESIDE = [10, 0, 10, 10]
BETWEEN = [5, 0, 10, 10]  # shares 50 of 150 with the whole, and with what is beside it
REGION = [100, 0, 100, 100]

THRESHOLDS = [
    Scene(
        setting="iou_thresholds",
        what="an overlap of 0.75",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 7.5])],
        expected={
            (0.5,): ("T", 1),
            (0.75,): ("T", 1),
            (0.7500000000000001,): ("Fm", 0),
            (0.5, 0.75): ("T", 1),
            (0.5, 0.76): ("T", 1 / 2),
        },
    ),
    # 1e-10 less than 1 is enough for 1, as in pycocotools.
    Scene(
        setting="iou_thresholds",
        what="an overlap of nearly 1",
        objects=[Object([0, 0, 1e5, 1e5])],
        found=[Detected(0.9, [0, 0, 1e5, 1e5 - 1e-6])],
        expected={(1.0,): ("T", 1), (0.5,): ("T", 1)},
    ),
    Scene(
        setting="iou_thresholds",
        what="an overlap of 0.999",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 9.99])],
        expected={(1.0,): ("Fm", 0), (0.99,): ("T", 1)},
    ),
]

STRICT = [
    Scene(
        setting="strict",
        what=f"an overlap of exactly 0.5 ({assignment})",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, HALF)],
        rules=BASE.replace(assignment=assignment),
        expected={False: ("T", 1), True: ("Fm", 0)},
    )
    for assignment in ("free", "nearest", "truths")
] + [
    Scene(
        setting="strict",
        what="an overlap of a bit more than 0.5",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 5.000000000000001])],
        expected={False: ("T", 1), True: ("T", 1)},
    ),
    Scene(
        setting="strict",
        what="an overlap of 1, at 1",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE)],
        rules=BASE.replace(iou_thresholds=1),
        expected={False: ("T", 1), True: ("Fm", 0)},
    ),
] + [
    Scene(
        setting="strict",
        what=f"a detection with exactly its half inside a crowd ({crowd}, {assignment})",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[Detected(0.9, [95, 0, 10, 10]), Detected(0.8, WHOLE)],
        rules=BASE.replace(crowd=crowd, assignment=assignment),
        expected={False: ("iT", 1), True: ("FT", 1 / 2)},
    )
    for crowd in ("absorb", "group")
    for assignment in ("free", "nearest", "truths")
]  # fmt: skip

ASSIGNED = [
    # Both detections share most with the first object (all, and 8 of 12 columns), the second also
    # with the other one (6 of 14).
    Scene(
        setting="assignment",
        what="the nearest object is taken, another one is free",
        objects=[Object(WHOLE), Object([6, 0, 10, 10])],
        found=[Detected(0.9, WHOLE), Detected(0.8, [2, 0, 10, 10])],
        rules=BASE.replace(iou_thresholds=0.4),
        expected={
            "free": ("TT", 1),
            "nearest": ("TFm", 1 / 2),
            "truths": ("TT", 1),
            "overlap": ("TT", 1),
        },
    ),
    # Detections take in order of score; an object takes what fits it best.
    Scene(
        setting="assignment",
        what="the best detection fits less",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 6]), Detected(0.8, WHOLE)],
        expected={
            "free": ("TF", 1),
            "nearest": ("TF", 1),
            "truths": ("FT", 1 / 2),
            "overlap": ("FT", 1 / 2),
        },
    ),
    # The first object takes, by 8 of 12 columns, what the second would have to the full; the other
    # detection (7 of 13) fits the first alone.
    Scene(
        setting="assignment",
        what="the first object of the file takes what is the second one's",
        objects=[Object(WHOLE), Object([2, 0, 10, 10])],
        found=[Detected(0.9, [2, 0, 10, 10]), Detected(0.8, [-3, 0, 10, 10])],
        expected={
            "free": ("TT", 1),
            "nearest": ("TT", 1),
            "truths": ("TFm", 1 / 2),
            "overlap": ("TT", 1),
        },
    ),
    # Where detections answer to the nearest, an ignored object takes them all.
    Scene(
        setting="assignment",
        what="two detections of an ignored object",
        objects=[Object([50, 0, 10, 10], ignore=True), Object(WHOLE)],
        found=[
            Detected(0.9, [50, 0, 10, 9]),
            Detected(0.8, [50, 0, 10, 9]),
            Detected(0.7, WHOLE),
        ],
        rules=BASE.replace(ignore="honour"),
        expected={"free": ("iFT", 1 / 2), "nearest": ("iiT", 1), "truths": ("iFT", 1 / 2)},
    ),
    # Objects that count come before ignored ones that are nearer; to the nearest it is all one,
    # and objects choose in the order of the file.
    Scene(
        setting="assignment",
        what="an ignored object is nearer",
        objects=[Object(WHOLE, ignore=True), Object([2, 0, 10, 10])],
        found=[Detected(0.9, WHOLE)],
        rules=BASE.replace(ignore="honour"),
        expected={"free": ("T", 1), "nearest": ("im", 0), "truths": ("im", 0)},
    ),
    # Objects prefer a detection in range to one that fits better and is not.
    Scene(
        setting="assignment",
        what="detections in and out of range",
        objects=[Object(WHOLE)],
        found=[Detected(0.8, [0, 0, 10, 9.9]), Detected(0.9, [0, 0, 10, 10.1])],
        rules=BASE.replace(area_ranges=[("x", 100, 1000)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"free": ("iT", 1), "nearest": ("iT", 1), "truths": ("iT", 1)},
    ),
    Scene(
        setting="assignment",
        what="a detection out of range is no true positive of an object that chooses",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, [0, 0, 10, 9])],
        rules=BASE.replace(area_ranges=[("x", 100, 1000)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"free": ("T", 1), "nearest": ("T", 1), "truths": ("im", 0)},
    ),
    # The first object takes the detection in range, the second one of those out of range. To the
    # nearest, the last of both objects, the best detection is right.
    Scene(
        setting="assignment",
        what="two detections out of range, and a second object",
        objects=[Object(WHOLE), Object([0, 0, 10, 10])],
        found=[
            Detected(0.9, [0, 0, 10, 6]),
            Detected(0.8, [0, 0, 10, 9]),
            Detected(0.7, [0, 0, 10, 11]),
        ],
        rules=BASE.replace(area_ranges=[("x", 100, 1000)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"free": ("TTF", 1), "nearest": ("TiFm", 1 / 2), "truths": ("iiTm", 1 / 2)},
    ),
]

EQUAL = [
    # The second detection fits the first object alone.
    Scene(
        setting="equal_overlaps",
        what=f"a detection halfway between two objects ({assignment})",
        objects=[Object(WHOLE), Object(BESIDE)],
        found=[Detected(0.9, BETWEEN), Detected(0.8, WHOLE)],
        rules=BASE.replace(iou_thresholds=1 / 3, assignment=assignment),
        expected={"last": ("TT", 1), "first": ("TFm", 1 / 2)},
    )
    for assignment in ("free", "nearest")
] + [
    # Pooled, objects stand by class and then as in the file: b's is the last one.
    Scene(
        setting="equal_overlaps",
        what="a detection halfway between objects of two classes",
        objects=[Object(WHOLE, "b"), Object(BESIDE, "a")],
        found=[Detected(0.9, BETWEEN), Detected(0.8, WHOLE)],
        classes="ab",
        rules=BASE.replace(iou_thresholds=1 / 3, class_agnostic=True),
        expected={"last": ("TFm", 1 / 2), "first": ("TT", 1)},
    ),
    # Larger overlap comes first, and first of all objects that count.
    Scene(
        setting="equal_overlaps",
        what="overlaps that are not equal",
        objects=[Object(WHOLE), Object(BESIDE)],
        found=[Detected(0.9, [4, 0, 10, 10]), Detected(0.8, BESIDE)],
        rules=BASE.replace(iou_thresholds=1 / 4),
        expected={"last": ("TT", 1), "first": ("TT", 1)},
    ),
    Scene(
        setting="equal_overlaps",
        what="equal overlaps with an object and an ignored one behind it",
        objects=[Object(WHOLE), Object(BESIDE, ignore=True)],
        found=[Detected(0.9, BETWEEN)],
        rules=BASE.replace(iou_thresholds=1 / 3, ignore="honour"),
        expected={"last": ("T", 1), "first": ("T", 1)},
    ),
    Scene(
        setting="equal_overlaps",
        what="equal overlaps with an object and an ignored one before it",
        objects=[Object(BESIDE, ignore=True), Object(WHOLE)],
        found=[Detected(0.9, BETWEEN)],
        rules=BASE.replace(iou_thresholds=1 / 3, ignore="honour"),
        expected={"last": ("T", 1), "first": ("T", 1)},
    ),
]

POOLED = [
    # Without an object of its class b is not measured.
    Scene(
        setting="class_agnostic",
        what="a detection of another class",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE, "b")],
        classes="ab",
        expected={False: ("Fm", 0), True: ("T", 1)},
    ),
    # Apart, a has 1 and b, behind a wrong one, 1/2; pooled it is right, wrong, right.
    Scene(
        setting="class_agnostic",
        what="one curve for all classes",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], "b")],
        found=[
            Detected(0.9, WHOLE),
            Detected(0.8, [100, 0, 10, 10], "b"),
            Detected(0.7, [50, 0, 10, 10], "b"),
        ],
        classes="ab",
        expected={False: ("TFT", 3 / 4), True: ("TFT", (1 + 2 / 3) / 2)},
    ),
    Scene(
        setting="class_agnostic",
        what="images stay apart",
        objects=[Object(WHOLE, "b", 1), Object(WHOLE, "a", 2)],
        found=[Detected(0.9, WHOLE, "a", 1), Detected(0.8, WHOLE, "a", 1)],
        classes="ab",
        images=2,
        expected={False: ("FFmm", 0), True: ("TFm", 1 / 2)},
    ),
    # The limit of an image and class is one of an image then.
    Scene(
        setting="class_agnostic",
        what="a limit for an image and class",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], "b")],
        found=[Detected(0.9, WHOLE), Detected(0.8, [50, 0, 10, 10], "b")],
        classes="ab",
        rules=BASE.replace(max_detections=1),
        expected={False: ("TT", 1), True: ("Tim", 1 / 2)},
    ),
    Scene(
        setting="class_agnostic",
        what="a limit for a class",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], "b")],
        found=[Detected(0.9, WHOLE), Detected(0.8, [50, 0, 10, 10], "b")],
        classes="ab",
        rules=BASE.replace(class_limit=1),
        expected={False: ("TT", 1), True: ("Tim", 1 / 2)},
    ),
]

SCENES = [*THRESHOLDS, *STRICT, *ASSIGNED, *EQUAL, *POOLED]
