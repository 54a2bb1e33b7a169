"""The report of ``analyze`` in all its forms."""
