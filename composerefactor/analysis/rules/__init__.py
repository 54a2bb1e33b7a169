"""The rules: one file a rule, called like it."""
