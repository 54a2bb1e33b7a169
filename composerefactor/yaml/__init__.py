"""Lossless YAML: text, tree, values, comments.

========== ==========================================================================
source     the decoded text of one file: byte-order mark, line ends, offsets and lines
parser     text to tree; the only module that uses ruamel.yaml
nodes      the tree: nodes with offsets into the text, and paths that lead to them
values     a node as plain Python values, with aliases and merge keys resolved
comments   which comments and lines belong to which entry of a mapping
========== ==========================================================================
"""
