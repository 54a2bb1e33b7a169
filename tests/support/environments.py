"""Several base files that define the same services, each a little differently, as text."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

BASES = ("docker-compose.yml", "docker-compose.dev.yml", "docker-compose.prod.yml")
OVERRIDE = "docker-compose.override.yml"

Pairs = dict[str, Any]
Service = dict[str, Any]
"""A service by attribute: text, list of text, or nested mappings of those."""

SCALARS = {
    "image": ("nginx:1.27", "postgres:16", "${REGISTRY:-docker.io}/shop/api:3"),
    "restart": ("always", "unless-stopped", '"no"'),
    "hostname": ("one", "two"),
    "init": ("true", "false"),
    "mem_limit": ("512m", "1g"),
    "command": ("run", '["run", "--port", "80"]', "|-\n one\n # no comment\n two", ""),
    "stop_grace_period": ("10s", "30s"),
}
PAIRS = {
    "environment": ("A", "B_URL", "LOG_LEVEL", "D.E"),
    "labels": ("traefik.enable", "app", "tier"),
    "sysctls": ("net.core.somaxconn", "net.ipv4.tcp_syncookies"),
}
VALUES = ("1", "'1'", "2", '"${B:-x y}"', "http://x:80/?a=b", "true", None, '""', "1.50")
ITEMS = {
    "ports": (
        '"8080:80"',
        '{mode: ingress, target: 80, published: "8080", protocol: tcp}',
        '"443"',
        '"127.0.0.1:5432:5432"',
        "9000:90/udp",
        "- target: 81",
    ),
    "volumes": (
        "./a:/a",
        "data:/data",
        "{type: volume, source: data, target: /data, volume: {}}",
        "logs:/logs:ro",
        '"${DIR:-./b}:/b"',
        "./c:/a",
        "/anon",
    ),
    "env_file": ("common.env", "./other.env", "third.env"),
    "cap_add": ("NET_ADMIN", "SYS_TIME", "ALL"),
    "dns": ("1.1.1.1", "8.8.8.8"),
    "expose": ("80", '"82"', "81"),
    "tmpfs": ("/run", "/cache:size=1m"),
    "security_opt": ("no-new-privileges:true", "seccomp:unconfined"),
    "secrets": ("token", "key", "{source: token}"),
    "configs": ("conf", "other_conf"),
    "extra_hosts": ("a=10.0.0.1", "b=10.0.0.2"),
}
NAMES = {"depends_on": ("db", "cache"), "networks": ("front", "back", "default")}
MAPS: dict[str, dict[str, tuple[Any, ...]]] = {
    "build": {
        "context": ("./app", "."),
        "dockerfile": ("Dockerfile.a", "Dockerfile.b"),
        "target": ("dev", "prod"),
        "args": ({"A": "1", "B": "2"}, {"A": "1"}, {"A": "x", "C": "'3'"}),
    },
    "healthcheck": {
        "test": ('["CMD", "true"]', "curl -f http://localhost || exit 1"),
        "interval": ("10s", "30s"),
        "retries": ("3", "5"),
    },
    "deploy": {
        "replicas": ("1", "2"),
        "labels": ({"a": "x"}, {"a": "x", "b": "y"}),
        "resources": ({"limits": {"memory": "64M"}}, {"limits": {"memory": "64M", "cpus": "'1'"}}),
        "restart_policy": ({"condition": "any"}, {"condition": "any", "delay": "5s"}),
    },
    "logging": {"driver": ("json-file",), "options": ({"max-size": "1m"}, {"max-size": "'2m'"})},
    "ulimits": {"nproc": ("65535", "1024"), "nofile": ({"soft": "1", "hard": "2"}, "20")},
}
RESOURCES = {
    "volumes": ("data", "logs"),
    "networks": ("front", "back"),
    "secrets": ("token", "key"),
    "configs": ("conf", "other_conf"),
}
EXTRA = "include:\n  - extra.yml"
SERVICES = ("db", "cache", "web", "api", "worker", "Mail_hog")


@dataclass(frozen=True)
class Environments:
    """*files* by path; *bases* are entry points of one file each, the first may be overridden."""

    files: dict[str, str]
    bases: tuple[str, ...]

    @property
    def entries(self) -> list[tuple[str, ...]]:
        """The files of each entry point."""
        overridden = [(self.bases[0], OVERRIDE)] if OVERRIDE in self.files else []
        return [*((base,) for base in self.bases), *overridden]


@dataclass
class _Author:
    """Thinks up services, and changes them for another environment."""

    draw: st.DrawFn

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def some(self, choices: Sequence[Any], least: int = 1, most: int = 3) -> list[Any]:
        drawn = st.lists(st.sampled_from(choices), min_size=least, max_size=most, unique=True)
        return self.draw(drawn)

    def one(self, choices: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def service(self, known: Sequence[str]) -> Service:
        found: Service = {"image": self.one(SCALARS["image"])}
        names = [*SCALARS, *PAIRS, *ITEMS, *NAMES, *MAPS]
        for name in self.some(names, 2, 8):
            value = self.value(name, known)
            if value:
                found[name] = value
        return found

    def value(self, name: str, known: Sequence[str]) -> Any:
        if name in SCALARS:
            return self.one(SCALARS[name])
        if name in PAIRS:
            keys = self.some(PAIRS[name])
            return {key: self.pair(name) for key in keys}
        if name in ITEMS:
            return self.some(ITEMS[name])
        if name in NAMES:
            others = [n for n in NAMES[name] if name == "networks" or n in known]
            return {n: self.options(name) for n in self.some(others)} if others else None
        parts = MAPS[name]
        least = ["context"] if name == "build" else []
        chosen = dict.fromkeys([*least, *self.some(list(parts))])
        return {key: copy.deepcopy(self.one(parts[key])) for key in chosen}

    def pair(self, name: str) -> str | None:
        value: str | None = self.one(VALUES)
        if name == "sysctls":
            return "1" if value is None else value
        return value

    def options(self, name: str) -> dict[str, Any] | None:
        if self.chance(2):
            return None
        if name == "networks":
            return {"aliases": "[x, y]"} if self.chance(2) else {}
        return {"condition": self.one(("service_started", "service_healthy"))}

    def changed(self, service: Service, known: Sequence[str]) -> Service:
        """Return *service* as another environment has it."""
        found = copy.deepcopy(service)
        if self.chance(4):
            return found
        for name in list(found):
            if not self.chance(3):
                continue
            kind = self.draw(st.integers(0, 5))
            if kind == 0 and name != "image":
                del found[name]
            elif kind == 1:
                found[name] = self.value(name, known) or found[name]
            else:
                self.adjust(name, found, known)
        if self.chance(3):
            name = self.one([*PAIRS, *ITEMS, *MAPS])
            found.setdefault(name, self.value(name, known))
        if self.chance(4):
            found = {name: found[name] for name in self.draw(st.permutations(list(found)))}
        return found

    def adjust(self, name: str, found: Service, known: Sequence[str]) -> None:
        """Add to a collection, take away from it, or change one part."""
        value = cast("Any", found[name])
        other = self.value(name, known)
        if isinstance(value, list):
            added = [item for item in other if item not in value]
            found[name] = [*value, *added] if self.chance(2) else value[:-1] or value
            if self.chance(5):
                found[name] = [*added, *value]
        elif isinstance(value, dict) and other:
            found[name] = {**value, **other}
            if self.chance(3) and len(value) > 1:
                last = list(value)[-1]
                if last != "context":
                    found[name].pop(last)


@dataclass
class _Writer:
    """Writes one file in a style of its own."""

    draw: st.DrawFn
    number: int
    indent: int
    anchored: list[str]
    merges: dict[str, str]
    lines: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def add(self, level: int, text: str) -> None:
        self.lines.append((" " * self.indent * level + text).rstrip())

    def remark(self, topic: str) -> str:
        """Return a comment on *topic*, which another file may have too."""
        return f"# {topic}: reason {self.draw(st.integers(0, 1))}"

    def above(self, level: int, topic: str) -> None:
        if self.chance(8):
            self.add(level, self.remark(topic))

    def behind(self, topic: str) -> str:
        return f"   {self.remark(topic)}" if self.chance(10) else ""

    def service(self, name: str, body: Service, extends: str | None) -> None:
        if self.chance(2):
            self.add(0, "")
        self.above(1, f"service {name}")
        anchor = f" &{name}" if name in self.anchored else ""
        simple = all(isinstance(v, str) and v and v[0] not in "|[" for v in body.values())
        if simple and not extends and self.chance(3):
            inner = ", ".join(f"{k}: {v}" for k, v in body.items() if "{" not in v)
            self.add(1, f"{name}:{anchor} {{{inner}}}{self.behind(name)}")
            return
        self.add(1, f"{name}:{anchor}{self.behind(name)}")
        if extends:
            self.add(2, f"extends: {extends}")
        merged = self.merges.get(name, "")
        if merged in self.blocks and not self.chance(5):
            self.above(2, f"{name} merge")
            self.add(2, f"<<: *{merged}")
        for key, value in body.items():
            self.attribute(2, name, key, value)
        if self.chance(8):
            self.add(2, f"# {name}_later: no")

    def attribute(self, level: int, topic: str, key: str, value: Any) -> None:
        topic = f"{topic} {key}"
        self.above(level, topic)
        if isinstance(value, str):
            first, *rest = value.split("\n")
            self.add(level, f"{key}: {first}" + ("" if rest else self.behind(topic)))
            for line in rest:
                self.add(level + 1, line)
        elif isinstance(value, list):
            self.items(level, topic, key, value)
        elif key in {*PAIRS, "args"} and self.chance(2):
            self.items(level, topic, key, [_pair(k, v) for k, v in value.items()])
        elif key in NAMES and not any(value.values()) and self.chance(2):
            self.items(level, topic, key, list(value))
        elif key == "build" and list(value) == ["context"] and self.chance(2):
            self.add(level, f"build: {value['context']}")
        else:
            self.mapping(level, topic, key, value)

    def items(self, level: int, topic: str, key: str, items: list[str]) -> None:
        if self.chance(5) and not any(item.startswith("- ") for item in items):
            self.add(level, f"{key}: [{', '.join(items)}]{self.behind(topic)}")
            return
        self.add(level, f"{key}:{self.behind(topic)}")
        dash = level if self.chance(2) else level + 1
        for n, item in enumerate(items):
            self.above(dash, f"{topic} {n}")
            if item.startswith("- "):
                self.add(dash, item)
                self.lines.append(" " * self.indent * dash + "  protocol: tcp")
            else:
                self.add(dash, f"- {item}{self.behind(f'{topic} {n}')}")
        if self.chance(10):
            self.add(dash, f"# - {topic} off")

    def mapping(self, level: int, topic: str, key: str, value: dict[str, Any]) -> None:
        simple = all(isinstance(v, str) and "\n" not in v for v in value.values())
        if simple and self.chance(6):
            inner = ", ".join(f"{k}: {v}" for k, v in value.items())
            self.add(level, f"{key}: {{{inner}}}{self.behind(topic)}")
            return
        if not value:
            self.add(level, f"{key}: {{}}")
            return
        self.add(level, f"{key}:{self.behind(topic)}")
        if key == "environment" and "env" in self.blocks and self.chance(2):
            self.add(level + 1, "<<: *env")
        for name, part in value.items():
            if key in NAMES and part is None:
                if key == "networks":
                    self.add(level + 1, f"{name}:")
                else:
                    self.add(level + 1, f"{name}: {{condition: service_started}}")
            elif key in NAMES and not part:
                self.add(level + 1, f"{name}: {{}}" if key == "networks" else f"{name}:")
            else:
                self.attribute(level + 1, topic, name, "" if part is None else part)
        if self.chance(10):
            self.add(level + 1, f"# {topic}_off: 1")

    def head(self, *, has_blocks: bool) -> None:
        """Write what stands above the services: *has_blocks* for some that carry anchors."""
        if self.chance(2):
            self.add(0, f"# File {self.number}.")
            self.add(0, "")
        if self.chance(6):
            self.above(0, "include")
            self.lines += [self.draw(st.sampled_from(("include: [extra.yml]", EXTRA))), ""]
        if not has_blocks:
            return
        driver = "local" if self.chance(4) else "json-file"
        blocks = {
            "common": ["x-common: &common", "  logging:", f"    driver: {driver}"],
            "env": ["x-env: &env", "  SHARED: '1'"],
            "more": ["x-more: &more", "  tty: true", "  restart: always"],
        }
        for name, lines in blocks.items():
            if not self.chance(6):
                self.blocks.append(name)
                self.above(0, name)
                self.lines += [*lines, ""]

    def services(self, services: Mapping[str, Service], tie: str | None) -> None:
        """Write the *services*; the one called *tie* extends another."""
        self.above(0, "services")
        self.add(0, f"services:{self.behind('services')}")
        done: list[str] = []
        for name, body in services.items():
            extends = self.draw(st.sampled_from(done)) if name == tie and done else None
            self.service(name, body, extends)
            done.append(name)
            if name in self.anchored:
                self.blocks.append(name)

    def resources(self) -> None:
        """Write the resources that the services use."""
        used = "\n".join(self.lines)
        for section, names in RESOURCES.items():
            found = [name for name in names if name in used]
            if not found:
                continue
            self.add(0, "")
            self.above(0, section)
            self.add(0, f"{section}:{self.behind(section)}")
            for name in found:
                self.above(1, f"{section} {name}")
                self.add(1, f"{name}:{self.behind(f'{section} {name}')}")
                if section in {"secrets", "configs"}:
                    self.add(2, "file: ./s.txt")
                elif self.chance(4):
                    self.add(2, "labels: [a=b]")

    def text(self) -> str:
        """Return the file, with line ends of either kind, and mostly one at the end."""
        newline = "\r\n" if self.chance(6) else "\n"
        return newline.join(self.lines) + ("" if self.chance(6) else newline)


def _pair(key: str, value: str | None) -> str:
    if value is None:
        return key
    bare = value.strip("'\"")
    return f'"{key}={bare}"' if " " in bare or value.startswith('"') else f"{key}={bare}"


@st.composite
def environments(draw: st.DrawFn, *, most_services: int = 5) -> Environments:
    """Two or three base files with services that are equal in part, some with an override file.

    Simplest first: two equal files with an image each.
    """
    author = _Author(draw)
    names = draw(
        st.lists(st.sampled_from(SERVICES), min_size=2, max_size=most_services, unique=True)
    )
    services: dict[str, Service] = {}
    for name in names:
        services[name] = author.service(list(services))
    bases = BASES[: draw(st.integers(2, 3))]
    tie = author.one(names[1:]) if author.chance(5) else None
    files = {f"{n}.env": f"{n.upper()}=1\n" for n in ("common", "other", "third")}
    files["extra.yml"] = "services:\n  extra:\n    image: busybox\n"
    files |= {"s.txt": "content\n", ".env": "REGISTRY=r.example\n"}
    has_blocks = author.chance(2)
    merges = {n: author.one(("common", "more", *names, "", "")) for n in names}
    anchored = [author.one(names)] if author.chance(4) else []
    for number, path in enumerate(bases):
        own = {
            name: body if number == 0 else author.changed(body, list(services))
            for name, body in services.items()
            if number == 0 or not author.chance(6)
        }
        for body in own.values():
            needed = body.get("depends_on", {})
            body["depends_on"] = {n: o for n, o in needed.items() if n in own}
            if not body["depends_on"]:
                del body["depends_on"]
        writer = _Writer(draw, number, draw(st.sampled_from((2, 2, 4))), anchored, merges)
        writer.head(has_blocks=has_blocks)
        writer.services(own, tie)
        writer.resources()
        files[path] = writer.text()
    if author.chance(3):
        files[OVERRIDE] = f"services:\n  {names[0]}:\n    environment:\n      - DEBUG=1\n"
        if author.chance(2):
            writer = _Writer(draw, len(bases), 2, [], {})
            copied = {names[0]: author.changed(services[names[0]], [])}
            copied[names[0]].pop("depends_on", None)
            # Over an included file the path would stand twice where no variables are put in.
            copied[names[0]].pop("env_file", None)
            writer.services(copied, None)
            writer.resources()
            files[OVERRIDE] = writer.text()
    return Environments(files, bases)
