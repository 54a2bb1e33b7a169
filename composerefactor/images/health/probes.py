"""Commands that ask a server in its own container, by the programs that the image holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from composerefactor.compose.image_references import parse_image, repository, same_image
from composerefactor.images.catalog import NamePatterns, read_json
from composerefactor.images.dockerfiles import Chain, Instruction
from composerefactor.images.entries import Command, Evidence, parse_tag

_APK = re.compile(r"\bapk\s+(?:--?\S+\s+)*add\b([^;&|]*)")
_APT = re.compile(r"\b(?:apt-get|apt|aptitude)\s+(?:-\S+(?:\s+[\w:]+=\S+)?\s+)*install\b([^;&|]*)")
_RPM = re.compile(r"\b(?:microdnf|dnf|yum|tdnf)\s+(?:-\S+\s+)*install\b([^;&|]*)")
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
_REMOVES = re.compile(r"\b(?:apk\s+del|(?:apt-get|apt)\s+(?:-\S+\s+)*(?:purge|remove))\b([^;&|]*)")


_BRINGS = frozenset({"RUN", "COPY", "ADD"})
_SCRIPT = re.compile(r"\.sh\b|\bmake\b|\|\s*(?:ba)?sh\b|ansible|/nix/")
_INSTALLS = re.compile(r"\b(?:apk|apt|apt-get|yum|dnf|microdnf)\b")


class Base(Struct, frozen=True):
    """What is known about a base image: the programs that it *has*, and how sure that is."""

    has: tuple[str, ...]
    verified: Evidence


class Programs(Struct, frozen=True):
    """The programs that are known to be in an image, each with how that is known."""

    found: Mapping[str, str] = {}
    verified: Evidence = "unverified"
    is_complete: bool = False

    def __contains__(self, program: str) -> bool:
        return program in self.found


def programs(chain: Chain) -> Programs:
    """Return what the image of *chain* holds: its base, what is installed, what it runs.

    *is_complete* tells whether the base is known.
    """
    base = base_image(chain.base)
    found: dict[str, str] = {}
    if base is not None:
        found = dict.fromkeys(base.has, f"base image {chain.base}")
    for each in chain.instructions:
        if each.name == "RUN":
            _run(f"{each.text}\n{each.heredoc}", each.line, found)
    return Programs(found, base.verified if base else "dockerfile", base is not None)


def lacking(chain: Chain, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the programs of *wanted* that the image of *chain* is known not to hold.

    That is so where the base image is known for sure, and nothing that is done to it may bring
    them: no instruction names the program, runs a script, copies from another image or installs
    what a variable says.
    """
    known = programs(chain)
    if not known.is_complete or known.verified not in {"dockerfile", "docs"}:
        return ()
    if any(_may_bring_anything(each) for each in chain.instructions):
        return ()
    texts = [f"{i.text} {i.heredoc}" for i in chain.instructions if i.name in _BRINGS]
    return tuple(
        program
        for program in wanted
        if program not in known and not any(program in text for text in texts)
    )


def _may_bring_anything(each: Instruction) -> bool:
    if each.name in {"COPY", "ADD"}:
        return "from" in each.flags
    if each.name != "RUN":
        return False
    text = f"{each.text} {each.heredoc}"
    return bool(_SCRIPT.search(text) or (_INSTALLS.search(text) and "$" in text))


def base_image(image: str) -> Base | None:
    """Return what is known about the base image *image*, or None."""
    entry = _first(image, "bases")
    if entry is None:
        return None
    groups = _bases()["groups"]
    has = [program for item in entry["has"] for program in groups.get(item, [item])]
    return Base(tuple(has), entry["verified"])


def default_command(image: str) -> str:
    """Return the command line that the base image *image* runs by itself, or ``""``."""
    entry = _first(image, "servers")
    return "" if entry is None else str(entry["runs"])


def _first(image: str, part: str) -> Mapping[str, Any] | None:
    """Return the first entry of *part* of bases.yml that fits *image*."""
    candidates = list(same_image(repository(image) or image))
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


def _run(text: str, line: int, found: dict[str, str]) -> None:
    """Add what the commands of one RUN install, and take away what they remove."""
    how = f"installed in line {line} of its Dockerfile"
    for manager, implied in ((_APK, "wget nc sh grep"), (_APT, "bash sh grep"), (_RPM, "bash sh")):
        for match in manager.finditer(text):
            for program in implied.split():
                found.setdefault(program, how)
            for package in match[1].split():
                for program in _PACKAGES.get(re.split(r"[=~<>:]", package)[0], ()):
                    found.setdefault(program, how)
    for match in _REMOVES.finditer(text):
        for package in match[1].split():
            for program in _PACKAGES.get(package, ()):
                found.pop(program, None)


