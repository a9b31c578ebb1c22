"""Is this data what it should be? Every fault, with a code, a count and the first places.

Checks look at sheets, what readers found before anything is refused, so that one fault does not
hide the next.
"""
