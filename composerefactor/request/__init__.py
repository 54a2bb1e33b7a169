"""What a user asks of a command, as a value: planned from it, and written as a command line."""
