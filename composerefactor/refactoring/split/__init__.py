"""The plan of a split.

=========== ==============================================================================
options     what users can choose, which root files are planned together, notes on a plan
plan        the plan of one root file, or of several that share services
budget      how much a plan may copy, and modules that are joined for it
common_base blocks that become services of a common file, and the layout around it
extends     strategy ``extends``: what of each service can move, and what remains
stubs       strategy ``extends``: root files, environment files and modules as text
=========== ==============================================================================
"""
