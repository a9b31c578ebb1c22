"""The metric that is fed with batches, and the history of a training; it imports evaluation."""
