"""A server requires a password that a client does not have.

The server rejects the client ("NOAUTH Authentication required", "authentication failed").
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Occurrence, Severity, rule
from composerefactor.compose.hosts import name_words, urls
from composerefactor.compose.secrets import is_credential
from composerefactor.compose.services import Service, Setting, StartModel

_SCHEMES = frozenset({"redis", "rediss", "mongodb", "amqp", "amqps"})
"""Schemes whose clients have the password in the URL; those of SQL often have it elsewhere."""
_OPTION = "--requirepass"
_VARIABLES = ("MONGO_INITDB_ROOT_PASSWORD", "RABBITMQ_DEFAULT_PASS")
"""How servers of these schemes are told their password (documentation of the images)."""
_DEFAULT = "guest"
"""The password of RabbitMQ, which clients use if they have no other (its documentation)."""


@rule(Severity.HIGH, "configuration")
def client_without_password(architecture: Architecture) -> Iterator[Occurrence]:
    """Yield the URLs without a password that lead to a server with one."""
    for entry in architecture.certain:
        for mention in entry.mentions:
            callee = entry.hosts.service(mention.caller, mention.mention.host)
            client = entry.model.services[mention.caller]
            setting = client.settings.get(mention.variable)
            if callee is None or callee == client.name or setting is None or not setting.value:
                continue
            if mention.mention.scheme not in _SCHEMES or _may_have_password(
                client, setting, callee
            ):
                continue
            option = _password_option(entry.model, callee)
            if option:
                yield Occurrence(
                    f"{client.name} connects to {callee} without a password "
                    f"({mention.variable}), but {callee} requires one ({option})",
                    mention.hint.location,
                    client.name,
                    mention.variable,
                    f"add the password to {mention.variable}",
                )


def _password_option(model: StartModel, server: str) -> str:
    """Return the option or variable by which *server* requires a password, ``""`` without one."""
    service = model.services[server]
    command = " ".join(service.command.value if service.command else ())
    if _OPTION in command.split():
        return _OPTION
    settings = [service.settings[name] for name in _VARIABLES if name in service.settings]
    return next((each.name for each in settings if each.value != _DEFAULT), "")


def _may_have_password(client: Service, setting: Setting, server: str) -> bool:
    """Return whether *client* has a password in the URL *setting*, or may have it elsewhere.

    That may be a variable with a name like that of *setting* or *server*, or an unknown file.
    """
    if client.secrets or any(url.user or url.password for url in urls(setting.value or "")):
        return True
    is_complete = all(each.value.path in client.env_files for each in client.env_file)
    words = {*name_words(setting.name), *name_words(server), "db", "database"} - {"url", "uri"}
    others = (name for name in client.settings if name != setting.name)
    return not is_complete or any(
        is_credential(name, "unknown value") and not words.isdisjoint(name_words(name))
        for name in others
    )
