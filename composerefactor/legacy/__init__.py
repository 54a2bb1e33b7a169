"""Text that other readers took, or take, and that the engine rejects or calls obsolete."""
