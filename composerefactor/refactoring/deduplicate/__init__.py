"""Definitions that several files repeat, written once."""
