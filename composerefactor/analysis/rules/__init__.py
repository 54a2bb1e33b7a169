"""The rules of the analysis, a function each, in a file per subject."""
