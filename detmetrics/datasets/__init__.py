"""A data set itself: check, convert, split and describe it; it imports formats."""
