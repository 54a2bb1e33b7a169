"""Step by step from a project to what is written: questions, previews, proof.

The steps are generators that yield questions and work and get the answers back. They neither print
nor read: a terminal, a file of answers and tests drive the same ones.
"""
