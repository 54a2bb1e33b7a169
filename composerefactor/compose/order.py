"""The order in which people write the keys of a service: a new one stands where it is sought.

What a service is comes first, then how it starts, what it is given, whom it talks to, how it is
watched and bounded. The Compose specification gives the order no meaning; this one follows what
most public Compose files do.
"""

from __future__ import annotations

SERVICE_ORDER: tuple[str, ...] = (
    "extends",
    "image",
    "build",
    "pull_policy",
    "platform",
    "runtime",
    "provider",
    "container_name",
    "hostname",
    "domainname",
    "profiles",
    "restart",
    "scale",
    "init",
    "user",
    "group_add",
    "userns_mode",
    "privileged",
    "entrypoint",
    "command",
    "working_dir",
    "stdin_open",
    "tty",
    "env_file",
    "environment",
    "secrets",
    "configs",
    "models",
    "expose",
    "ports",
    "volumes",
    "volumes_from",
    "devices",
    "gpus",
    "network_mode",
    "networks",
    "dns",
    "dns_opt",
    "dns_search",
    "extra_hosts",
    "links",
    "external_links",
    "depends_on",
    "read_only",
    "tmpfs",
    "cap_drop",
    "cap_add",
    "security_opt",
    "sysctls",
    "ulimits",
    "shm_size",
    "stop_signal",
    "stop_grace_period",
    "healthcheck",
    "deploy",
    "logging",
    "labels",
    "develop",
)
"""Keys of a service in the order that readers expect; for ``AddKey.order``."""

DEPLOY_ORDER: tuple[str, ...] = (
    "mode",
    "replicas",
    "endpoint_mode",
    "placement",
    "resources",
    "restart_policy",
    "update_config",
    "rollback_config",
    "labels",
)
"""Keys of ``deploy``, likewise."""
