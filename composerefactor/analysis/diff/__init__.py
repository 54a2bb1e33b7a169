"""What a change to Compose files means for what runs."""
