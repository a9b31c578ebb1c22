"""Which detection takes which object, under rules; it imports rules and tables."""
