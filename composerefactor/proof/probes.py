"""Override sensitivity: whether override files outside the project still have the same effect.

A git-ignored or server-side override file is merged over the project, whatever its layout is. A
probe simulates one: it is one more ``-f`` file that changes every service. If the result differs
after a change of the project, the changed project is more sensitive to override files in that
respect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from composerefactor.compose.invocation import Invocation
from composerefactor.errors import InputError
from composerefactor.proof.comparison import compare, parse_config, services_named
from composerefactor.proof.config_output import blocks, sections
from composerefactor.proof.engine import Engine, Result
from composerefactor.proof.scenarios import Scenario
from composerefactor.proof.staging import Run, Runner

OVERRIDE_TAG = (2, 24, 4)
"""The first version of Docker Compose that supports ``!override``."""

_NAME = "COMPOSEREFACTOR_PROBE"
_TARGET = "/composerefactor-probe"


class OverrideSensitivity(Struct, frozen=True):
    """An override file that would have a different effect than before.

    Attributes:
        entry: The start command.
        service: The service; None for all services.
        message: The override, and its effect.
    """

    entry: Invocation
    service: str | None
    message: str


class OverrideProbe(Struct, frozen=True):
    """One kind of override file.

    Attributes:
        name: What it is, for users.
        body: Returns the attributes that it sets for a service, given the resolved service; empty
            if it does not apply.
        since: The first version of Docker Compose that supports it.
    """

    name: str
    body: Callable[[Mapping[str, Any]], dict[str, Any]]
    since: tuple[int, int, int] = (0, 0, 0)

    def services(self, model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the services of the override file for the resolved configuration *model*."""
        services = model.get("services") or {}
        bodies = {name: self.body(service or {}) for name, service in services.items()}
        return {name: body for name, body in bodies.items() if body}


class TaggedValue(Struct, frozen=True):
    """A value with a YAML tag."""

    tag: str
    value: Any


def _plain_override(service: Mapping[str, Any]) -> dict[str, Any]:
    environment = {_NAME: "1"}
    if existing := _first_key(service):
        environment[existing] = "composerefactor"
    body: dict[str, Any] = {
        "environment": environment,
        "labels": {"composerefactor.probe": "1"},
        "volumes": [_TARGET],
    }
    if service.get("ports"):
        body["ports"] = ["127.0.0.1:64999:64999"]
    if "image" in service:
        body["image"] = "composerefactor/probe"
    return body


def _reset_override(service: Mapping[str, Any]) -> dict[str, Any]:
    existing = _first_key(service)
    return {"environment": {existing: TaggedValue("!reset", None)}} if existing else {}


