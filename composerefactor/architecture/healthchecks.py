"""The health check of each service: as written, as its image has it, or as it could be."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from composerefactor.architecture.redaction import Redaction
from composerefactor.catalog.catalog import Catalog
from composerefactor.compose.expand import expand
from composerefactor.compose.merged import item_nodes, merged_entries, scalar_text
from composerefactor.compose.project import Project
from composerefactor.errors import Location
from composerefactor.health.answers import Impossible, Proposed, Unneeded
from composerefactor.health.check import healthcheck_for
from composerefactor.health.usage import Usage
from composerefactor.patterns import regex
from composerefactor.topology.oneshot import one_shot
from composerefactor.topology.stack import Service, Stack
from composerefactor.yamltree.nodes import Sequence

State = Literal["written", "in the image", "off", "not needed", "missing"]

_SHELL_WORDS = regex(r"^(?:exec|test|\[|if|timeout|CMD-SHELL|CMD|NONE)$")
_PROGRAM = regex(r"[A-Za-z0-9_./-]+")


class HealthFacts(Struct, frozen=True):
    """The health check of *service*.

    *test* is the command, without secrets, and the times are as written, ``""`` for the engine's
    defaults. *program* is the first program that the test runs, ``""`` where that is not plain.
    Where it is missing, *proposal* is what ``add-healthchecks`` would write, else *reason* says why
    there is none.
    """

    service: str
    state: State
    location: Location
    test: str = ""
    interval: str = ""
    timeout: str = ""
    retries: str = ""
    start_period: str = ""
    program: str = ""
    proposal: str = ""
    reason: str = ""
    remedy: str = ""

    @property
    def is_checked(self) -> bool:
        """True where the engine knows whether the service is healthy."""
        return self.state in {"written", "in the image"}


def health_facts(
    project: Project,
    stack: Stack,
    service: Service,
    use: Usage,
    catalog: Catalog,
    redaction: Redaction,
) -> HealthFacts:
    """Return what is known of the health check of *service*, which *use* describes."""
    values: dict[str, str] = {}
    words: tuple[str, ...] = ()
    location: Location | None = None
    for found in service.values("healthcheck"):
        location = found.location
        for key, entry in merged_entries(found.node).items():
            if key == "test":
                items = item_nodes(entry.value)
                words = tuple(expand(scalar_text(i) or "", stack.variables) for i in items)
                if not isinstance(entry.value, Sequence) and words:
                    words = ("CMD-SHELL", *words)
            else:
                values[key] = expand(scalar_text(entry.value) or "", stack.variables)
    at = location or _home(service)
    if location is not None and (words[:1] == ("NONE",) or values.get("disable") == "true"):
        return HealthFacts(service.name, "off", at, reason="switched off here")
    if location is not None and words:
        return HealthFacts(
            service.name,
            "written",
            at,
            redaction.text(" ".join(" ".join(words[_is_form(words) :]).split())),
            values.get("interval", ""),
            values.get("timeout", ""),
            values.get("retries", ""),
            values.get("start_period", ""),
            program=_program(words),
        )
    answer = healthcheck_for(project, stack, use, catalog)
    if isinstance(answer, Unneeded):
        if one_shot(stack, service.name) is not None:
            return HealthFacts(service.name, "not needed", at, reason=answer.reason)
        state: State = "in the image" if answer.has_check else "off"
        return HealthFacts(service.name, state, at, reason=answer.reason)
    if isinstance(answer, Proposed):
        test = redaction.text(" ".join(answer.test[1:]))
        return HealthFacts(
            service.name, "missing", at, proposal=test, reason=redaction.text(answer.evidence)
        )
    assert isinstance(answer, Impossible)  # noqa: S101 - the third of three kinds
    return HealthFacts(
        service.name,
        "missing",
        at,
        reason=redaction.text(answer.reason),
        remedy=redaction.text(answer.remedy),
    )


def _home(service: Service) -> Location:
    own = [d for d in service.definitions if not d.inherited] or list(service.definitions)
    return own[0].file.location_of("services", service.name)


def _is_form(words: tuple[str, ...]) -> bool:
    return words[:1] in {("CMD",), ("CMD-SHELL",)}


def _program(words: tuple[str, ...]) -> str:
    """Return the program that a test runs first."""
    rest = " ".join(words[_is_form(words) :]).replace("$$", "$").split()
    for word in rest:
        if _SHELL_WORDS.match(word) or word.startswith("-") or word.isdigit():
            continue
        return word.rpartition("/")[2] if _PROGRAM.fullmatch(word) else ""
    return ""
