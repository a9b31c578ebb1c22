"""Small training logs of every kind, written by hand, and curves to make others of."""

from __future__ import annotations

import json

import detmetrics as dm

YOLOV8 = """epoch,time,train/box_loss,train/cls_loss,metrics/precision(B),metrics/mAP50(B),\
metrics/mAP50-95(B),val/box_loss,val/cls_loss,lr/pg0
1,9.9,1.5,2.0,0.5,0.40,0.20,1.6,2.1,0.01
2,17.6,1.2,1.5,0.6,0.55,0.31,1.4,1.8,0.009
3,25.4,1.0,1.2,0.6,0.54,0.30,1.5,1.9,0.008
"""
YOLOV5 = """               epoch,      train/box_loss,      train/obj_loss,     metrics/mAP_0.5,\
metrics/mAP_0.5:0.95,        val/box_loss,        val/obj_loss,               x/lr0
                   0,             0.10333,            0.045289,            0.019388,\
           0.0090111,            0.037097,            0.017478,              0.0766
                   1,            0.073562,            0.047297,                0.08,\
               0.030,                 nan,                 nan,                0.06
"""
LIGHTNING = """epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val/AP,val_loss
0,0.01,49,,0.91,,
0,0.01,99,,0.81,,
0,,99,,,0.21,0.95
0,,99,0.86,,,
1,,199,,,0.33,0.85
1,,199,0.71,,,
"""
TRAINER = json.dumps(
    {
        "best_metric": 0.3,
        "global_step": 200,
        "log_history": [
            {"epoch": 0.5, "grad_norm": 2.0, "learning_rate": 1e-5, "loss": 1.4, "step": 50},
            {"epoch": 1.0, "grad_norm": 2.0, "learning_rate": 1e-5, "loss": 1.2, "step": 100},
            {"epoch": 1.0, "eval_loss": 1.3, "eval_map": 0.2, "eval_runtime": 9.0, "step": 100},
            {"epoch": 2.0, "loss": 0.9, "step": 200},
            {"epoch": 2.0, "eval_loss": 1.1, "eval_map": 0.3, "eval_runtime": 9.0, "step": 200},
            {"epoch": 2.0, "train_loss": 1.1, "train_runtime": 99.0, "step": 200},
        ],
    },
    indent=2,
)
TWELVE = [0.30, 0.5, 0.31, -1, 0.2, 0.4, 0.3, 0.4, 0.45, 0.1, 0.3, 0.5]
DETR = "".join(
    json.dumps(
        {
            "train_lr": 1e-4,
            "train_class_error": 40.0,
            "train_loss": 9.0 - epoch,
            "train_loss_ce": 1.0,
            "test_class_error": 41.0,
            "test_loss": 9.5 - epoch,
            "test_coco_eval_bbox": [ap, *TWELVE[1:]],
            "epoch": epoch,
            "n_parameters": 41_000_000,
        }
    )
    + "\n"
    for epoch, ap in enumerate((0.1, 0.25, 0.3))
)
MMDETECTION = """{"env_info": "sys.platform: linux", "seed": 0}
{"mode": "train", "epoch": 1, "iter": 50, "lr": 0.01, "memory": 9, "loss_cls": 0.6, "loss": 1.0}
{"mode": "train", "epoch": 1, "iter": 100, "lr": 0.01, "memory": 9, "loss_cls": 0.5, "loss": 0.8}
{"mode": "val", "epoch": 1, "iter": 10, "bbox_mAP": 0.1, "bbox_mAP_50": 0.2, \
"bbox_mAP_copypaste": "0.1 0.2"}
{"mode": "train", "epoch": 2, "iter": 50, "lr": 0.01, "memory": 9, "loss_cls": 0.4, "loss": 0.6}
{"mode": "val", "epoch": 2, "iter": 10, "bbox_mAP": 0.3, "bbox_mAP_50": 0.4}
"""
SCALARS = """{"lr": 0.01, "loss": 1.0, "loss_cls": 0.6, "epoch": 1, "iter": 50, "step": 50}
{"coco/bbox_mAP": 0.1, "coco/bbox_mAP_50": 0.2, "data_time": 0.1, "time": 0.2, "step": 1}
{"lr": 0.01, "loss": 0.6, "loss_cls": 0.3, "epoch": 2, "iter": 50, "step": 100}
{"coco/bbox_mAP": 0.3, "coco/bbox_mAP_50": 0.4, "data_time": 0.1, "time": 0.2, "step": 2}
"""
DETECTRON2 = """{"iteration": 19, "loss_cls": 0.5, "total_loss": 1.5, "lr": 0.01, "time": 0.2}
{"iteration": 39, "loss_cls": 0.4, "total_loss": 1.1, "lr": 0.01, "time": 0.2}
{"iteration": 39, "bbox/AP": 20.5, "bbox/AP50": 41.0, "bbox/AP-cat": 12.0}
{"iteration": 59, "loss_cls": 0.4, "total_loss": 1.0, "lr": 0.01, "time": 0.2}
{"iteration": 59, "bbox/AP": 30.5, "bbox/AP50": 51.0, "bbox/AP-cat": 22.0}
"""
YOLOV7 = """\
       0/2     15.7G   0.06591    0.0219   0.03018     0.118       223       640\
    0.1153    0.3067    0.1099   0.03694   0.05547   0.02166   0.02346
       1/2     15.7G   0.05591    0.0209   0.02018     0.098       199       640\
    0.2153    0.4067    0.2099   0.10694   0.04547   0.02066   0.01346
       2/2     15.7G   0.05091    0.0199       nan       nan       201       640\
    0.3153    0.4067    0.3099   0.15694   0.04147   0.01966   0.01146
"""
TENSORBOARD = """Wall time,Step,Value
1700000000.5,0,0.1
1700000100.5,1,0.30000001192092896
1700000200.5,2,NaN
"""
WANDB = """\
"Step","wide net - val/AP","wide net - val/AP__MIN","wide net - val/AP__MAX",\
"narrow - val/AP","narrow - val/AP__MIN","narrow - val/AP__MAX"
"0","0.1","0.1","0.1","0.2","0.2","0.2"
"1","0.3","0.3","0.3","","",""
"2","","","","0.25","0.25","0.25"
"""
WANDB_HISTORY = """,_step,_runtime,_timestamp,epoch,train/loss,val/AP,lr/pg0
0,0,9.5,1.7e9,0,1.5,,0.01
1,1,19.5,1.7e9,0,1.3,0.2,0.01
2,2,29.5,1.7e9,1,1.0,0.4,0.01
"""


