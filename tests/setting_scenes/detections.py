"""Settings that say which detections count, and in which order."""

from __future__ import annotations

from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

__all__ = ["SCENES"]

ELSEWHERE = [50, 0, 10, 10]
ALSO = [100, 0, 10, 10]

COUNTING = [
    Scene(
        setting="min_score",
        what="a score of exactly the minimum, and the next",
        objects=[Object(WHOLE)],
        found=[Detected(0.5, WHOLE), Detected(0.5000000000000001, ELSEWHERE)],
        expected={None: ("TF", 1 / 2), 0.5: ("iFm", 0), 0.4999999999999999: ("TF", 1 / 2)},
    ),
    # It is the score of the file: as it is rounded, if it is.
    Scene(
        setting="min_score",
        what="a score that is rounded to the minimum",
        objects=[Object(WHOLE)],
        found=[Detected(0.54, WHOLE)],
        rules=BASE.replace(score_decimals=1),
        expected={None: ("T", 1), 0.5: ("im", 0)},
    ),
    # Two of other images and classes have limits of their own.
    Scene(
        setting="image_limit",
        what="the third of an image, over both classes",
        objects=[Object(WHOLE), Object(WHOLE, "a", 2)],
        found=[
            Detected(0.9, ELSEWHERE),
            Detected(0.8, ELSEWHERE, "b"),
            Detected(0.7, WHOLE),
            Detected(0.6, WHOLE, "a", 2),
        ],
        classes="ab",
        images=2,
        expected={
            None: ("FFTT", 2 / 3),
            2: ("FFiTm", 1 / 4),
            3: ("FFTT", 2 / 3),
            1: ("FiiTm", 1 / 4),
        },
    ),
    Scene(
        setting="image_limit",
        what="equal scores: the first in the file stay",
        objects=[Object(WHOLE), Object(WHOLE, "b")],
        found=[Detected(0.9, WHOLE, "b"), Detected(0.9, WHOLE)],
        classes="ab",
        expected={None: ("TT", 1), 1: ("Tim", 1 / 2)},
    ),
    Scene(
        setting="class_limit",
        what="the second of a class, over both images",
        objects=[Object(WHOLE), Object(WHOLE, "a", 2), Object(WHOLE, "b")],
        found=[
            Detected(0.9, WHOLE),
            Detected(0.8, WHOLE, "a", 2),
            Detected(0.7, WHOLE, "b"),
        ],
        classes="ab",
        images=2,
        expected={None: ("TTT", 1), 1: ("TiTm", (1 / 2 + 1) / 2), 2: ("TTT", 1)},
    ),
    # A limit over a file cuts it before its images are put in order.
    Scene(
        setting="class_limit",
        what="equal scores: the first in the file stay, not the first image",
        objects=[Object(WHOLE), Object(WHOLE, "a", 2), Object(ELSEWHERE, "a", 2)],
        found=[
            Detected(0.9, WHOLE, "a", 2),
            Detected(0.9, ELSEWHERE, "a", 2),
            Detected(0.9, ELSEWHERE, "a", 1),
        ],
        images=2,
        expected={None: ("TTFm", (2 / 3 + 2 / 3) / 3), 2: ("TTim", 2 / 3), 1: ("Tiimm", 1 / 3)},
    ),
    # Of an image and class, best first; others have limits of their own.
    Scene(
        setting="max_detections",
        what="the second of an image and class",
        objects=[Object(WHOLE), Object(WHOLE, "a", 2), Object(WHOLE, "b")],
        found=[
            Detected(0.8, WHOLE),
            Detected(0.9, ELSEWHERE),
            Detected(0.7, WHOLE, "a", 2),
            Detected(0.6, WHOLE, "b"),
        ],
        classes="ab",
        images=2,
        rules=BASE.replace(metrics=("ap", "ar")),
        metric=None,
        expected={
            # a: of two objects one is found, behind a wrong one (1/2 of 1/2); b: all.
            (1,): ("iFTTm", {"AP": (1 / 4 + 1) / 2, "AR1": 3 / 4}),
            # a: wrong, right, right: 2/3 for both.
            (2,): ("TFTT", {"AP": (2 / 3 + 1) / 2, "AR2": 1}),
            # Recall at each limit, precision at the largest.
            (1, 2): ("TFTT", {"AP": (2 / 3 + 1) / 2, "AR1": 3 / 4, "AR2": 1}),
            (1, float("inf")): ("TFTT", {"AP": (2 / 3 + 1) / 2, "AR1": 3 / 4, "AR": 1}),
        },
    ),
]

