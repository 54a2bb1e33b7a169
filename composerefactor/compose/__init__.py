"""A typed read view of Compose files and projects; nothing here changes text."""
