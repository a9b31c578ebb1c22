"""Tests with real Dask and Ray: a package, as names of its files are also those of others."""
