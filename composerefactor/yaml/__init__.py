"""Lossless YAML: text, tree, values, and which lines belong to what."""
