"""Questions asked of an evaluation; what was matched once is not matched again."""
