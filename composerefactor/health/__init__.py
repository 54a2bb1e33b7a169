"""Health checks for services: what their images hold, and what can be asked of them."""