Asks = Literal["connect", "answer", "ok"]


class Probe(Struct, frozen=True):
    """What is asked: that a *port* accepts a connection, that HTTP answers anything, or well.

    *port* is as a Compose file has it: a number, or an expression that the engine replaces.
    """

    asks: Asks
    port: str
    path: str = "/"

    @property
    def url(self) -> str:
        """The address that is asked; 127.0.0.1, since some clients try ::1 for localhost."""
        return f"http://127.0.0.1:{self.port}{self.path}"


def _curl(probe: Probe) -> Command:
    flags = "-fsS" if probe.asks == "ok" else "-s"
    return ("CMD", "curl", flags, "-o", "/dev/null", probe.url)


def _wget(probe: Probe) -> Command:
    if probe.asks == "ok":
        return ("CMD", "wget", "-q", "-O", "/dev/null", probe.url)
    # busybox and GNU both print the status line of any answer.
    return ("CMD-SHELL", f"wget -S -q -O /dev/null {probe.url} 2>&1 | grep -q HTTP/")


def _node(node: str) -> Callable[[Probe], Command]:
    def make(probe: Probe) -> Command:
        if probe.asks == "connect":
            code = f"require('net').connect({probe.port}, '127.0.0.1')"
            code += ".on('connect', () => process.exit(0))"
        else:
            status = "r.statusCode < 400 ? 0 : 1" if probe.asks == "ok" else "0"
            code = f"require('http').get('{probe.url}', r => process.exit({status}))"
        return ("CMD", node, "-e", code + ".on('error', () => process.exit(1))")

    return make


def _python(python: str) -> Callable[[Probe], Command]:
    def make(probe: Probe) -> Command:
        match probe.asks:
            case "connect":
                code = f"import socket; socket.create_connection(('127.0.0.1', {probe.port}), 3)"
            case "answer":
                code = (
                    "import http.client as h; "
                    f"c = h.HTTPConnection('127.0.0.1', {probe.port}, timeout=3); "
                    f"c.request('GET', '{probe.path}'); c.getresponse()"
                )
            case _:
                code = f"import urllib.request as u; u.urlopen('{probe.url}', timeout=3)"
        return ("CMD", python, "-c", code)

    return make


def _bash(probe: Probe) -> Command:
    connect = f"/dev/tcp/127.0.0.1/{probe.port}"
    if probe.asks == "connect":
        return ("CMD", "bash", "-c", f": > {connect}")
    is_good = "$$status == [23]??" if probe.asks == "ok" else "-n $$status"
    request = f"GET {probe.path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n"
    code = (
        f"exec 3<> {connect} && printf '{request}' >&3 && read -r _ status _ <&3 && [[ {is_good} ]]"
    )
    return ("CMD", "bash", "-c", code)


def _nc(probe: Probe) -> Command:
    return ("CMD", "nc", "-z", "127.0.0.1", probe.port)


def _php(probe: Probe) -> Command:
    if probe.asks == "ok":
        return ("CMD", "php", "-r", f"exit(@file_get_contents('{probe.url}') === false ? 1 : 0);")
    return ("CMD", "php", "-r", f"exit(@fsockopen('127.0.0.1', {probe.port}) ? 0 : 1);")


def _ruby(probe: Probe) -> Command:
    if probe.asks == "connect":
        return ("CMD", "ruby", "-rsocket", "-e", f"TCPSocket.new('127.0.0.1', {probe.port}).close")
    code = f"r = Net::HTTP.get_response(URI('{probe.url}'))"
    if probe.asks == "ok":
        code += "; exit r.code.to_i < 400"
    return ("CMD", "ruby", "-rnet/http", "-e", code)


_MAKERS: dict[str, Callable[[Probe], Command]] = {
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
_BY_ASKS: dict[Asks, tuple[str, ...]] = {
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
    """Return a command that asks *probe* and the program that it runs; None where none can.

    Where HTTP cannot be asked, a connection is tried.
    """
    for program in _BY_ASKS[probe.asks]:
        needs = {program, "grep"} if (program, probe.asks) == ("wget", "answer") else {program}
        if all(each in programs for each in needs):
            return _MAKERS[program](probe), program
    if probe.asks != "connect":
        return command_for(Probe("connect", probe.port), programs)
    return None
