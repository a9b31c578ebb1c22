"""What frameworks do to a metric of torchmetrics: copies, checkpoints, scripts, plots, files."""

from __future__ import annotations

import copy
import io
import json
import multiprocessing
import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import detmetrics as dm

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("torchmetrics", reason="needs torchmetrics: make test-plugins")

from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn  # noqa: E402
from torchmetrics import MetricCollection  # noqa: E402
from torchmetrics.detection import MeanAveragePrecision as Theirs  # noqa: E402

from detmetrics.plugins.torchmetrics import MeanAveragePrecision  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def sides(seed: int = 0, images: int = 4, classes: int = 2) -> tuple[list[dict], list[dict]]:
    """Boxes with masks on small pictures, and what a fair detector finds."""
    rng = np.random.default_rng(seed)
    preds, target = [], []
    for _ in range(images):
        first = torch.tensor(rng.integers(0, 30, (5, 2)))
        boxes = torch.cat([first, first + torch.tensor(rng.integers(4, 30, (5, 2)))], dim=1)
        labels = torch.tensor(rng.integers(0, classes, 5))
        moved = (boxes + torch.tensor(rng.integers(-2, 3, (5, 4)))).clamp(min=0)
        scores = torch.tensor(rng.permutation(5) / 8, dtype=torch.float32)
        target.append({"boxes": boxes.float(), "labels": labels, "masks": drawn(boxes)})
        preds.append(
            {"boxes": moved.float(), "labels": labels, "masks": drawn(moved), "scores": scores}
        )
    return preds, target


def drawn(boxes: torch.Tensor) -> torch.Tensor:
    planes = torch.zeros(len(boxes), 70, 70, dtype=torch.bool)
    for plane, (x1, y1, x2, y2) in zip(planes, boxes.tolist(), strict=True):
        plane[y1:y2, x1:x2] = True
    return planes


