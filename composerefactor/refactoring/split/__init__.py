"""The plan of a split."""
