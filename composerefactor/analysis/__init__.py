"""The analysis of a project: facts, findings, ratings, and the impact of a change.

============ =================================================================
"""