def _replacing_override(service: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if service.get("ports"):
        body["ports"] = TaggedValue("!override", ["127.0.0.1:64999:64999"])
    if service.get("command"):
        body["command"] = TaggedValue("!override", ["composerefactor"])
    return body


PROBES = (
    OverrideProbe("a plain override", _plain_override),
    OverrideProbe("`!reset` of one environment key", _reset_override),
    OverrideProbe("`!override`", _replacing_override, since=OVERRIDE_TAG),
)


def render(services: Mapping[str, Any]) -> str:
    """Return the text of a Compose file with *services*: JSON, which is YAML, with tags."""
    return f"{_flow_text({'services': services})}\n"


def _flow_text(value: Any) -> str:
    if isinstance(value, TaggedValue):
        return f"{value.tag} {_flow_text(value.value)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_flow_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _first_key(service: Mapping[str, Any]) -> str | None:
    environment = service.get("environment")
    return next(iter(environment), None) if isinstance(environment, dict) else None


MAX_TAGGED = 20
"""Services of one override file that have a ``!reset`` or ``!override``, at most.

Docker Compose compares each such place with every place of the project, which takes most of the
time from a few hundred services on (observed: v5.6.1).
"""

_ONE_LINE_VALUE = r"(?m)^ {6}([\w.-]+): (?![|>&*])(?!null$)[^\n$]+$"


def constant_probe(own: Result, raw: Result, engine: Engine) -> dict[str, Any]:
    """Return the services of one override file in place of :data:`PROBES`.

    It replaces only values that are constant, since a probe hides the value that it replaces:
    those without a variable in the uninterpolated configuration. So a run with other variables
    and from another directory can include it. Of many services, :data:`MAX_TAGGED` have tags,
    spread over the project; the others have only plain values.

    Args:
        own: The resolved configuration.
        raw: The uninterpolated configuration.
        engine: Docker Compose.
    """
    resolved, uninterpolated = _attributes(own), _attributes(raw)
    step = -(-len(resolved) // MAX_TAGGED)
    services = {
        name: _constant_body(
            attributes, uninterpolated.get(name, {}), engine, has_tags=n % step == 0
        )
        for n, (name, attributes) in enumerate(resolved.items())
    }
    return {name: body for name, body in services.items() if "$" not in name}


def _constant_body(
    resolved: Mapping[str, str], raw: Mapping[str, str], engine: Engine, *, has_tags: bool
) -> dict[str, Any]:
    constant = {name for name in resolved if name in raw and "$" not in raw[name]}
    values = set(re.findall(_ONE_LINE_VALUE, raw.get("environment", "")))
    keys = [k for k in re.findall(_ONE_LINE_VALUE, resolved.get("environment", "")) if k in values]
    environment: dict[str, Any] = {_NAME: "1"}
    if has_tags:
        environment |= {key: TaggedValue("!reset", None) for key in keys[:1]}
    environment |= dict.fromkeys(keys[1:2], "composerefactor")
    body: dict[str, Any] = {
        "environment": environment,
        "labels": {"composerefactor.probe": "1"},
        "volumes": [_TARGET],
    }
    if "image" in constant:
        body["image"] = "composerefactor/probe"
    if has_tags and engine.release >= OVERRIDE_TAG:
        for name, value in (("ports", ["127.0.0.1:64999:64999"]), ("command", ["composerefactor"])):
            if name in constant:
                body[name] = TaggedValue("!override", value)
    return body


def _attributes(result: Result) -> dict[str, dict[str, str]]:
    """Return the text of each attribute of each service; empty if the output has another form."""
    text = sections(result.stdout).get("services", "").partition("\n")[2]
    return {
        name.strip("\"'"): blocks(service.partition("\n")[2], 4) or {}
        for name, service in (blocks(text, 2) or {}).items()
    }


_MAX_RETRIES = 3


class ProbeRuns:
    """Merges each probe over each start command, if one for all of them has another effect."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def baseline(self, runs: Iterable[Run]) -> list[Run]:
        """Return the successful runs of the original with a probe.

        *runs* are those without a probe; of each start command the first successful one is used.
        """
        bases: dict[Invocation, Run] = {}
        for run in runs:
            certain = not run.entry.assumed
            if certain and run.scenario.kind == "model" and run.result.ok:
                bases.setdefault(run.entry, run)
        probed = self.runner.side_by_side(
            [
                partial(self._probe_run, base, probe)
                for base in bases.values()
                for probe in PROBES
                if self.runner.engine.release >= probe.since
            ]
        )
        return [run for run in probed if run is not None]

    def sensitivities(
        self, probed: Sequence[Run], after: Sequence[Result]
    ) -> list[OverrideSensitivity]:
        """Return the differences between *probed* and the results *after* a change.

        Both have the same order.
        """
        sensitivities: dict[OverrideSensitivity, None] = {}
        for run, result in zip(probed, after, strict=True):
            name = run.scenario.name
            if not result.ok:
                message = f"{name} is rejected: {self.runner.error_message(result)}"
                for service in services_named(result.error) or [None]:  # type: ignore[list-item]
                    sensitivities[OverrideSensitivity(run.entry, service, message)] = None
                continue
            for difference in compare(run.result.stdout, result.stdout):
                if difference.path[0].startswith("x-"):
                    continue  # override files do not use them, and the proof compares them
                place = ".".join(difference.path[2:3] or difference.path)
                message = f"{name} has a different effect on {place}"
                sensitivities[OverrideSensitivity(run.entry, difference.service, message)] = None
        return list(sensitivities)

    def _probe_run(self, base: Run, probe: OverrideProbe) -> Run | None:
        """Return the run of *base* with *probe*, without the services for which it is rejected.

        None if the probe applies to no service.
        """
        try:
            services = probe.services(parse_config(base.result.stdout))
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
