"""The rule sets of the benchmarks, each with its definition and its official script."""

from __future__ import annotations

import numpy as np

from detmetrics.rules.areas import ANY_SIZE, COCO_RANGES, NO_END, AreaRange
from detmetrics.rules.class_rules import ClassRule
from detmetrics.rules.signature import UNLIMITED, single_grid
from detmetrics.rules.value import Rules

__all__ = [
    "CITYPERSONS",
    "COCO",
    "COCO_ORIENTED",
    "COCO_SEGM",
    "CROWDHUMAN",
    "DOTA",
    "DOTA_EVERY",
    "KITTI",
    "KITTI_R11",
    "LVIS",
    "LVIS_FIXED",
    "OLRP",
    "OPEN_IMAGES",
    "OPEN_IMAGES_CHALLENGE",
    "TORCHMETRICS",
    "ULTRALYTICS",
    "ULTRALYTICS_2025",
    "ULTRALYTICS_OBB",
    "VOC2007",
    "VOC2012",
]


COCO = Rules(
    name="coco",
    iou_thresholds=tuple(np.linspace(0.5, 0.95, 10).tolist()),
    recall_points=tuple(np.linspace(0.0, 1.0, 101).tolist()),
    max_detections=(1, 10, 100),
    area_ranges=COCO_RANGES,
)
"""The COCO detection challenge for boxes, as pycocotools 2.0 computes it.

A detection takes, in order of score, the best free ground truth of its image and category with
``IoU >= threshold``; crowds absorb any number of detections; precision is the right-to-left
envelope sampled at 101 recall points. Source: ``pycocotools/cocoeval.py``.
"""

COCO_SEGM = COCO.replace(name="coco-segm", shape="mask")
"""The COCO challenge of instance segmentation: :data:`COCO` with the overlap of masks.

What :data:`COCO` is where both sides have masks; by this name files without them are refused, never
measured by their boxes. Source: ``pycocotools/cocoeval.py`` with ``iouType="segm"``.
"""

COCO_ORIENTED = COCO.replace(name="coco-oriented", shape="oriented")
"""COCO over oriented boxes: :data:`COCO` with the overlap of polygons.

AP at IoU 0.5 to 0.95, as papers on oriented boxes report it beside DOTA's; no challenge has it.
Sizes are the source's areas, else those of the oriented boxes. Source: as of :data:`COCO`;
``polyiou.cpp`` of the DOTA development kit for the overlap.
"""

VOC2012 = Rules(
    name="voc2012",
    iou_thresholds=(0.5,),
    recall_points=COCO.recall_points,
    max_detections=(UNLIMITED,),
    area_ranges=(ANY_SIZE,),
    crowd="ignore",
    difficult="ignore",
    ties="file",
    pixel=1,
    strict=True,
    assignment="nearest",
    equal_overlaps="first",
    interpolation="every",
    metrics=("ap",),
)
"""PASCAL VOC from 2010 on: the area under the envelope, every point of it.

Of all detections of a class, best score first, each answers to the ground truth of its image that
it overlaps most. Above an IoU of 0.5, with a pixel added to width and height, the first is right
and every further one wrong; on a difficult object it is neither. Source: the development kit's
``VOCevaldet.m`` (which takes ``>=``) and its usual port, ``voc_eval.py`` of py-faster-rcnn and
Detectron2 (which takes ``>``, and is followed here).
"""

VOC2007 = VOC2012.replace(
    name="voc2007",
    interpolation="points",
    recall_points=tuple(np.arange(0.0, 1.1, 0.1).tolist()),
)
"""PASCAL VOC 2007: as :data:`VOC2012`, with AP as the mean of the envelope at 11 recall points.

Source: ``VOCevaldet.m`` of 2007, ``voc_eval.py`` with ``use_07_metric=True``.
"""

DOTA = VOC2007.replace(name="dota", shape="oriented", pixel=0)
"""DOTA's task 1: oriented boxes by the rules of PASCAL VOC 2007, at 11 recall points.

Overlap is that of polygons, above 0.5, and no pixel is added; difficult objects count neither way.
Source: Xia et al., DOTA (2018); the development kit's ``dota_evaluation_task1.py`` and
``polyiou.cpp``.
"""

DOTA_EVERY = DOTA.replace(
    name="dota-every", interpolation="every", recall_points=COCO.recall_points
)
"""DOTA with the area under the envelope, every point of it, as the kit's ``use_07_metric=False``.

Source: as of :data:`DOTA`.
"""

