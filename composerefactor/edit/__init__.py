"""Edits as values, and the text that they produce. Text that does not change keeps every byte.

============= ===================================================================
operations    edits of a file, each at a path in the YAML tree
apply         apply edits to a file, which returns the new text
text_edits    edits of text at offsets, and those for moving, sharing and removing
rendering     the style of a file, new values as YAML text, and where new lines go
added_lines   lines added to env files and to .gitignore, where they belong
line_diff     which lines of two texts are equal
planned_files new files made from slices of existing text; sets of file changes
============= ===================================================================
"""
