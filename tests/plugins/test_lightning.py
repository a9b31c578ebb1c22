"""Real training runs of Lightning: one process and two, checkpoints and stopping by ``val/AP``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from guards import PATIENCE

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("lightning", reason="needs lightning: make test-plugins")

import lightning.pytorch as pl  # noqa: E402
from detector import CLASSES, Detector, collate, pictures  # noqa: E402
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint  # noqa: E402
from lightning.pytorch.loggers import CSVLogger  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

import detmetrics as dm  # noqa: E402
from detmetrics.plugins.lightning import DetectionCallback, StopEarly  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


class Module(pl.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.detector = Detector()

    def training_step(self, batch, number):
        _, images, targets = batch
        loss = self.detector.loss(images, targets)
        self.log("train/loss", loss, on_epoch=True, on_step=False, batch_size=len(images))
        return loss

    def validation_step(self, batch, number, dataloader_idx=0):
        ids, images, targets = batch
        predictions = self.detector.predict(images)
        return {"image_ids": ids, "predictions": predictions, "targets": targets}

    test_step = validation_step

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 3e-3)


def loader(count: int, seed: int, **options) -> DataLoader:
    return DataLoader(pictures(count, seed), batch_size=16, collate_fn=collate, **options)


def trainer(folder: Path, *callbacks, epochs: int = 3, **options) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=list(callbacks),
        logger=CSVLogger(folder, name="", version=""),
        default_root_dir=folder,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        **options,
    )


def expected(module: Module, count: int, seed: int) -> dm.Evaluation:
    module.eval()
    metric = dm.DetectionMetric(CLASSES)
    for ids, images, targets in loader(count, seed):
        metric.update(ids, module.detector.predict(images), targets)
    return metric.compute()


def logged(folder: Path, name: str) -> list[float]:
    with open(folder / "metrics.csv", newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]


def test_a_training_run(tmp_path):
    pl.seed_everything(0)
    module, callback = Module(), DetectionCallback(CLASSES)
    best = ModelCheckpoint(tmp_path, monitor="val/AP", mode="max", filename="best")
    run = trainer(tmp_path, callback, best, EarlyStopping("val/AP", mode="max"))
    run.fit(module, loader(320, 0, shuffle=True), loader(50, 1))
    ours = expected(module, 50, 1)
    assert ours.summary["AP50"] > 0.5
    assert dict(callback.results[0].summary) == dict(ours.summary)
    values = logged(tmp_path, "val/AP")
    assert len(values) == 3
    assert values[-1] == pytest.approx(ours.summary["AP"], abs=1e-7)
    assert float(best.best_model_score) == pytest.approx(max(values))
    assert run.callback_metrics["val/AP50"] == pytest.approx(ours.summary["AP50"])
    (tested,) = run.test(module, loader(20, 2), verbose=False)
    assert tested["test/AP"] == pytest.approx(expected(module, 20, 2).summary["AP"])


class Shaped(Module):
    """Finds what it is shown, in a form of its own."""

    def __init__(self, target: dict) -> None:
        super().__init__()
        self.target = target

    def validation_step(self, batch, number):
        size = len(batch[0])
        found = {**self.target, "scores": torch.ones(1)}
        return {"image_ids": batch[0], "predictions": [found] * size,
                "targets": [self.target] * size}  # fmt: skip


@pytest.mark.parametrize(
    ("target", "options", "shape"),
    [
        ({"masks": torch.ones(1, 4, 6, dtype=torch.bool)}, {"shape": "mask"}, "mask"),
        ({"masks": torch.ones(1, 4, 6, dtype=torch.uint8)}, {}, "mask"),
        (
            {"boxes": torch.tensor([[9.0, 9, 4, 2, 30]])},
            {"box_format": "cxcywhr", "angle": "degrees-counterclockwise"},
            "oriented",
        ),
    ],
)
def test_shapes_of_any_kind(tmp_path, target, options, shape):
    callback = DetectionCallback(CLASSES, **options)
    module = Shaped({**target, "labels": torch.tensor([0])})
    (logged,) = trainer(tmp_path, callback).validate(module, loader(20, 1), verbose=False)
    assert logged["val/AP"] == pytest.approx(1)
    assert callback.results[0].rules.shape == shape


class Unscored(Shaped):
    """Finds what it is shown, and has no confidence in it."""

    def validation_step(self, batch, number):
        step = super().validation_step(batch, number)
        for one in step["predictions"]:
            one.pop("scores", None)
        return step


def test_predictions_without_scores(tmp_path):
    target = {"boxes": torch.tensor([[1.0, 1, 9, 9]]), "labels": torch.tensor([0])}
    callback = DetectionCallback(CLASSES, scores="none", metrics=["F1", "AP_min"])
    run = trainer(tmp_path, callback)
    (logged,) = run.validate(Unscored(target), loader(20, 1), verbose=False)
    assert logged == {"val/F1": 1, "val/AP_min": pytest.approx(1)}


class Spoiled(Module):
    """Gives a score and a box that are no numbers in each validation."""

    def validation_step(self, batch, number):
        step = super().validation_step(batch, number)
        step["predictions"][0]["scores"][0] = torch.nan
        step["targets"][1]["boxes"][0, 0] = -torch.inf
        return step


def test_numbers_that_are_none_end_no_training(tmp_path, recwarn):
    callback = DetectionCallback(CLASSES)
    trainer(tmp_path, callback, epochs=3).fit(Spoiled(), loader(16, 0), loader(16, 1))
    assert len(logged(tmp_path, "val/AP")) == 3
    counts = callback.results[0].counts
    assert counts["invalid_detections_dropped"] == counts["invalid_ground_truths_dropped"] == 1
    said = [str(one.message) for one in recwarn if "left out" in str(one.message)]
    assert len(said) == 1
    assert "predictions[0]['scores'][0]: expected a finite number, got nan (image" in said[0]
    strict = trainer(tmp_path, DetectionCallback(CLASSES, on_invalid="error"), epochs=1)
    with pytest.raises(dm.InputError, match=r"predictions\[0\]\['scores'\]\[0\]: expected"):
        strict.fit(Spoiled(), loader(16, 0), loader(16, 1))


class Idle(Module):
    """Learns nothing."""

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.0)


def test_our_own_stopping(tmp_path):
    ours = StopEarly(dm.EarlyStopping(patience=2, min_delta=0.5, metric="AP50"))
    run = trainer(tmp_path, DetectionCallback(CLASSES), ours, epochs=20)
    run.fit(Idle(), loader(16, 0), loader(16, 1))
    assert len(logged(tmp_path, "val/AP50")) == 3
    assert ours.stopping.stopped_epoch == 2
    again = StopEarly(dm.EarlyStopping(patience=2, metric="AP50"))
    again.load_state_dict(ours.state_dict())
    assert again.stopping.stopped
    missing = trainer(tmp_path, StopEarly(dm.EarlyStopping(metric="AP")), epochs=1)
    with pytest.raises(dm.InputError, match="StopEarly: expected val/AP, logged are"):
        missing.fit(Idle(), loader(16, 0), loader(16, 1))


def test_it_is_stopped_where_ap_does_not_rise(tmp_path):
    stopping = EarlyStopping("val/AP", mode="max", patience=2, min_delta=1.0)
    run = trainer(tmp_path, DetectionCallback(CLASSES), stopping, epochs=20)
    run.fit(Idle(), loader(16, 0), loader(16, 1))
    assert len(logged(tmp_path, "val/AP")) == 3


def test_each_loader_has_its_numbers(tmp_path):
    module, callback = Module(), DetectionCallback(CLASSES, metrics=["AP50"])
    run = trainer(tmp_path, callback, epochs=1)
    run.fit(module, loader(64, 0), [loader(20, 1), loader(30, 2)])
    for number, (count, seed) in enumerate(((20, 1), (30, 2))):
        ours = expected(module, count, seed).summary["AP50"]
        assert callback.results[number].summary["AP50"] == ours
        assert logged(tmp_path, f"val/AP50/dataloader_idx_{number}") == [pytest.approx(ours)]


def test_a_step_that_returns_something_else_is_told_what_is_wanted(tmp_path):
    class Silent(Module):
        def validation_step(self, batch, number):
            return None

    run = trainer(tmp_path, DetectionCallback(CLASSES), epochs=1)
    with pytest.raises(dm.InputError, match=r"returns a dict with image_ids, predictions, targets"):
        run.fit(Silent(), loader(16, 0), loader(16, 1))


def train_in_two_processes(folder: Path) -> None:
    """Run by each process; 51 images in batches of 16 are padded by the sampler."""
    pl.seed_everything(0)
    module, callback = Module(), DetectionCallback(CLASSES)
    best = ModelCheckpoint(folder, monitor="val/AP", mode="max", filename="best")
    stopping = EarlyStopping("val/AP", mode="max")
    run = trainer(folder, callback, best, stopping, devices=2, strategy="ddp")
    run.fit(module, loader(320, 0, shuffle=True), loader(51, 1))
    said = {
        "ours": dict(callback.results[0].summary),
        "expected": dict(expected(module, 51, 1).summary),
        "best": float(best.best_model_score),
        "repeats": [text for text in callback.results[0].attention if "more than once" in text],
    }
    (folder / f"{run.global_rank}.json").write_text(json.dumps(said))


def test_two_processes_give_the_numbers_of_one(tmp_path):
    """Lightning starts the second process by running the script again."""
    (tmp_path / "run.py").write_text(
        "import pathlib, test_lightning\n"
        f"test_lightning.train_in_two_processes(pathlib.Path({str(tmp_path)!r}))\n"
    )
    here = Path(__file__).parent
    paths = os.pathsep.join(map(str, (here, here.parent, here.parents[1])))
    ran = subprocess.run(
        [sys.executable, tmp_path / "run.py"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr
    ranks = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert ranks[0] == ranks[1]
    assert ranks[0]["ours"] == ranks[0]["expected"]
    assert ranks[0]["repeats"] == ["1 image was given more than once; the last of each counts"]
    values = logged(tmp_path, "val/AP")
    assert len(values) == 3
    assert ranks[0]["best"] == pytest.approx(max(values))


def test_a_metric_that_is_not_there_is_refused_before_the_training():
    with pytest.raises(dm.InputError, match="metrics: no AP_50; there are AP, AP50"):
        DetectionCallback(CLASSES, metrics=["AP", "AP_50"])
