"""Why do two numbers differ? The same tables under every rule set, and the difference split."""
