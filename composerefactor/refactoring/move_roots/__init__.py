"""Root files that move to another directory, with the commands that name them."""
