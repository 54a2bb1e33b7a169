"""A server does not start, since it gets no password.

The images of databases stop on their first start if nothing sets the password of the administrator,
and nothing allows to be without one. `redis-server` stops at an option without a value, which is
what `--requirepass ${REDIS_PASSWORD:-}` becomes if the variable is empty.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expressions
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.images.entries import StartNeeds, parse_tag
from composerefactor.images.health.usage import Usage, usage
from composerefactor.images.lookup import runs_server


@rule(Severity.HIGH, "reliability")
def missing_password(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the servers that stop without a password that no start command gives them."""
    project = architecture.project
    supplied = {
        id(service.definitions[0].body)
        for entry in architecture.all_entries
        for service in entry.model.services.values()
        if not any(_without_variables(project, entry, service))
    }
    for entry in architecture.certain:
        for service in entry.model.services.values():
            if id(service.definitions[0].body) not in supplied:
                yield from _without_variables(project, entry, service)
            yield from _without_value(project, entry, service)


def _needs(entry: InvocationFacts, service: Service, use: Usage) -> StartNeeds | None:
    """Return what the server of *service* needs to start; None if nothing is known of it."""
    known = entry.catalog.match(use.image) if use.image and use.build is None else None
    if known is None or known.starts is None or use.image is None:
        return None
    tag = parse_tag(parse_image(use.image).tag or "")
    is_tool = not runs_server(service, known) or _has_other_entrypoint(service)
    is_known = known.starts.applies_to(entry.catalog.known_name(use.image) or "", tag)
    has_container = service.name not in entry.model.without_container
    return known.starts if is_known and not is_tool and has_container else None


def _has_other_entrypoint(service: Service) -> bool:
    """Return whether *service* does not run the script of the image that asks for a password."""
    words = service.entrypoint.value if service.entrypoint else ()
    return bool(words) and not any("entrypoint" in word for word in words)


def _without_variables(
    project: Project, entry: InvocationFacts, service: Service
) -> Iterator[Occurrence]:
    """Yield the problem that variables of *service* are empty or missing."""
    use = usage(project, entry.model, service)
    needs = _needs(entry, service, use)
    if needs is None or use.unread:
        return
    is_set = {name for name, value in use.environment.items() if value != ""}
    names = [each.partition("=")[0] for each in needs.any_of]
    if names and not any(_is_met(each, use, is_set) for each in needs.any_of):
        written = [name for name in names if name in use.environment]
        name = (written or names)[0]
        yield _occurrence(service, name, f"{name} of {service.name} is ")
    absent = [n for n in needs.together if not is_set & {n, f"{n}_FILE"}]
    if absent and len(absent) < len(needs.together):
        other = next(name for name in needs.together if name not in absent)
        text = f"{service.name} has {other}, but {absent[0]} is "
        yield _occurrence(service, absent[0], text)


def _is_met(need: str, use: Usage, is_set: set[str]) -> bool:
    """Return whether *need*, a variable or ``NAME=value``, is met, as far as known."""
    name, _, wanted = need.partition("=")
    if wanted and use.environment.get(name) is not None:
        return use.environment[name] == wanted
    return bool(is_set & {name, f"{name}_FILE"})


def _occurrence(service: Service, name: str, text: str) -> Occurrence:
    """Return the finding that the variable *name* of *service* is empty or missing."""
    setting = service.settings.get(name)
    variables = [each.name for each in expressions(setting.value or "")] if setting else []
    problem = f"empty unless {variables[0]} is set" if variables else "empty"
    return Occurrence(
        f"{text}{problem if setting else 'not set'}: its image stops on the first start",
        setting.location if setting else service.location,
        service.name,
        name,
        _remedy(variables) if variables else f"set {name}",
        Severity.MEDIUM if variables else None,
    )


def _remedy(variables: list[str]) -> str:
    return f"set {variables[0]}, and write ${{{variables[0]}:?}} so that it cannot be forgotten"


def _without_value(
    project: Project, entry: InvocationFacts, service: Service
) -> Iterator[Occurrence]:
    """Yield the options in the command of *service* that have no value."""
    needs = _needs(entry, service, usage(project, entry.model, service))
    if needs is None:
        return
    for value in (service.entrypoint, service.command):
        items = value.at.items if value is not None else []
        words = [word for item in items for word in _words(item, is_only=len(items) == 1)]
        for word, following in pairwise([*words, None]):
            is_missing = following is None or following.startswith("--")
            if word not in needs.options or not is_missing or value is None:
                continue
            text = " ".join(item.written or "" for item in items)
            found = re.search(rf"{re.escape(word)}[\s\"']+(\$\S+)", text)
            variables = [each.name for each in expressions(found[1])] if found else []
            yield Occurrence(
                f"{word} of {service.name} has no value"
                + (f" unless {variables[0]} is set" if variables else "")
                + ": the server does not start then",
                value.location,
                service.name,
                word,
                _remedy(variables) if variables else f"give {word} a value, or remove it",
                Severity.MEDIUM if variables else None,
            )


def _words(item: LocatedNode, *, is_only: bool) -> list[str]:
    """Return the words of *item* of a command; none if it has unknown variables.

    A text with spaces is split as a shell does it: Docker Compose splits a command that is one
    text, and a shell splits its argument.
    """
    text = item.known_text
    if text is None:
        return ["?"] if not is_only else []
    if not is_only and not re.search(r"\s", text):
        return [text]
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []
