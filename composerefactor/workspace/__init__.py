"""The user's disk: the project's files and git, writing changes, and undoing them.

========== ===============================================================================
files      bounded listing and reading of a project's files; what may be written
git        what git knows about the files; exports a revision
journal    the tool's own state: directory per project, lock, and a journal of each run
interrupts signals wait until a step is done
apply      writes a changeset to the project: all files or none
undo       restores what a run has changed; recovers from an interrupted run
========== ===============================================================================
"""
