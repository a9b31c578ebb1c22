"""Ultralytics: the list of predictions in JSON that its validation writes."""
