"""From a directory to a proved plan."""
