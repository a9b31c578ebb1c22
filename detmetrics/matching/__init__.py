"""Which detection takes which object, under rules; it imports tables and rules."""
