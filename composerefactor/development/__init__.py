"""What of a stack only its developers need."""
