"""The rules: one file a rule, called like it; ``analysis/registry.py`` finds them."""
