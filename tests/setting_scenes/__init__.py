"""Scenes drawn by hand, a few boxes each, for every choice of every setting of rules."""

from setting_scenes import curves, detections, matching, objects, overlap, ranges

__all__ = ["SCENES"]

SCENES = [
    *overlap.SCENES,
    *objects.SCENES,
    *ranges.SCENES,
    *detections.SCENES,
    *matching.SCENES,
    *curves.SCENES,
]