ORDER = [
    # The second and the third differ in the last digit alone, the others by far more.
    Scene(
        setting="ties",
        what="scores that are not equal, however near",
        objects=[Object(WHOLE)],
        found=[
            Detected(1e-300, ALSO),
            Detected(0.5, ELSEWHERE),
            Detected(0.5000000000000001, WHOLE),
            Detected(0.4, ALSO),
        ],
        expected={"image": ("FFTF", 1), "file": ("FFTF", 1)},
    ),
    Scene(
        setting="ties",
        what="scores below 0, of which the nearest is the best, and both zeros",
        objects=[Object(WHOLE), Object(ELSEWHERE), Object(ALSO)],
        found=[
            Detected(-2.0, [150, 0, 10, 10]),
            Detected(0.0, [200, 0, 10, 10]),
            Detected(-0.0, WHOLE),
            Detected(-0.5, ELSEWHERE),
            Detected(0.5, ALSO),
        ],
        # right, wrong, right, right, wrong
        expected={
            "image": ("FFTTT", (1 + 3 / 4 + 3 / 4) / 3),
            "file": ("FFTTT", (1 + 3 / 4 + 3 / 4) / 3),
        },
    ),
    # Right in image 2, which is first in the file, and wrong in image 1.
    Scene(
        setting="ties",
        what="equal scores in two images",
        objects=[Object(WHOLE, "a", 2)],
        found=[Detected(0.9, WHOLE, "a", 2), Detected(0.9, WHOLE)],
        images=2,
        expected={"image": ("TF", 1 / 2), "file": ("TF", 1)},
    ),
    Scene(
        setting="ties",
        what="equal scores in one image",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, ELSEWHERE), Detected(0.9, WHOLE)],
        expected={"image": ("FT", 1 / 2), "file": ("FT", 1 / 2)},
    ),
    # pycocotools lists the detections of an image class by class.
    Scene(
        setting="ties",
        what="equal scores of two classes that are pooled",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE, "b"), Detected(0.9, ELSEWHERE)],
        classes="ab",
        rules=BASE.replace(class_agnostic=True),
        expected={"image": ("TF", 1 / 2), "file": ("TF", 1)},
    ),
    Scene(
        setting="ties",
        what="equal scores of two classes and images that are pooled: images come first",
        objects=[Object(WHOLE, "a", 2)],
        found=[Detected(0.9, WHOLE, "a", 2), Detected(0.9, ELSEWHERE, "b")],
        classes="ab",
        images=2,
        rules=BASE.replace(class_agnostic=True),
        expected={"image": ("TF", 1 / 2), "file": ("TF", 1)},
    ),
    Scene(
        setting="ties",
        what="who takes an object",
        objects=[Object(WHOLE)],
        found=[Detected(0.9, WHOLE, "b"), Detected(0.9, WHOLE)],
        classes="ab",
        rules=BASE.replace(class_agnostic=True),
        expected={"image": ("FT", 1), "file": ("TF", 1)},
    ),
    # 0.94 and 0.91 are 0.9 both, and then the first image is the first.
    Scene(
        setting="score_decimals",
        what="scores that are the same to one decimal",
        objects=[Object(WHOLE, "a", 2)],
        found=[Detected(0.94, WHOLE, "a", 2), Detected(0.91, WHOLE)],
        images=2,
        expected={None: ("TF", 1), 1: ("TF", 1 / 2), 2: ("TF", 1), 0: ("TF", 1 / 2)},
    ),
    Scene(
        setting="score_decimals",
        what="scores that are the same to no decimal",
        objects=[Object(WHOLE, "a", 2)],
        found=[Detected(0.96, WHOLE, "a", 2), Detected(0.91, WHOLE)],
        images=2,
        expected={None: ("TF", 1), 1: ("TF", 1), 0: ("TF", 1 / 2)},
    ),
]

SCENES = [*COUNTING, *ORDER]
