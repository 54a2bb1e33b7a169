"""The proof: what the real engine makes of a project before and after a change."""
