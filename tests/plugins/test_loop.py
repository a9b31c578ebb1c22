"""A plain PyTorch loop: killed in the middle of validation, resumed, and its numbers in loggers."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from guards import eventually

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
from detector import CLASSES, Detector, collate, pictures  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

import detmetrics as dm  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def train(folder: Path, *, killed_at: int | None = None) -> dm.Evaluation:
    """Two epochs, and a validation that keeps what it has after every batch."""
    weights, state = folder / "weights.pt", folder / "metric.bin"
    detector = Detector()
    if weights.exists():
        detector.load_state_dict(torch.load(weights))
    else:
        optimizer = torch.optim.Adam(detector.parameters(), 3e-3)
        for _ in range(2):
            for _, images, targets in DataLoader(pictures(320, 0), 16, collate_fn=collate):
                optimizer.zero_grad()
                detector.loss(images, targets).backward()
                optimizer.step()
        torch.save(detector.state_dict(), weights)
    detector.eval()
    metric = dm.DetectionMetric(CLASSES)
    if state.exists():
        metric = dm.DetectionMetric.from_bytes(state.read_bytes())
    done = len(metric)
    for number, (ids, images, targets) in enumerate(
        DataLoader(pictures(80, 1)[done:], 16, collate_fn=collate)
    ):
        metric.update(ids, detector.predict(images), targets)
        part = state.with_suffix(".part")
        part.write_bytes(metric.to_bytes())
        part.replace(state)
        if number == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
    return metric.compute()


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dm.Evaluation]:
    folder = tmp_path_factory.mktemp("whole")
    torch.manual_seed(0)
    return folder, train(folder)


def test_a_loop_that_is_killed_in_validation_ends_with_the_same_number(trained, tmp_path):
    whole, expected = trained
    (tmp_path / "weights.pt").write_bytes((whole / "weights.pt").read_bytes())
    here = Path(__file__).parent
    script = (
        f"import pathlib, test_loop; test_loop.train(pathlib.Path({str(tmp_path)!r}), killed_at=2)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (here, here.parent, here.parents[1]))),
        },
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    assert len(dm.DetectionMetric.from_bytes((tmp_path / "metric.bin").read_bytes())) == 48
    result = train(tmp_path)
    assert result.summary["AP50"] > 0.5
    assert dict(result.summary) == dict(expected.summary)


def test_tensorboard(trained, tmp_path):
    pytest.importorskip("tensorboard", reason="needs tensorboard: make test-plugins")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    scalars = trained[1].scalars("val/")
    with SummaryWriter(tmp_path) as writer:
        for name, value in scalars.items():
            writer.add_scalar(name, value, global_step=3)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["scalars"]) == set(scalars)
    for name, value in scalars.items():
        (event,) = events.Scalars(name)
        assert event.step == 3
        assert event.value == pytest.approx(value, nan_ok=True)


def test_mlflow(trained, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow: make test-plugins")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    scalars = trained[1].scalars("val/")
    with mlflow.start_run() as run:
        mlflow.log_metrics(scalars, step=3)
    stored = mlflow.get_run(run.info.run_id).data.metrics
    assert stored == pytest.approx(scalars, nan_ok=True)


def test_weights_and_biases_offline(trained, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="needs wandb: make test-plugins")
    monkeypatch.setenv("WANDB_SILENT", "true")
    scalars = trained[1].scalars("val/")
    with wandb.init(mode="offline", dir=str(tmp_path), project="shapes") as run:
        run.log(scalars, step=3, commit=True)
        assert eventually(lambda: "val/AP" in dict(run.summary))  # another process writes it down
        kept = {name: run.summary[name] for name in scalars}
    assert kept == pytest.approx(scalars, nan_ok=True)
    assert any(math.isnan(value) for value in scalars.values())  # undefined ones are taken too
