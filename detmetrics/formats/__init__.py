"""Files in, tables out: one module a format, none of which knows another."""
