"""Logs of frameworks: their columns, their oddities, and what is no log at all."""

from __future__ import annotations

import contextlib
import gzip
import math
import random

import pytest
import training_logs as logs
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import detmetrics as dm
from detmetrics.cli import cli
from detmetrics.training.history.metric_names import canonical, lower_is_better, place_of


@pytest.fixture
def read(tmp_path):
    def reader(content: str | bytes, **options):
        path = tmp_path / "log"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return dm.History.read(path, **options)

    return reader


class TestKinds:
    """Each kind is known by its content, and keeps its own names."""

    @pytest.mark.parametrize(
        ("name", "kind", "count", "best"),
        [
            ("yolov8", "ultralytics", 3, (2, 0.31)),
            ("yolov5", "ultralytics", 2, (1, 0.03)),
            ("lightning", "lightning", 2, (1, 0.33)),
            ("trainer", "trainer", 2, (2, 0.3)),
            ("mmdetection", "coco", 2, (2, 0.3)),
            ("scalars", "coco", 2, (2, 0.3)),
            ("detectron2", "coco", 2, (59, 30.5)),
            ("journal", "journal", 3, (1, 0.3)),
            ("yolov7", "yolov7", 3, (2, 0.15694)),
            ("wandb", "wandb", 4, (2, 0.25)),
            ("wandb_history", "wandb", 2, (1, 0.4)),
            ("paddle", "paddle", 3, (2, 0.3)),
        ],
    )
    def test_is_recognised_and_answers_to_the_usual_name(self, read, name, kind, count, best):
        history = read(logs.LOGS[name])
        assert (history.kind, len(history)) == (kind, count)
        found = history.best("AP")
        assert (found.epoch, found.value) == best

    def test_yolov8(self, read):
        history = read(logs.YOLOV8)
        first = history.rows[0]
        assert first.epoch == 1
        assert first.train == {"train/box_loss": 1.5, "train/cls_loss": 2.0}
        assert first.val == {"val/box_loss": 1.6, "val/cls_loss": 2.1}
        assert first.metrics["metrics/mAP50-95(B)"] == 0.2
        assert history.best("mAP50").column == "metrics/mAP50(B)"
        assert history.best("val/box_loss").epoch == 2

    def test_yolov5_is_padded_and_its_nan_stays(self, read):
        history = read(logs.YOLOV5)
        assert history.rows[0].train["train/obj_loss"] == 0.045289
        assert math.isnan(history.rows[1].val["val/box_loss"])

    def test_lightning_puts_an_epoch_together(self, read):
        first = read(logs.LIGHTNING).rows[0]
        assert first.train == {"train_loss_epoch": 0.86}
        assert first.val == {"val_loss": 0.95}
        assert first.metrics == {"val/AP": 0.21}
        assert first.step == 99

    def test_lightning_keeps_two_validations_of_an_epoch_apart(self, read):
        text = "epoch,step,train_loss,val_AP\n0,9,,0.1\n0,19,,0.2\n0,19,0.5,\n"
        first, second = read(text).rows
        assert (first.metrics["val_AP"], second.metrics["val_AP"]) == (0.1, 0.2)
        assert first.train == {"train_loss": 0.5}

    def test_lightning_keeps_test_data_apart(self, read):
        history = read(logs.LIGHTNING.replace("val_loss", "test_AP"))
        assert [row.role for row in history].count("test") == 2
        assert history.best("AP").column == "val/AP"
        assert any("looked at once" in note for note in history.notes)

    def test_the_trainer_averages_what_it_logged_between_evaluations(self, read):
        first, second = read(logs.TRAINER).rows
        assert (first.epoch, first.train["loss"]) == (1, pytest.approx(1.3))
        assert second.train == {"loss": 0.9}
        assert second.val == {"eval_loss": 1.1}

    def test_detr_names_the_twelve_numbers(self, read):
        history = read(logs.DETR, role="val")
        assert history.best("AP").epoch == 2
        assert history.best("AP50").value == 0.5
        assert math.isnan(history.rows[0].metrics["APs"])
        assert history.rows[0].train["train_loss"] == 9.0

    def test_mmdetection_averages_train_lines(self, read):
        first = read(logs.MMDETECTION).rows[0]
        assert first.train["loss"] == pytest.approx(0.9)
        assert first.metrics == {"bbox_mAP": 0.1, "bbox_mAP_50": 0.2}

    def test_yolov7_has_columns_without_names(self, read):
        first = read(logs.YOLOV7).rows[0]
        assert first.train == {
            "train/box_loss": 0.06591, "train/obj_loss": 0.0219, "train/cls_loss": 0.03018,
            "train/loss": 0.118,
        }  # fmt: skip
        assert first.val["val/cls_loss"] == 0.02346
        assert first.metrics == {
            "metrics/precision": 0.1153, "metrics/recall": 0.3067, "metrics/mAP_0.5": 0.1099,
            "metrics/mAP_0.5:0.95": 0.03694,
        }  # fmt: skip

    def test_yolov7_without_validation(self, read):
        lines = logs.YOLOV7.splitlines()
        zeros = " ".join([*lines[0].split()[:8], *["0"] * 7])
        history = read("\n".join([zeros, *lines[1:]]))
        assert [row.role for row in history] == ["train", "val", "val"]
        assert history.rows[0].metrics == history.rows[0].val == {}

    def test_yolov3_wrote_f1_where_others_write_ap(self, read):
        history = read(logs.YOLOV7.replace("0.03694", "0.16938"))
        assert "metrics/F1" in history.rows[0].metrics
        assert history.notes == (
            "column 12 is above mAP at .5 in some rows, so it is read as F1 (YOLOv3)",
        )

    def test_wandb_tells_runs_apart(self, read):
        history = read(logs.WANDB)
        assert history.runs == ("wide net", "narrow")
        assert history.of_run("wide net").best("AP").value == 0.3
        assert [row.epoch for row in history.of_run("narrow")] == [0, 2]
        assert history.names("metrics") == ("val/AP",)

    def test_wandb_takes_any_name_that_was_exported(self, read):
        history = read('"Step","a - b - crowd F1","a - b - crowd F1__MIN"\n"3","0.5","0.5"\n')
        assert history.runs == ("a - b",)
        assert history.rows[0].metrics == {"crowd F1": 0.5}

    def test_wandb_averages_train_losses_of_its_history(self, read):
        first, second = read(logs.WANDB_HISTORY).rows
        assert (first.train, first.metrics) == ({"train/loss": 1.4}, {"val/AP": 0.2})
        assert second.epoch == 1

    def test_paddle_belongs_to_the_epoch_before(self, read):
        first, *_ = read(logs.PADDLE).rows
        assert first.train == {"loss_cls": pytest.approx(0.85), "loss": 2.75}
        assert {name: first.metrics[name] for name in ("AP", "AP50", "AR1", "ARl")} == {
            "AP": 0.1, "AP50": 0.11, "AR1": 0.16, "ARl": 0.21,
        }  # fmt: skip
        assert math.isnan(first.metrics["APs"])
        assert len(first.metrics) == 12

    def test_paddle_keeps_masks_apart(self, read):
        boxes = "Evaluate annotation type *bbox*\n" + logs.coco_lines(0.3)
        masks = "Evaluate annotation type *segm*\n" + logs.coco_lines(0.2)
        step = "Epoch: [4] [ 0/9] learning_rate: 0.1 loss: 0.5\n"
        (row,) = read(step + boxes + masks).rows
        assert (row.epoch, row.metrics["AP"], row.metrics["segm/AP"]) == (4, 0.3, 0.2)
        assert read(step + boxes + masks).best("AP").value == 0.3

    def test_paddle_with_voc(self, read):
        text = "".join(
            f"\x1b[32m[x] INFO\x1b[0m: Epoch: [{at}] [0/9] loss: 1.0 \n"
            f"[x] INFO: mAP(0.50, 11point) = {ap}%\n"
            for at, ap in enumerate((51.5, 71.25))
        )
        assert read(text).best("AP50").value == 0.7125

    def test_torchvision_prints_the_same(self, read):
        text = (
            "Epoch: [0]  [  0/60]  eta: 0:01:00  lr: 0.0001  loss: 2.5 (2.5)  time: 0.5\n"
            "IoU metric: bbox\n" + logs.coco_lines(0.2)
        )
        assert read(text).rows[0].train == {"loss": 2.5}

    def test_paddle_that_logged_no_metrics_but_the_best(self, read):
        lines = [line for line in logs.PADDLE.splitlines(keepends=True) if line.startswith("[")]
        history = read("".join(lines))
        assert {row.role for row in history} == {"train"}
        assert "no metrics but the best AP so far" in history.notes[0]

    def test_rows_without_a_validation_stand_alone(self, read):
        lines = logs.MMDETECTION.splitlines(keepends=True)
        history = read("".join(line for line in lines if '"val"' not in line))
        assert [row.role for row in history] == ["train", "train"]

    @pytest.mark.parametrize("content", [*logs.LOGS.values()], ids=[*logs.LOGS])
    def test_is_the_same_in_other_encodings_and_packed(self, read, content):
        rows = [repr(row) for row in read(content)]
        for data in (
            b"\xef\xbb\xbf" + content.encode(),
            content.encode("utf-16"),
            content.replace("\n", "\r\n").encode(),
            b"\n\n" + content.encode() + b"\n\n",
            gzip.compress(content.encode()),
        ):
            assert [repr(row) for row in read(data)] == rows


