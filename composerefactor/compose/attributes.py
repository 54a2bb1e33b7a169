"""The keys that the engine knows, place by place, and the kinds of values that it takes.

From the JSON schema of the Compose specification that v5.6.1 has built in; a key that the schema
does not have makes the engine reject the file, unless it begins with ``x-``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.merge_keys import merged_entries, merged_get
from composerefactor.yaml.nodes import Node


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TOP_KEYS = _words("""version name include services models networks volumes secrets configs jobs""")

SERVICE_KEYS = _words(
    """annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command
    configs container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period
    cpu_rt_runtime cpu_shares cpus cpuset credential_spec depends_on deploy develop
    device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint env_file
    environment expose extends external_links extra_hosts gpus group_add healthcheck
    hostname image init ipc isolation label_file labels links logging mac_address mem_limit
    mem_reservation mem_swappiness memswap_limit models network_mode networks
    oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start
    pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart
    runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal
    storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes
    volumes_from working_dir"""
)

VERSION_1_KEYS = frozenset({"net", "log_driver", "log_opt", "volume_driver", "dockerfile"})
"""Keys of a service that only the first format of Compose files had."""

TEXT_KEYS = _words(
    """cgroup_parent container_name cpuset domainname hostname image ipc isolation mac_address
    network_mode platform restart runtime stop_grace_period stop_signal user userns_mode uts
    working_dir"""
)
"""Keys of a service whose value has to be text: a number or boolean needs quotes."""

LIST_KEYS = _words(
    """cap_add cap_drop depends_on device_cgroup_rules devices dns_opt expose external_links
    group_add links networks ports profiles security_opt volumes volumes_from"""
)
"""Keys of a service that take a list, and never a single text."""

TEXT_LIST_KEYS = _words(
    """cap_add cap_drop command configs depends_on dns_opt entrypoint external_links links
    networks profiles secrets security_opt volumes_from"""
)
"""Keys of a service whose list may hold text alone."""

UNIQUE_KEYS = _words(
    """cap_add cap_drop depends_on device_cgroup_rules dns_opt expose external_links group_add
    links networks profiles security_opt volumes_from"""
)
"""Keys of a service whose list may not hold the same twice."""

DURATION_KEYS = frozenset({"interval", "timeout", "start_period", "start_interval"})
"""Keys of a health check that take a number with its unit."""

_UPDATE = _words("""parallelism delay failure_action monitor max_failure_ratio order""")
_BELOW: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "healthcheck": frozenset({"disable", "retries", "test"} | DURATION_KEYS),
        "build": _words(
            """context dockerfile dockerfile_inline entitlements args ssh labels cache_from
            cache_to no_cache no_cache_filter additional_contexts network provenance sbom
            pull target shm_size extra_hosts isolation privileged secrets tags ulimits
            platforms"""
        ),
        "logging": frozenset({"driver", "options"}),
        "deploy": _words(
            """mode endpoint_mode replicas labels rollback_config update_config resources
            restart_policy placement"""
        ),
        "deploy.resources": frozenset({"limits", "reservations"}),
        "deploy.resources.limits": frozenset({"cpus", "memory", "pids"}),
        "deploy.resources.reservations": frozenset(
            {"cpus", "memory", "generic_resources", "devices"}
        ),
        "deploy.restart_policy": frozenset({"condition", "delay", "max_attempts", "window"}),
        "deploy.update_config": _UPDATE,
        "deploy.rollback_config": _UPDATE,
        "deploy.placement": frozenset({"constraints", "preferences", "max_replicas_per_node"}),
    }
)
_RESOURCES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "networks": _words(
            """name driver driver_opts ipam external internal enable_ipv4 enable_ipv6
            attachable labels"""
        ),
        "volumes": frozenset({"name", "driver", "driver_opts", "external", "labels"}),
        "secrets": _words(
            """name environment file external labels driver driver_opts template_driver"""
        ),
        "configs": _words("""name content environment file external labels template_driver"""),
    }
)


def bounded(file: ComposeFile) -> Iterator[tuple[str, Node, frozenset[str]]]:
    """Yield (place, mapping, keys) for each mapping of *file* that may have no other *keys*.

    *place* is in words. Merges and aliases are followed, so the mapping may be written elsewhere.
    """
    yield "the file", file.root, TOP_KEYS
    for name, body in file.services.items():
        yield f"service {name}", body, SERVICE_KEYS | VERSION_1_KEYS
        for path, keys in _BELOW.items():
            node: Node | None = body
            for step in path.split("."):
                node = merged_get(node, step)
            if node is not None and merged_entries(node):
                yield f"{path} of service {name}", node, keys
    for section, keys in _RESOURCES.items():
        for name, node in file.entries(section).items():
            yield f"{section.removesuffix('s')} {name}", node, keys


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
