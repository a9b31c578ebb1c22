"""Array idioms, messages, errors, progress, bytes in and out; it imports nothing of ours."""
