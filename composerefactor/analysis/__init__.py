"""The analysis of a project: its facts, the findings of the rules, and a rating of each area."""
