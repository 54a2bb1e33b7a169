"""Settings for development."""

DEBUG = True
