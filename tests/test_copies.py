"""Whatever is returned can be copied, pickled and sent back by another process, unchanged."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detmetrics as dm
from detmetrics import analysis

FIXTURES = Path(__file__).parent.parent / "fixtures"
FILES = FIXTURES / "ground_truth.json", FIXTURES / "detections.json"
WRITABLE = ("coco", "csv", "dota", "openimages", "parquet", "voc", "yolo")


def result() -> dm.Evaluation:
    return dm.evaluate(*FILES)


def asked() -> dm.Evaluation:
    """A result whose lazy parts are made."""
    one = result()
    one.to_dict()
    one.matches()
    one.per_class()
    return one


def metric() -> dm.DetectionMetric:
    found = dm.DetectionMetric(["cat"])
    box = {"boxes": [[0, 0, 9, 9]], "labels": [0]}
    found.update(["a"], [{**box, "scores": [0.5]}], [box])
    return found


def of_parts() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        done = dm.partition(*FILES, Path(folder, "set"), into=24)
        folders = done.ground_truth, done.detections
        in_parts = dm.evaluate_parts(*folders, "coco", state=Path(folder, "state"))
        return analysis.part_intervals(in_parts, resamples=2)


def history() -> dm.History:
    one = dm.History()
    one.append(0, train={"loss": 0.5}, metrics={"AP": 0.3})
    return one


def stopping() -> dm.EarlyStopping:
    one = dm.EarlyStopping(patience=3)
    one.update(0.5, 1)
    return one


def halves() -> list[str]:
    return ["even" if n % 2 else "odd" for n in range(len(result().ground_truth.catalog.image_ids))]


def baseline() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "baseline.detm")
        path.write_bytes(analysis.baseline_bytes(result()))
        return analysis.read_baseline(path)


def in_parts() -> dm.PartsEvaluation:
    """A result whose state is gone."""
    with tempfile.TemporaryDirectory() as folder:
        for side, file in zip(("truth", "found"), FILES, strict=True):
            Path(folder, side).mkdir()
            shutil.copy(file, Path(folder, side, "part.json"))
        sides = Path(folder, "truth"), Path(folder, "found")
        result = dm.evaluate_parts(*sides, "coco", state=Path(folder, "state"))
        result.to_dict()
        return result


def divided() -> dm.Partition:
    """A partition whose files are gone."""
    with tempfile.TemporaryDirectory() as folder:
        return dm.partition(*FILES, Path(folder, "set"), into=2)


RETURNED = {
    "Evaluation": result,
    "Partition": divided,
    "PartsEvaluation": in_parts,
    "Evaluation that was asked": asked,
    "Matches": lambda: result().matching,
    "Summary": lambda: result().summary,
    "Curve": lambda: result().curve("person"),
    "plots": lambda: result().plot,
    "merged": lambda: dm.merge_matches([result().matching]),
    "Crosscheck": lambda: dm.crosscheck(*FILES),
    "Reconciliation": lambda: dm.reconcile(*FILES),
    "CheckReport": lambda: dm.check(*FILES),
    "Overview": lambda: dm.stats(FILES[0]),
    "Rules": lambda: dm.VOC2007,
    "Reading": lambda: dm.Reading(class_names=("cat",)),
    "DetectionMetric": metric,
    "result of a metric": lambda: metric().compute(),
    "History": history,
    "EarlyStopping": stopping,
    "confidence_intervals": lambda: analysis.confidence_intervals(result(), 100),
    "compare": lambda: analysis.compare(result(), result(), 100),
    "compare_groups": lambda: analysis.compare_groups({"A": [result()], "B": [result()]}, 100),
    "paired_gain": analysis.paired_gain,
    "sample_size": lambda: analysis.sample_size(result(), result(), resamples=50),
    "compare_models": lambda: analysis.compare_models([result()] * 3, 50),
    "gate": lambda: analysis.gate(result(), result(), analysis.GateSettings(resamples=50)),
    "GateSettings": lambda: analysis.GateSettings(margins={"AP": 0.01, "slices": 0.02}),
    "read_baseline": baseline,
    "confusion_matrix": lambda: analysis.confusion_matrix(result()),
    "error_types": lambda: analysis.error_types(result()),
    "blind_spots": lambda: analysis.blind_spots(result()),
    "calibration": lambda: analysis.calibration(result()),
    "by_bins": lambda: analysis.by_bins(result()),
    "slices": lambda: analysis.slices(result(), halves()),
    "part_intervals": of_parts,
    "part_of": lambda: analysis.part_of(result(), np.arange(24) < 12),
    "operating_curves": lambda: analysis.operating_curves(result()),
    "operating_points": lambda: analysis.operating_points(result()),
}
"""By the name of the function or of the class."""

ELSEWHERE = {
    *("Conversion", "Split", "Detections", "GroundTruth"),  # below, from files
    *("Catalog", "Finding", "AreaRange", "ClassRule"),  # parts of those above
    *("Masks", "Polygons", "Rectangles", "Format"),
}


def test_everything_returned_is_here():
    classes = {name for name in dm.__all__ if isinstance(getattr(dm, name), type)}
    kinds = {type(make()).__name__ for make in RETURNED.values()}
    errors = {name for name in classes if issubclass(getattr(dm, name), BaseException)}
    assert classes - kinds - errors == ELSEWHERE
    assert set(analysis.__all__) - set(RETURNED) <= {"detection_ece", "baseline_bytes"}  # a float


def of_each_format(folder: Path) -> dict[str, Any]:
    """Tables that were read from each format that can be written, and what writing returned."""
    made: dict[str, Any] = {"Split": dm.split(FILES[0], seed=1)}
    endings = {"coco": ".json", "csv": ".csv", "openimages": ".csv", "parquet": ".parquet"}
    for name in WRITABLE:
        path = folder / f"{name}{endings.get(name, '')}"
        made[f"Conversion to {name}"] = dm.convert(FILES[0], path, to=name)
        made[f"GroundTruth of {name}"] = dm.read_ground_truth(path)
    found = folder / "found.csv"
    dm.convert(FILES[1], found, to="csv", ground_truth=FILES[0])
    made["Detections of csv"] = dm.read_detections(found, dm.read_ground_truth(FILES[0]))
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    of_files = of_each_format(tmp_path_factory.mktemp("formats"))
    return {**{name: make() for name, make in RETURNED.items()}, **of_files}


def plain(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """A value and all that it holds as lists and numbers, which compare; nan as text."""
    if id(value) in seen:
        return "itself"
    seen = (*seen, id(value))
    if isinstance(value, np.ndarray):
        held = value.tobytes() if value.dtype != object else plain(value.tolist(), seen)
        return [str(value.dtype), value.shape, held]
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(plain(one, seen) for one in value)]
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: repr(pair[0]))
        return [(plain(key, seen), plain(one, seen)) for key, one in pairs]
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    parts = {**{n: getattr(value, n) for n in slots if hasattr(value, n)}, **vars_of(value)}
    if parts:
        return [type(value).__qualname__, plain(parts, seen)]
    return value if isinstance(value, str | int | bytes | None) else type(value).__qualname__


def vars_of(value: Any) -> dict[str, Any]:
    if isinstance(value, type) or (callable(value) and not hasattr(value, "__dataclass_fields__")):
        return {}
    hidden = {
        "_thread",
        "_digest",
        "_parts",
        "_made",
    }  # how a fingerprint is taken; what is made lazily
    return {name: one for name, one in getattr(value, "__dict__", {}).items() if name not in hidden}


def test_copies_and_pickles_equal(made):
    for name, value in made.items():
        expected = plain(value)
        for how in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
            assert plain(how(value)) == expected, (name, how)


def test_a_copy_answers_like_the_original():
    original = result()
    again = pickle.loads(pickle.dumps(original))
    assert again.to_dict() == original.to_dict()
    assert again.matches().equals(original.matches())
    assert again.ground_truth.catalog is again.detections.catalog
    assert dm.evaluate(again.ground_truth, again.detections).summary == original.summary


def test_a_copy_of_a_metric_goes_on():
    one = metric()
    other = copy.deepcopy(one)
    box = {"boxes": [[0, 0, 9, 9]], "labels": [0]}
    other.update(["b"], [{**box, "scores": [0.5]}], [box])
    assert (len(one), len(other)) == (1, 2)


def worked(value: Any) -> Any:
    """What another process does with what it is sent."""
    return value


@pytest.mark.heavy
def test_another_process_sends_them_back(made):
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        returned = pool.submit(worked, made).result()
    for name, value in made.items():
        assert plain(returned[name]) == plain(value), name


def errors() -> list[dm.DetmetricsError]:
    found = []
    for make in (
        lambda: dm.read_ground_truth("nowhere.json"),
        lambda: dm.Detections.from_arrays(
            image_ids=[7], categories=[1], boxes=[[0, 0, 1, 1]], scores=[1.0],
            catalog=dm.Catalog.from_ids(images=[1], categories=[1]),
        ),
        lambda: dm.COCO.replace(iou_thresholds=(2.0,)),
        lambda: dm.GroundTruth.from_arrays(image_ids=[1], categories=[1], boxes=[[0, 0, 1]]),
    ):  # fmt: skip
        with pytest.raises(dm.DetmetricsError) as caught:
            make()
        found.append(caught.value)
    return found


def test_errors_come_back_too():
    """One that cannot be pickled breaks the pool in which it was raised."""
    for error in errors():
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))
