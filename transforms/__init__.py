"""One module a transform; being in this folder is what registers it."""
