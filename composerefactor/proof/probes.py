"""Override files that nobody can see, tried in their place.

A git-ignored or server-side override file is merged over whatever the project has become. A probe
stands in for it: one more ``-f`` file that touches every service. Where the engine makes something
else of it after a change, the change is weaker than the original in that respect.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.errors import InputError
from composerefactor.proof.comparison import compare, model, services_named
from composerefactor.proof.engine import Result
from composerefactor.proof.scenarios import Scenario
from composerefactor.proof.staging import Run, Runner

OVERRIDE_TAG = (2, 24, 4)
"""The first engine that knows ``!override``."""

_NAME = "COMPOSEREFACTOR_PROBE"
_TARGET = "/composerefactor-probe"


class OverrideSensitivity(Struct, frozen=True):
    """An override that gives something else than before; *service* None is all of them."""

    entry: Invocation
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


_MAX_RETRIES = 3


class Trials:
    """Merges a probe of each kind over each entry point; the originals are run once."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._runs: list[Run] | None = None

    def baseline(self, runs: Iterable[Run]) -> list[Run]:
        """Return a run of the original for each kind of probe that it accepts.

        *runs* are those of the originals without a probe; each entry point's first model counts.
        """
        if self._runs is None:
            bases: dict[Invocation, Run] = {}
            for run in runs:
                certain = not run.entry.assumed
                if certain and run.scenario.kind == "model" and run.result.ok:
                    bases.setdefault(run.entry, run)
            tried = self.runner.side_by_side(
                [
                    lambda base=base, probe=probe: self._tried(base, probe)  # type: ignore[misc]
                    for base in bases.values()
                    for probe in PROBES
                    if self.runner.engine.release >= probe.since
                ]
            )
            self._runs = [run for run in tried if run is not None]
        return self._runs

    def sensitivities(
        self, probed: Sequence[Run], after: Sequence[Result]
    ) -> list[OverrideSensitivity]:
        """Return where the results *after* a change are not those of *probed*."""
        found: dict[OverrideSensitivity, None] = {}
        for run, result in zip(probed, after, strict=True):
            name = run.scenario.name
            if not result.ok:
                words = f"{name} is rejected: {self.runner.words(result)}"
                for service in services_named(result.error) or [None]:  # type: ignore[list-item]
                    found[OverrideSensitivity(run.entry, service, words)] = None
                continue
            for difference in compare(run.result.stdout, result.stdout):
                if difference.path[0].startswith("x-"):
                    continue  # no override file needs them; the check itself looks after them
                place = ".".join(difference.path[2:3] or difference.path)
                words = f"{name} has another effect on {place}"
                found[OverrideSensitivity(run.entry, difference.service, words)] = None
        return list(found)

    def _tried(self, base: Run, probe: Probe) -> Run | None:
        """Return the run of *base* with *probe*, without the services that cannot take it."""
        try:
            services = probe.services(model(base.result.stdout))
        except InputError:
            return None
        for _ in range(_MAX_RETRIES):
            if not services:
                return None
            path = self.runner.stage.scratch(render(services))
            scenario = Scenario(probe.name, profiles=base.scenario.profiles, probe=str(path))
            result = self.runner.run(base.entry, scenario, base.env)
            if result.ok:
                return Run(base.entry, scenario, base.env, result)
            unfit = [name for name in services_named(result.error) if name in services]
            if not unfit:
                return None
            for name in unfit:
                del services[name]
        return None