def coco_lines(ap: float) -> str:
    """What pycocotools prints, without masks."""
    lines = [
        *((" Average Precision  (AP)", o, "all", 100) for o in ("0.50:0.95", "0.50", "0.75")),
        *((" Average Precision  (AP)", "0.50:0.95", a, 100) for a in ("small", "medium", "large")),
        *((" Average Recall     (AR)", "0.50:0.95", "all", limit) for limit in (1, 10, 100)),
        *((" Average Recall     (AR)", "0.50:0.95", a, 100) for a in ("small", "medium", "large")),
    ]
    return "".join(
        f"{name} @[ IoU={overlap:<9} | area={area:>6} | maxDets={limit:>3} ] = "
        f"{-1 if area == 'small' else ap + 0.01 * at:0.3f}\n"
        for at, (name, overlap, area, limit) in enumerate(lines)
    )


PADDLE = "".join(
    f"[05/17 12:0{epoch}:11] ppdet.engine INFO: Epoch: [{epoch}] [  0/125] learning_rate: 0.001000 "
    f"loss_cls: 0.{9 - epoch} loss: {3.0 - epoch:.6f} eta: 1:23:45 ips: 2.0 images/s\n"
    f"[05/17 12:0{epoch}:21] ppdet.engine INFO: Epoch: [{epoch}] [100/125] learning_rate: 0.001000 "
    f"loss_cls: 0.{8 - epoch} loss: {2.5 - epoch:.6f} eta: 1:23:45 ips: 2.0 images/s\n"
    f"[05/17 12:0{epoch}:31] ppdet.engine INFO: Eval iter: 0\n"
    "Evaluate annotation type *bbox*\nDONE (t=1.23s).\n"
    + coco_lines(0.1 + 0.1 * epoch)
    + f"[05/17 12:0{epoch}:41] ppdet.engine INFO: Best test bbox ap is {0.1 + 0.1 * epoch:.3f}.\n"
    for epoch in range(3)
)


def journal() -> str:
    """The lines of a journal with losses, nan, infinity, and an interval."""
    from detmetrics.training.history.epoch_rows import row_of
    from detmetrics.training.history.journal import line_of

    rows = [
        row_of(0, {"loss": 1.0}, {"loss": float("nan")}, {"AP": 0.2}),
        row_of(1, {"loss": float("inf")}, {"loss": 0.9}, {"AP": 0.3, "AP_low": 0.2}, step=7),
        row_of(2, {}, {}, {"AP": 0.31}, role="test"),
    ]
    return "".join(f"{line_of(row)}\n" for row in rows)


LOGS = {
    "yolov8": YOLOV8,
    "yolov5": YOLOV5,
    "lightning": LIGHTNING,
    "trainer": TRAINER,
    "detr": DETR,
    "mmdetection": MMDETECTION,
    "scalars": SCALARS,
    "detectron2": DETECTRON2,
    "journal": journal(),
    "yolov7": YOLOV7,
    "tensorboard": TENSORBOARD,
    "wandb": WANDB,
    "wandb_history": WANDB_HISTORY,
    "paddle": PADDLE,
}


def history(
    ap: list[float] | None = None,
    train: list[float] | None = None,
    val: list[float] | None = None,
    epochs: list[int] | None = None,
) -> dm.History:
    """A history of these curves; a column that is None is not there."""
    count = len(next(curve for curve in (ap, train, val) if curve is not None))
    made = dm.History()
    for at in range(count):
        made.append(
            at if epochs is None else epochs[at],
            train=None if train is None else {"loss": train[at]},
            val=None if val is None else {"loss": val[at]},
            metrics=None if ap is None else {"AP": ap[at]},
        )
    return made
