"""The wizard: an interactive session from an unchanged project to written files.

============== ====================================================================
command        the command ``composerefactor wizard`` and its options
steps          the whole session: goals, one stage per goal, the end
choices        questions about the layout of a split and the options of fixes
deciding       preview of a stage, review of each change, writing
session        questions, answers and the way back, without a terminal
prompts        shows the questions on a terminal (questionary)
screens        the text above the questions
work           the work between two questions, described as values
workshop       does that work: opens, plans, verifies, writes
files          answers from a file; the command line and settings that repeat a session
============== ====================================================================
"""

from composerefactor.cli.wizard.command import command

__all__ = ["command"]
