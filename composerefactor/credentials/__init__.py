"""Credentials that stand in Compose files as text: which they are, and where they go."""
