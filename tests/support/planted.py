"""Planted single changes, to show that no comparison overlooks one or reports one too many.

Two trees are the same except that each service has one change. Beside each service there is one
that does not change, so that a difference at the wrong service shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE, find_attribute
from composerefactor.planning.opening import ProjectSelection
from composerefactor.planning.verify import StateComparison, compare, open_state
from composerefactor.proof.engine import Engine, release

_NOT_HASHED = frozenset({"build", "pull_policy", "scale", "x-note"})
"""Attributes that the configuration hash leaves out (docker/compose, pkg/compose/hash.go)."""

_LAST_HASHED = {"depends_on": (2, 24, 7), "profiles": (2, 29, 7)}
"""The last observed version that hashes an attribute which the current one does not."""

_READ_SINCE = {"storage_opt": (2, 24, 7)}
"""The first observed version that does not ignore an attribute."""

_DEFAULT_IS_UNKNOWN = frozenset({"attach", "init"})
"""Attributes of which ``false`` is not the same as no value."""

_ATTRIBUTES: tuple[tuple[str, Any, Any], ...] = (
    ("annotations", {"a": "1"}, {"a": "2"}),
    ("attach", True, False),
    ("blkio_config", {"weight": 300}, {"weight": 400}),
    ("build", {"context": "./a"}, {"context": "./b"}),
    ("build.args", {"A": "1"}, {"A": "2"}),
    ("build.target", "a", "b"),
    ("build.labels", {"A": "1"}, {"A": "2"}),
    ("cap_add", ["NET_ADMIN"], ["SYS_TIME"]),
    ("cap_drop", ["ALL"], ["CHOWN"]),
    ("cgroup", "host", "private"),
    ("cgroup_parent", "a", "b"),
    ("command", ["a", "b"], ["b", "a"]),
    ("configs", ["one"], ["two"]),
    ("container_name", "aa", "bb"),
    ("cpu_count", 1, 2),
    ("cpu_percent", 10, 20),
    ("cpu_period", 100, 200),
    ("cpu_quota", 100, 200),
    ("cpu_rt_period", 100, 200),
    ("cpu_rt_runtime", 100, 200),
    ("cpu_shares", 10, 20),
    ("cpus", 0.5, 1.5),
    ("cpuset", "0", "0,1"),
    ("credential_spec", {"file": "a.json"}, {"file": "b.json"}),
    ("depends_on", ["needed"], {"needed": {"condition": "service_healthy"}}),
    ("deploy", {"mode": "global"}, {"mode": "replicated"}),
    ("deploy.endpoint_mode", "vip", "dnsrr"),
    ("deploy.labels", {"a": "1"}, {"a": "2"}),
    ("deploy.placement", {"constraints": ["a==1"]}, {"constraints": ["a==2"]}),
    ("deploy.resources", {"limits": {"memory": "64M"}}, {"limits": {"memory": "96M"}}),
    ("deploy.restart_policy", {"condition": "any"}, {"condition": "none"}),
    ("deploy.update_config", {"parallelism": 1}, {"parallelism": 2}),
    ("device_cgroup_rules", ["c 1:3 mr"], ["a 7:* rmw"]),
    ("devices", ["/dev/a:/dev/a"], ["/dev/b:/dev/a"]),
    ("dns", ["1.1.1.1", "8.8.8.8"], ["8.8.8.8", "1.1.1.1"]),
    ("dns_opt", ["a"], ["b"]),
    ("dns_search", ["a"], ["b"]),
    ("domainname", "a", "b"),
    ("entrypoint", "a", "b"),
    ("environment", {"A": "1"}, {"A": "2"}),
    ("environment", {"A": "1"}, {"A": ""}),
    ("environment", {"A": "1"}, {"B": "1"}),
    ("expose", ["80"], ["81"]),
    ("external_links", ["a:b"], ["a:c"]),
    ("extra_hosts", {"a": "10.0.0.1"}, {"a": "10.0.0.2"}),
    ("gpus", "all", [{"count": 1}]),
    ("group_add", ["1"], ["2"]),
    ("healthcheck", {"test": "a"}, {"test": "b"}),
    ("healthcheck", {"test": "a", "interval": "1s"}, {"test": "a", "interval": "2s"}),
    ("hostname", "a", "b"),
    ("image", "a:1", "a:2"),
    ("init", True, False),
    ("ipc", "host", "shareable"),
    ("isolation", "a", "b"),
    ("labels", {"a": "1"}, {"a": "2"}),
    ("links", ["needed:a"], ["needed:b"]),
    ("logging", {"driver": "json-file"}, {"driver": "local"}),
    ("logging", {"driver": "a", "options": {"x": "1"}}, {"driver": "a", "options": {"x": "2"}}),
    ("mac_address", "02:42:ac:11:00:01", "02:42:ac:11:00:02"),
    ("mem_limit", "64m", "96m"),
    ("mem_reservation", "32m", "48m"),
    ("mem_swappiness", 10, 20),
    ("memswap_limit", "64m", "96m"),
    ("network_mode", "host", "none"),
    ("network_mode", "service:needed", "service:needed-too"),
    ("networks", ["one"], ["two"]),
    ("networks", {"one": {"aliases": ["a"]}}, {"one": {"aliases": ["b"]}}),
    ("networks", {"one": {"priority": 1}}, {"one": {"priority": 2}}),
    ("oom_kill_disable", True, False),
    ("oom_score_adj", 10, 20),
    ("pid", "host", "service:needed"),
    ("pids_limit", 10, 20),
    ("platform", "linux/amd64", "linux/arm64"),
    ("ports", ["80:80"], ["81:80"]),
    ("ports", ["80:80"], ["127.0.0.1:80:80"]),
    ("ports", ["80:80", "81:81"], ["81:81", "80:80"]),
    ("post_start", [{"command": ["a"]}], [{"command": ["b"]}]),
    ("pre_stop", [{"command": ["a"]}], [{"command": ["b"]}]),
    ("privileged", True, False),
    ("profiles", ["a"], ["b"]),
    ("pull_policy", "always", "missing"),
    ("read_only", True, False),
    ("restart", "always", "unless-stopped"),
    ("runtime", "a", "b"),
    ("scale", 2, 3),
    ("secrets", ["one"], ["two"]),
    ("secrets", [{"source": "one", "target": "a"}], [{"source": "one", "target": "b"}]),
    ("security_opt", ["a:1"], ["a:2"]),
    ("shm_size", "64m", "96m"),
    ("stdin_open", True, False),
    ("stop_grace_period", "1s", "2s"),
    ("stop_signal", "SIGINT", "SIGQUIT"),
    ("storage_opt", {"size": "1G"}, {"size": "2G"}),
    ("sysctls", {"a": "1"}, {"a": "2"}),
    ("tmpfs", ["/a"], ["/b"]),
    ("tty", True, False),
    ("ulimits", {"nofile": 10}, {"nofile": 20}),
    ("user", "1", "2"),
    ("userns_mode", "host", ""),
    ("uts", "host", ""),
    ("volumes", ["one:/a"], ["two:/a"]),
    ("volumes", ["one:/a"], ["one:/a:ro"]),
    ("volumes", ["./a:/a"], ["./b:/a"]),
    ("volumes_from", ["needed"], ["needed:ro"]),
    ("working_dir", "/a", "/b"),
    ("x-note", "a", "b"),
)
"""Attributes of a service, each with two values."""

_FILES: tuple[tuple[str, Mapping[str, Any], str, str, str, str], ...] = (
    ("env-file", {"env_file": "change.env"}, "change.env", "A=1\n", "A=2\n", ""),
    ("env-file-added", {"env_file": "add.env"}, "add.env", "", "A=1\n", ""),
    ("env-file-quoted", {"env_file": "quote.env"}, "quote.env", "A='1'\n", 'A="1 2"\n', ""),
    (
        "env-file-optional",
        {"env_file": [{"path": "optional.env", "required": False}]},
        *("optional.env", "A=1\n", "A=2\n", "2.24.0"),
    ),
    (
        "extended",
        {"extends": {"file": "base.yaml", "service": "base"}},
        "base.yaml",
        "services: {base: {environment: {A: '1'}}}\n",
        "services: {base: {environment: {A: '2'}}}\n",
        "",
    ),
    ("label-file", {"label_file": "label.env"}, "label.env", "a=1\n", "a=2\n", "2.32.2"),
    ("variable", {"environment": {"A": "${CHANGED}"}}, ".env", "CHANGED=1\n", "CHANGED=2\n", ""),
    ("default", {"environment": {"A": "${UNSET:-x}"}}, "", "", "", ""),
)
"""Services whose change is in another file: name, body, file, both texts, first version."""


class Planted(Struct, frozen=True):
    """One change.

    Attributes:
        service: The service that it is planted in.
        recreated: Whether ``up`` would recreate its container.
        attribute: The attribute, or the kind of file.
    """

    service: str
    recreated: bool
    attribute: str


class Overlooked(Struct, frozen=True):
    """What a comparison gets wrong; all lists are empty if it is right.

    Attributes:
        equal: Changes that it does not report.
        different: Services that it reports without a change.
        kept: Services that it does not call recreated, although they would be.
        recreated: Services that it calls recreated, although they would not be.
    """

    equal: list[str]
    different: list[str]
    kept: list[str]
    recreated: list[str]


def plant(old: Path, new: Path, version: tuple[int, int, int]) -> list[Planted]:
    """Write both trees, for Docker Compose of *version*, and return the changes."""
    planted: list[Planted] = []
    before: dict[str, Any] = {"needed": {"image": "x"}, "needed-too": {"image": "x"}}
    after = dict(before)
    for attribute, was, now in _ATTRIBUTES:
        if not _is_known(attribute, version):
            continue
        for kind, first, second in (
            ("change", was, now),
            ("add", None, was),
            ("remove", now, None),
        ):
            name = f"s{len(planted)}"
            if second is None and not first and attribute not in _DEFAULT_IS_UNKNOWN:
                continue  # removing the default is no change
            recreated = _is_hashed(attribute, version)
            before[name], after[name] = _service(attribute, first), _service(attribute, second)
            before[f"{name}-same"] = after[f"{name}-same"] = _service(attribute, first)
            if attribute == "container_name":
                before[f"{name}-same"] = after[f"{name}-same"] = _service(attribute, None)
            planted.append(Planted(name, recreated, f"{attribute} ({kind})"))
    for name, body, file, text, other, since in _FILES:
        if since and version < release(since):
            continue
        before[name] = after[name] = {"image": "x", **body}
        if file:
            (old / file).write_text(text)
            (new / file).write_text(other)
        else:
            after[name] = {"image": "x", "environment": {"A": "${UNSET:-y}"}}
        planted.append(Planted(name, recreated=True, attribute=name))
    included = {"included": {"image": "x:1"}}, {"included": {"image": "x:2"}}
    planted.append(Planted("included", recreated=True, attribute="include"))
    for root, services, module in zip((old, new), (before, after), included, strict=True):
        resources = {
            "networks": {"one": None, "two": None},
            "volumes": {"one": None, "two": None},
            "secrets": {"one": {"file": "./one"}, "two": {"file": "./two"}},
            "configs": {"one": {"file": "./one"}, "two": {"file": "./two"}},
        }
        model = {"name": "p", "include": ["module.yaml"], "services": services, **resources}
        (root / "compose.yaml").write_text(json.dumps(model, indent=1))
        (root / "module.yaml").write_text(json.dumps({"services": module}, indent=1))
    return planted


def _service(attribute: str, value: Any) -> dict[str, Any]:
    """Return a service with *attribute*, which may have one dot; None for a service without it."""
    body: dict[str, Any] = {"image": "x:1"}
    if value is None:
        return body
    outer, _, inner = attribute.partition(".")
    if inner:
        return body | {outer: ({"context": "."} if outer == "build" else {}) | {inner: value}}
    return body | {outer: value}


def _is_hashed(attribute: str, version: tuple[int, int, int]) -> bool:
    outer = attribute.partition(".")[0]
    if outer in _LAST_HASHED:
        return version <= _LAST_HASHED[outer]
    return outer not in _NOT_HASHED


def _is_known(attribute: str, version: tuple[int, int, int]) -> bool:
    if version < _READ_SINCE.get(attribute, version):
        return False
    known = find_attribute(SERVICE, tuple(attribute.split(".")))
    return known is None or version >= release(known.options.get("since", ""))


def overlooked(engine: Engine, directory: Path) -> tuple[list[Planted], Overlooked]:
    """Plant the changes below *directory*, compare the trees, and return what is wrong."""
    old, new = directory / "old", directory / "new"
    old.mkdir()
    new.mkdir()
    planted = plant(old, new, engine.release)
    comparison = _compare(engine, old, new)
    differing = {f.service for f in comparison.proof.differences if f.kind != "hash"}
    recreated = {name for names in comparison.proof.recreated.values() for name in names}
    changed = {each.service for each in planted}
    expected = {each.service for each in planted if each.recreated}
    named = {each.service: each.attribute for each in planted}
    return planted, Overlooked(
        sorted(named[name] for name in changed - differing),
        sorted(str(name) for name in differing - changed),
        sorted(named[name] for name in expected - recreated),
        sorted(named.get(name, name) for name in recreated - expected),
    )


def _compare(engine: Engine, old: Path, new: Path) -> StateComparison:
    chosen = ProjectSelection(Path())
    with (
        open_state(str(old), old, chosen) as before,
        open_state(str(new), old, chosen, before.project.entries) as after,
    ):
        return compare(before, after, engine)
