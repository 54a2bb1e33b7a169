"""The facts of a project, a file for each subject."""
