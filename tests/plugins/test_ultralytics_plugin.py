"""Real training runs of Ultralytics: our numbers beside its own, in every validation."""

from __future__ import annotations

import atexit
import csv
import json
import logging
import math
import os
import pickle
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import detmetrics as dm

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
import torchvision_operators  # noqa: E402, F401

# Nothing is fetched, nothing is written to the home of whoever runs this.
CONFIG = tempfile.TemporaryDirectory()
atexit.register(CONFIG.cleanup)
os.environ |= {"YOLO_CONFIG_DIR": CONFIG.name, "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}
ultralytics = pytest.importorskip("ultralytics", reason="needs ultralytics: make test-plugins")

import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402
from PIL import Image  # noqa: E402
from ultralytics import RTDETR, YOLO, settings  # noqa: E402
from ultralytics.models.yolo.detect import DetectionValidator  # noqa: E402
from ultralytics.models.yolo.pose import PoseValidator  # noqa: E402
from ultralytics.utils import LOGGER  # noqa: E402

from detmetrics.plugins.ultralytics import COLUMNS, add_callbacks, stop_early  # noqa: E402
from fixtures.shapes import CLASSES, pictures  # noqa: E402

for logger in ("mlflow", "wandb", "comet", "clearml", "dvc", "neptune", "raytune", "tensorboard"):
    if logger in settings:
        settings.update({logger: False})
torch.set_num_threads(1)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(sys.platform == "win32", reason="processes meet in a file"),
]

OWN = {"P": "precision", "R": "recall", "AP50": "mAP50", "AP": "mAP50-95"}
QUIET = {"imgsz": 64, "plots": False, "workers": 0, "verbose": False, "device": "cpu"}
TINY = """nc: 3
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, C2f, [32, True]]
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, C2f, [64, True]]
head:
  - [[2, 4], 1, Detect, [nc]]
"""
# Its masks want a first map of features at an eighth of the picture.
TINY_SEGMENT = TINY.replace("Conv, [16, 3, 2]", "Conv, [16, 6, 4, 1]").replace(
    "Detect, [nc]", "Segment, [nc, 8, 16]"
)
TINY_OBB = TINY.replace("Detect, [nc]", "OBB, [nc, 1]")
TINY_DETR = """nc: 3
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
head:
  - [[1, 2], 1, RTDETRDecoder, [nc, 32, 30, 4, 4, 1, 32]]
"""


def write_data(root: Path) -> Path:
    """Pictures that are not square and larger than the input of the model, so frames differ."""
    for split, count, seed in (("train", 160, 0), ("val", 50, 1)):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for picture in pictures(count, seed, size=128):
            wide = np.pad(picture.image, ((0, 0), (0, 43), (0, 0)), mode="reflect")
            Image.fromarray(wide).save(root / "images" / split / f"{picture.name}.png")
            low, high = picture.boxes[:, :2], picture.boxes[:, 2:]
            boxes = np.concatenate([(low + high) / 2, high - low], axis=1) / ([171, 128] * 2)
            rows = [" ".join(map(str, row)) for row in zip(picture.labels, *boxes.T, strict=True)]
            (root / "labels" / split / f"{picture.name}.txt").write_text("\n".join(rows))
    data = root / "data.yaml"
    data.write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames: {list(CLASSES)}\n")
    (root / "tiny.yaml").write_text(TINY)
    (root / "rtdetr-tiny.yaml").write_text(TINY_DETR)
    (root / "tiny-seg.yaml").write_text(TINY_SEGMENT)
    (root / "tiny-obb.yaml").write_text(TINY_OBB)
    return data


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_data(tmp_path_factory.mktemp("shapes"))


def train(model: YOLO, data: Path, name: str, epochs: int, **options) -> list[dict[str, str]]:
    """The rows of results.csv of a short run that learns as fast as it can."""
    fast = {"optimizer": "Adam", "lr0": 0.01, "warmup_epochs": 0, "mosaic": 0, "nbs": 16}
    model.train(
        data=data, epochs=epochs, project=data.parent / "runs", name=name, exist_ok=True,
        batch=16, amp=False, **{**QUIET, **fast, **options},
    )  # fmt: skip
    with (data.parent / "runs" / name / "results.csv").open() as file:
        return list(csv.DictReader(file))


