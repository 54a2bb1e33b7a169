"""The golden cases; the wheel holds the patch of each, which `transforms NAME` shows."""
