"""The health check that fits a service."""
