"""What several definitions of one service share, and what each adds to it."""
