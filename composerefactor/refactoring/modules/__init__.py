"""Modules of one base file: which service goes where, and their text."""
