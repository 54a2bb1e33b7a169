"""What a change to Compose files means for running containers: the command ``diff``.

========== ===========================================================================
compare    :func:`review`: all start commands of two states, and all changes in them
states     opening and resolving the two states; the values that a review consists of
assess     all impacts between two states of one start command; settings, secrets
impact     the value of one impact
kinds      all kinds of impact, each with its id and risk; the risk of a fix
lifecycle  images, builds, dependencies, health checks, limits, restarts, profiles
exposure   ports, networks, rights of the container
storage    mounts and volumes
========== ===========================================================================
"""
