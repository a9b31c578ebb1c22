"""A data set divided into parts by image: each record is copied as it is."""