def own(validator, part: str = "box") -> SimpleNamespace:
    """What Ultralytics computed, every digit."""
    box = getattr(validator.metrics, part)
    return SimpleNamespace(
        ap=np.array(box.all_ap), p=box.p, r=box.r, f1=box.f1, classes=list(box.ap_class_index)
    )


def watched(model) -> tuple:
    """Ours and its own of every validation."""
    measured, both = add_callbacks(model), []
    model.add_callback("on_val_end", lambda v: both.append((dict(measured.results), own(v))))
    return measured, both


def same(result: dm.Evaluation, theirs: SimpleNamespace) -> None:
    """Every AP of every class and threshold; P, R and F1 of every class; their means."""
    with_truth = np.flatnonzero(result.class_columns()["ground_truths"])
    assert with_truth.tolist() == theirs.classes
    aps = result.curves.headline_area[:, with_truth, 0].T
    np.testing.assert_allclose(aps, theirs.ap, rtol=0, atol=1e-12)
    assert result.summary["AP"] == pytest.approx(theirs.ap.mean(), abs=1e-12)
    for name, values in (("P", theirs.p), ("R", theirs.r), ("F1", theirs.f1)):
        column = result.class_columns()[name][with_truth]
        np.testing.assert_allclose(column, values, rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def trained(data) -> SimpleNamespace:
    """One run of six epochs, whose validations are kept, with its own COCO numbers."""
    torch.manual_seed(0)
    model = YOLO(data.parent / "tiny.yaml")
    measured, both = watched(model)
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    LOGGER.addHandler(handler)
    try:
        rows = train(model, data, "with", epochs=6, save_json=True)
    finally:
        LOGGER.removeHandler(handler)
    best = data.parent / "runs" / "with" / "weights" / "best.pt"
    return SimpleNamespace(
        rows=rows, both=both, measured=measured, model=model, best=best, lines=lines
    )


def test_every_epoch_equals_what_it_prints(trained):
    assert len(trained.both) == 7  # six epochs, and the best model at the end
    for results, theirs in trained.both:
        same(results["ultralytics"], theirs)
    assert trained.both[-1][0]["ultralytics"].summary["AP"] > 0.1
    for row in trained.rows:
        for ours, its in OWN.items():
            assert row[f"ultralytics/{ours}"] == row[f"metrics/{its}(B)"]


def test_a_history_knows_both(trained, data):
    history = dm.History.read(data.parent / "runs" / "with" / "results.csv")
    assert history.best("AP").epoch == history.best("metrics/mAP50-95(B)").epoch
    last = trained.rows[-1]
    for name in ("coco/AP", "ultralytics/F1"):
        assert history.rows[-1].metrics[name] == float(last[name])


def test_our_line_stands_below_its_own(trained):
    ends = [n for n, line in enumerate(trained.lines) if line.split()[:1] == ["detmetrics"]]
    assert len(ends) == 7
    for end in ends:
        all_classes = trained.lines[end - 1].split()
        assert all_classes[0] == "all"
        ours, _, coco = trained.lines[end].partition("COCO: ")
        assert ours.split()[1:] == all_classes[1:]
        assert coco.startswith("AP 0")


def test_coco_equals_pycocotools_on_the_same_boxes(trained):
    for results, _ in trained.both:
        assert dm.crosscheck(results["coco"]).agrees


def test_coco_by_area_equals_its_own_evaluation_with_faster_coco_eval(trained):
    """Its boxes are rounded to 3 decimals there, and its scores to 5."""
    pytest.importorskip("faster_coco_eval", reason="needs faster-coco-eval")
    seen = []
    for row in trained.rows:
        for ours, its in (("APs", "small"), ("APm", "medium")):
            assert float(row[f"coco/{ours}"]) == pytest.approx(
                float(row[f"metrics/mAP_{its}(B)"]), abs=1e-3
            )
            seen.append(float(row[f"coco/{ours}"]))
    assert max(seen) > 0.1
    assert {row["coco/APl"] for row in trained.rows} == {"nan"}


def test_its_own_numbers_stay_as_they_are(trained, data):
    torch.manual_seed(0)
    alone = train(YOLO(data.parent / "tiny.yaml"), data, "without", epochs=6, save_json=True)
    for ours, row in zip(trained.rows, alone, strict=True):
        assert {name: ours[name] for name in row if name != "time"} == {
            name: value for name, value in row.items() if name != "time"
        }
        assert set(ours) - set(row) == set(COLUMNS)


def test_boxes_are_those_of_the_label_files_and_of_predictions_json(trained, data):
    model = YOLO(trained.best)
    measured = add_callbacks(model)
    metrics = model.val(
        data=data, save_json=True, project=data.parent / "runs", name="val", exist_ok=True, **QUIET
    )
    result = measured.results["coco"]
    assert metrics.results_dict["coco/AP"] == result.summary["AP"]
    assert metrics.results_dict["fitness"] == metrics.results_dict["metrics/mAP50-95(B)"]
    images = sorted(f"images/val/{picture.name}.png" for picture in pictures(50, 1, size=128))
    assert list(result.ground_truth.catalog.image_ids) == images
    for name in images:
        drawn = np.round(result.ground_truth.xyxy[of(result.ground_truth, name)], 3)
        expected = next(p.boxes for p in pictures(50, 1, size=128) if p.name in name)
        assert sorted(drawn.tolist()) == sorted(expected.tolist())
    (saved,) = (data.parent / "runs").glob("val/predictions.json")
    predictions = json.loads(saved.read_text())
    assert len(predictions) == len(result.detections)
    for name in images:
        theirs = [p for p in predictions if p["file_name"] == Path(name).name]
        rows = of(result.detections, name)
        boxes = np.array([p["bbox"] for p in theirs]).reshape(-1, 4)
        np.testing.assert_allclose(result.detections.xywh[rows], boxes, rtol=0, atol=6e-4)


def of(table, image: str) -> np.ndarray:
    return np.flatnonzero(table.catalog.image_ids[table.image] == image)


@pytest.mark.parametrize(
    "options",
    [
        {"single_cls": True},
        {"conf": 0.3, "max_det": 2},
        {"conf": 2e-4, "max_det": 400, "iou": 0.8},
        {"agnostic_nms": True, "rect": False},
        {"classes": [0, 2]},
        {"augment": True, "batch": 7},
    ],
)
def test_options_of_validation(trained, data, options):
    model = YOLO(trained.best)
    _, both = watched(model)
    model.val(data=data, project=data.parent / "runs", **QUIET, **options)
    ((results, theirs),) = both
    same(results["ultralytics"], theirs)
    assert dm.crosscheck(results["coco"]).agrees


def test_rt_detr(data):
    model = RTDETR(data.parent / "rtdetr-tiny.yaml")
    _, both = watched(model)
    model.val(data=data, project=data.parent / "runs", **QUIET)
    ((results, theirs),) = both
    assert len(results["ultralytics"].detections) > 100
    same(results["ultralytics"], theirs)


@pytest.fixture(scope="module")
def corners(tmp_path_factory) -> Path:
    """Labels of four corners: turned boxes for oriented ones, polygons for segments."""
    data = write_data(tmp_path_factory.mktemp("corners"))
    for file in sorted(data.parent.glob("labels/*/*.txt")):
        rows = []
        for n, line in enumerate(file.read_text().splitlines()):
            label, x, y, w, h = map(float, line.split())
            angle = (n + len(line)) % 5 / 3
            u = np.array([np.cos(angle), np.sin(angle)]) * w * 171 / 2
            v = np.array([-np.sin(angle), np.cos(angle)]) * h * 128 / 3
            turned = np.array([u + v, u - v, -u - v, v - u]) / [171, 128] + [x, y]
            rows.append(" ".join(map(str, [int(label), *turned.clip(0, 1).ravel()])))
        file.write_text("\n".join(rows))
    return data


def test_segments_equal_what_it_prints(corners):
    torch.manual_seed(0)
    model = YOLO(corners.parent / "tiny-seg.yaml")
    measured, seen = add_callbacks(model), []
    model.add_callback(
        "on_val_end", lambda v: seen.append((measured.results, own(v), own(v, "seg")))
    )
    rows = train(model, corners, "segments", epochs=3)
    for options in ({"save_json": True}, {"overlap_mask": False, "rect": False, "max_det": 7}):
        model.val(data=corners, project=corners.parent / "runs", **QUIET, **options)
        assert not measured.error
    assert len(seen) == 6
    for results, boxes, segments in seen:
        same(results["ultralytics"], boxes)
        same(results["ultralytics-mask"], segments)
        assert dm.crosscheck(results["coco"]).agrees
    assert seen[-1][0]["ultralytics-mask"].summary["AP50"] > 0.02
    for row in rows:
        for ours, its in OWN.items():
            assert row[f"ultralytics-mask/{ours}"] == row[f"metrics/{its}(M)"]


def test_oriented_boxes(corners, warnings):
    torch.manual_seed(0)
    model = YOLO(corners.parent / "tiny-obb.yaml")
    measured, both = watched(model)
    rows = train(model, corners, "oriented", epochs=4)
    assert not measured.error
    for results, theirs in both:
        if "ultralytics" in results:
            same(results["ultralytics"], theirs)
    coco = measured.results["coco"]
    assert coco.rules.shape == "oriented"
    assert coco.summary["AP50"] > 0.02
    assert float(rows[-1]["coco/AP50"]) > 0.02
    sides = coco.ground_truth.shapes.areas
    assert len(sides) > 50
    assert not [text for text in warnings if "detmetrics" in text]


def test_a_fitness_of_another_task_is_refused(data, tmp_path):
    measured = add_callbacks(YOLO(data.parent / "tiny.yaml"), fitness="ultralytics-mask/AP")
    validator = DetectionValidator(args={"model": "x.pt"}, save_dir=tmp_path)
    with pytest.raises(dm.InputError, match="fitness: no ultralytics-mask/AP of a model of this"):
        measured.on_val_start(validator)


def test_a_release_with_the_older_matching(trained, data, monkeypatch):
    """Until 8.4.175 a detection answered to its best label alone."""

    def match_predictions(self, found, there, iou):
        correct = np.zeros((len(found), len(self.iouv)), bool)
        iou = (iou * (there[:, None] == found)).cpu().numpy()
        for column, threshold in enumerate(self.iouv.tolist()):
            claimed = set()
            for detection in range(len(found)):
                label = int(iou[:, detection].argmax())
                if iou[label, detection] >= threshold and label not in claimed:
                    claimed.add(label)
                    correct[detection, column] = True
        return torch.tensor(correct)

    monkeypatch.setattr(DetectionValidator, "match_predictions", match_predictions)
    model = YOLO(trained.best)
    measured, both = watched(model)
    model.val(data=data, iou=0.95, project=data.parent / "runs", **QUIET)
    ((results, theirs),) = both
    same(results["ultralytics"], theirs)
    assert measured.results["ultralytics"].rules.assignment == "nearest"


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    said = []
    monkeypatch.setattr(LOGGER, "warning", lambda text, *_: said.append(str(text)))
    return said


def test_a_fault_of_ours_ends_no_training(data, monkeypatch, warnings):
    def fails(*_):
        raise RuntimeError("the disc is not round")

    update = dm.DetectionMetric.update
    model = YOLO(data.parent / "tiny.yaml")
    measured = add_callbacks(model)
    model.add_callback(
        "on_train_epoch_end",
        lambda trainer: monkeypatch.setattr(
            dm.DetectionMetric, "update", fails if trainer.epoch == 1 else update
        ),
    )
    last = []
    model.add_callback("on_val_end", lambda _: last.append((measured.error, len(measured.results))))
    rows = train(model, data, "fault", epochs=3)
    assert [row["coco/AR100"] == "nan" for row in rows] == [False, True, False]
    assert [row["ultralytics/P"] == "nan" for row in rows] == [False, True, False]
    assert all(row["lr/pg0"] and None not in row for row in rows)
    assert last[0] == last[2] == ("", 2)
    assert last[1] == ("RuntimeError: the disc is not round", 0)
    ours = [text for text in warnings if "detmetrics" in text]
    assert ours == [
        "detmetrics: no numbers of this validation, RuntimeError: the disc is not round"
    ]


@pytest.mark.parametrize("wish", ["drop", "error"])
def test_numbers_that_are_none(trained, data, monkeypatch, warnings, recwarn, wish):
    update = dm.DetectionMetric.update

    def spoiled(metric, images, predictions, targets):
        (found,) = predictions
        scores = found["scores"].clone()
        scores[:1] = torch.nan
        update(metric, images, [{**found, "scores": scores}], targets)

    monkeypatch.setattr(dm.DetectionMetric, "update", spoiled)
    model = YOLO(trained.best)
    measured = add_callbacks(model, on_invalid=wish)
    model.val(data=data, project=data.parent / "runs", name=f"nan-{wish}", **QUIET)
    if wish == "error":
        assert "['scores'][0]: expected a finite number, got nan (image" in measured.error
        assert not measured.results
        return
    for result in measured.results.values():
        assert result.counts["invalid_detections_dropped"] > 1
        assert not math.isnan(result.summary["AP"])
    assert sum("left out" in str(one.message) for one in recwarn) == 1


def test_what_becomes_of_invalid_rows_goes_to_other_processes():
    measured = add_callbacks(YOLO("yolo11n.yaml"), on_invalid="error")
    assert pickle.loads(pickle.dumps(measured)).on_invalid == "error"
    with pytest.raises(dm.InputError, match="on_invalid: expected 'error' or 'drop', got 'keep'"):
        add_callbacks(YOLO("yolo11n.yaml"), on_invalid="keep")


def test_best_model_by_a_number_of_ours_and_epochs_without_validation(trained, data):
    model = YOLO(trained.best)
    measured = add_callbacks(model, fitness="coco/AP50")
    rows = train(model, data, "fitness", epochs=2, val=False)
    assert [row["coco/AP50"] == "nan" for row in rows] == [True, False]
    assert list(rows[0]) == list(trained_columns(rows))
    expected = float(rows[1]["coco/AP50"])
    assert model.trainer.fitness == model.trainer.best_fitness == pytest.approx(expected)
    assert measured.results["coco"].summary["AP50"] == pytest.approx(expected, abs=0.02)
    with pytest.raises(dm.InputError, match=r"fitness: expected one of coco/AP, .*, got 'mAP'"):
        add_callbacks(model, fitness="mAP")


def trained_columns(rows: list[dict]) -> list[str]:
    assert None not in rows[0]
    assert None not in rows[1]
    return list(rows[1])


def test_our_own_stopping(data):
    model = YOLO(data.parent / "tiny.yaml")
    add_callbacks(model)
    stopping = dm.EarlyStopping(patience=1, min_delta=1.0, metric="coco/AP50")
    stop_early(model, stopping)
    assert len(train(model, data, "stopped", 9, lr0=0.0)) == 2
    assert stopping.stopped_epoch == 1


def test_a_run_begun_without_us_keeps_its_columns(data, tmp_path, warnings):
    measured = add_callbacks(YOLO(data.parent / "tiny.yaml"))
    trainer = SimpleNamespace(csv=tmp_path / "results.csv", metrics={"val/loss": 1.0})
    trainer.validator = DetectionValidator(args={"model": "x.pt"}, save_dir=tmp_path)
    trainer.csv.write_text("epoch,time,metrics/mAP50(B)\n1,1,0\n")
    measured.on_pretrain_routine_end(trainer)
    assert trainer.metrics == {"val/loss": 1.0}
    assert not set(COLUMNS) & set(trainer.validator.metrics.results_dict)
    assert warnings == [f"detmetrics: {trainer.csv} has no columns for it and gets none"]
    trainer.csv.write_text(f"epoch,time,{','.join(COLUMNS)}\n")
    measured.on_pretrain_routine_end(trainer)
    assert set(COLUMNS) <= set(trainer.validator.metrics.results_dict)
    assert list(trainer.metrics)[-1] == "val/loss"


def test_other_tasks_are_left_alone(tmp_path, warnings):
    model = YOLO("yolo11n-pose.yaml")
    measured = add_callbacks(model)
    validator = PoseValidator(args={"model": "x.pt"}, save_dir=tmp_path)
    before = dict(vars(validator))
    measured.on_pretrain_routine_end(SimpleNamespace(validator=validator, metrics={}))
    for _ in range(2):  # said once
        measured.on_val_start(validator)
        measured.on_val_end(validator)
    assert vars(validator) == before
    assert warnings == ["detmetrics: measures boxes and masks of segments, and no PoseMetrics"]
    assert measured.results == {}


def _rank(rank: int, ranks: int, root: str) -> None:
    """A process that validates its part in every epoch, as Ultralytics shares it out."""
    os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{ranks}"}
    for module in [name for name in sys.modules if "ultralytics" in name]:
        del sys.modules[module]  # it reads its rank when it is imported
    from ultralytics.models.yolo.detect import DetectionTrainer

    from detmetrics.plugins.ultralytics import add_callbacks

    dist.init_process_group(
        "gloo", init_method=f"file://{root}/meeting", rank=rank, world_size=ranks
    )
    torch.set_num_threads(1)
    trainer = DetectionTrainer(
        overrides={
            **QUIET, "model": f"{root}/runs/with/weights/best.pt", "data": f"{root}/data.yaml",
            "epochs": 3, "project": f"{root}/runs", "name": "ranks", "batch": 8, "amp": False,
        }
    )  # fmt: skip
    measured, seen = add_callbacks(trainer), []

    def end(validator) -> None:
        result = measured.results.get("ultralytics")
        if result:
            same(result, own(validator))
        seen.append((result and result.counts["images"], measured.error))

    def fails(*_) -> None:
        raise RuntimeError("in the second process")

    def break_second(trainer) -> None:
        if trainer.epoch == 1 and rank == 1:
            trainer.update, dm.DetectionMetric.update = dm.DetectionMetric.update, fails
        elif rank == 1 and hasattr(trainer, "update"):
            dm.DetectionMetric.update = trainer.update

    trainer.add_callback("on_val_end", end)
    trainer.add_callback("on_train_epoch_end", break_second)
    trainer.final_eval = lambda: None  # it asks for a GPU where there are processes
    trainer.train()
    facts = {"seen": seen, "images": len(trainer.test_loader.sampler)}
    Path(root, f"{rank}.json").write_text(json.dumps(facts))
    dist.destroy_process_group()


def test_every_process_validates_its_part(trained, data):
    root = data.parent
    mp.spawn(_rank, (2, str(root)), nprocs=2)
    first, second = (json.loads((root / f"{rank}.json").read_text()) for rank in range(2))
    assert first["images"] + second["images"] == 50
    assert min(first["images"], second["images"]) > 0
    assert second["seen"] == []  # the first process alone has numbers, as Ultralytics has it
    assert first["seen"] == [
        [50, ""], [None, "RuntimeError: in the second process"], [50, ""]
    ]  # fmt: skip


def test_processes_are_started_after_a_validation(trained):
    """Ultralytics pickles its callbacks for them."""
    cloudpickle = pytest.importorskip("cloudpickle", reason="needs cloudpickle")
    assert trained.measured.results
    copy = cloudpickle.loads(cloudpickle.dumps(trained.model.callbacks["on_val_start"]))
    (measured,) = (call.__self__ for call in copy if hasattr(call, "__self__"))
    assert measured.results == {}
