"""Array idioms, messages, errors, bytes in and out; it imports nothing of ours."""
