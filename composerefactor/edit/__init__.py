"""Edits as values, and the text that they make: nothing is printed anew."""
