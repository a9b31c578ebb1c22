"""Metrics and callbacks for training frameworks, one file each; it may import any room."""
