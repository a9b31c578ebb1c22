"""What formats in JSON share: records, and shapes in their fields."""
