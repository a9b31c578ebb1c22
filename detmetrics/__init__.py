"""detmetrics: how good is an object detector, exactly, quickly, and why.

>>> import detmetrics as dm
>>> result = dm.evaluate("fixtures/ground_truth.json", "fixtures/detections.json")
>>> sorted(result.summary)[:3]
['AP', 'AP50', 'AP75']
"""

from __future__ import annotations

import lazy_loader

from detmetrics.evaluation import views

# The public names are those of __init__.pyi, each imported when it is first asked for.
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted(_names)


def _views() -> views.Views:
    from detmetrics.reports import views as made

    return made


views.bind(_views)  # the one place that knows both results and what is drawn of them
