"""Views of a result: text, JSON, CSV, Markdown. None computes a metric.

All read one table model.
"""
