"""The analysis rules: one file per rule, with the name of the rule."""
