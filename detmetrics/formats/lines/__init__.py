"""What formats of lines share: files to columns of numbers, and what the columns mean."""
