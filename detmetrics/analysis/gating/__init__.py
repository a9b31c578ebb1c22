"""May a model ship: a candidate against a baseline, line by line, with a verdict on each."""
