"""Engines that have a name: a file each, which imports its package where it is used."""
