"""Questions asked of a result, one file each; it imports evaluation.

What was matched once is matched again only where a definition sets how.

>>> import detmetrics as dm
>>> from detmetrics import analysis
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> analysis.operating_points(result, "precision:0.8").overall.threshold
0.43
"""

from __future__ import annotations

import lazy_loader

# Names and modules stand in __init__.pyi; each is imported when it is first asked for.
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)
