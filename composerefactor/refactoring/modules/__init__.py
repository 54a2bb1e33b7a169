"""Splitting one root file into modules: which service goes where, and the text of all files.

============= ==========================================================================
root_file     a root file that may be split: what may leave it, and why the rest may not
anchors       anchors of a file: who needs which, and which lines a copy takes
grouping      which services come together in a module, and why
service_names what names and categories of services say, and what several are called
naming        what modules are called and where they are, and what users decide about it
include       the ``include`` list of a root file
paths         relative paths in text that moves to another directory
directories   the directory in which each new file is read: its own, or that of the root
writer        the text of the root file and its modules
============= ==========================================================================
"""
