"""From a directory to a verified plan.

============= ==================================================================
opening       finds the project directory, its start commands and its files
settings      reads and checks the settings file of a project
registry      finds the transforms and the names of the rules
fix_request   the options of ``fix`` as a value, and the options of transforms
split_request the options of ``split`` as a value
selection     which changes the user wants
fixes         plans the changes of fixers, one after the other
vetoes        comments that speak against a change
propose       the proposal: a plan with its proof and the files to write
settle        finds the largest part of a refactoring that can be proved
readers       makes other programs that read the files follow a plan
verify        are two states of a project equal; files that differ only in their content
============= ==================================================================
"""
