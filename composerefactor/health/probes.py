"""Commands that ask a server in its own container, by the programs that the image holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from composerefactor.catalog.facts import Command
from composerefactor.health.programs import Programs

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
