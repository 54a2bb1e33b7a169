"""Projects in which several definitions of a service are merged, with every typed attribute.

The definitions are in a file of ``-f``, in an override file, in an included and in an extended
file, each in a directory of its own, and share attributes by anchors and merge keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

ROOT, OVERRIDE = "compose.yaml", "compose.override.yaml"
INCLUDED, EXTENDED = "inc/compose.yaml", "base/base.yaml"

VALUES: Mapping[str, tuple[str, ...]] = {
    "image": ("nginx", "nginx:${TAG}", "nginx:${OTHER:-1.27}", '"n:1"'),
    "build": (".", "../app", "{context: app, target: t, args: [A=1, B]}", "{dockerfile: D}"),
    "pull_policy": ("always", "missing"),
    "command": ("run --all 'a b'", '["run", "a b"]', "", '"${OTHER:-go} on"', "a && b", "[]"),
    "entrypoint": ("/start.sh -x", '["/start.sh"]', "null", '[sh, -c, "echo $$A ${TAG}"]'),
    "ports": (
        '["80", "${PORT}:80"]',
        '["127.0.0.1:8080:80/udp", "9000-9001:9000-9001"]',
        "[{target: 80, published: 8080, host_ip: 127.0.0.1}, 443]",
        '["80:80/tcp", "[::1]:53:53/udp"]',
    ),
    "expose": ('["80", 90]', '["90"]'),
    "volumes": (
        '["./data:/data:ro", "v:/v"]',
        '["/var/lib/x", "../up:/data"]',
        "[{type: bind, source: ./c, target: /c, read_only: true}, {type: volume, target: /v}]",
        '["~/home:/h", "./${TAG}:/t:rw,z"]',
        "[{type: tmpfs, target: /cache}, {type: volume, source: v, target: /data/}]",
    ),
    "tmpfs": ("/cache", '["/cache:size=1m", "/run"]', '["/run"]'),
    "environment": (
        '[A=1, "B=${TAG}", C, TAG]',
        "{A: 1.10, B: null, D: true, E: 1e3, TAG: }",
        '{A: "x=y", F: "a b", G: 0x10, H: 010, I: 1_000}',
        "[A=, J==]",
    ),
    "env_file": (
        "a.env",
        "[{path: a.env, required: false}, b.env]",
        '["./${TAG}.env", ../a.env]',
        "[{path: ./none.env, required: false}]",
    ),
    "healthcheck": (
        "{test: curl -f localhost, interval: 90s, retries: 3}",
        '{test: ["CMD", "true"], timeout: 1m30s}',
        "{disable: true}",
        '{test: ["NONE"]}',
        '{start_period: 500ms, retries: "5", interval: 1h}',
    ),
    "depends_on": (
        "[a, b]",
        "{a: {condition: service_healthy}, b: {condition: service_started, required: false}}",
        "{a: {condition: service_completed_successfully, restart: true}}",
        "[b]",
    ),
    "networks": ("[n]", "{n: {aliases: [x, y]}, m: }", "{n: {aliases: [z]}}", "[m]"),
    "links": ('["a:db"]', '["b", "a:db"]'),
    "extra_hosts": ('["h:1.1.1.1", "g=::1"]', "{h: 1.1.1.2}", '["g:[::1]"]'),
    "deploy": (
        "{replicas: 2, resources: {limits: {cpus: '0.5', memory: 1g}}}",
        "{resources: {limits: {memory: 512M}, reservations: {cpus: 0.25}}}",
        "{restart_policy: {condition: on-failure}}",
        "{restart_policy: {delay: 5s}, replicas: 3}",
    ),
    "shm_size": ("64m", "1gb", "1048576"),
    "restart": ("always", '"no"', "on-failure:3", "${OTHER:-unless-stopped}"),
    "stop_grace_period": ("90s", "1m30s", "1h"),
    "profiles": ("[p, q]", "[q, r]", "[]"),
    "labels": ('[a=1, "b=x=y", c]', "{a: 2, d: true, e: 1.10, f: null}"),
    "user": ('"1000"', "root", "${OTHER:-1}:2"),
    "privileged": ("true", "false", '"true"'),
    "read_only": ("true", "false"),
    "cap_add": ("[A, B]", "[B, C]"),
    "cap_drop": ("[ALL]", "[ALL, X]"),
    "security_opt": ("[no-new-privileges=true]", "[no-new-privileges=true, a=b]"),
    "ipc": ("host", "private"),
    "pid": ("host",),
    "userns_mode": ("host",),
    "uts": ("host",),
    "cgroup": ("host", "private"),
    "hostname": ("h1", "h-${TAG}"),
    "domainname": ("example.com", '"${OTHER:-d}"'),
    "external_links": ('["x:y", "z"]', '["z"]'),
    "secrets": ("[s]", "[{source: s, target: /x}, t]", "[{source: t, target: t2}]"),
    "configs": ("[s]", "[{source: s, target: /x}]", "[t, s]"),
    "logging": (
        "{driver: json-file, options: {max-size: 10m, max-file: 3}}",
        "{driver: local}",
        '{options: {max-size: "5m"}}',
    ),
    "mem_limit": ("512m", "1G"),
    "mem_reservation": ("256m", "262144k"),
    "cpus": ("0.5", '"1.5"'),
    "container_name": ("c-one", "c-${TAG}"),
    "network_mode": ("host", "none"),
    "scale": ("2", "3"),
    "volumes_from": ("[a]", '["b:ro"]'),
}
"""Values of each attribute in the forms that people write."""

_EXCLUDES: Mapping[str, tuple[str, ...]] = {
    "network_mode": ("networks", "links", "ports", "extra_hosts"),
    "container_name": ("deploy", "scale"),
    "scale": ("deploy", "container_name"),
    "mem_limit": ("deploy",),
    "mem_reservation": ("deploy",),
    "cpus": ("deploy",),
}
"""What Docker Compose rejects together."""

_TAGGED = frozenset({"ports", "volumes", "environment", "command", "networks", "depends_on"})
"""Attributes that an override file also resets or overrides."""

_FIXED = {
    ".env": "TAG=1.2\nPORT=8081\nA=of-the-shell\n",
    "inc/.env": "TAG=inc\nPORT=8082\n",
    **{
        f"{directory}{name}.env": f"X={name}\nFROM_{name[0].upper()}=1\n"
        for directory in ("", "inc/", "base/")
        for name in ("a", "b", "1.2", "inc")
    },
}
_RESOURCES = (
    "volumes: {v: }\n"
    "networks: {n: , m: }\n"
    "secrets: {s: {file: s.txt}, t: {environment: T}}\n"
    "configs: {s: {file: s.txt}, t: {content: t}}\n"
)
_OTHERS = "  a: {image: a}\n  b: {image: b}\n"


DIFFERENT_BEFORE = frozenset({"depends_on", "volumes"})
"""Attributes that old releases merge in another way if the files use different forms."""


@st.composite
def merged_projects(draw: st.DrawFn) -> dict[str, str]:
    """Return the files of a project by path."""
    names = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=3, max_size=12, unique=True))
    excluded = {other for name in names for other in _EXCLUDES.get(name, ())}
    names = [name for name in names if name not in excluded]

    anchored: list[int] = []

    def attributes(indent: str, *, tags: bool = False) -> str:
        chosen = draw(st.lists(st.sampled_from(names), max_size=8, unique=True))
        lines = []
        for name in chosen:
            value = draw(st.sampled_from(VALUES[name]))
            tag = tags and name in _TAGGED and draw(st.integers(0, 5))
            value = {1: "!override " + value, 2: "!reset null"}.get(int(tag), value)
            lines.append(f"{indent}{name}: {value}\n")
        return "".join(lines)

    def service(name: str, extends: str = "", *, tags: bool = False) -> str:
        merge = draw(st.sampled_from(("", "    <<: *x\n", "    <<: [*y, *x]\n")))
        body = extends + merge + attributes("    ", tags=tags)
        return f"  {name}:\n" + (body or "    {}\n")

    def file(*services: str, head: str = "", tail: str = _RESOURCES) -> str:
        # Docker Compose merges the anchors of several files too if they have the same name.
        unique = len(anchored)
        anchored.append(unique)
        anchors = "".join(
            f"x-{name}{unique}: &{name}\n" + (attributes("  ") or "  {}\n") for name in "xy"
        )
        return f"{head}{anchors}services:\n{''.join(services)}{tail}"

    parent = draw(
        st.sampled_from(
            ("", "    extends: local\n", "    extends: {file: base/base.yaml, service: parent}\n")
        )
    )
    files = {
        ROOT: file(
            "  local: {image: local}\n" + service("base"),
            service("web", parent),
            _OTHERS,
            head="include: [inc/compose.yaml]\n" if (included := draw(st.booleans())) else "",
        ),
        OVERRIDE: file(service("web", tags=True), service("base", tags=True), tail=""),
        EXTENDED: file(
            service("parent", draw(st.sampled_from(("", "    extends: {service: grand}\n")))),
            service("grand"),
            _OTHERS,
        ),
    }
    if included:
        files[INCLUDED] = file(
            service(draw(st.sampled_from(("other", "web")))), tail="volumes: {v: }\n"
        )
    return {**files, **_FIXED}
