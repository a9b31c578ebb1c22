"""Overlap of polygons, oriented boxes among them."""