ULTRALYTICS = Rules(
    name="ultralytics",
    iou_thresholds=single_grid(0.5, 0.95, 10),
    recall_points=COCO.recall_points,
    max_detections=(UNLIMITED,),
    area_ranges=(ANY_SIZE,),
    crowd="drop",
    difficult="drop",
    min_score=0.001,
    image_limit=300,
    arithmetic="float32",
    equal_overlaps="first",
    interpolation="linear",
    metrics=("ap", "ap_iou", "pr"),
)
"""Ultralytics' validation of YOLO models, as releases from the middle of 2026 on compute it.

Of at most 300 detections an image with a confidence above 0.001, each takes, in order of
confidence, the best free label of its class; AP is the area under straight lines between the
points of the envelope; P, R and F1 stand at the confidence of the best mean F1. Its labels know
no crowds, and its converters leave out VOC's difficult objects. Source: ``ultralytics`` 8.4,
``utils/metrics.py`` (``ap_per_class``, ``box_iou``), ``engine/validator.py``
(``match_predictions``).
"""

ULTRALYTICS_2025 = ULTRALYTICS.replace(
    name="ultralytics-2025", assignment="nearest", interpolation="slope"
)
"""Ultralytics of 2025: as :data:`ULTRALYTICS`, with another matching and another end of the curve.

Each detection answers to the label that it overlaps most, taken or not, and of those that answer
to one label the most confident is right. Source: ``ultralytics`` 8.3, ``engine/validator.py``
(``match_predictions``), which keeps the best label of each detection, in order of detection, and
then the first detection of each label. The area under a curve goes on under a line from its end
to recall 1 (``compute_ap``). Releases from 8.4.37 on let it drop, those from 8.4.176 on match as
:data:`ULTRALYTICS`.
"""

ULTRALYTICS_OBB = ULTRALYTICS.replace(name="ultralytics-obb", shape="probabilistic", min_score=0.01)
"""Ultralytics' validation of oriented boxes: as :data:`ULTRALYTICS`, by probabilistic IoU.

Boxes stand for normal distributions, and overlap is 1 less their Hellinger distance:
mostly more than the IoU. Detections count above a
confidence of 0.01. Source: ``ultralytics`` 8.4, ``models/yolo/obb/val.py``, ``utils/metrics.py``
(``batch_probiou``), ``engine/validator.py`` (``conf`` of the task ``obb``).
"""

TORCHMETRICS = COCO.replace(
    name="torchmetrics",
    iou_thresholds=single_grid(0.5, 0.95, 10),
    recall_points=single_grid(0.0, 1.0, 101),
    zero_area="missing",
)
"""torchmetrics' MeanAveragePrecision: pycocotools with thresholds and recall points of float32.

An IoU of exactly 0.6 misses the threshold 0.6, and a recall of exactly 0.07 may or may not reach
0.07; an ``area`` of 0 means that it is missing. Source: ``torchmetrics`` 1.9,
``detection/mean_ap.py``.
"""

LVIS = COCO.replace(
    name="lvis",
    max_detections=(UNLIMITED,),
    area_ranges=[(area.name, area.low, min(area.high, 1e5**2)) for area in COCO_RANGES],
    crowd="count",
    difficult="ignore",
    ignore="honour",
    federated=True,
    image_limit=300,
    metrics=("ap", "ap_iou", "ap_area", "ap_frequency", "ar", "ar_area"),
)
"""LVIS: COCO's matching over a vocabulary that is not annotated in full.

Of an image's 300 best detections over all classes those count whose class is in the image or
known not to be; where not every object of a class was marked, unmatched detections count neither
way. Crowds are objects like any other, ignore flags are honoured. Source: ``lvis`` 0.5.3,
``eval.py`` and ``results.py``.
"""

LVIS_FIXED = LVIS.replace(name="lvis-fixed", image_limit=None, class_limit=10_000)
"""LVIS with fixed AP: the 10,000 best detections of a class over all images, no limit an image.

Source: Dave et al., Evaluating Large-Vocabulary Object Detectors (2021), and the pull request 25
of ``lvis-api``.
"""

OLRP = COCO.replace(name="olrp", iou_thresholds=(0.5,), metrics=("olrp",))
"""Optimal LRP: COCO's matching at an IoU of 0.5; one number for finding, rejecting and placing.

Lower is better. Source: Oksuz et al., Localization Recall Precision (2018); ``LRP-Error``,
``pycocotools/cocoeval.py``.
"""

OPEN_IMAGES = VOC2012.replace(
    name="openimages",
    crowd="group",
    group_weight=0,
    ties="image",
    pixel=0,
    strict=False,
    empty_boxes="drop",
)
"""The Open Images detection metric, V2 and V5: groups take what matched no single object.

As VOC2012 with ``IoU >= 0.5`` and no pixel added; boxes without a positive size are dropped. A
detection that is not right may belong to a group-of box, by the share of it inside, and then
counts neither way; groups are never missed. Objects count for the classes above theirs where the
hierarchy is given (``Reading.hierarchy``). Source: TensorFlow's Object Detection API,
``object_detection/utils/per_image_evaluation.py``, ``metrics/oid_challenge_evaluation.py``.
"""

