"""Settings that say what an object is: crowds, difficult and ignored ones, classes."""

from __future__ import annotations

import detmetrics as dm
from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

__all__ = ["SCENES"]

REGION = [100, 0, 100, 100]
INSIDE = Detected(0.9, [110, 10, 10, 10])  # all of it inside the region, 1 % of which it is
EXACT = Detected(0.8, REGION)
ON_WHOLE = Detected(0.7, WHOLE)

# A region that absorbs takes both detections. An ignored object takes one of them, by IoU, and one
# that counts is found by it: of three detections the second and the third are right, so that the
# precision is 2/3 for both objects. Where it is not there, both are false.
ABSORBED, ONE_TAKEN, COUNTED, ABSENT = ("iiT", 1), ("FiT", 1 / 2), ("FTT", 2 / 3), ("FFT", 1 / 3)

MARKED = [
    Scene(
        setting="crowd",
        what="a detection inside, and one that is as large as the crowd",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        expected={
            "absorb": ABSORBED,
            "ignore": ONE_TAKEN,
            "count": COUNTED,
            "drop": ABSENT,
            "group": ABSORBED,
        },
    ),
    # The first lies in the crowd by 8 of 10 columns, and shares 7 of 13 with an ignored object.
    # A crowd takes it at once, and leaves the object for the second (7 of 13, and 2 of 10 in the
    # crowd); a group takes only what matches no single object.
    Scene(
        setting="crowd",
        what="an ignored object at the edge of a crowd",
        objects=[Object([95, 0, 10, 10], ignore=True), Object(REGION, crowd=True), Object(WHOLE)],
        found=[Detected(0.9, [98, 0, 10, 10]), Detected(0.8, [92, 0, 10, 10]), ON_WHOLE],
        rules=BASE.replace(ignore="honour"),
        expected={"absorb": ("iiT", 1), "group": ("iFT", 1 / 2)},
    ),
    Scene(
        setting="crowd",
        what="half of a detection inside, at 0.5",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[Detected(0.9, [95, 0, 10, 10]), ON_WHOLE],
        expected={"absorb": ("iT", 1), "ignore": ("FT", 1 / 2), "group": ("iT", 1)},
    ),
    # The nearest of all is the crowd (all of it inside), but a group comes after single objects.
    Scene(
        setting="crowd",
        what="an object in a crowd, where detections answer to the nearest",
        objects=[Object([100, 0, 10, 10]), Object(REGION, crowd=True)],
        found=[Detected(0.9, [100, 0, 10, 9])],
        rules=BASE.replace(assignment="nearest"),
        expected={"absorb": ("im", 0), "group": ("T", 1)},
    ),
    Scene(
        setting="crowd",
        what="a difficult object is a crowd",
        objects=[Object(WHOLE), Object(REGION, difficult=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        expected={
            "absorb": ABSORBED,
            "ignore": ONE_TAKEN,
            "count": COUNTED,
            "drop": ABSENT,
            "group": ABSORBED,
        },
    ),
    Scene(
        setting="group_weight",
        what="two detections in a group: the best of them is right",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[INSIDE, Detected(0.8, [150, 50, 10, 10]), ON_WHOLE],
        rules=BASE.replace(crowd="group"),
        expected={0: ("iiT", 1), 1: ("TiT", 1)},
    ),
    Scene(
        setting="group_weight",
        what="a group that nobody found",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[ON_WHOLE],
        rules=BASE.replace(crowd="group"),
        expected={0: ("T", 1), 1: ("Tm", 1 / 2)},
    ),
    # What lies in two groups goes to the one that holds more of it; both go to the second group.
    Scene(
        setting="group_weight",
        what="a detection with 4 columns in one group and 6 in another",
        objects=[Object([100, 0, 10, 10], crowd=True), Object([110, 0, 10, 10], crowd=True)],
        found=[Detected(0.9, [106, 0, 10, 10]), Detected(0.8, [110, 0, 10, 10])],
        rules=BASE.replace(crowd="group", iou_thresholds=0.4),
        expected={0: ("ii", None), 1: ("Tim", 1 / 2)},
    ),
    # It is not that a crowd counts unless it is a group.
    Scene(
        setting="group_weight",
        what="a crowd that is no group",
        objects=[Object(WHOLE), Object(REGION, crowd=True)],
        found=[INSIDE, ON_WHOLE],
        expected={0: ("iT", 1), 1: ("iT", 1)},
    ),
    Scene(
        setting="difficult",
        what="a detection inside, and one that is as large as the object",
        objects=[Object(WHOLE), Object(REGION, difficult=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        expected={"crowd": ABSORBED, "ignore": ONE_TAKEN, "count": COUNTED, "drop": ABSENT},
    ),
    Scene(
        setting="difficult",
        what="a crowd that is difficult too",
        objects=[Object(WHOLE), Object(REGION, crowd=True, difficult=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        expected={"crowd": ABSORBED, "ignore": ABSORBED, "count": ABSORBED, "drop": ABSENT},
    ),
    Scene(
        setting="ignore",
        what="a detection inside, and one that is as large as the object",
        objects=[Object(WHOLE), Object(REGION, ignore=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        expected={"overwrite": COUNTED, "honour": ONE_TAKEN, "region": ABSORBED},
    ),
    Scene(
        setting="ignore",
        what="an ignored crowd, where crowds count",
        objects=[Object(WHOLE), Object(REGION, ignore=True, crowd=True)],
        found=[INSIDE, EXACT, ON_WHOLE],
        rules=BASE.replace(crowd="count"),
        expected={"overwrite": COUNTED, "honour": ONE_TAKEN, "region": ABSORBED},
    ),
]

TWO = (dm.ClassRule("a", 0.5), dm.ClassRule("B", 0.7, ("n", "absent")))

CLASSES = [
    # A half is enough for a; of b's two objects one is found by 0.7, none by 0.69.
    Scene(
        setting="class_rules",
        what="each class has its threshold, whatever its capitals",
        objects=[Object(WHOLE), Object([20, 0, 10, 10], "b"), Object([40, 0, 10, 10], "b")],
        found=[
            Detected(0.9, [0, 0, 10, 5]),
            Detected(0.8, [20, 0, 10, 7], "b"),
            Detected(0.7, [40, 0, 10, 6.9], "b"),
        ],
        classes="ab",
        expected={(): ("TTT", 1), TWO: ("TTFm", (1 + 1 / 2) / 2)},
    ),
    Scene(
        setting="class_rules",
        what="each threshold may not be enough",
        objects=[Object(WHOLE), Object([20, 0, 10, 10], "b")],
        found=[Detected(0.9, [0, 0, 10, 5]), Detected(0.8, [20, 0, 10, 7], "b")],
        rules=BASE.replace(strict=True),
        classes="ab",
        expected={(): ("FTm", 1 / 2), TWO: ("FFmm", 0)},
    ),
    # Each object of a neighbour takes one detection, and objects of b come before.
    Scene(
        setting="class_rules",
        what="objects of a class like it",
        objects=[Object(WHOLE), Object([20, 0, 10, 10], "n"), Object([40, 0, 10, 10], "b")],
        found=[
            Detected(0.9, [20, 0, 10, 10], "b"),
            Detected(0.8, [20, 0, 10, 10], "b"),
            Detected(0.7, [40, 0, 10, 10], "b"),
            Detected(0.6, WHOLE),
        ],
        classes="abn",
        expected={(): ("FFTTm", (1 + 1 / 3 + 0) / 3), TWO: ("iFTT", (1 + 1 / 2) / 2)},
    ),
    # A crowd of a neighbour is none of b.
    Scene(
        setting="class_rules",
        what="a crowd of a class like it",
        objects=[Object(WHOLE), Object(REGION, "n", crowd=True), Object([40, 0, 10, 10], "b")],
        found=[Detected(0.9, [110, 0, 10, 10], "b"), Detected(0.8, [40, 0, 10, 10], "b")],
        classes="abn",
        expected={(): ("FTm", 1 / 4), TWO: ("FTm", 1 / 4)},
    ),
]

# Image 1 has an a, and not all a are marked; it was searched for b, which it has not, not for c.
# Of each class one detection there is wrong, and image 2 has an object of each, found later.
# b: 1/2 either way. a: the wrong one is set aside, 1 after 1/2. c: it is dropped, so that 1/2 is 1.
FEDERATED = Scene(
    setting="federated",
    what="classes that were looked for in part, in full, and not at all",
    objects=[Object(WHOLE)] + [Object(WHOLE, name, 2) for name in "bc"],
    found=[
        Detected(0.9, [50, 0, 10, 10], "a"),
        Detected(0.8, [50, 0, 10, 10], "b"),
        Detected(0.7, [50, 0, 10, 10], "c"),
        Detected(0.6, WHOLE, "a"),
        Detected(0.5, WHOLE, "b", 2),
        Detected(0.4, WHOLE, "c", 2),
    ],
    classes="abc",
    images=2,
    known=[(1, "b")],
    open=[(1, "a")],
    expected={False: ("FFFTTT", 1 / 2), True: ("iFiTTT", (1 + 1 / 2 + 1) / 3)},
)

SCENES = [*MARKED, *CLASSES, FEDERATED]
