"""torchvision's operators in plain torch, where its build has none of its own.

Import it before torchvision. Frameworks need ``nms`` alone; it is the definition, a loop.
"""

from __future__ import annotations

import torch
from torch import library as operators


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Best score first, each box that no kept one overlaps by more than the threshold."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        both = (high - low).clamp(min=0).prod(dim=1)
        order = order[~(both / (area[best] + area[order] - both) > iou_threshold)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


LIBRARIES: list[operators.Library] = []

try:
    import torchvision
except RuntimeError:  # operator torchvision::nms does not exist
    library = operators.Library("torchvision", "DEF")
    LIBRARIES.append(library)  # it is taken back when nobody holds it
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl(name, nms, "CPU")
    import torchvision.extension

    torchvision.extension._has_ops = lambda: True
except ImportError:
    pass  # nobody needs what is not there
