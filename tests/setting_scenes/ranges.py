"""Settings about ranges of sizes: what they are of, their ends, and what lies outside."""

from __future__ import annotations

import detmetrics as dm
from setting_scenes.scene import BASE, WHOLE, Detected, Object, Scene

__all__ = ["SCENES"]

ON_WHOLE = Detected(0.7, WHOLE)

AREA = BASE.replace(area_ranges=[("x", 50, 200)], metrics="ap_area")

# From 50 to 75 pixels high, with 1.25: from 40 up to, not with, 93.75.
HEIGHT = BASE.replace(area_ranges=[("x", 50, 75, "height")], metrics="ap_area")

RANGED = [
    # The one far object is too large by its source, and each detection on it in range.
    Scene(
        setting="out_of_range",
        what="two detections on an object out of range",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], area=1000)],
        found=[Detected(0.9, [50, 0, 10, 10]), Detected(0.8, [50, 0, 10, 10]), ON_WHOLE],
        rules=AREA,
        area="x",
        metric="AP_x",
        expected={"ignore": ("iFT", 1 / 2), "region": ("iiT", 1)},
    ),
    Scene(
        setting="out_of_range",
        what="a detection half inside an object out of range",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], area=1000)],
        found=[Detected(0.9, [55, 0, 10, 10]), ON_WHOLE],
        rules=AREA,
        area="x",
        metric="AP_x",
        expected={"ignore": ("FT", 1 / 2), "region": ("iT", 1)},
    ),
    Scene(
        setting="out_of_range",
        what="an object that is in the range of everything",
        objects=[Object(WHOLE), Object([50, 0, 10, 10], area=1000)],
        found=[Detected(0.9, [50, 0, 10, 10]), Detected(0.8, [50, 0, 10, 10]), ON_WHOLE],
        rules=AREA.replace(metrics="ap"),
        expected={"ignore": ("TFT", 5 / 6), "region": ("TFT", 5 / 6)},
    ),
    Scene(
        setting="low_end",
        what="an object as large as the low end, one as large as the high end, and detections",
        objects=[Object(WHOLE), Object([50, 0, 20, 10])],
        found=[
            Detected(0.9, WHOLE),
            Detected(0.8, [100, 0, 10, 10]),
            Detected(0.7, [50, 0, 20, 10]),
        ],
        rules=BASE.replace(area_ranges=[("x", 100, 200)], metrics="ap_area"),
        area="x",
        metric="AP_x",
        expected={"inside": ("TFT", 5 / 6), "outside": ("iFT", 1 / 2)},
    ),
    Scene(
        setting="low_end",
        what="an object without an area, in the range of everything",
        objects=[Object(WHOLE), Object([50, 0, 0, 10])],
        found=[ON_WHOLE],
        expected={"inside": ("Tm", 1 / 2), "outside": ("T", 1)},
    ),
    Scene(
        setting="range_slack",
        what="detections on no object, on both ends and beside them",
        objects=[Object([0, 0, 10, 60])],
        found=[
            Detected(0.9, [100, 0, 10, 40]),
            Detected(0.8, [200, 0, 10, 39.9]),
            Detected(0.7, [300, 0, 10, 93.7]),
            Detected(0.6, [400, 0, 10, 93.75]),
            Detected(0.5, [0, 0, 10, 60]),
        ],
        rules=HEIGHT,
        area="x",
        metric="AP_x",
        expected={None: ("iiiiT", 1), 1.25: ("FiFiT", 1 / 3), 1: ("iiiiT", 1)},
    ),
    # Both ends belong to a range, but not the upper one with slack, were it 1.
    Scene(
        setting="range_slack",
        what="detections on no object, as high as the ends of the range",
        objects=[Object([0, 0, 10, 60])],
        found=[
            Detected(0.9, [100, 0, 10, 50]),
            Detected(0.8, [200, 0, 10, 75]),
            Detected(0.7, [0, 0, 10, 60]),
        ],
        rules=HEIGHT,
        area="x",
        metric="AP_x",
        expected={None: ("FFT", 1 / 3), 1.25: ("FFT", 1 / 3), 1: ("FiT", 1 / 2)},
    ),
    # What is left out can take no object, be it ever so near (60 of 93.75 rows, 40 of 50).
    Scene(
        setting="range_slack",
        what="detections on objects, as high as the ends and beyond",
        objects=[Object([0, 0, 10, 60]), Object([100, 0, 10, 50])],
        found=[Detected(0.9, [0, 0, 10, 93.75]), Detected(0.8, [100, 0, 10, 40])],
        rules=HEIGHT,
        area="x",
        metric="AP_x",
        expected={None: ("TT", 1), 1.25: ("iTm", 1 / 2), 1: ("iimm", 0)},
    ),
]


def _range(of: str, low: float, high: float, **also: tuple[float, float]) -> tuple:
    return (dm.AreaRange("x", low, high, of, tuple((n, *ends) for n, ends in also.items())),)


EVERYTHING = ()
SIZED = BASE.replace(metrics="ap_area")


