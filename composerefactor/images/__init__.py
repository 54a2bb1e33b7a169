"""What is known about images: the catalogue, Dockerfiles, health checks."""
