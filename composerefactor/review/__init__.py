"""What the difference between two states of a project means, for every entry point."""
