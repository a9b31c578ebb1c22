"""A metric of several processes: each matches its own images, and only counts are added."""
