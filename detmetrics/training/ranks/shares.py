"""What the processes agree on before anything is matched: settings, and who measures which image.

Each tells its settings and the ids of its images, 8 bytes per id of a number and the text of
others. All see the same, so that all refuse the same, and nobody waits for one that did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detmetrics.evaluation.result import Evaluation
from detmetrics.foundation.archives import archived, opened
from detmetrics.foundation.errors import InputError
from detmetrics.foundation.messages import shown
from detmetrics.foundation.version import __version__
from detmetrics.rules import Rules
from detmetrics.tables.catalog import Id

__all__ = ["Agreement", "Share", "ShareFacts", "agreed", "share_bytes", "told_share"]

ARCHIVE, VERSION = "detmetrics.training.Share", 1
RELEASE = "release of detmetrics"
LARGEST = 1 << 63


@dataclass(frozen=True, kw_only=True)
class ShareFacts:
    """What a process tells of its metric.

    settings: must be those of all, as JSON has them, by the name that messages use; kind: of its
    images, ``"masks"`` or ``"boxes"``, None where they leave it open; repeats: how many images were
    given again; on_repeat: what becomes of them; images: by id whether they have masks.
    """

    settings: Mapping[str, Any]
    kind: str | None
    repeats: int
    on_repeat: str
    images: Mapping[Id, bool]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What all processes measure.

    images: of each process the ids of the images that it measures, in order; repeats: images that
    were given again, in one process or in several; on_repeat: what became of them; kind, masks: as
    of the metric that holds all images, and whether any of these has masks.
    """

    images: tuple[tuple[Id, ...], ...]
    repeats: int
    on_repeat: str
    kind: str | None
    masks: bool

    @property
    def size(self) -> int:
        """How many images there are."""
        return sum(map(len, self.images))


@dataclass(frozen=True, kw_only=True)
class Share:
    """A metric as one of several.

    facts: what it tells the others; rules: those that were asked for; scored: detections have
    scores; evaluated: measures some of its images as an agreement has it.
    """

    facts: ShareFacts
    rules: Rules
    scored: bool
    evaluated: Callable[[Sequence[Id], Agreement], Evaluation]


def share_bytes(facts: ShareFacts) -> bytes:
    """What :func:`told_share` reads back."""
    ids = list(facts.images)
    # Whole numbers that no catalog takes are refused later, where all hear of it.
    plain = all(isinstance(one, int) and -LARGEST <= one < LARGEST for one in ids)
    header = {
        "settings": {RELEASE: __version__, **facts.settings},
        "kind_of_images": facts.kind,
        "repeats": facts.repeats,
        "on_repeat": facts.on_repeat,
        "ids": None if plain else ids,
    }
    arrays = {
        "ids": np.array(ids if plain else [], np.int64),
        "masks": np.array([*facts.images.values()], bool),
    }
    return archived(ARCHIVE, VERSION, header, arrays)


def told_share(data: bytes) -> ShareFacts:
    """What another process told.

    Raises:
        InputError: the bytes are damaged, or another release wrote them.
    """
    return opened(data, ARCHIVE, VERSION, _facts)


def _facts(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> ShareFacts:
    ids = arrays["ids"].tolist() if header["ids"] is None else header["ids"]
    return ShareFacts(
        settings=header["settings"],
        kind=header["kind_of_images"],
        repeats=header["repeats"],
        on_repeat=header["on_repeat"],
        images=dict(zip(ids, arrays["masks"].tolist(), strict=True)),
    )


def agreed(shares: Sequence[ShareFacts]) -> Agreement:
    """Which process measures which image: what ``merge`` of all metrics in order of rank keeps.

    Raises:
        InputError: settings, kinds or ids differ, there is no image, or one is there again where
            that is an error.
    """
    for rank, share in enumerate(shares):
        _refuse_other_settings(shares[0], share, rank)
    _refuse_other_kinds(shares)
    _refuse_other_ids(shares)
    on_repeat = shares[0].on_repeat
    owner = _owners(shares, on_repeat)
    if not owner:
        raise InputError(
            "no image yet in any process: update(image_ids, predictions, targets) comes first"
        )
    images = [
        [one for one in share.images if owner[one] == rank] for rank, share in enumerate(shares)
    ]
    again = sum(len(share.images) for share in shares) - len(owner)
    return Agreement(
        images=tuple(tuple(sorted(ids)) for ids in images),
        repeats=again + sum(share.repeats for share in shares),
        on_repeat=on_repeat,
        kind=next((share.kind for share in shares if share.kind is not None), None),
        masks=any(shares[rank].images[one] for one, rank in owner.items()),
    )


def _owners(shares: Sequence[ShareFacts], on_repeat: str) -> dict[Id, int]:
    """By image the rank of the process that measures it: of several the last one, or the first."""
    owner: dict[Id, int] = {}
    for rank, share in enumerate(shares):
        for image in share.images:
            if image in owner and on_repeat == "error":
                raise InputError(
                    f"ranks {owner[image]} and {rank}: image {shown(image)} was given before "
                    "(on_repeat='error')"
                )
            if image not in owner or on_repeat == "replace":
                owner[image] = rank
    return owner


def _refuse_other_settings(first: ShareFacts, other: ShareFacts, rank: int) -> None:
    for name, setting in first.settings.items():
        if json.dumps(setting) != json.dumps(other.settings.get(name)):
            raise InputError(
                f"ranks 0 and {rank}: cannot measure metrics of different {name}. Fix: make the "
                "metric of every process alike"
            )


def _refuse_other_kinds(shares: Sequence[ShareFacts]) -> None:
    told = [(rank, share.kind) for rank, share in enumerate(shares) if share.kind is not None]
    for rank, kind in told[1:]:
        if kind != told[0][1]:
            raise InputError(
                f"ranks {told[0][0]} and {rank}: cannot measure a metric of masks and one of boxes "
                "alone"
            )


def _refuse_other_ids(shares: Sequence[ShareFacts]) -> None:
    first = [(rank, next(iter(share.images))) for rank, share in enumerate(shares) if share.images]
    for rank, image in first[1:]:
        if isinstance(image, str) is not isinstance(first[0][1], str):
            raise InputError(
                f"ranks {first[0][0]} and {rank}: image_ids: expected whole numbers or text, got "
                f"both: {shown(first[0][1])} and {shown(image)}"
            )
