"""The wizard: an interactive session from an unchanged project to written files.

============== ====================================================================
command        the command ``composerefactor wizard`` and its options
steps          the whole session: goal, one stage per goal, the end: write, patch, leave
review         which fixes to take, to look at or to skip: by kind, and one by one
layout         the layout of a split: which service goes to which module
session        questions, answers and the way back, without a terminal
prompts        shows the questions on a terminal, with prompt_toolkit
screens        the text above the questions
work           the work between two questions, described as values
workshop       does that work: opens, plans, verifies, writes
files          answers from a file; the command line and settings that repeat a session
============== ====================================================================
"""

from composerefactor.cli.wizard.command import command

__all__ = ["command"]
