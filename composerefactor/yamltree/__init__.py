"""A lossless tree of a YAML text: nodes with spans, comments with owners."""
