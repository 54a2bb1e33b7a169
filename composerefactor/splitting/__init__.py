"""Planning a split: which base files go together, and what becomes of each."""