OPEN_IMAGES_CHALLENGE = OPEN_IMAGES.replace(
    name="openimages-challenge", group_weight=1, federated=True
)
"""The Open Images challenge: as :data:`OPEN_IMAGES`, where groups count and labels are verified.

A group-of box is an object that may be missed, and the best of the detections in it is right.
Detections of a class that nobody looked for in the image are dropped; ``Reading.image_labels``
says which. Source: TensorFlow's Object Detection API,
``metrics/oid_challenge_evaluation.py``, ``utils/object_detection_evaluation.py``
(``OpenImagesDetectionChallengeEvaluator``).
"""

CROWDHUMAN = COCO.replace(
    name="crowdhuman",
    iou_thresholds=(0.5,),
    max_detections=(UNLIMITED,),
    area_ranges=(ANY_SIZE,),
    ignore="region",
    clip=True,
    strict=True,
    equal_overlaps="first",
    interpolation="trapezoid",
    metrics=("ap", "mr", "ji"),
)
"""CrowdHuman: AP, log-average miss rate (MR^-2, lower is better) and Jaccard index.

Boxes are clipped to the image. At ``IoU > 0.5`` a detection takes the best free person; else one
that lies in an ignored region by more than half of it counts neither way. AP is the area under the
curve itself. Source: Shao et al., CrowdHuman (2018); ``APMRToolkits`` of CrowdDet, mmdetection's
``crowdhuman_metric.py``.
"""

CITYPERSONS = COCO.replace(
    name="citypersons",
    iou_thresholds=(0.5,),
    max_detections=(1000,),
    area_ranges=(
        AreaRange("all", 20, NO_END, "height", (("visibility", 0.2, NO_END),)),
        AreaRange("reasonable", 50, NO_END, "height", (("visibility", 0.65, NO_END),)),
        AreaRange("small", 50, 75, "height", (("visibility", 0.65, NO_END),)),
        AreaRange("heavy", 50, NO_END, "height", (("visibility", 0.2, 0.65),)),
    ),
    ignore="honour",
    out_of_range="region",
    range_slack=1.25,
    miss_rate="within",
    metrics=("mr_area", "mr"),
)
"""Caltech's protocol for pedestrians, on the subsets of CityPersons: log-average miss rates.

``MR_reasonable`` is of people at least 50 pixels high and 65 % visible, ``MR_small`` of those up
to 75 pixels, ``MR_heavy`` of those 20 to 65 % visible, ``MR`` of all from 20 pixels and 20 % on.
People outside a subset are regions that take any number of detections; detections are left out
from 1.25 times its bounds on. Source: Dollár et al., Pedestrian Detection (2012); Zhang et al.,
CityPersons (2017), ``eval_MR_multisetup.py``.
"""

KITTI = COCO.replace(
    name="kitti",
    class_rules=(
        ClassRule("Car", 0.7, ("Van",)),
        ClassRule("Pedestrian", 0.5, ("Person_sitting",)),
        ClassRule("Cyclist", 0.5),
    ),
    iou_thresholds=(0.5,),
    recall_points=tuple(np.linspace(1 / 40, 1.0, 40).tolist()),
    max_detections=(UNLIMITED,),
    area_ranges=(
        ANY_SIZE,
        AreaRange("easy", 40, NO_END, "height", (("occlusion", 0, 0), ("truncation", 0, 0.15))),
        AreaRange("moderate", 25, NO_END, "height", (("occlusion", 0, 1), ("truncation", 0, 0.3))),
        AreaRange("hard", 25, NO_END, "height", (("occlusion", 0, 2), ("truncation", 0, 0.5))),
    ),
    crowd="group",
    ignore="honour",
    low_end="outside",
    strict=True,
    assignment="truths",
    equal_overlaps="first",
    interpolation="cuts",
    metrics=("ap_area",),
)
"""KITTI's benchmark of boxes in the image: easy, moderate and hard, AP at 40 recall points.

Objects choose: each takes, in the order of the file, the free detection that overlaps it most,
above 0.7 for cars and 0.5 for people. Objects beyond a difficulty and those of neighbouring
classes are ignored, detections too low for it too, and what lies in a ``DontCare`` region counts
neither way. Precision is taken at up to 41 scores, each matched without the detections below it.
Source: Geiger et al., Are we ready for Autonomous Driving? (2012); the development kit's
``evaluate_object.cpp``; ``kitti-object-eval-python``, ``eval.py``.
"""

KITTI_R11 = KITTI.replace(name="kitti-r11", recall_points=tuple(np.linspace(0.0, 1.0, 11).tolist()))
"""KITTI as it was until 2019: as :data:`KITTI`, at 11 recall points, 0 among them.

Source: as of :data:`KITTI`; Simonelli et al., Disentangling Monocular 3D Object Detection (2019),
for the change.
"""