def ranged(what: str, chosen: tuple, seen: str, ap: float | None, *boxes: list[float]) -> Scene:
    """Objects that are found exactly, each with another such detection behind them: that is false
    where it lies in the range, as an object of the size does.
    """
    found = [Detected(0.9 - 0.01 * place, box) for place, box in enumerate(boxes * 2)]
    return Scene(
        setting="area_ranges",
        what=what,
        objects=[Object(box) for box in boxes],
        found=found,
        rules=SIZED.replace(metrics=("ap", "ap_area")),
        size=(100, 200),
        area="x",
        metric="AP_x",
        expected={
            chosen: (seen, ap),
            _range("area", 0, 1e10): ("T" * len(boxes) + "F" * len(boxes), 1),
        },
    )


RANGES = [
    # 50, 49, 200 and 210 square pixels
    ranged("area", _range("area", 50, 200), "TiTiFiFi", 1,
        [0, 0, 10, 5], [20, 0, 7, 7], [40, 0, 20, 10], [70, 0, 21, 10]),
    # Of 20,000 pixels 1 %, less, 4 % and more.
    ranged("share of the image", _range("share", 0.01, 0.04), "TiTiFiFi", 1,
        [0, 0, 20, 10], [20, 0, 19, 10], [40, 0, 20, 40], [70, 0, 20, 41]),
    ranged("height", _range("height", 20, 40), "TiTiFiFi", 1,
        [0, 0, 10, 20], [20, 0, 10, 19], [40, 0, 10, 40], [70, 0, 10, 41]),
    # Width by height 1/2, 0.4, 2 and 2.5.
    ranged("aspect", _range("aspect", 0.5, 2), "TiTiFiFi", 1,
        [0, 0, 10, 20], [20, 0, 10, 25], [40, 0, 20, 10], [70, 0, 25, 10]),
    # Centres at 25, 24, 75 and 76 of 100 columns.
    ranged("centre from the left", _range("x", 0.25, 0.75), "TiTiFiFi", 1,
        [20, 0, 10, 10], [19, 50, 10, 10], [70, 0, 10, 10], [71, 50, 10, 10]),
    # Centres at 50, 48, 150 and 152 of 200 rows.
    ranged("centre from the top", _range("y", 0.25, 0.75), "TiTiFiFi", 1,
        [0, 40, 10, 20], [50, 38, 10, 20], [0, 140, 10, 20], [50, 142, 10, 20]),
    # A centre outside the image is at its border.
    ranged("centre outside", _range("x", 0, 0), "TTiFFi", 1,
        [-10, 0, 10, 10], [-5, 50, 10, 10], [-5, 100, 12, 10]),
    ranged("centre outside, below", _range("y", 1, 1), "TTiFFi", 1,
        [0, 195, 10, 10], [50, 198, 10, 10], [80, 190, 10, 10]),
    # Nearest to the left border by a tenth of the width, to the top by a tenth of the height (20 of
    # 200), to the right, to the bottom, and each a pixel nearer.
    ranged("left and upper border", _range("border", 0.1, 0.5), "TiTiFiFi", 1,
        [10, 60, 10, 10], [9, 80, 10, 10], [40, 20, 10, 10], [60, 19, 10, 10]),
    ranged("right and lower border", _range("border", 0.1, 0.5), "TiTiFiFi", 1,
        [80, 60, 10, 10], [81, 80, 10, 10], [40, 170, 10, 10], [60, 171, 10, 10]),
    ranged("border of the image itself", _range("border", 0, 0.1), "TTTiFFFi", 1,
        [0, 60, 10, 10], [-5, 80, 10, 10], [40, 160, 10, 20], [45, 90, 10, 10]),
]  # fmt: skip

ATTRIBUTES = [
    # Attributes are asked of objects alone.
    Scene(
        setting="area_ranges",
        what="visibility on both ends and beside them",
        objects=[
            Object(WHOLE, visibility=0.25),
            Object([20, 0, 10, 10], visibility=0.24),
            Object([40, 0, 10, 10], visibility=0.5),
            Object([60, 0, 10, 10], visibility=0.51),
        ],
        found=[
            Detected(0.9, WHOLE),
            Detected(0.8, [20, 0, 10, 10]),
            Detected(0.7, [40, 0, 10, 10]),
            Detected(0.6, [60, 0, 10, 10]),
            Detected(0.5, [80, 0, 10, 10]),
        ],
        rules=SIZED.replace(metrics=("ap", "ap_area")),
        area="x",
        metric="AP_x",
        expected={
            _range("area", 0, 1e10, visibility=(0.25, 0.5)): ("TiTiF", 1),
            _range("area", 0, 1e10): ("TTTTF", 1),
        },
    ),
    Scene(
        setting="area_ranges",
        what="all is a range of heights too",
        objects=[Object(WHOLE), Object([20, 0, 10, 9])],
        found=[Detected(0.9, [20, 0, 10, 9]), Detected(0.8, WHOLE)],
        expected={
            (dm.AreaRange("all", 10, 1e10, "height"),): ("iT", 1),
            (dm.AreaRange("all", 0, 1e10),): ("TT", 1),
        },
    ),
]


SCENES = [*RANGED, *RANGES, *ATTRIBUTES]
