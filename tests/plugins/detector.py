"""A detector small enough to be trained in a test: each cell of 8 pixels finds one shape."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[2]))
from fixtures.shapes import CLASSES, Picture, pictures

__all__ = ["CLASSES", "Detector", "collate", "pictures"]

STRIDE = 8


class Detector(nn.Module):
    """Classes and the four distances to the sides of a box, for each cell."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((3, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        layers += [nn.Conv2d(64, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(64, len(CLASSES) + 4, 1))
        nn.init.constant_(self.layers[-1].bias[: len(CLASSES)], -3.0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, cells, K) logits and (B, cells, 4) boxes."""
        out = self.layers(images).permute(0, 2, 3, 1)
        logits, sides = out[..., : len(CLASSES)], functional.softplus(out[..., len(CLASSES) :])
        middle = _middles(out.shape[1], out.shape[2])
        low, high = middle - sides[..., :2] * STRIDE, middle + sides[..., 2:] * STRIDE
        return logits.flatten(1, 2), torch.cat([low, high], dim=-1).flatten(1, 2)

    def loss(self, images: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
        """The cell at the middle of a shape answers for it."""
        logits, boxes = self(images)
        wanted = torch.zeros_like(logits)
        far = logits.new_zeros(())
        width = images.shape[-1] // STRIDE
        for place, target in enumerate(targets):
            middle = ((target["boxes"][:, :2] + target["boxes"][:, 2:]) / 2 // STRIDE).long()
            cell = middle[:, 1] * width + middle[:, 0]
            wanted[place, cell, target["labels"]] = 1
            far = far + (boxes[place, cell] - target["boxes"]).abs().sum()
        found = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="sum")
        return (found + far / STRIDE) / len(images)

    @torch.no_grad()
    def predict(self, images: Tensor, most: int = 20) -> list[dict[str, Tensor]]:
        """The best of each image, as metrics take them."""
        logits, boxes = self(images)
        scores, labels = logits.sigmoid().max(dim=-1)
        best = scores.argsort(dim=1, descending=True)[:, :most]
        return [
            {"boxes": boxes[n][rows], "scores": scores[n][rows], "labels": labels[n][rows]}
            for n, rows in enumerate(best)
        ]


def _middles(rows: int, columns: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], dim=-1) + 0.5) * STRIDE


def collate(batch: list[Picture]) -> tuple[list[str], Tensor, list[dict[str, Tensor]]]:
    """Ids, images and targets of a batch."""
    images = torch.stack([torch.from_numpy(one.image) for one in batch])
    targets = [
        {"boxes": torch.from_numpy(one.boxes), "labels": torch.from_numpy(one.labels)}
        for one in batch
    ]
    return [one.name for one in batch], images.permute(0, 3, 1, 2) / 255 - 0.5, targets
