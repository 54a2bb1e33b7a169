"""Splitting one root file into modules: which service goes where, and the text of all files.

========= ==========================================================================
root_file a root file that may be split: what may leave it, and why the rest may not
anchors   anchors of a file: who needs which, and which lines a copy takes
grouping  which services are in one module, and what the module is called
include   the ``include`` list of a root file
writer    the text of the root file and its modules
========= ==========================================================================
"""
