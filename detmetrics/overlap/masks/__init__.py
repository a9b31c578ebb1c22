"""Overlap of masks, and of their boundaries."""
