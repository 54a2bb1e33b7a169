"""Moving root files to a directory of their own, with the commands that name them.

========== ==========================================================================
plan       a plan with the move made after it; where the project directory is written
relocation which files move, what prevents it, and their text and commands afterwards
commands   rewrites commands in the files of the project, and reads them again
========== ==========================================================================
"""
