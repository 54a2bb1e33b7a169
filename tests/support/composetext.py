"""Compose projects as text, in the styles that people use; the real engine accepts every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

COMPOSE = "docker-compose.yml"
OVERRIDE = "docker-compose.override.yml"
NAMES = (
    *("web", "db", "api", "cache", "worker", "queue", "search"),
    *("proxy", "mail_hog", "job-2", "x.y", "grafana", "Auth", "minio"),
)
IMAGES = (
    "nginx:1.27",
    "postgres:16-alpine",
    '"redis:7"',
    "'busybox'",
    "ghcr.io/a/b@sha256:" + "0" * 64,
)


@dataclass(frozen=True)
class ComposeProject:
    """*files* by path, the Compose file among them, and the names of its *services*."""

    files: dict[str, str]
    services: list[str]


@dataclass
class _Project:
    draw: st.DrawFn
    names: list[str]
    indent: int
    lines: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    bases: dict[str, set[str]] = field(default_factory=dict)  # what extensible services hold
    anchored: list[str] = field(default_factory=list)  # services with an anchor
    has_common: bool = False

    def chance(self, one_in: int) -> bool:
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def add(self, level: int, *lines: str) -> None:
        """Write *lines* at *level*.

        A line has one space in front for each further level, and ``+`` where it goes on with the
        mapping that the dash above began.
        """
        for line in lines:
            bare = line.lstrip(" ")
            deeper = len(line) - len(bare)
            bare = f" {bare[1:]}" if bare.startswith("+") else bare
            self.lines.append(" " * self.indent * (level + deeper) + bare if bare else "")

    def comment(self, level: int, *texts: str) -> None:
        self.add(level, *(f"# {text}".rstrip() for text in texts))

    def use(self, section: str, name: str) -> str:
        self.used.setdefault(section, set()).add(name)
        return name

    def quoted(self, name: str) -> str:
        return self.pick(name, name, name, f'"{name}"', f"'{name}'")

    def flow_or_block(self, key: str, items: Sequence[str]) -> list[str]:
        if self.chance(3):
            return [f"{key}: [{', '.join(items)}]"]
        dash = " - " if self.chance(2) else "- "
        return [f"{key}:", *(f"{dash}{item}" for item in items)]

    # one method an attribute: it returns lines, one leading space a level

    def ports(self, i: int) -> list[str]:
        port = 8000 + i * 10
        style = self.draw(st.integers(0, 3))
        if style == 0:
            return self.flow_or_block("ports", [f'"{port}:80"'])
        if style == 1:
            return self.flow_or_block(
                "ports", [f'"127.0.0.1:{port}-{port + 1}:80-81/udp"', '"443"']
            )
        if style == 2:
            return ["ports:", " - target: 80", f' + published: "{port}"', " + protocol: tcp"]
        return self.flow_or_block("ports", [f'"${{PORT_{i}:-{port}}}:80"'])

    def volumes(self, i: int) -> list[str]:
        data = self.use("volumes", self.pick("data", "logs", f"data{i}"))
        items = [
            f"{data}:/data",
            "./conf:/etc/conf:ro",
            "~/x:/x",
            "/anonymous",
            "${DIR:-./dir}:/dir",
        ]
        chosen = self.draw(st.lists(st.sampled_from(items), min_size=1, max_size=3, unique=True))
        if self.chance(4):
            return ["volumes:", " - type: bind", " + source: ./src", " + target: /src"]
        return self.flow_or_block("volumes", [f'"{c}"' if "{" in c else c for c in chosen])

    def environment(self, i: int) -> list[str]:
        style = self.draw(st.integers(0, 3))
        if style == 0:
            return self.flow_or_block("environment", ["A=1", '"B=${B:-x y}"', "C"])
        if style == 1:
            return ["environment:", f" A: 'it''s {i}'", " B: ${B-}", " C:", " # D: off", ' E: "é"']
        if style == 2:
            return ["environment: {A: '1', B: \"${TOKEN:?set it}\"}"]
        if self.has_common:
            return ["environment:", " <<: *common-env", f" OWN: own{i}"]
        return ["environment:", " SCRIPT: |", "  one", "  # two", "", "  three"]

    def depends_on(self, i: int) -> list[str]:
        if i == 0:
            return []
        others = self.draw(
            st.lists(st.sampled_from(self.names[:i]), min_size=1, max_size=2, unique=True)
        )
        if self.chance(2):
            return self.flow_or_block("depends_on", [self.quoted(name) for name in others])
        lines = ["depends_on:"]
        for name in others:
            lines += [f" {self.quoted(name)}:", "  condition: service_started"]
        return lines

    def healthcheck(self, i: int) -> list[str]:
        test = self.pick(
            '["CMD", "true"]', "curl -f http://localhost || exit 1", "\n  - CMD\n  - 'true'"
        )
        return ["healthcheck:", *f" test: {test}".split("\n"), f" interval: {i + 1}s"]

    def labels(self, i: int) -> list[str]:
        if self.chance(2):
            return self.flow_or_block("labels", [f"traefik.port={i}", '"a=b#c"'])
        return ["labels:", f" traefik.http.routers.r{i}.rule: Host(`a.example`)", ' empty: ""']

    def deploy(self, i: int) -> list[str]:
        return [
            "deploy:",
            " replicas: 1",
            " resources:",
            f"  limits: {{cpus: '0.{i + 1}', memory: 64M}}",
        ]

    def env_file(self, i: int) -> list[str]:
        path = self.pick("common.env", f"env/{i}.env")
        self.files[path] = "FROM_FILE=1\n"
        return self.draw(
            st.sampled_from(
                [
                    [f"env_file: {path}"],
                    ["env_file:", f"- ./{path}"],
                    ["env_file:", f" - path: {path}", " + required: false"],
                ]
            )
        )

    def secrets(self, i: int) -> list[str]:
        name = self.use("secrets", self.pick("token", f"key{i}"))
        if self.chance(3):
            return ["secrets:", f" - source: {name}", " + target: /run/x"]
        return self.flow_or_block("secrets", [name])

    def configs(self, i: int) -> list[str]:
        return self.flow_or_block(
            "configs", [self.use("configs", self.pick("app_conf", f"conf{i}"))]
        )

    def networks(self, i: int) -> list[str]:
        name = self.use("networks", self.pick("front", "back"))
        if self.chance(3):
            return ["networks:", f" {name}:", f"  aliases: [alias{i}]"]
        return self.flow_or_block("networks", [name])

    def command(self, i: int) -> list[str]:
        return self.draw(
            st.sampled_from(
                [
                    ['command: ["run", "--port", "80"]'],
                    ["command: >", f" run --number {i}", " --more"],
                    ["command: |-", " sh -c '", " # no comment", " echo $$HOME'"],
                    ["command: run # quickly"],
                ]
            )
        )

    def profiles(self, i: int) -> list[str]:
        return [f"profiles: [{self.pick('debug', 'tools')}]"] if i == len(self.names) - 1 else []

    def restart(self, i: int) -> list[str]:
        return ["restart: unless-stopped", "#mem_limit: 1g"]

    def service(self, i: int) -> None:
        """Write the service number *i* with what people put around it."""
        name = self.names[i]
        if i and self.chance(2):
            self.add(0, "")
        if self.chance(5):
            self.comment(1, "-" * 20, f"the {name}: group", "-" * 20)
        if self.chance(6):
            self.add(1, "# old:", "#   image: gone", "")
        if self.chance(8):
            self.lines += ["#  older:", "#    image: gone", ""]
        if self.chance(5):
            self.comment(1, f"runs {name}")
        anchor = self.chance(5)
        mark, note = f" &svc{i}" if anchor else "", " # here" if self.chance(8) else ""
        self.add(1, f"{self.quoted(name)}:{mark}{note}")
        for part in self.body(i):
            self.add(2, *part)
            if self.chance(12):
                self.comment(2, "why not")
        if self.chance(8):
            self.add(2, "# ports:", "#   - 80:80")
        if anchor:
            self.anchored.append(f"svc{i}")

    def body(self, i: int) -> list[list[str]]:
        """Return the lines of each part of a service: where it comes from, then some attributes."""
        origin = self.draw(st.integers(0, 5))
        parts: list[list[str]]
        inherited: set[str] = set()  # up to v2.40 equal items of two lists are an error
        is_base = False
        if origin == 0:
            parts = [["build: ./app"]]
        elif origin == 1:
            parts = [["build:", " context: .", f" dockerfile: Dockerfile.{i}", " args:", " - A=1"]]
        elif origin == 2 and self.bases:
            base = self.draw(st.sampled_from(sorted(self.bases)))
            parts = [["extends:", f" service: {base}"]]
            inherited = self.bases[base]
        elif origin == 3 and self.anchored:
            return [[f"<<: *{self.draw(st.sampled_from(self.anchored))}"], [f"hostname: host{i}"]]
        else:
            parts = [[f"image: {self.pick(*IMAGES)}"]]
            is_base = True
        if self.has_common and self.chance(3):
            parts.insert(0, ["<<: *common"])
        attributes = (
            *(self.ports, self.volumes, self.environment, self.depends_on, self.healthcheck),
            *(self.labels, self.deploy, self.env_file, self.secrets, self.configs),
            *(self.networks, self.command, self.profiles, self.restart),
        )
        chosen = self.draw(st.lists(st.sampled_from(attributes), max_size=5, unique=True))
        chosen = [attribute for attribute in chosen if attribute.__name__ not in inherited]
        if is_base:
            self.bases[self.names[i]] = {attribute.__name__ for attribute in chosen}
        return [*parts, *(attribute(i) for attribute in chosen)]

    def head(self) -> None:
        """Write what stands above the services."""
        if self.chance(3):
            self.comment(0, "The stack of the shop.", "", "Ask before you change it.")
            self.add(0, "")
        if self.chance(4):
            self.add(0, 'version: "3.8"', "")
        if self.chance(4):
            self.add(0, "name: shop # carries the volumes")
        if self.chance(2):
            self.has_common = True
            self.add(0, "x-common: &common", " logging:", "  driver: json-file", " init: true", "")
            self.add(0, "x-env: &common-env", " SHARED: yes", ' QUOTED: "1"', "")

    def sections(self) -> None:
        """Write the resources that the services use, and one that none does."""
        if self.chance(6):
            self.use("volumes", "unused")
        for section in self.draw(st.permutations(sorted(self.used))):
            self.add(0, *([""] if self.chance(2) else []))
            if self.chance(4):
                self.comment(0, "=" * 10, section, "=" * 10)
            self.add(0, f"{section}:")
            for name in sorted(self.used[section]):
                self.resource(section, name)
        if self.chance(4):
            self.add(0, "", "# the end")

    def resource(self, section: str, name: str) -> None:
        if section in {"secrets", "configs"}:
            self.files[f"{section}/{name}.txt"] = "content\n"
            self.add(1, f"{name}:", f" file: ./{section}/{name}.txt")
        else:
            self.add(1, f"{name}:{self.pick('', ' {}', ' # plain')}")
            if self.lines[-1].endswith(":") and self.chance(3):
                self.add(2, "labels: [a=b]")

    def override(self) -> str:
        """Return an override file for some of the services."""
        names = self.draw(
            st.lists(st.sampled_from(self.names), min_size=1, max_size=3, unique=True)
        )
        lines = ["# for developers", "services:"]
        for name in names:
            lines += [f"  {name}:", "    environment:", "      - DEBUG=1", "    tty: true"]
        return "\n".join(lines) + "\n"


@st.composite
def compose_projects(
    draw: st.DrawFn, *, min_services: int = 2, max_services: int = 14
) -> ComposeProject:
    """Compose projects with *min_services* to *max_services* services, some with an override file.

    Simplest first: a few services with an image each, nothing else, LF, indented by 2.
    """
    names = draw(
        st.lists(st.sampled_from(NAMES), min_size=min_services, max_size=max_services, unique=True)
    )
    project = _Project(draw, names, indent=draw(st.sampled_from((2, 2, 4))))
    project.head()
    project.add(0, "services:")
    for i in range(len(names)):
        project.service(i)
    project.sections()
    newline = project.pick("\n", "\n", "\n", "\r\n")
    end = project.pick(newline, newline, newline, "")
    files = project.files | {COMPOSE: newline.join(project.lines) + end, ".env": "TOKEN=made-up\n"}
    if project.chance(3):
        files[OVERRIDE] = project.override()
    return ComposeProject(files, names)