class Model(torch.nn.Module):
    """A network that holds its metric."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
        self.metric = MeanAveragePrecision(**options)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.layer(given)


def new(model: Model) -> None:
    """Nothing has happened."""


def updated(model: Model) -> None:
    model.metric.update(*sides())


def computed(model: Model) -> None:
    updated(model)
    model.metric.compute()


def reset(model: Model) -> None:
    computed(model)
    model.metric.reset()


STATES = [new, updated, computed, reset]


def saved(model: Model) -> Model:
    held = io.BytesIO()
    torch.save(model, held)
    held.seek(0)
    return torch.load(held, weights_only=False)


def averaged(model: Model) -> Model:
    average = AveragedModel(model)
    average.update_parameters(model)
    return average.module


def moving(model: Model) -> Model:
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    return average.module


def cloned(model: Model) -> Model:
    other = Model()
    other.metric = model.metric.clone()
    return other


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "torch.save": saved,
    "SWA": averaged,
    "EMA": moving,
    "clone": cloned,
}


def values(metric: MeanAveragePrecision) -> dict:
    metric.update(*sides(seed=1))  # what was computed before is kept otherwise
    return {name: value.tolist() for name, value in metric.compute().items()}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
@pytest.mark.parametrize("how", COPIES)
def test_a_model_with_the_metric_is_copied_in_every_state(how, state):
    model = Model(iou_type=("bbox", "segm"), class_metrics=True)
    state(model)
    other = COPIES[how](model)
    assert values(other.metric) == values(model.metric)
    if state in (computed, reset):
        assert other.metric.result.summary == model.metric.result.summary


def gone_on(models: list[Model]) -> list[dict]:
    """In another process."""
    return [values(model.metric) for model in models]


def test_another_process_takes_a_model_in_every_state():
    models = [Model() for _ in STATES]
    for model, state in zip(models, STATES, strict=True):
        state(model)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(gone_on, models).result()
    assert there == gone_on(models)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_model_with_the_metric_is_scripted(state):
    model = Model(iou_type=("bbox", "segm"))
    state(model)
    given = torch.ones(1, 2)
    assert torch.equal(torch.jit.script(model)(given), model(given))


def test_a_checkpoint_of_lightning_holds_a_model_that_measures(tmp_path):
    lightning = pytest.importorskip("lightning.pytorch", reason="needs lightning")

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.metric = MeanAveragePrecision()
            self.kept: list[float] = []

        def training_step(self, batch, number):
            return self.layer(batch).sum()

        def validation_step(self, batch, number):
            self.metric.update(*sides(number))

        def on_validation_epoch_end(self):
            self.kept.append(float(self.metric.compute()["map"]))
            self.metric.reset()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    data = torch.utils.data.DataLoader(torch.ones(2, 1))
    average = lightning.callbacks.StochasticWeightAveraging(0.1, swa_epoch_start=1)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(
        max_epochs=3, accelerator="cpu", callbacks=[average], default_root_dir=tmp_path, **quiet
    )
    module = Module()
    trainer.fit(module, data, data)
    trainer.save_checkpoint(tmp_path / "all.ckpt")
    again = Module.load_from_checkpoint(tmp_path / "all.ckpt")
    assert again.layer.weight.equal(module.layer.weight)
    assert values(again.metric) == values(module.metric)
    assert len(set(module.kept)) == 1


@pytest.mark.parametrize("iou_type", ["bbox", "segm", ("bbox", "segm")])
@pytest.mark.parametrize("average", ["macro", "micro"])
def test_the_extended_summary_equals_theirs(iou_type, average):
    options = {"iou_type": iou_type, "average": average, "extended_summary": True}
    ours, theirs = MeanAveragePrecision(**options), Theirs(**options)
    for metric in (ours, theirs):
        metric.update(*sides(3))
    mine, expected = ours.compute(), theirs.compute()
    assert set(mine) == set(expected)
    for name, value in expected.items():
        if not name.endswith("ious"):
            np.testing.assert_allclose(mine[name], value, rtol=0, atol=1e-6, err_msg=name)
            continue
        assert set(mine[name]) == set(value)
        for key, overlaps in value.items():
            assert np.shape(mine[name][key]) == np.shape(overlaps)
            np.testing.assert_allclose(mine[name][key], overlaps, rtol=0, atol=1e-6)


def test_it_is_drawn():
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    metric = MeanAveragePrecision()
    steps = [metric(*sides(seed)) for seed in (1, 2)]
    _, axes = metric.plot()
    assert axes is not None
    _, axes = metric.plot(steps)
    assert "map" in [line.get_label() for line in axes.lines]


@pytest.mark.parametrize("kind", ["bbox", "segm", ("bbox", "segm")])
def test_coco_files_there_and_back(tmp_path, kind):
    """Files of either are read by either; of several classes torchmetrics lists the first alone."""
    for place, writer in enumerate((MeanAveragePrecision, Theirs)):
        metric = writer(iou_type=kind)
        given = sides(5, classes=1)
        metric.update(*given)
        name = str(tmp_path / f"file{place}")
        metric.tm_to_coco(name)
        files = f"{name}_preds.json", f"{name}_target.json", kind
        ours, theirs = MeanAveragePrecision.coco_to_tm(*files), Theirs().coco_to_tm(*files)
        for side, others in zip(ours, theirs, strict=True):
            for one, other in zip(side, others, strict=True):
                assert set(one) == set(other)
                for part, values in other.items():
                    assert one[part].dtype == values.dtype
                    assert one[part].tolist() == values.tolist()
        again = MeanAveragePrecision(iou_type=kind, box_format="xywh")
        again.update(*ours)
        same(again.compute(), metric.compute())


def same(ours: dict, theirs: dict) -> None:
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=0, atol=1e-6, err_msg=name)


def test_an_image_without_objects_is_in_the_files(tmp_path):
    preds, target = sides(5, classes=3)
    target.append({name: part[:0] for name, part in target[0].items()})
    preds.append(preds[0])
    metric = MeanAveragePrecision(iou_type=("bbox", "segm"), class_metrics=True)
    metric.update(preds, target)
    name = str(tmp_path / "held")
    metric.tm_to_coco(name)
    again = MeanAveragePrecision(iou_type=("bbox", "segm"), class_metrics=True, box_format="xywh")
    again.update(*again.coco_to_tm(f"{name}_preds.json", f"{name}_target.json", again.iou_type))
    same(again.compute(), metric.compute())


def test_files_hold_what_was_added_in_order(tmp_path):
    metric = MeanAveragePrecision()
    metric.update(*sides())
    metric.tm_to_coco(str(tmp_path / "held"))
    target = json.loads((tmp_path / "held_target.json").read_text())
    assert [one["id"] for one in target["images"]] == [0, 1, 2, 3]
    assert target["categories"] == [{"id": 0, "name": "0"}, {"id": 1, "name": "1"}]
    with pytest.raises(dm.InputError, match="iou_type: expected"):
        MeanAveragePrecision.coco_to_tm("a.json", "b.json", "keypoints")


NOTHING = {
    "boxes": [torch.tensor([]), torch.zeros(0, 4), torch.zeros(1, 0)],
    "scores": [torch.tensor([]), torch.zeros(0, dtype=torch.int64)],
    "labels": [torch.tensor([]), torch.zeros(0, dtype=torch.int32), torch.zeros(1, 0)],
    "masks": [
        torch.tensor([]),
        torch.zeros(0, 70, 70),
        torch.zeros(0, 70, 70, dtype=torch.uint8),
        torch.zeros(1, 0),
        [],
    ],
}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("part", "nothing"),
    [(part, nothing) for part, forms in NOTHING.items() for nothing in forms],
    ids=lambda one: one if isinstance(one, str) else str(getattr(one, "shape", one)),
)
def test_nothing_of_any_kind_is_nothing(part, nothing, side):
    """Whether numbers are whole is not asked of none."""
    plain = {name: forms[0] for name, forms in NOTHING.items()}
    given = sides()
    given[side][0] = {**plain, "masks": torch.zeros(0, 70, 70).bool(), part: nothing}
    for kind in ("bbox", "segm"):
        metric = MeanAveragePrecision(iou_type=kind)
        metric.update(*given)
        assert 0 < metric.compute()["map"] < 1
    metric = dm.DetectionMetric(["a", "b"])
    metric.update(range(4), *given)
    assert 0 < metric.compute().summary["AP"] < 1


class TestInvalidRows:
    """A number that is none costs its row, and not the training."""

    BOX = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])

    def given(self, **change: torch.Tensor) -> tuple[list[dict], list[dict]]:
        there = {"boxes": self.BOX, "labels": torch.tensor([0, 1])}
        found = {**there, "scores": torch.tensor([0.5, 0.6])}
        of_target = {"boxes_there": "boxes", "labels_there": "labels", "area": "area"}
        found |= {name: part for name, part in change.items() if name not in of_target}
        there |= {of_target[name]: part for name, part in change.items() if name in of_target}
        return [found], [there]

    @pytest.mark.parametrize(
        ("change", "dropped"),
        [
            ({"boxes": BOX + torch.tensor([[0.0], [torch.nan]])}, (1, 0)),
            ({"boxes": BOX + torch.tensor([[0.0], [torch.inf]])}, (1, 0)),
            ({"scores": torch.tensor([0.5, torch.nan])}, (1, 0)),
            ({"scores": torch.tensor([0.5, -torch.inf])}, (1, 0)),
            ({"labels": torch.tensor([0.0, torch.nan])}, (1, 0)),
            ({"boxes_there": BOX + torch.tensor([[0.0], [torch.nan]])}, (0, 1)),
            ({"boxes_there": BOX * torch.tensor([[1.0], [-1.0]])}, (0, 1)),
            ({"labels_there": torch.tensor([0.0, torch.nan])}, (0, 1)),
            ({"area": torch.tensor([100.0, torch.inf])}, (0, 1)),
            ({"area": torch.tensor([100.0, torch.nan])}, (0, 1)),
            ({"area": torch.tensor([100.0, -1.0])}, (0, 1)),
            ({"scores": torch.full((2,), torch.nan)}, (2, 0)),
        ],
    )
    def test_they_are_dropped_counted_and_warned_of_once(self, change, dropped):
        metric = MeanAveragePrecision()
        with pytest.warns(dm.DetmetricsWarning, match=r"\[\d\]: expected .* left out"):
            metric.update(*self.given(**change))
        with warnings.catch_warnings():
            warnings.simplefilter("error", dm.DetmetricsWarning)
            metric.update(*self.given(**change))
        metric.compute()
        counts = metric.result.counts
        found, there = (2 * count for count in dropped)
        assert counts.get("invalid_detections_dropped", 0) == found
        assert counts.get("invalid_ground_truths_dropped", 0) == there
        assert (counts["detections"], counts["ground_truths"]) == (4 - found, 4 - there)
        assert any("left out (on_invalid='drop')" in note for note in metric.result.attention)
        metric.reset()
        metric.update(*self.given())
        metric.compute()
        assert "invalid_detections_dropped" not in metric.result.counts

    def test_the_others_count_as_if_these_were_not_there(self):
        preds, target = sides(7)
        spoiled = copy.deepcopy(preds)
        for one in spoiled:
            nothing = torch.full((1, 4), torch.nan)
            one["boxes"] = torch.cat([nothing, one["boxes"]])
            one["scores"] = torch.cat([torch.ones(1), one["scores"]])
            one["labels"] = torch.cat([torch.zeros(1, dtype=torch.int64), one["labels"]])
            one["masks"] = torch.cat([one["masks"][:1], one["masks"]])
        values = []
        for given in (preds, spoiled):
            metric = MeanAveragePrecision(iou_type=("bbox", "segm"), class_metrics=True)
            metric.update(given, target)
            values.append({name: one.tolist() for name, one in metric.compute().items()})
        assert values[0] == values[1]

    def test_they_are_errors_when_asked(self):
        metric = MeanAveragePrecision(on_invalid="error")
        with pytest.raises(dm.InputError, match=r"preds\[0\]\['scores'\]\[1\]: expected"):
            metric.update(*self.given(scores=torch.tensor([0.5, torch.nan])))
        with pytest.raises(dm.InputError, match=r"^target\[0\]\['area'\]\[1\]: expected .*nan$"):
            metric.update(*self.given(area=torch.tensor([100.0, torch.nan])))
        with pytest.raises(dm.InputError, match="on_invalid: expected one of 'error', 'drop'"):
            MeanAveragePrecision(on_invalid="keep")


def test_images_of_many_detections_are_warned_of():
    preds = [{
        "boxes": torch.ones(101, 4), "scores": torch.ones(101), "labels": torch.zeros(101).long()
    }]  # fmt: skip
    target = [{"boxes": torch.ones(1, 4), "labels": torch.zeros(1).long()}]
    metric = MeanAveragePrecision()
    with pytest.warns(dm.DetmetricsWarning, match="Encountered more than 100 detections"):
        metric.update(preds, target)
    metric.warn_on_many_detections = False
    with warnings.catch_warnings():
        warnings.simplefilter("error", dm.DetmetricsWarning)
        metric.update(preds, target)


def test_it_is_a_member_of_a_collection():
    together = MetricCollection(
        {"ap": MeanAveragePrecision(), "exact": MeanAveragePrecision(grids="exact")}
    )
    together.update(*sides())
    other = together.clone(prefix="val_")
    assert "val_map" in {name.replace("val_ap_", "val_") for name in other.compute()}


@pytest.mark.parametrize("wrong", ["float64", 32, None])
def test_grids_have_two_names(wrong):
    with pytest.raises(dm.InputError, match="grids: expected one of 'float32', 'exact', got"):
        MeanAveragePrecision(grids=wrong)


@pytest.mark.filterwarnings("always::detmetrics.DetmetricsWarning")
def test_areas_that_nobody_gives_are_missing_and_not_zero(recwarn):
    metric = MeanAveragePrecision()
    metric.update(*sides())
    metric.compute()
    assert not [one for one in recwarn if "every area is 0" in str(one.message)]
    assert not any("area" in note for note in metric.result.notes)
