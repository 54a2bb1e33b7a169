"""The programs in an image, and the commands with which they probe a server.

The commands run inside the container of the server. Which programs a base image contains comes
from bases.yml.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.image_references import (
    equivalent_repositories,
    parse_image,
    repository_of,
)
from composerefactor.compose.paths import path_from
from composerefactor.confidence import Confidence
from composerefactor.images.catalog import NamePatterns, read_json
from composerefactor.images.dockerfiles import Chain, Instruction
from composerefactor.images.entries import Command, confidence, parse_tag

_APK = r"\bapk\s+(?:--?\S+\s+)*add\b([^;&|]*)"
_APT = r"\b(?:apt-get|apt|aptitude)\s+(?:-\S+(?:\s+[\w:]+=\S+)?\s+)*install\b([^;&|]*)"
_RPM = r"\b(?:microdnf|dnf|yum|tdnf)\s+(?:-\S+\s+)*install\b([^;&|]*)"
_PACKAGES = {
    "curl": ("curl",),
    "wget": ("wget",),
    "bash": ("bash",),
    "netcat-openbsd": ("nc",),
    "netcat-traditional": ("nc",),
    "netcat": ("nc",),
    "nodejs": ("node",),
    "python3": ("python3",),
    "python3-minimal": ("python3",),
    "ruby": ("ruby",),
    "grep": ("grep",),
}
_REMOVAL = r"\b(?:apk\s+del|(?:apt-get|apt)\s+(?:-\S+\s+)*(?:purge|remove))\b([^;&|]*)"


_FILE_INSTRUCTIONS = frozenset({"RUN", "COPY", "ADD"})
_SCRIPT = r"\.sh\b|\bmake\b|\|\s*(?:ba)?sh\b|ansible|/nix/"
_OF_PROGRAMS = r"/$|/(?:bin|sbin|usr|opt|lib\w*|nix|busybox)(?:/|$)"
"""Directories that contain the programs on ``PATH``, or what those need."""
_PACKAGE_MANAGER = r"\b(?:apk|apt|apt-get|yum|dnf|microdnf)\b"


class BasePrograms(Struct, frozen=True):
    """The programs that a base image *has*, and how sure that is; *unsure* may be missing."""

    has: tuple[str, ...]
    confidence: Confidence
    unsure: tuple[str, ...] = ()


class Programs(Struct, frozen=True):
    """The programs that are known to be in an image.

    Attributes:
        sources: The programs, and where each comes from, in words.
        confidence: How sure it is that those of the base image are in it.
        is_complete: Whether the base image is known.
        unsure: Other programs that the base image may have.
    """

    sources: Mapping[str, str] = {}
    confidence: Confidence = "guess"
    is_complete: bool = False
    unsure: tuple[str, ...] = ()

    def __contains__(self, program: str) -> bool:
        return program in self.sources


def installed_programs(chain: Chain) -> Programs:
    """Return the programs of the base image of *chain*, and those that its packages install."""
    base = base_image(chain.base)
    sources: dict[str, str] = {}
    if base is not None:
        sources = dict.fromkeys(base.has, f"base image {chain.base}")
    for instruction in chain.instructions:
        if instruction.name == "RUN":
            _apply_run(f"{instruction.text}\n{instruction.heredoc}", instruction.line, sources)
    if base is None:
        return Programs(sources, "verified")
    return Programs(sources, base.confidence, is_complete=True, unsure=base.unsure)


def missing_programs(chain: Chain, required: Iterable[str]) -> tuple[str, ...]:
    """Return those of the programs *required* that are certainly not in the image of *chain*.

    That requires solid evidence on the base image, and no instruction that could add a program:
    none names the program, runs a script, copies from another image to a directory of programs, or
    installs packages that a variable names.
    """
    known = installed_programs(chain)
    if not known.is_complete or known.confidence != "verified":
        return ()
    if _may_add_programs(chain):
        return ()
    texts = [f"{i.text} {i.heredoc}" for i in chain.instructions if i.name in _FILE_INSTRUCTIONS]
    return tuple(
        program
        for program in required
        if program not in known
        and program not in known.unsure
        and not any(program in text for text in texts)
    )


PROBES = ("curl", "wget", "nc", "bash")
"""Programs that health checks call and that small images often lack."""

_SHELL_WORDS = re.compile(r"^(?:exec|test|\[|if|timeout|CMD-SHELL|CMD|NONE)$")
_PROGRAM = re.compile(r"[A-Za-z0-9_./-]+")


def first_program(words: Command) -> str:
    """Return the program that the test of a health check runs first; ``""`` if it is not clear."""
    rest = " ".join(words[words[:1] in {("CMD",), ("CMD-SHELL",)} :]).replace("$$", "$").split()
    for word, after in pairwise([*rest, ""]):
        is_shell = word in {"sh", "/bin/sh"} and after == "-c"
        if is_shell or _SHELL_WORDS.match(word) or word.startswith("-") or word.isdigit():
            continue
        return word.rpartition("/")[2] if _PROGRAM.fullmatch(word) else ""
    return ""


_SHELL_PROGRAMS = ("dash", "ash", "bash")
_SHELL_CHANGE = r"/bin/sh(?![\w/])|\bdash/sh\b|update-alternatives"


def shell_of(chain: Chain) -> str | None:
    """Return the shell of the image of *chain* for commands that are texts.

    Docker runs such a command with the ``SHELL`` of the image, otherwise with ``/bin/sh``. ``""``
    if the image has no shell, None if the program is unknown.
    """
    chosen = chain.last("SHELL")
    if chosen is not None:
        return chosen.command[0].rpartition("/")[2] if chosen.command else None
    base = base_image(chain.base)
    if base is None or any(_may_change_shell(instruction) for instruction in chain.instructions):
        return None
    if "sh" not in base.has:
        return "" if missing_programs(chain, ["sh"]) else None
    return next((program for program in _SHELL_PROGRAMS if program in base.has), None)


def _may_change_shell(instruction: Instruction) -> bool:
    """Return whether *instruction* may replace ``/bin/sh``."""
    return instruction.name in _FILE_INSTRUCTIONS and bool(
        re.search(_SHELL_CHANGE, f"{instruction.text} {instruction.heredoc}")
    )


def _may_add_programs(chain: Chain) -> bool:
    """Return whether an instruction of *chain* could add programs that it does not name."""
    directory = "/"
    for instruction in chain.instructions:
        text = f"{instruction.text} {instruction.heredoc}"
        if instruction.name == "WORKDIR":
            directory = posixpath.join(directory, instruction.text)
        elif instruction.name in {"COPY", "ADD"} and "from" in instruction.flags:
            words = instruction.words or instruction.text.split()
            target = path_from(directory, words[-1] if words else ".")
            if "$" in target or re.match(_OF_PROGRAMS, target):
                return True
        elif instruction.name == "RUN":
            if re.search(_SCRIPT, text) or (re.search(_PACKAGE_MANAGER, text) and "$" in text):
                return True
        elif instruction.name == "ENV" and any(name == "PATH" for name, _ in instruction.pairs()):
            return True
    return False


def base_image(image: str) -> BasePrograms | None:
    """Return the programs of the base image *image*, or None if it is not in bases.yml."""
    entry = _first_entry(image, "bases")
    if entry is None:
        return None
    groups = _bases()["groups"]
    has = [program for item in entry["has"] for program in groups.get(item, [item])]
    return BasePrograms(tuple(has), confidence(entry["verified"]), tuple(entry.get("unsure", ())))


def default_command(image: str) -> str:
    """Return the command line that the base image *image* runs by default, or ``""``."""
    entry = _first_entry(image, "servers")
    return "" if entry is None else str(entry["runs"])


def _first_entry(image: str, part: str) -> Mapping[str, Any] | None:
    """Return the first entry of the section *part* of bases.yml that matches *image*."""
    candidates = list(equivalent_repositories(repository_of(image) or image))
    flavours = parse_tag(parse_image(image).tag or "").flavours
    for names, entry in _by_names(part):
        if any(map(names.match, candidates)) and (
            "flavours" not in entry or not flavours.isdisjoint(entry["flavours"])
        ):
            return entry
    return None


@cache
def _by_names(part: str) -> list[tuple[NamePatterns, Mapping[str, Any]]]:
    return [(NamePatterns(entry["names"]), entry) for entry in _bases()[part]]


@cache
def _bases() -> Mapping[str, Any]:
    values: Mapping[str, Any] = read_json("bases.json")
    return values


def _apply_run(text: str, line: int, sources: dict[str, str]) -> None:
    """Add the programs that the commands of a RUN install to *found*; drop those they remove."""
    source = f"installed in line {line} of its Dockerfile"
    for manager, implied in ((_APK, "wget nc sh grep"), (_APT, "bash sh grep"), (_RPM, "bash sh")):
        for match in re.finditer(manager, text):
            for program in implied.split():
                sources.setdefault(program, source)
            for package in match[1].split():
                for program in _PACKAGES.get(re.split(r"[=~<>:]", package)[0], ()):
                    sources.setdefault(program, source)
    for match in re.finditer(_REMOVAL, text):
        for package in match[1].split():
            for program in _PACKAGES.get(package, ()):
                sources.pop(program, None)


OWN_HOSTNAME = "$$HOSTNAME"
"""The host name of the container in a shell; Docker sets the variable to it."""

ProbeKind = Literal["connect", "answer", "ok"]
"""A port accepts a connection; HTTP answers with any status; HTTP answers with success."""


class Probe(Struct, frozen=True):
    """What a health check tests.

    Attributes:
        kind: What counts as healthy.
        port: The port as written in a Compose file: a number, or an expression with a variable.
        path: The path of the URL.
        host: The host that the server binds to: an address, a name, or :data:`OWN_HOSTNAME`.
    """

    kind: ProbeKind
    port: str
    path: str = "/"
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """The URL to request, with 127.0.0.1, since some clients try ::1 for localhost."""
        return f"http://{self.host}:{self.port}{self.path}"

    @property
    def needs_shell(self) -> bool:
        """Whether the host is a variable, which only a shell replaces."""
        return self.host == OWN_HOSTNAME


def _curl(probe: Probe) -> Command:
    flags = "-fsS" if probe.kind == "ok" else "-s"
    if probe.needs_shell:
        return ("CMD-SHELL", f"curl {flags} -o /dev/null {probe.url}")
    return ("CMD", "curl", flags, "-o", "/dev/null", probe.url)


def _wget(probe: Probe) -> Command:
    if probe.kind == "ok" and probe.needs_shell:
        return ("CMD-SHELL", f"wget -q -O /dev/null {probe.url}")
    if probe.kind == "ok":
        return ("CMD", "wget", "-q", "-O", "/dev/null", probe.url)
    # Both busybox and GNU wget print the status line of any answer.
    return ("CMD-SHELL", f"wget -S -q -O /dev/null {probe.url} 2>&1 | grep -q HTTP/")


def _node(node: str) -> Callable[[Probe], Command]:
    def make(probe: Probe) -> Command:
        host = "process.env.HOSTNAME" if probe.needs_shell else f"'{probe.host}'"
        if probe.kind == "connect":
            code = f"require('net').connect({probe.port}, {host})"
            code += ".on('connect', () => process.exit(0))"
        else:
            status = "r.statusCode < 400 ? 0 : 1" if probe.kind == "ok" else "0"
            target = f"'{probe.url}'"
            if probe.needs_shell:
                target = f"{{host: {host}, port: {probe.port}, path: '{probe.path}'}}"
            code = f"require('http').get({target}, r => process.exit({status}))"
        return ("CMD", node, "-e", code + ".on('error', () => process.exit(1))")

    return make


def _python(python: str) -> Callable[[Probe], Command]:
    def make(probe: Probe) -> Command:
        match probe.kind:
            case "connect":
                code = f"import socket; socket.create_connection(('{probe.host}', {probe.port}), 3)"
            case "answer":
                code = (
                    "import http.client as h; "
                    f"c = h.HTTPConnection('{probe.host}', {probe.port}, timeout=3); "
                    f"c.request('GET', '{probe.path}'); c.getresponse()"
                )
            case _:
                code = f"import urllib.request as u; u.urlopen('{probe.url}', timeout=3)"
        return ("CMD", python, "-c", code)

    return make


def _bash(probe: Probe) -> Command:
    connect = f"/dev/tcp/{probe.host}/{probe.port}"
    if probe.kind == "connect":
        return ("CMD", "bash", "-c", f": > {connect}")
    is_good = "$$status == [23]??" if probe.kind == "ok" else "-n $$status"
    request = f"GET {probe.path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"
    code = (
        f"exec 3<> {connect} && printf '{request}' >&3 && read -r _ status _ <&3 && [[ {is_good} ]]"
    )
    return ("CMD", "bash", "-c", code)


def _nc(probe: Probe) -> Command:
    return ("CMD", "nc", "-z", probe.host, probe.port)


def _php(probe: Probe) -> Command:
    if probe.kind == "ok":
        return ("CMD", "php", "-r", f"exit(@file_get_contents('{probe.url}') === false ? 1 : 0);")
    return ("CMD", "php", "-r", f"exit(@fsockopen('{probe.host}', {probe.port}) ? 0 : 1);")


def _ruby(probe: Probe) -> Command:
    if probe.kind == "connect":
        return (
            "CMD",
            "ruby",
            "-rsocket",
            "-e",
            f"TCPSocket.new('{probe.host}', {probe.port}).close",
        )
    code = f"r = Net::HTTP.get_response(URI('{probe.url}'))"
    if probe.kind == "ok":
        code += "; exit r.code.to_i < 400"
    return ("CMD", "ruby", "-rnet/http", "-e", code)


_COMMANDS: dict[str, Callable[[Probe], Command]] = {
    "curl": _curl,
    "wget": _wget,
    "node": _node("node"),
    "/nodejs/bin/node": _node("/nodejs/bin/node"),
    "python": _python("python"),
    "python3": _python("python3"),
    "/usr/bin/python3": _python("/usr/bin/python3"),
    "ruby": _ruby,
    "php": _php,
    "bash": _bash,
    "nc": _nc,
}
_WITH_VARIABLE = frozenset({"curl", "wget", "node", "/nodejs/bin/node"})
"""The programs whose command can contain :data:`OWN_HOSTNAME`."""

_PROGRAMS_BY_KIND: dict[ProbeKind, tuple[str, ...]] = {
    "connect": (
        *("nc", "bash", "node", "/nodejs/bin/node", "python", "python3", "/usr/bin/python3"),
        *("ruby", "php"),
    ),
    "answer": (
        *("curl", "wget", "node", "/nodejs/bin/node", "python", "python3", "/usr/bin/python3"),
        *("ruby", "bash"),
    ),
    "ok": (
        *("curl", "wget", "node", "/nodejs/bin/node", "python", "python3", "/usr/bin/python3"),
        *("ruby", "php", "bash"),
    ),
}


def command_for(probe: Probe, programs: Programs) -> tuple[Command, str] | None:
    """Return a command for *probe*, and the program that it runs; None if no program can do it.

    If no program can send an HTTP request, the command only opens a connection.
    """
    for program in _PROGRAMS_BY_KIND[probe.kind]:
        if probe.needs_shell and program not in _WITH_VARIABLE:
            continue
        needs = {program, "grep"} if (program, probe.kind) == ("wget", "answer") else {program}
        if all(needed in programs for needed in needs):
            return _COMMANDS[program](probe), program
    if probe.kind != "connect":
        return command_for(replace(probe, kind="connect"), programs)
    return None
