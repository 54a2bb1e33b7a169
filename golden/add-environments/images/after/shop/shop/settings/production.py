"""Settings for production."""

DEBUG = False
