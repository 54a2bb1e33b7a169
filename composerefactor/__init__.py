"""Refactor Docker Compose files, with proof by Docker Compose itself."""

__version__ = "0.1.0"
