"""What writers share: safe names, numbers in full, units, shapes."""
