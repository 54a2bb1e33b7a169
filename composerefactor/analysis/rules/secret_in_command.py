"""A command contains a password.

Everybody who can read the repository can read it, and `docker ps` and `docker inspect` show it to
everybody on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.definitions import LocatedNode
from composerefactor.compose.interpolation import EXPRESSION_MASK, mask_expressions
from composerefactor.compose.secrets import is_common_word, secret_spans, word_spans
from composerefactor.compose.services import Service
from composerefactor.images.catalog import service_placement

_WORDS = {"healthcheck": "health check"}


@rule(
    Severity.HIGH,
    "security",
    transform="move-secrets",
    strength="No Compose file contains a credential in plain text.",
)
def secret_in_command(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the commands and health checks with a password as literal text."""
    for entry in architecture.entries:
        for service in entry.model.services.values():
            if service_placement(service, entry.catalog).category == "emulator":
                continue  # it accepts any credentials
            for attribute, at in _commands(service):
                words = [item.written or "" for item in at.items]
                literal = [
                    value
                    for value in _secrets(words)
                    if EXPRESSION_MASK not in value and "$" not in value
                ]
                if literal:
                    yield Occurrence(
                        f"the {_WORDS.get(attribute, attribute)} of {service.name} contains a "
                        "password",
                        at.location,
                        service.name,
                        attribute,
                        "use a variable that .env sets, or a secret",
                        Severity.MEDIUM if all(map(is_common_word, literal)) else None,
                    )


def _secrets(words: list[str]) -> Iterator[str]:
    """Yield the secrets in the *words* of a command, of which one may be a whole command.

    Defaults of variables do not count; they are findings of default-secret.
    """
    hidden = [mask_expressions(word) for word in words]
    yield from (hidden[n][start:end] for n, start, end in word_spans(hidden))
    for word in hidden:
        yield from (word[start:end] for start, end in secret_spans(word))


def _commands(service: Service) -> Iterator[tuple[str, LocatedNode]]:
    """Yield the attributes of *service* that are commands."""
    for attribute, command in (("entrypoint", service.entrypoint), ("command", service.command)):
        if command is not None:
            yield attribute, command.at
    check = service.healthcheck
    if check is not None and (test := check.at.below("test")) is not None:
        yield "healthcheck", test
