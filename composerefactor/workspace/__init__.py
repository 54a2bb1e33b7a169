"""The user's disk: reading a project, writing a changeset to it, and taking that back."""
