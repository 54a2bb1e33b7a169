"""The command line: one module per command.

=========== =====================================================================
main        the command group, the end of the program (errors have the exit codes), signals
options     options that several commands share
run         a run that changes files: showing, checking, confirming and writing a proposal
terminal    colours, prompts, progress, errors on the terminal
split       ``composerefactor split``
fix         ``composerefactor fix``
join        ``composerefactor join``
wizard      ``composerefactor wizard``, the interactive session
analyze     ``composerefactor analyze``
explain     ``composerefactor explain``
verify      ``composerefactor verify``
diff        ``composerefactor diff``
undo        ``composerefactor undo``
plugin      ``composerefactor plugin``: ``docker refactor``, a plugin of the Docker CLI
hook        what the pre-commit hooks run
transforms  ``composerefactor transforms``, and the explanations in the documentation
completion  ``composerefactor completion``, and the completion of arguments
=========== =====================================================================

:mod:`main` imports a command when it is called. Within a command, only what is slow to import and
seldom needed is imported late: prompt_toolkit, the less common output formats of ``analyze`` and
``verify``, and the proof in ``analyze``, which by default only reads files.

Values are msgspec structs, since these classes are cheap to create: 7 µs, against 300 µs for a
frozen dataclass with slots. Dataclasses remain for the options of transforms, which describe
themselves, and where a field must not take part in ``repr`` or comparison.
"""

import gc

_ALLOCATIONS = 500_000
"""New objects between two garbage collections: modules and syntax trees contain no garbage."""

gc.set_threshold(_ALLOCATIONS, 10, 10)
