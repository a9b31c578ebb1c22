"""What ``MeanAveragePrecision`` gives: the numbers of an evaluation by torchmetrics' names."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from detmetrics.evaluation.overlap_table import overlap_table
from detmetrics.evaluation.result import Evaluation

__all__ = ["details", "numbers"]

AREAS = {"s": "small", "m": "medium", "l": "large"}


def numbers(result: Evaluation, of_classes: Evaluation | None) -> dict[str, Any]:
    """Every metric as a tensor, -1 where undefined; of_classes: gives those of each class."""
    summary, limits = result.summary, result.rules.max_detections
    outputs = {"map": summary["AP"]}
    outputs |= {f"map_{iou}": summary.get(f"AP{iou}", -1.0) for iou in (50, 75)}
    outputs |= {f"map_{words}": summary[f"AP{short}"] for short, words in AREAS.items()}
    outputs |= {f"mar_{limit}": summary[f"AR{limit}"] for limit in limits}
    outputs |= {f"mar_{words}": summary[f"AR{short}"] for short, words in AREAS.items()}
    tensors = {name: _tensor(value) for name, value in outputs.items()}
    columns = {} if of_classes is None else of_classes.class_columns()
    by_class = {"map_per_class": "AP", f"mar_{limits[-1]}_per_class": f"AR{limits[-1]}"}
    for name, column in by_class.items():
        tensors[name] = _tensor(columns.get(column, -1.0))
    return tensors


def details(result: Evaluation) -> dict[str, Any]:
    """What ``extended_summary`` adds: ``precision`` and ``scores`` (T, R, K, A, M), ``recall``
    (T, K, A, M), and ``ious``, by image and label a tensor (D, G), or a list of nothing.
    """
    labels = result.ground_truth.catalog.category_ids.tolist()
    arrays = {name: np.nan_to_num(array, nan=-1.0) for name, array in result.arrays().items()}
    return {
        "ious": {
            (image, labels[row]): torch.tensor(overlaps, dtype=torch.float32)
            if overlaps.size
            else []
            for (image, row), overlaps in overlap_table(result).items()
        },
        **{name: torch.from_numpy(array) for name, array in arrays.items()},
    }


def _tensor(value: Any) -> Any:
    return torch.nan_to_num(torch.as_tensor(value, dtype=torch.float32), nan=-1.0)
