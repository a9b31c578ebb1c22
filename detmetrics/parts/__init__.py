"""Evaluation in parts, of data sets that no machine holds: match parts, then count classes."""
