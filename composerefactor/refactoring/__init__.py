"""What split and join are made of, and the contract between transforms and their callers.

=========== ================================================================================
contract    what a transform receives and returns: options, plans, changes, refusals
reader      what a reader of the files receives and returns: files, a planned split, outcomes
readers     other programs that read the files, one function for each
modules     splitting one root file into modules: groups, names, include list, text
deduplicate services that several root files define: shared modules, environment files
split       the plan of a split: options, strategy ``extends``, one plan per root file
join        putting a split project back together: one file for each root file
move_roots  moving root files to another directory, with the commands that name them
=========== ================================================================================
"""
