"""Changes to texts, as values: nothing here reads or writes a disk."""
