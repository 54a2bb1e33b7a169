"""The plan of a split.

=========== ==============================================================================
options     what users can choose, which root files are planned together, notes on a plan
plan        the plan of one root file, or of several that share services
budget      how much a plan may copy, and modules that are joined for it
bases       blocks that services can extend, and where the result is exactly the same
common_base the common file of these blocks, and the layout around it
extends     strategy ``extends``: what of each service can move, and what remains
stubs       strategy ``extends``: root files, environment files and modules as text
=========== ==============================================================================
"""
