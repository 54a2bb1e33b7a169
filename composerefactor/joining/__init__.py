"""How a Compose file takes the text of other files back in."""
