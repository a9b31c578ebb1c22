"""Random evaluation sets, and what each is compared with: other packages, loops, other ways in."""
