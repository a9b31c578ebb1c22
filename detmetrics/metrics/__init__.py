"""Numbers from matches: AP, AR, LRP, miss rate and others; it imports matching."""
