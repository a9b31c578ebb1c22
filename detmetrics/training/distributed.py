"""Bytes of all processes of ``torch.distributed``, in each of them.

Bytes and not objects: nothing that another process sends is executed.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from detmetrics.foundation.errors import InputError

__all__ = ["gathered", "several"]


def several() -> bool:
    """Whether there are processes of ``torch.distributed``; torch is not imported to ask it."""
    dist = sys.modules.get("torch.distributed")
    return dist is not None and bool(dist.is_available() and dist.is_initialized())


def gathered(data: bytes, group: Any = None) -> list[bytes]:
    """The bytes of every process in order of rank; these alone without a process group.

    Raises:
        InputError: torch is not installed.
    """
    try:
        import torch
        import torch.distributed as dist
    except ImportError:
        raise InputError("sync needs torch: pip install torch") from None
    if not dist.is_available() or not dist.is_initialized():
        return [data]
    on_gpu = dist.get_backend(group) == "nccl"
    device = torch.device("cuda", torch.cuda.current_device()) if on_gpu else torch.device("cpu")
    ranks = dist.get_world_size(group)

    def everyones(mine: Any) -> list[Any]:
        theirs = [torch.empty_like(mine) for _ in range(ranks)]
        dist.all_gather(theirs, mine, group=group)
        return theirs

    # Of equal length, as all_gather wants it.
    sizes = [int(size) for size in everyones(torch.tensor([len(data)], device=device))]
    padded = np.zeros(max(sizes), np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    parts = everyones(torch.from_numpy(padded).to(device))
    return [part[:size].cpu().numpy().tobytes() for part, size in zip(parts, sizes, strict=True)]
