"""Putting a split project back together: one file for each root file, with what it includes.

=============== ===========================================================================
root            one root file that takes in what it includes and extends
contents        what a file defines together with all files that it includes
fragments       one entry or list item as lines of a text, split as deep as a merge goes
merge           two definitions of one thing as one text; earlier texts of a file
anchors         anchors of several files in one: unique names, which blocks are needed
rewritten_paths texts with paths rewritten for another directory
write           the text of the joined file
=============== ===========================================================================
"""
