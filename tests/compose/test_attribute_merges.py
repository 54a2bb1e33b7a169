"""The merges in the table of attributes against Docker Compose: two files, and one for both."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from composerefactor.compose.attributes import SERVICE, Attribute
from composerefactor.proof.comparison import parse_config
from composerefactor.proof.engine import release
from support.engine import release_of, resolved

Place = tuple[str, ...]

BYTES = ("1048576", "2097152")
VALUES: Mapping[str, tuple[Any, Any]] = {
    "boolean": (True, False),
    "number": (1, 2),
    "duration": ("1m0s", "2m0s"),
    "pairs": ({"A": "1", "B": "2"}, {"B": "3", "C": "4"}),
    "texts": (["a", "b"], ["c"]),
    "scalars": (["1", "2"], ["3"]),
    "text": ("aa", "bb"),
}
"""A value of each kind for the first file, and one for the second."""
SAMPLES: Mapping[str, tuple[Any, Any]] = {
    "build": ({"context": "a", "target": "t"}, {"context": "b", "network": "n"}),
    "build.additional_contexts": ({"a": "/a", "b": "/b"}, {"b": "/c", "d": "/d"}),
    "build.entitlements": (["network.host"], ["security.insecure"]),
    "build.extra_hosts": (["a=1.1.1.1"], ["b=1.1.1.2"]),
    "build.no_cache_filter": (["a", "b"], ["c"]),
    "build.platforms": (["linux/amd64"], ["linux/arm64"]),
    "build.secrets": ([{"source": "s"}], [{"source": "t"}]),
    "build.ssh": ({"a": "/a", "b": "/b"}, {"b": "/c", "d": "/d"}),
    "build.tags": (["t/a", "t/b"], ["t/b", "t/c"]),
    "build.shm_size": BYTES,
    "build.ulimits": ({"nproc": 1}, {"nofile": 2}),
    "pull_policy": ("always", "never"),
    "pull_refresh_after": ("24h", "48h"),
    "platform": ("linux/amd64", "linux/arm64"),
    "provider": ({"type": "a"}, {"options": {"a": "b"}}),
    "profiles": (["a", "b"], ["b", "c"]),
    "env_file": (
        [{"path": "/a", "required": False}, {"path": "/b", "required": False}],
        [{"path": "/b", "required": False}, {"path": "/c", "required": False}],
    ),
    "secrets": (
        [{"source": "s", "target": "/a"}, {"source": "s", "target": "/b"}],
        [{"source": "t", "target": "/b"}, {"source": "t", "target": "/c"}],
    ),
    "configs": (
        [{"source": "s", "target": "/a"}, {"source": "s", "target": "/b"}],
        [{"source": "t", "target": "/b"}, {"source": "t", "target": "/c"}],
    ),
    "credential_spec": ({"file": "a"}, {"file": "b"}),
    "models": ({"m": {"endpoint_var": "A"}}, {"n": {"endpoint_var": "B"}}),
    "expose": (["1", "2"], ["2", "3"]),
    "ports": (
        [{"target": 1, "published": "11"}, {"target": 2, "published": "12"}],
        [{"target": 2, "published": "12", "mode": "host"}, {"target": 3, "published": "13"}],
    ),
    "volumes": (
        [
            {"type": "volume", "source": "s", "target": "/a"},
            {"type": "bind", "source": "/b", "target": "/b"},
        ],
        [
            {"type": "volume", "source": "t", "target": "/b"},
            {"type": "tmpfs", "target": "/c"},
        ],
    ),
    "volumes_from": (["container:a"], ["container:b"]),
    "devices": (["/a:/x:r", "/b:/y:r"], ["/d:/z:r"]),  # v2.24.7 keeps both of one target
    "device_cgroup_rules": (["c 1:3 mr"], ["a 7:* rmw"]),
    "gpus": ([{"count": 1}], [{"count": 2}]),
    "network_mode": ("none", "host"),
    "networks": ({"s": {"priority": 1}}, {"t": {"priority": 2}}),
    "dns": (["1.1.1.1", "1.1.1.2"], ["1.1.1.2", "1.1.1.3"]),
    "dns_opt": (["a", "b"], ["b", "c"]),
    "dns_search": (["a", "b"], ["b", "c"]),
    "extra_hosts": (["a=1.1.1.1"], ["b=1.1.1.2"]),
    "links": (["other:a", "other:b"], ["other:b", "other:c"]),
    "depends_on": (
        {"other": {"condition": "service_started"}},
        {"another": {"condition": "service_healthy"}},
    ),
    "tmpfs": (["/a", "/b"], ["/b", "/c"]),
    "cap_add": (["A", "B"], ["B", "C"]),
    "cap_drop": (["A", "B"], ["B", "C"]),
    "cgroup": ("host", "private"),
    "ulimits": ({"nproc": 1}, {"nofile": 2}),
    "storage_opt": ({"size": "1"}, {"other": "2"}),
    "shm_size": BYTES,
    "mem_limit": BYTES,
    "mem_reservation": BYTES,
    "memswap_limit": BYTES,
    "cpuset": ("0", "1"),
    "blkio_config": ({"weight": 1}, {"weight": 2}),
    "blkio_config.weight_device": ([{"path": "/a", "weight": 1}], [{"path": "/b", "weight": 2}]),
    **dict.fromkeys(
        [
            f"blkio_config.device_{verb}_{unit}"
            for verb in ("read", "write")
            for unit in ("bps", "iops")
        ],
        ([{"path": "/a", "rate": 1}], [{"path": "/b", "rate": 2}]),
    ),
    **dict.fromkeys(
        ("pre_start", "post_start", "pre_stop"),
        ([{"command": ["a"]}, {"command": ["b"]}], [{"command": ["c"]}]),
    ),
    "healthcheck": ({"test": "a", "retries": 1}, {"retries": 2, "timeout": "1s"}),
    "healthcheck.test": (["CMD", "a"], ["CMD", "b"]),
    "deploy": ({"mode": "global"}, {"endpoint_mode": "vip"}),
    "deploy.placement": ({"constraints": ["a"]}, {"max_replicas_per_node": 1}),
    "deploy.placement.preferences": ([{"spread": "a"}], [{"spread": "b"}]),
    "deploy.resources": ({"limits": {"cpus": "1"}}, {"reservations": {"cpus": "1"}}),
    "deploy.resources.limits": ({"cpus": "1", "pids": 1}, {"pids": 2}),
    "deploy.resources.limits.cpus": ("1", "2"),
    "deploy.resources.limits.memory": BYTES,
    "deploy.resources.reservations": ({"cpus": "1"}, {"memory": "1048576"}),
    "deploy.resources.reservations.cpus": ("1", "2"),
    "deploy.resources.reservations.memory": BYTES,
    "deploy.resources.reservations.generic_resources": (
        [{"discrete_resource_spec": {"kind": "a", "value": 1}}],
        [{"discrete_resource_spec": {"kind": "b", "value": 1}}],
    ),
    "deploy.resources.reservations.devices": (
        [{"capabilities": ["a"], "count": 1}],
        [{"capabilities": ["b"], "count": 1}],
    ),
    "deploy.restart_policy": ({"condition": "any", "delay": "1s"}, {"delay": "2s"}),
    "deploy.update_config": ({"parallelism": 1, "delay": "1s"}, {"delay": "2s"}),
    "deploy.update_config.order": ("start-first", "stop-first"),
    "deploy.rollback_config": ({"parallelism": 1, "delay": "1s"}, {"delay": "2s"}),
    "deploy.rollback_config.order": ("start-first", "stop-first"),
    "logging": ({"driver": "d", "options": {"a": "1"}}, {"driver": "d"}),
    "logging.options": ({"a": "1", "b": "2"}, {"b": "3", "c": "4"}),
    "develop": ({"watch": []}, {}),
    "develop.watch": (
        [{"path": "/a", "action": "rebuild"}],
        [{"path": "/b", "action": "rebuild"}],
    ),
    "provider.options": ({"a": "1", "b": "2"}, {"b": "3", "c": "4"}),
    "mac_address": ("02:42:ac:11:00:01", "02:42:ac:11:00:02"),
}
AROUND: Mapping[str, dict[str, Any]] = {
    "build": {"context": "/c"},
    "provider": {"type": "a"},
    "healthcheck": {"test": ["CMD", "a"]},
    "logging": {"driver": "d"},
}
"""What the mapping around an attribute needs."""
NOT_TESTED = {
    "label_file": "the files must exist",
    "build.dockerfile_inline": "excludes dockerfile",
    "scale": "the model has it in deploy too",
}
REJECTS_NULL = {"healthcheck.test", "logging", "logging.driver"}
KEYS: Mapping[str, Callable[[Any], Any]] = {
    "text": lambda item: item,
    "name": lambda item: item.partition("=")[0],
    "path": lambda item: item["path"],
    "target": lambda item: item.split(":")[1] if isinstance(item, str) else item["target"],
    "binding": lambda item: (item["target"], item["published"]),
}


def merged(attribute: Attribute, first: Any, second: Any) -> Any:
    """Return the value that means the same as *first* in one file and *second* in the next."""
    if attribute.merge in {"replaced", "cleared"}:
        return second
    if isinstance(first, dict):
        return {**first, **second}
    if attribute.merge == "appended":
        return [*first, *second]
    key = KEYS[attribute.options["by"]]
    return list({key(item): item for item in (*first, *second)}.values())


def sample(attribute: Attribute) -> tuple[Any, Any]:
    """Return a value for the first file and one for the second."""
    if attribute.name in SAMPLES:
        return SAMPLES[attribute.name]
    for kind, pair in VALUES.items():
        if kind in attribute.values:
            return pair
    raise AssertionError(f"no sample for {attribute.name}")


def service(attribute: Attribute, value: Any) -> dict[str, Any]:
    """Return a service with *value* as *attribute*."""
    *parents, key = attribute.path
    body: Any = {key: value}
    for n in range(len(parents), 0, -1):
        body = {parents[n - 1]: {**AROUND.get(".".join(parents[:n]), {}), **body}}
    return {"image": "i", **body} if "image" not in body else body


def rows_for(engine: Path) -> list[Attribute]:
    """Return the attributes of a service that *engine* knows and that are merged on their own."""
    return [
        row
        for path, row in SERVICE.items()
        if "*" not in path
        and row.merge not in {"-", "subnets"}
        and row.name not in NOT_TESTED
        and all(
            release(SERVICE[path[:n]].options.get("since", "0")) <= release_of(engine)
            for n in range(1, len(path) + 1)
        )
    ]


def resolve(
    engine: Path, directory: Path, rows: list[Attribute], *values: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the resolved services for *rows* with a file for each of *values*."""
    paths = []
    for n, file in enumerate(values):
        resources = ("networks", "volumes", "secrets", "configs")
        body = {
            "services": {
                **{row.name.replace(".", "-"): service(row, file[row.name]) for row in rows},
                "other": {"image": "i"},
                "another": {"image": "i"},
            },
            **{section: {name: resource(section) for name in "st"} for section in resources},
        }
        if any(row.name == "models" for row in rows):
            body["models"] = {name: {"model": "a"} for name in "mn"}
        (directory / f"{n}.json").write_text(json.dumps(body), encoding="utf-8")
        paths.append(f"{n}.json")
    output = resolved(engine, directory, paths)
    assert output is not None, [row.name for row in rows]
    services: dict[str, Any] = parse_config(output)["services"]
    return services


def resource(section: str) -> dict[str, Any]:
    return {"file": "/f"} if section in {"secrets", "configs"} else {}


def test_merges(engine: Path, tmp_path: Path) -> None:
    rows = rows_for(engine)
    pairs = {row.name: sample(row) for row in rows}
    one = {row.name: merged(row, *pairs[row.name]) for row in rows}
    first = {name: pair[0] for name, pair in pairs.items()}
    second = {name: pair[1] for name, pair in pairs.items()}
    assert resolve(engine, tmp_path, rows, first, second) == resolve(engine, tmp_path, rows, one)


def test_null(engine: Path, tmp_path: Path) -> None:
    rows = [row for row in rows_for(engine) if row.name not in REJECTS_NULL]
    first = {row.name: sample(row)[0] for row in rows}
    second = {row.name: None for row in rows}
    kept = {row.name: None if row.merge == "cleared" else first[row.name] for row in rows}
    assert resolve(engine, tmp_path, rows, first, second) == resolve(engine, tmp_path, rows, kept)