class TestRoles:
    """The log's own word counts until somebody says otherwise."""

    def test_test_data_do_not_choose(self, read):
        history = read(logs.DETR)
        assert {row.role for row in history} == {"test"}
        with pytest.raises(dm.InputError, match=r"neither trains nor chooses.*role='val'"):
            history.best("AP")
        with pytest.raises(dm.InputError, match="looked at once"):
            history.verdict()

    def test_a_role_can_be_said(self, read):
        assert read(logs.DETR, role="val").best("AP").value == 0.3
        with pytest.raises(dm.InputError, match="looked at once"):
            read(logs.YOLOV8, role="test").best("AP")
        with pytest.raises(dm.InputError, match="expected train, val or test, got 'dev'"):
            read(logs.YOLOV8, role="dev")

    def test_a_log_that_tells_data_apart_is_taken_at_its_word(self, read):
        with pytest.raises(dm.InputError, match="tells test and val data apart"):
            read(logs.LIGHTNING.replace("val_loss", "test_AP"), role="val")


class TestOddities:
    """What real logs hold, and nothing is lost by."""

    def test_a_last_line_that_breaks_off(self, read):
        history = read(logs.YOLOV8 + "4,33.1,1.1,0.9")
        assert len(history) == 3
        assert history.notes == ("line 5, the last, breaks off: left out",)
        history = read(logs.DETR + '{"train_loss": 5.0, "ep')
        assert (len(history), "line 4" in history.notes[0]) == (3, True)

    def test_a_last_line_that_breaks_off_of_other_kinds(self, read):
        assert len(read(logs.YOLOV7 + "  3/9  15.7G  0.1  0.2")) == 3
        assert len(read(logs.TENSORBOARD + "17000003")) == 3
        assert len(read(logs.WANDB + '"3","0.')) == 4
        history = read(logs.PADDLE + "[x] Epoch: [3] [  0/125] learning_rate: 0.1 loss: 0.")
        assert len(history) == 3
        assert history.notes == ("line 55, the last, may break off: left out",)

    def test_a_header_that_stands_again(self, read):
        header, *rows = logs.YOLOV8.splitlines(keepends=True)
        history = read(header + "".join(rows) + header + rows[0])
        assert len(history) == 4
        assert "header stands again" in history.notes[0]

    def test_empty_cells_are_absent(self, read):
        history = read("epoch,train/box_loss,metrics/mAP50-95(B)\n1,0.5,\n2,,0.3\n")
        assert history.rows[0].metrics == {}
        assert history.rows[1].train == {}

    def test_huge_numbers_are_infinite(self, read):
        history = read(f"epoch,train/box_loss,metrics/mAP50(B)\n1,1e999,0.1\n2,{'9' * 5000},0.2\n")
        assert [row.train["train/box_loss"] for row in history] == [math.inf, math.inf]

    @pytest.mark.parametrize("sign", ["", "-"])
    def test_whole_numbers_of_json_beyond_any_float_are_infinite(self, read, sign):
        huge = f"{sign}{'9' * 400}"
        text = logs.DETECTRON2.replace('"loss_cls": 0.5', f'"loss_cls": {huge}')
        assert read(text).rows[0].train["loss_cls"] == float(f"{sign}inf")

    def test_an_epoch_beyond_any_float_is_refused(self, read):
        text = logs.TRAINER.replace('"epoch": 0.5', f'"epoch": {"9" * 400}')
        with pytest.raises(dm.InputError, match="epoch"):
            read(text)

    def test_not_in_utf8(self, read):
        history = read(logs.YOLOV8.replace("(B)", "(é)").encode("latin-1"))
        assert history.notes == ("not in UTF-8, and taken for Latin-1",)


