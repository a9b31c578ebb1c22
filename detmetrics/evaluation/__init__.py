"""``evaluate()`` and the one result that all else reads; it imports metrics and formats."""
