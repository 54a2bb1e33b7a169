"""Override files that nobody can see, tried in their place.

A git-ignored or server-side override file is merged over whatever the project has become. A probe
stands in for it: one more ``-f`` file that touches every service. Where the engine makes something
else of it after a change, the change is weaker than the original in that respect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint

OVERRIDE_TAG = (2, 24, 4)
"""The first engine that knows ``!override``."""

_NAME = "COMPOSEREFACTOR_PROBE"
_TARGET = "/composerefactor-probe"


class Weakness(Struct, frozen=True):
    """An override that gives something else than before; *service* None is all of them."""

    entry: EntryPoint
    service: str | None
    words: str


class Probe(Struct, frozen=True):
    """One kind of override file: *body* gives a service's part from its resolved model, or {}."""

    name: str
    body: Callable[[Mapping[str, Any]], dict[str, Any]]
    since: tuple[int, int, int] = (0, 0, 0)

    def services(self, model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return what the probe writes for the services of the resolved *model*."""
        services = model.get("services") or {}
        parts = {name: self.body(service or {}) for name, service in services.items()}
        return {name: part for name, part in parts.items() if part}


class Tagged(Struct, frozen=True):
    """A value with a YAML tag."""

    tag: str
    value: Any


def _plain(service: Mapping[str, Any]) -> dict[str, Any]:
    environment = {_NAME: "1"}
    if existing := _first_key(service):
        environment[existing] = "composerefactor"
    part: dict[str, Any] = {
        "environment": environment,
        "labels": {"composerefactor.probe": "1"},
        "volumes": [_TARGET],
    }
    if service.get("ports"):
        part["ports"] = ["127.0.0.1:64999:64999"]
    if "image" in service:
        part["image"] = "composerefactor/probe"
    return part


def _reset(service: Mapping[str, Any]) -> dict[str, Any]:
    existing = _first_key(service)
    return {"environment": {existing: Tagged("!reset", None)}} if existing else {}


def _override(service: Mapping[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {}
    if service.get("ports"):
        part["ports"] = Tagged("!override", ["127.0.0.1:64999:64999"])
    if service.get("command"):
        part["command"] = Tagged("!override", ["composerefactor"])
    return part


PROBES = (
    Probe("a plain override", _plain),
    Probe("`!reset` of one environment key", _reset),
    Probe("`!override`", _override, since=OVERRIDE_TAG),
)


def render(services: Mapping[str, Any]) -> str:
    """Return a Compose file with *services* as text: JSON, which is YAML, with tags."""
    return f"{_text({'services': services})}\n"


def _text(value: Any) -> str:
    if isinstance(value, Tagged):
        return f"{value.tag} {_text(value.value)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _first_key(service: Mapping[str, Any]) -> str | None:
    environment = service.get("environment")
    return next(iter(environment), None) if isinstance(environment, dict) else None
