"""Images: the image catalog, Dockerfiles, and what the catalog implies for services.

============= ==============================================================================
entries       the types of a catalog entry, tags, version ranges and conditions
catalog       the data files, the catalog itself, and the placement of services by category
lookup        questions on one image: health check, data paths, hardening, memory
starters      services that a project names but does not define, and how to start them
connections   which services connect to each other, and which of them can start first
environments  what a Compose file is for: production, staging, development, tests
credentials   credentials that are written as literal text in Compose files
dockerfiles   Dockerfiles as instructions and stages, ``.dockerignore`` as patterns
scaling       how several containers of a service work together, and what is in their way
stop_signals  whether the program of a service gets the signal with which Docker stops it
health        the health check for a service
observability programs that observe other services, and their configuration
data          the data files of the catalog (YAML to edit, JSON made from it)
============= ==============================================================================
"""
