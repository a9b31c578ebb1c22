"""What the states of ``MeanAveragePrecision`` are: batches as tensors that processes exchange."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from detmetrics.overlap.masks.masks import Masks
from detmetrics.training.batches.bitmaps import masks_of_codes
from detmetrics.training.batches.image_columns import ImageBoxes

__all__ = [
    "EXACT",
    "MASK_STATES",
    "STATES",
    "alike",
    "classes_of",
    "compressed",
    "joined",
    "labels_in",
    "masks_in",
    "parts_or_zeros",
    "picked",
    "together",
]

STATES = (
    *("predictions_boxes", "predictions_scores", "predictions_labels", "predictions_counts"),
    *("targets_boxes", "targets_labels", "targets_crowd", "targets_area", "targets_counts"),
)
MASK_STATES = (
    *("predictions_masks", "predictions_lengths", "targets_masks", "targets_lengths", "sizes"),
)
PARTS = ("boxes", "scores", "labels", "iscrowd", "area")
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
EXACT = ("boxes", "scores", "crowd", "area")


def classes_of(columns: Mapping[str, Any]) -> list[int]:
    """The labels of either side, rising."""
    return sorted({*columns["predictions_labels"].tolist(), *columns["targets_labels"].tolist()})


def picked(one: Mapping[str, Any], kept: Any) -> Mapping[str, Any]:
    """The rows that stay of each part; masks are taken from the checked image."""
    if kept is None:
        return one
    rows = torch.from_numpy(kept)
    parts = {name: part for name, part in one.items() if part is not None and name != "masks"}
    return {
        name: torch.as_tensor(part).cpu()[rows] for name, part in parts.items() if name in PARTS
    }


def labels_in(batch: Sequence[Any]) -> set[int]:
    """The labels of dicts; whatever else is there is for the check to refuse."""
    given = [one.get("labels", []) if isinstance(one, Mapping) else [] for one in batch]
    tensors = [part.flatten() for part in given if isinstance(part, torch.Tensor)]
    if len(tensors) == len(given) and alike(tensors) and tensors[0].dtype in WHOLE:
        return {*torch.cat(tensors).tolist()}
    return {label for part in given for label in _labels_of(part)}


def _labels_of(given: Any) -> list[int]:
    try:
        plain = torch.as_tensor(given).flatten().tolist()
    except (TypeError, ValueError, RuntimeError):
        return []
    return [int(label) for label in plain if math.isfinite(label)]


def alike(tensors: Sequence[torch.Tensor]) -> bool:
    """Whether there are some, all of one type and on one device."""
    return len({(one.dtype, one.device) for one in tensors}) == 1


def together(parts: Sequence[torch.Tensor], kind: torch.dtype, device: Any) -> torch.Tensor:
    """One tensor of this type."""
    if alike(parts):
        return torch.cat([*parts]).to(kind)
    return torch.cat([torch.zeros(0, dtype=kind, device=device), *(one.to(kind) for one in parts)])


def parts_or_zeros(
    batch: Sequence[Mapping[str, Any]], name: str, counts: Sequence[int]
) -> list[Any]:
    """A part of each that may be missing; 0 is what torchmetrics makes of it."""
    if all(one.get(name) is None for one in batch):
        return [torch.zeros(sum(counts))]
    return [
        torch.zeros(count) if one.get(name) is None else one[name]
        for one, count in zip(batch, counts, strict=True)
    ]


def compressed(images: Sequence[ImageBoxes]) -> dict[str, list[Any]]:
    """Masks as states hold them: text, the length of each mask, width and height of images."""
    columns: dict[str, list[Any]] = {
        "sizes": [np.nan_to_num(np.array([image.size for image in images])).astype(np.int64)]
    }
    for side in ("predictions", "targets"):
        codes = [code for one in images if one.masks for code in getattr(one.masks, side)]
        columns[f"{side}_masks"] = [np.frombuffer(b"".join(codes), np.uint8).copy()]
        columns[f"{side}_lengths"] = [np.array([len(code) for code in codes], np.int64)]
    return columns


def masks_in(columns: Mapping[str, Any], side: str) -> Masks:
    text = columns[f"{side}_masks"].astype(np.uint8).tobytes()
    ends = np.cumsum(columns[f"{side}_lengths"]).tolist()
    codes = [text[start:end] for start, end in pairwise([0, *ends])]
    images = np.append(0, np.cumsum(columns[f"{side}_counts"])).tolist()
    sizes = columns["sizes"].reshape(-1, 2).tolist()
    return masks_of_codes([tuple(codes[start:end]) for start, end in pairwise(images)], sizes)


def joined(parts: Any) -> Any:
    """One array, whether processes were gathered or not, or none has seen anything."""
    if isinstance(parts, torch.Tensor):
        return parts.cpu().numpy()
    return torch.cat([part.cpu() for part in parts]).numpy() if parts else np.zeros(0, np.int64)
