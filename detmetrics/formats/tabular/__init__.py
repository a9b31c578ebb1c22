"""What CSV and Parquet share: columns by name, and shapes in them."""
