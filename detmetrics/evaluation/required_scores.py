"""The refusal of what has no meaning for detections without scores."""

from __future__ import annotations

from detmetrics.foundation.errors import InputError
from detmetrics.tables import Detections

__all__ = ["require_scores"]


def require_scores(detections: Detections, what: str) -> None:
    """Refuse detections without scores; what: needs them, the subject of the sentence.

    Raises:
        InputError: the detections have none.
    """
    if not detections.scored:
        raise InputError(
            f"{detections.source.name}: {what} needs scores, and these detections have none "
            "(--scores none). Fix: give detections with scores"
        )
