"""The shell script that shows that a stack starts, answers and keeps its data."""
