"""The health check for a service: never one that cannot run in its image.

======== ===================================================================================
usage    how Compose files set a service up, as far as its health check depends on it
servers  the program that a command starts, and the port on which it listens
pages    the page for health checks that a program serves, as its sources show it
probes   the programs in an image, and the commands with which they probe a server
built    health checks for images that the project builds, and the types of all answers
check    the entry: the health check for a service, from the image catalog or its Dockerfile
======== ===================================================================================
"""