FAULTS = {
    "": "the file is empty",
    "hello, world": r"line 1: expected a training log \(.*results.csv.*\), found 'hello, world'",
    "\x00\x01\x02": "not a text file",
    "epoch,train/a_loss,train/a_loss\n1,2,3\n": "line 1: expected columns of different names",
    "epoch,train/a_loss\n": "line 2: expected a row of numbers, found only the header",
    "epoch,train/a_loss\n1\n2,3\n": "line 2: expected 2 cells, found 1",
    "epoch,train/a_loss\n1,2,3\n2,3\n": "line 2: expected 2 cells, found 3",
    "epoch,train/a_loss\nx,1\n": "line 2, column 'epoch': expected a finite number, found 'x'",
    "epoch,train/a_loss\n,1\n": "line 2: expected an epoch, found nothing",
    "epoch,train/a_loss\nnan,1\n": "expected a finite number, found 'nan'",
    "epoch,train/a_loss\n1,low\n": "line 2, column 'train/a_loss': expected a number, found 'low'",
    "epoch,train/a_loss\n1": "line 2: expected a row of numbers, found a line that breaks off",
    "epoch,step,lr\n1,2,3\n": "line 1: expected a column of losses or metrics .*, found epoch",
    "epoch,step,val_AP\n,1,0.3\n": "line 2: expected an epoch, found nothing",
    '{\n "log_history": [\n': "line 3, column 1: expected whole JSON, .* cut off",
    '{"log_history": 3}': "log_history: expected a list, found 3",
    '{"log_history": [3]}': r"log_history\[0\]: expected an object, found 3",
    '{"log_history": [{"epoch": "a", "loss": 1}]}': r"log_history\[0\]: epoch: expected a number",
    '{"log_history": []}': "expected losses or metrics, found none",
    '{"images": []}\n': "line 1: expected losses or metrics",
    '{"epoch": 1, "train_loss": 2}\n[3]\n': r"line 2: expected a JSON object, found \[3\]",
    '{"epoch": 1, "train_loss": 2}\nx\n{"epoch": 2}\n': "line 2: expected a JSON object, found 'x'",
    '{"epoch": 0, "test_coco_eval_bbox": [1]}': "expected the twelve numbers of COCO",
    '{"epoch": 0, "test_coco_eval_bbox": [' + '"a",' * 12 + "1]}": "expected numbers",
    '{"epoch": 0, "val_AP": 0.1, "test_AP": 0.2}': "expected one kind of data, found test, val",
    '{"epoch": 1e99, "train_loss": 2}': r"line 1: epoch: expected a number below 1e\+15",
    '{"detmetrics.history":1,"epoch":null}': "line 1: epoch: expected a number, got None",
    '{"detmetrics.history":9,"epoch":1}': "expected 1, found 9: written by a later release",
    '{"detmetrics.history":1,"epoch":1,"val":[]}': r"val: expected an object, found \[\]",
    '{"detmetrics.history":1,"epoch":1,"val":{"loss":"x"}}': r"val\['loss'\]: expected a number",
    '{"detmetrics.history":1,"epoch":1,"role":"dev"}': "role: expected train, val or test",
    '{"detmetrics.history":1,"epoch":1}\n{"epoch":2}': "line 2: expected an object with the key",
    '{"detmetrics.history":1,"epoch":1,"step":0.5}': "step: expected a whole number",
    logs.YOLOV7.replace("15.7G   0.05591", "15.7G"): "line 2: expected 15 columns .*, found 14",
    logs.YOLOV7.replace(
        "0.05591", "0.0559l"
    ): "line 2: column 3: expected a number, found '0.0559l'",
    logs.YOLOV7.replace("  1/2", "  1-2"): "line 2: column 1: expected EPOCH/LAST",
    logs.YOLOV7.replace("  1/2", f"  {'9' * 400}/2"): r"line 2: epoch: expected a number below",
    "Wall time,Step,Value\n1.5,x,0.1\n": "line 2, column 'Step': expected a finite number",
    "Wall time,Step,Value\n1.5,1,high\n": "line 2, column 'Value': expected a number, found 'high'",
    "Wall time,Step,Value\n1.5,,0.1\n": "line 2: expected a step, found nothing",
    'Wall time,Step,"Value\n1,2,3': "line 2: expected a row of numbers, found only the header",
    'Wall time,Step,"Value\n1,2,3"\n1,2,3': "line 1: expected a column 'Value', found Wall time",
    "Wall time,Step,Value\n": "line 2: expected a row of numbers, found only the header",
    logs.WANDB.replace(
        '"0.25","0.25","0.25"', '"low","0.25","0.25"'
    ): "line 4, column 'narrow - val/",
    logs.WANDB.replace('"1",', '"",'): "line 3: expected a step, found nothing",
    "_step,lr\n1,2\n": "line 1: expected a column of a loss or metric",
    "Epoch: [0] [ 0/9] loss: high\n": "line 1: loss: expected a number, found 'high'",
}


