"""The facts of a project, read from its text alone.

============= ==================================================================================
architecture  all facts of a project and of each start command; dependencies and repetitions
services      services, connections between them, and networks with their members
volumes       mounts, named volumes, what they contain, whether to back them up
variables     variables of the Compose files, env files, and the masking of secrets
resources     CPU and memory limits with their sums, and health checks
builds        build contexts and Dockerfiles
observability who observes the services: logs, metrics, traces, alerts, dashboards
setup         who logs in first, what fills in data, who proposes new versions of images
upkeep        how long services wait for each other; how to back up and restore volumes
============= ==================================================================================
"""
