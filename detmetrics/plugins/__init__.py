"""Metrics and callbacks for training frameworks, a small file each; none is imported unasked."""
