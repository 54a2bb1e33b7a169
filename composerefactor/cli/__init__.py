"""The command line.

Start-up is most of what a plan of a small project takes, so what a run may not need (the proof, the
report, writing, factoring) is imported where it is first needed.
"""
