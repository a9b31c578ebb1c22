"""Real training runs of the Hugging Face Trainer with a small RT-DETR."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-plugins")
import torchvision_operators  # noqa: E402, F401

pytest.importorskip("transformers", reason="needs transformers: make test-plugins")

from detector import CLASSES, pictures  # noqa: E402
from transformers import (  # noqa: E402
    DetrImageProcessor,
    RTDetrConfig,
    RTDetrForObjectDetection,
    RTDetrImageProcessor,
    RTDetrResNetConfig,
    Trainer,
    TrainingArguments,
)

import detmetrics as dm  # noqa: E402
from detmetrics.plugins.transformers import DetectionMetrics, StopEarly  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::detmetrics.DetmetricsWarning"),
]


NAMES = dict(enumerate(CLASSES))
FRAME = 96
PADDED = {
    "size": {"max_height": FRAME, "max_width": FRAME},
    "do_pad": True,
    "pad_size": {"height": FRAME, "width": FRAME},
}
PROCESSOR = RTDetrImageProcessor(**PADDED)
SOFTMAX = DetrImageProcessor(**PADDED)


def model() -> RTDetrForObjectDetection:
    torch.manual_seed(0)
    backbone = RTDetrResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32, 64],
        depths=[1, 1, 1],
        layer_type="basic",
        out_features=["stage1", "stage2", "stage3"],
    )
    config = RTDetrConfig(
        backbone_config=backbone,
        encoder_in_channels=[16, 32, 64],
        feat_strides=[4, 8, 16],
        d_model=32,
        encoder_hidden_dim=32,
        decoder_in_channels=[32, 32, 32],
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        decoder_layers=1,
        num_queries=30,
        num_denoising=10,
        id2label=NAMES,
        label2id={name: key for key, name in NAMES.items()},
    )
    return RTDetrForObjectDetection(config)


def annotated(number: int, picture) -> dict:
    """As COCO has it; the picture is cut to be lower than wide, so that it is padded."""
    boxes = picture.boxes.astype(float)
    return {
        "image_id": number,
        "annotations": [
            {
                "image_id": number,
                "category_id": int(label),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
            }
            for (x1, y1, x2, y2), label in zip(boxes, picture.labels, strict=True)
        ],
    }


class Shapes(torch.utils.data.Dataset):
    """Pictures of 64 x 48 pixels of which the lower part is cut off."""

    def __init__(self, count: int, seed: int) -> None:
        self.pictures = [
            one for one in pictures(count, seed) if not len(one.boxes) or one.boxes.max() <= 60
        ]

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, number: int) -> dict:
        one = self.pictures[number]
        image = np.pad(one.image, ((0, 0), (0, 64), (0, 0)))  # twice as wide as high
        ready = PROCESSOR(images=image, annotations=annotated(number, one), return_tensors="pt")
        return {"pixel_values": ready["pixel_values"][0], "labels": ready["labels"][0]}


def collate(batch: list[dict]) -> dict:
    return {
        "pixel_values": torch.stack([one["pixel_values"] for one in batch]),
        "labels": [one["labels"] for one in batch],
    }


def expected(trained: RTDetrForObjectDetection, data: Shapes) -> dm.Evaluation:
    """Boxes in the pixels of the pictures, from the pictures themselves."""
    metric = dm.DetectionMetric(NAMES)
    trained.eval()
    for number, one in enumerate(data.pictures):
        with torch.no_grad():
            outputs = trained(data[number]["pixel_values"][None])
        (found,) = PROCESSOR.post_process_object_detection(
            outputs, threshold=0.0, target_sizes=[(128, 128)]
        )
        metric.update([number], [found], [{"boxes": one.boxes, "labels": one.labels}])
    return metric.compute()


@pytest.mark.parametrize(
    ("count", "epochs", "options"),
    [(400, 3, {"eval_do_concat_batches": False}), (80, 1, {"batch_eval_metrics": True})],
)
def test_a_training_run(tmp_path, count, epochs, options):
    trained, data = model(), Shapes(40, 1)
    metrics = DetectionMetrics(PROCESSOR, trained.config.id2label)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=epochs,
        per_device_train_batch_size=8,
        per_device_eval_batch_size=7,
        learning_rate=1e-3,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        metric_for_best_model="AP50",
        greater_is_better=True,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        remove_unused_columns=False,
        **options,
    )
    trainer = Trainer(
        model=trained,
        args=arguments,
        train_dataset=Shapes(count, 0),
        eval_dataset=data,
        data_collator=collate,
        compute_metrics=metrics,
    )
    trainer.train()
    values = trainer.evaluate()
    ours = expected(trainer.model, data)
    if epochs > 1:
        assert ours.summary["AP50"] > 0.05
    assert metrics.result.counts["images"] == len(data)
    for name, value in ours.summary.items():
        assert values[f"eval_{name}"] == pytest.approx(value, abs=1e-6, nan_ok=True), name
    logged = [row["eval_AP50"] for row in trainer.state.log_history if "eval_AP50" in row]
    assert len(logged) == epochs + 1
    assert trainer.state.best_metric == max(logged[:epochs])


def test_our_own_stopping(tmp_path):
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=9,
        learning_rate=0.0,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        remove_unused_columns=False,
        eval_do_concat_batches=False,
    )
    stopping = dm.EarlyStopping(patience=1, metric="AP", min_delta=1.0)
    trainer = Trainer(
        model=model(),
        args=arguments,
        train_dataset=Shapes(8, 0),
        eval_dataset=Shapes(8, 1),
        data_collator=collate,
        compute_metrics=DetectionMetrics(PROCESSOR, NAMES),
        callbacks=[StopEarly(stopping)],
    )
    trainer.train()
    assert trainer.state.epoch == stopping.stopped_epoch == 2
    with pytest.raises(dm.InputError, match="StopEarly: expected eval_AP, got eval_loss"):
        StopEarly(stopping).on_evaluate(arguments, trainer.state, None, {"eval_loss": 1.0})


def batch(count: int, *, label: dict | None = None) -> SimpleNamespace:
    one = {
        "class_labels": np.array([1]),
        "boxes": np.array([[0.5, 0.5, 0.2, 0.2]]),
        "size": np.array([100, 100]),
        "orig_size": np.array([200, 400]),
        "area": np.array([400.0]),
        **(label or {}),
    }
    logits = np.full((count, 1, 4), -9.0)
    logits[..., 1] = 9.0
    boxes = np.tile(one["boxes"].reshape(1, 1, 4), (count, 1, 1))
    return SimpleNamespace(
        predictions=({"loss": 1.0}, logits, boxes),
        label_ids=[{**one, "image_id": n} for n in range(count)],
    )


def test_areas_are_those_of_the_original_image():
    stretched = RTDetrImageProcessor(size={"height": 100, "width": 100})
    assert not stretched.do_pad
    metrics = DetectionMetrics(SOFTMAX, NAMES)
    metrics._processor = SimpleNamespace(
        do_pad=False, post_process_object_detection=SOFTMAX.post_process_object_detection
    )
    metrics(batch(2))
    truth = metrics.result.ground_truth
    np.testing.assert_allclose(truth.area, 400 * 8)
    np.testing.assert_allclose(truth.xyxy[0], [160, 80, 240, 120])
    padded = DetectionMetrics(SOFTMAX, NAMES)
    padded(batch(2))  # 200 x 400 became 50 x 100 in a frame of 100 x 100
    np.testing.assert_allclose(padded.result.ground_truth.area, 400 * 16)
    np.testing.assert_allclose(padded.result.ground_truth.xyxy[0], [160, 160, 240, 240])
    assert padded.result.summary["AP"] == pytest.approx(1)


def test_sigmoid_models_are_read_by_their_own_processor():
    metrics = DetectionMetrics(RTDetrImageProcessor(), NAMES)
    one = batch(1)
    one.predictions = one.predictions[1][..., :3], one.predictions[2]
    assert metrics(one)["AP"] == pytest.approx(1)


def test_names_that_are_there_twice_are_told_apart():
    metrics = DetectionMetrics(SOFTMAX, {0: "N/A", 1: "cat", 2: "N/A"})
    metrics(batch(1))
    assert metrics.result.class_names == ("N/A (0)", "cat", "N/A (2)")


def test_batches_that_were_put_together_are_refused():
    together = batch(4)
    together.label_ids = together.label_ids[:2]  # the Trainer pairs them off
    with pytest.raises(dm.InputError, match=r"expected 4 labels.*eval_do_concat_batches=False"):
        DetectionMetrics(SOFTMAX, NAMES)(together)


def test_what_is_no_detr_is_refused():
    other = batch(1)
    other.predictions = (np.zeros((1, 7)),)
    with pytest.raises(dm.InputError, match=r"expected logits \(B, Q, classes\) and boxes"):
        DetectionMetrics(SOFTMAX, NAMES)(other)
    bare = batch(1)
    del bare.label_ids[0]["size"]
    with pytest.raises(dm.InputError, match=r"labels\[0\]: expected class_labels.*got no size"):
        DetectionMetrics(SOFTMAX, NAMES)(bare)


def test_nothing_is_left_for_the_next_evaluation():
    metrics = DetectionMetrics(SOFTMAX, NAMES)
    assert metrics(batch(3), compute_result=False) == {}
    metrics(batch(2), compute_result=True)
    assert metrics.result.counts["images"] == 3  # ids 0 and 1 again
    metrics(batch(2))
    assert metrics.result.counts["images"] == 2
    assert not math.isnan(metrics.result.summary["AP"])


def test_numbers_that_are_none_cost_their_rows_alone():
    spoiled = batch(4)
    _, logits, boxes = spoiled.predictions
    logits[0] = np.nan  # the processor takes away what has no score
    boxes[1, 0, 2] = np.nan
    spoiled.label_ids[2]["boxes"] = np.array([[0.5, np.nan, 0.2, 0.2]])
    metrics = DetectionMetrics(SOFTMAX, {1: "a", 2: "b", 3: "c"})
    with pytest.warns(dm.DetmetricsWarning, match=r"\['scores'\]\[0\]: expected a finite number"):
        metrics(spoiled)
    counts = metrics.result.counts
    assert counts["invalid_detections_dropped"] == 2
    assert counts["invalid_ground_truths_dropped"] == 1
    assert (counts["detections"], counts["ground_truths"]) == (2, 3)
    with pytest.raises(dm.InputError, match=r"\['scores'\]\[0\]: expected .* \(image 0\)"):
        DetectionMetrics(SOFTMAX, NAMES, on_invalid="error")(spoiled)
    spoiled.predictions = batch(4).predictions
    with pytest.raises(dm.InputError, match=r"^labels\[2\]\['boxes'\]\[0\]: .* \(image 2\)$"):
        DetectionMetrics(SOFTMAX, NAMES, on_invalid="error")(spoiled)
