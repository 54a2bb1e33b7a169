"""Its settings."""
