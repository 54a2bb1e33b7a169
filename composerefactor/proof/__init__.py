"""Docker Compose itself: runs of the engine, and what they show."""
