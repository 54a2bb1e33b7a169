"""Docker Compose itself: running it, and comparing what it resolves.

============= ========================================================================
engine        finds Docker Compose and runs it
scenarios     in which ways each start command is run, and which follow from others
staging       a private copy of the project, and cached runs on it with all env files
baseline      runs of the original project, and what was supplied to make it load
memory        remembers results from one command to the next, as digests
config_output the parts of what ``config`` prints
comparison    compares two outputs of ``config``; the result of a proof
intended      remembers the differences that a fix is meant to make
prover        proves that a change keeps the resolved configuration
probes        override files that are not in the project, tried before and after
side_by_side  the resolved configurations of two states, for a reader
containers    how a running container differs from what its service requests
live          whether ``up`` would recreate the running containers of a project
============= ========================================================================
"""