@pytest.mark.parametrize(("content", "said"), FAULTS.items(), ids=range(len(FAULTS)))
def test_what_is_no_log_is_one_clear_error(read, content, said):
    with pytest.raises(dm.FormatError, match=said) as caught:
        read(content)
    assert str(caught.value).startswith(caught.value.path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(dm.FormatError, match="no such file"):
        dm.History.read(tmp_path / "none.csv")


@given(
    name=st.sampled_from(sorted(logs.LOGS)),
    seed=st.randoms(use_true_random=False),
    changes=st.integers(1, 6),
)
@examples(250)
def test_mutated_logs_give_a_history_or_a_format_error(tmp_path_factory, name, seed, changes):
    """And whatever is read answers, or says why it does not."""
    data = bytearray(logs.LOGS[name].encode())
    for _ in range(changes):
        _mutate(data, seed)
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(bytes(data))
    with contextlib.suppress(dm.FormatError):
        history = dm.History.read(path)
        with contextlib.suppress(dm.InputError):
            str(history.best(history.usual_metric() or "loss"))
            str(history.verdict())


PIECES = (b",", b"\n", b'"', b"nan", b"1e999", b"-", b"{", b"}", b"\x00", b"\xff", b"9" * 30, b"[]")


def _mutate(data: bytearray, seed: random.Random) -> None:
    at = seed.randrange(len(data) + 1)
    match seed.randrange(5):
        case 0:
            del data[at : at + seed.randrange(1, 30)]
        case 1:
            data[at:at] = seed.choice(PIECES)
        case 2:
            data[at : at + 1] = bytes([seed.randrange(256)])
        case 3:
            data[at:at] = data[at : at + seed.randrange(1, 80)]
        case _:
            del data[at:]


class TestTensorBoard:
    """One scalar a file: its name is that of the file."""

    def write(self, folder, name, rows):
        folder.mkdir(exist_ok=True)
        lines = "".join(f"{wall},{step},{value}\n" for wall, step, value in rows)
        (folder / name).write_text("Wall time,Step,Value\n" + lines)
        return folder / name

    @pytest.mark.parametrize(
        ("name", "column", "part"),
        [
            ("run-.-tag-metrics_mAP50-95(B).csv", "metrics_mAP50-95(B)", "metrics"),
            ("run-exp_1-tag-val_box_loss.csv", "val_box_loss", "val"),
            ("run-exp-tag-train_loss (2).csv", "train_loss", "train"),
            ("run-model_train-tag-loss.csv", "train/loss", "train"),
            ("run-eval-tag-Loss_total_loss.csv", "eval/Loss_total_loss", "val"),
            ("crowdedness.csv", "crowdedness", "metrics"),
        ],
    )
    def test_a_file(self, tmp_path, name, column, part):
        history = dm.History.read(self.write(tmp_path, name, [(1, 0, 0.1), (2, 1, 0.2)]))
        assert history.names(part) == (column,)
        assert [row.epoch for row in history] == [0, 1]

    def test_a_folder_is_one_history(self, tmp_path):
        self.write(tmp_path, "run-.-tag-val_AP.csv", [(10, 0, 0.1), (20, 1, 0.3), (30, 2, 0.2)])
        self.write(tmp_path, "run-.-tag-train_loss.csv", [(9, 0, 3.0), (19, 1, 2.0), (29, 2, 1.0)])
        self.write(tmp_path, "run-.-tag-val_loss.csv", [(10, 0, 3.5), (20, 1, 2.5), (30, 2, 1.5)])
        history = dm.History.read(tmp_path)
        assert history.source == str(tmp_path)
        assert [(row.epoch, row.train, row.val, row.metrics) for row in history][1] == (
            1, {"train_loss": 2.0}, {"val_loss": 2.5}, {"val_AP": 0.3},
        )  # fmt: skip
        assert history.best("AP").epoch == 1

    def test_runs_of_a_folder(self, tmp_path):
        self.write(tmp_path, "run-a-tag-val_AP.csv", [(10, 0, 0.1)])
        self.write(tmp_path, "run-b-tag-val_AP.csv", [(20, 0, 0.2)])
        assert dm.History.read(tmp_path).runs == ("a", "b")

    def test_a_restart(self, tmp_path):
        rows = [(1, 0, 0.1), (2, 1, 0.2), (3, 2, 0.3), (4, 1, 0.25), (5, 2, 0.35)]
        history = dm.History.read(self.write(tmp_path, "val_AP.csv", rows))
        assert [row.epoch for row in history] == [0, 1, 2, 1, 2]


class TestFolders:
    """``history FOLDER`` finds the log, or says what to name."""

    def test_the_nearest_of_the_usual_names(self, tmp_path):
        deep = tmp_path / "runs" / "train"
        deep.mkdir(parents=True)
        (deep / "results.csv").write_text(logs.YOLOV8)
        (deep / "args.yaml").write_text("task: detect\n")
        (deep / "predictions.csv").write_text("image,label,score\na.jpg,cat,0.5\n")
        (deep / "deeper").mkdir()
        (deep / "deeper" / "metrics.csv").write_text(logs.LIGHTNING)
        history = dm.History.read(tmp_path)
        assert history.source == str(deep / "results.csv")
        assert len(history) == 3

    @pytest.mark.parametrize("name", sorted(logs.LOGS))
    def test_any_log_by_its_content(self, tmp_path, name):
        suffix = "csv" if name in ("tensorboard", "wandb", "wandb_history") else "txt"
        (tmp_path / f"mine.{suffix}").write_text(logs.LOGS[name])
        (tmp_path / "settings.json").write_text('{"lr": 0.1, "loss": "focal"}')
        (tmp_path / "notes.txt").write_text("hello\n")
        (tmp_path / "weights.csv.gz").write_bytes(b"\x1f\x8bnone")
        assert len(dm.History.read(tmp_path)) == len(dm.History.read(tmp_path / f"mine.{suffix}"))

    def test_the_last_checkpoint(self, tmp_path):
        for step in (500, 1000, 900):
            (tmp_path / f"checkpoint-{step}").mkdir()
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(logs.TRAINER)
        assert "checkpoint-1000" in dm.History.read(tmp_path).source

    def test_several_are_refused_by_name(self, tmp_path):
        for name in ("train", "train2"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "results.csv").write_text(logs.YOLOV8)
        said = r"expected one training log, found 2 \(train.results.csv, train2.results.csv\)"
        with pytest.raises(dm.FormatError, match=said):
            dm.History.read(tmp_path)

    def test_none_is_said(self, tmp_path):
        with pytest.raises(dm.FormatError, match=r"expected a training log .*, found none"):
            dm.History.read(tmp_path)

    def test_links_in_a_circle(self, tmp_path):
        (tmp_path / "again").symlink_to(tmp_path)
        (tmp_path / "dead.csv").symlink_to(tmp_path / "nowhere")
        with pytest.raises(dm.FormatError, match="found none"):
            dm.History.read(tmp_path)

    def test_a_log_in_it_is_not_overwritten(self, tmp_path):
        (tmp_path / "results.csv").write_text(logs.YOLOV8)
        options = ["history", str(tmp_path), "--json", str(tmp_path / "results.csv")]
        ran = CliRunner().invoke(cli, options)
        assert ran.exit_code == 2
        assert "would write to the same file as an input" in ran.stderr
        assert (tmp_path / "results.csv").read_text() == logs.YOLOV8


class TestNames:
    """Spellings of one metric, and which way is better."""

    @pytest.mark.parametrize(
        ("name", "metric"),
        [
            ("metrics/mAP50-95(B)", "AP"),
            ("metrics/mAP_0.5:0.95", "AP"),
            ("metrics/HBBmAP.5:.95", "AP"),
            ("metrics/mAP50(B)", "AP50"),
            ("metrics/mAP_0.5", "AP50"),
            ("metrics/HBBmAP.5", "AP50"),
            ("val/AP", "AP"),
            ("eval_map", "AP"),
            ("eval_map_50", "AP50"),
            ("bbox_mAP_75", "AP75"),
            ("coco/bbox_mAP_s", "APs"),
            ("bbox/AP50", "AP50"),
            ("mAP@0.5:.95", "AP"),
            ("val_map_small", "APs"),
            ("mar_100", "AR100"),
            ("metrics/mAP50-95(M)", None),
            ("metrics/eggs_mAP", None),
            ("bbox/AP-cat", None),
            ("", None),
        ],
    )
    def test_a_spelling_is_known(self, name, metric):
        assert canonical(name) == metric

    @pytest.mark.parametrize("name", ["val/box_loss", "MR", "oLRP", "oLRP_FP", "test_class_error"])
    def test_less_is_better(self, name):
        assert lower_is_better(name)

    @pytest.mark.parametrize("name", ["AP", "eval_map", "AR100", "metrics/precision", "F1"])
    def test_more_is_better(self, name):
        assert lower_is_better(name) is False

    @pytest.mark.parametrize("name", ["lr/pg0", "x/lr0", "time", "eval_runtime", "step", "memory"])
    def test_what_is_neither_loss_nor_metric_is_left(self, name):
        assert place_of(name) is None


@pytest.mark.parametrize("text", ["\x1c", "\x1d\x1e", "\n\x1c\n", ",\n", '"\n'])
def test_a_first_line_without_a_name_is_no_log(tmp_path, text):
    path = tmp_path / "log.txt"
    path.write_text(text, newline="")
    with pytest.raises(dm.FormatError):
        dm.History.read(path)
