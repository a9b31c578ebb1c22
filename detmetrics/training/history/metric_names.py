"""What the columns of a training log are called, and what they mean.

Frameworks have a name each for one number: ``metrics/mAP50-95(B)``, ``metrics/mAP_0.5:0.95``,
``val/AP``, ``eval_map`` and ``coco/bbox_mAP`` are all COCO's AP. A history keeps the names of its
source; questions about it may use either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import few, shown
from detmetrics.metrics import summary

__all__ = [
    "Place",
    "canonical",
    "interval_of",
    "lower_is_better",
    "place_of",
    "place_of_chosen",
    "resolved",
    "tail",
]

SIDES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "eval": "val",
    "test": "test",
}
SIDE = re.compile(rf"({'|'.join(sorted(SIDES, key=len, reverse=True))})[/_.\- ]+(?=.)", re.I)
PREFIX = re.compile(r"(metrics|coco|bbox|box)[/_.\- ]+(?=.)")
BOXES = re.compile(r"\(b\)$")
PARTS = re.compile(r"[_/](epoch|step)$")
COST = re.compile(r"runtime|per_second|_time$|^time$|flos$|preparation|memory", re.I)
RATE = re.compile(r"(^|[^a-z])(lr|learning[ _-]?rate|epoch|step|iter(ation)?)s?([^a-z]|$)", re.I)
WORDS = re.compile(r"[^a-z0-9]+")
LOWER = {"loss", "losses", "error", "err", "lamr", "lrp", "mae", "mse", "rmse"}
NEITHER = {"confidence", "threshold"}
MEASURED = ("metrics/", "coco/", "ultralytics/", "bbox")
INTERVAL = ("_low", "_high")

_SPELLINGS = {
    "AP": "ap map ap5095 map5095 ap0.50.95 map0.50.95 ap.5.95 map.5.95 map0.5.95 map.50.95",
    "AP50": "ap50 map50 ap0.5 map0.5 ap.5 map.5 ap0.50 map0.50 map.50",
    "AP75": "ap75 map75 ap0.75 map0.75 ap.75 map.75",
    "APs": "aps maps apsmall mapsmall",
    "APm": "apm mapm apmedium mapmedium",
    "APl": "apl mapl aplarge maplarge",
    "AR1": "ar1 mar1",
    "AR10": "ar10 mar10",
    "AR100": "ar ar100 mar mar100",
    "ARs": "ars mars arsmall marsmall",
    "ARm": "arm marm armedium marmedium",
    "ARl": "arl marl arlarge marlarge",
    "P": "p precision",
    "R": "r recall",
    "F1": "f1 f1score",
    "MR": "mr mr2 lamr",
    "oLRP": "olrp",
}
SPELLINGS = {spelling: name for name, text in _SPELLINGS.items() for spelling in text.split()}


class Place(NamedTuple):
    """Where a column of a log belongs: ``train``, ``val`` (losses) or ``metrics``, of which data.

    role: ``train``, ``val`` or ``test``, as its name says; ``""`` where it does not.
    """

    part: str
    role: str


def tail(name: str) -> str:
    """A name without what says on which data it was measured, in small letters.

    >>> tail("val/box_loss"), tail("train_loss_epoch"), tail("eval_map")
    ('box_loss', 'loss', 'map')
    """
    found = SIDE.match(name)
    rest = name[found.end() :] if found else name
    return PARTS.sub("", rest.lower())


def canonical(name: str) -> str | None:
    """The metric that a name is a spelling of; None where it is none that is known.

    >>> [canonical(name) for name in ("metrics/mAP50-95(B)", "metrics/HBBmAP.5:.95", "eval_map_50")]
    ['AP', 'AP', 'AP50']
    >>> canonical("metrics/eggs_mAP") is None
    True
    """
    # "metrics/HBBmAP.5:.95" has the tail "metrics/hbbmap.5:.95"; without prefixes "hbbmap.5:.95",
    # without marks "hbbmap.5.95", and without the kind of box "map.5.95".
    rest = BOXES.sub("", tail(name.strip()))
    while found := PREFIX.match(rest) or SIDE.match(rest):
        rest = rest[found.end() :]
    squashed = re.sub(r"[^a-z0-9.]", "", rest)
    return SPELLINGS.get(re.sub(r"^(hbb|obb|bbox)", "", squashed))


def place_of(name: str) -> Place | None:
    """Where a column belongs; None for learning rates, times and whatever else is neither.

    >>> place_of("train/box_loss"), place_of("metrics/recall(B)"), place_of("lr/pg0")
    (Place(part='train', role='train'), Place(part='metrics', role=''), None)
    """
    # In this order: "train_runtime" is no loss, "val/box_loss" no metric, and of what is left only
    # what says that it is of validation or test data, or is a metric that is known.
    found = SIDE.match(name)
    role = SIDES[found[1].lower()] if found else ""
    if COST.search(name):
        return None
    if "loss" in name.lower():
        return Place("train" if role in ("train", "") else "val", role or "train")
    if role in ("val", "test"):
        return Place("metrics", role)
    if role == "" and (name.startswith(MEASURED) or canonical(name)):
        return Place("metrics", "")
    return None


def place_of_chosen(name: str) -> Place | None:
    """Where a column belongs that somebody exported by itself: what is nothing else is a metric.

    >>> place_of_chosen("accuracy of cats"), place_of_chosen("lr/pg0")
    (Place(part='metrics', role=''), None)
    """
    if COST.search(name) or RATE.search(name) or name.startswith("_"):
        return None
    return place_of(name) or Place("metrics", "")


def lower_is_better(name: str) -> bool | None:
    """Whether less of it is better: losses, errors, miss rates, LRP; None where neither holds.

    >>> lower_is_better("AP"), lower_is_better("val/box_loss"), lower_is_better("oLRP_FP")
    (False, True, True)
    >>> lower_is_better("confidence") is None
    True
    """
    words = set(WORDS.split(name.lower()))
    if words & NEITHER:
        return None
    # of our own metrics the table of metrics knows, whatever stands before their name
    own = (canonical(name) or "", re.split(r"[/ ]", name)[-1])
    return any(map(summary.lower_is_better, own)) or bool(words & LOWER) or "loss" in name.lower()


def interval_of(name: str) -> tuple[str, str]:
    """The columns that hold the 95 % confidence interval of another one."""
    return f"{name}{INTERVAL[0]}", f"{name}{INTERVAL[1]}"


def is_bound(name: str, names: Iterable[str]) -> bool:
    """Whether a column is a bound of the interval of another one."""
    return any(name.endswith(end) and name.removesuffix(end) in names for end in INTERVAL)


def resolved(wanted: str, names: Sequence[str]) -> str:
    """The column that is asked for: by its own name, or by any spelling of the same metric.

    Ultralytics' own, by which it chose ``best.pt``, comes before those of detmetrics beside it.

    Raises:
        InputError: there is none, or there are several; the message lists what is there.

    >>> resolved("AP", ["metrics/mAP50(B)", "metrics/mAP50-95(B)"])
    'metrics/mAP50-95(B)'
    >>> resolved("AP", ["metrics/mAP50-95(B)", "coco/AP"])
    'metrics/mAP50-95(B)'
    """
    if wanted in names:
        return wanted
    same = [name for name in names if _means(name, wanted)]
    first = [name for name in same if name.startswith("metrics/")] or same
    if len(first) == 1:
        return first[0]
    if same:
        raise InputError(f"{shown(wanted)} may be any of {few(same)}: ask for one by its own name")
    there = f"there are {few(names, 20)}" if names else "there are none"
    raise InputError(f"no metric or validation loss {shown(wanted)}; {there}")


def _means(name: str, wanted: str) -> bool:
    if name.lower() == wanted.lower() or tail(name) == wanted.lower():
        return True
    return canonical(wanted) is not None and canonical(name) == canonical(wanted)
