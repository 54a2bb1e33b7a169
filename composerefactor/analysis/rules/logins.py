"""Servers without a password, and clients that do not have it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise

from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule
from composerefactor.analysis.rules.networks import needless_guests
from composerefactor.compose.definitions import LocatedNode, text_of
from composerefactor.compose.hosts import name_words, urls
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand, expressions
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_credential
from composerefactor.compose.services import Service, Setting, StartModel
from composerefactor.images.entries import StartNeeds, parse_tag
from composerefactor.images.health.usage import Usage, usage
from composerefactor.images.lookup import runs_server


@rule(Severity.HIGH, "reliability")
def missing_password(architecture: Architecture) -> Iterator[Occurrence]:
    """A server does not start, since it gets no password.

    The images of databases stop on their first start if nothing sets the password of the
    administrator, and nothing allows to be without one. `redis-server` stops at an option without a
    value, which is what `--requirepass ${REDIS_PASSWORD:-}` becomes if the variable is empty.
    """
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


_SCHEMES = frozenset({"redis", "rediss", "mongodb", "amqp", "amqps"})
"""Schemes whose clients have the password in the URL; those of SQL often have it elsewhere."""
_OPTION = "--requirepass"
_VARIABLES = ("MONGO_INITDB_ROOT_PASSWORD", "RABBITMQ_DEFAULT_PASS")
"""How servers of these schemes are told their password (documentation of the images)."""
_DEFAULT = "guest"
"""The password of RabbitMQ, which clients use if they have no other (its documentation)."""


@rule(Severity.HIGH, "configuration")
def client_without_password(architecture: Architecture) -> Iterator[Occurrence]:
    """A server requires a password that a client does not have.

    The server rejects the client ("NOAUTH Authentication required", "authentication failed").
    """
    for entry in architecture.certain:
        for mention in entry.mentions:
            callee = entry.hosts.service(mention.caller, mention.mention.host)
            client = entry.model.services[mention.caller]
            setting = client.settings.get(mention.variable)
            if callee is None or callee == client.name or setting is None or not setting.value:
                continue
            if mention.mention.scheme not in _SCHEMES:
                continue
            if _may_have_password(entry.model, client, setting, callee):
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


def _may_have_password(model: StartModel, client: Service, setting: Setting, server: str) -> bool:
    """Return whether *client* has a password in the URL *setting*, or may have it elsewhere.

    That may be a variable with a name like that of *setting* or *server*, or an unknown file.
    """
    texts = (setting.value or "", expand(setting.value or "", model.variables))
    if client.secrets or any(url.user or url.password for text in texts for url in urls(text)):
        return True
    is_complete = all(each.value.path in client.env_files for each in client.env_file)
    words = {*name_words(setting.name), *name_words(server), "db", "database"} - {"url", "uri"}
    others = (name for name in client.settings if name != setting.name)
    return not is_complete or any(
        is_credential(name, "unknown value") and not words.isdisjoint(name_words(name))
        for name in others
    )


_YES = "true|yes|1|on"
_OFF = {
    "POSTGRES_HOST_AUTH_METHOD": "trust",
    "MYSQL_ALLOW_EMPTY_PASSWORD": _YES,
    "MYSQL_ALLOW_EMPTY_ROOT_PASSWORD": _YES,
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": _YES,
    "ALLOW_EMPTY_PASSWORD": _YES,
    "ALLOW_ANONYMOUS_LOGIN": _YES,
    "xpack.security.enabled": "false",
    "DISABLE_SECURITY_PLUGIN": _YES,
    "GF_AUTH_ANONYMOUS_ENABLED": _YES,
    "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": _YES,
}
"""Variables of well-known images, and patterns of the values that disable the login."""
_PASSWORDS = {
    "ALLOW_EMPTY_PASSWORD": r"(?:POSTGRES(?:QL)?|REDIS|VALKEY)_PASSWORD|\w+_ROOT_PASSWORD",
    "MYSQL_ALLOW_EMPTY_PASSWORD": r"MYSQL_ROOT_PASSWORD",
    "MYSQL_ALLOW_EMPTY_ROOT_PASSWORD": r"(?:MYSQL|MARIADB)_ROOT_PASSWORD",
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": r"(?:MYSQL|MARIADB)_ROOT_PASSWORD",
}
"""Variables that an image ignores if it gets a password, and patterns of the names of these."""
_BITNAMI = frozenset({"ALLOW_EMPTY_PASSWORD", "ALLOW_ANONYMOUS_LOGIN"})
"""Variables that only the images of Bitnami read."""


@rule(Severity.MEDIUM, "security")
def login_switched_off(architecture: Architecture) -> Iterator[Occurrence]:
    """A service accepts connections without a login.

    That is fine on a developer's machine, so files for development and tests are left out. Anywhere
    else, everybody who reaches the port can use the service.
    """
    for entry in architecture.entries:
        for service in entry.model.services.values():
            for name, setting in service.settings.items():
                pattern = _OFF.get(name)
                value = expand(setting.value or "", entry.model.variables).strip("\"'").lower()
                image = text_of(service.image)
                is_unknown = entry.catalog.match(image) is None
                is_read = name not in _BITNAMI or "bitnami" in image or is_unknown
                is_fine = (
                    not is_read
                    or not _is_for(entry.model, service, setting)
                    or _has_password(service, name)
                    or architecture.is_short_lived(setting.location.path)
                )
                if pattern and not is_fine and re.fullmatch(pattern, value):
                    yield Occurrence(
                        f"{service.name} requires no login ({name})",
                        setting.location,
                        service.name,
                        name,
                        "set a password",
                        None if _is_open(entry, service.name) else Severity.LOW,
                    )


_SERVERS = {
    "POSTGRES": r"postg|pg|timescale",
    "MYSQL": r"mysql|maria|percona|db",
    "MARIADB": r"mysql|maria|db",
}
"""First words of variables, and patterns for the names of services and images that read them."""


def _is_for(model: StartModel, service: Service, setting: Setting) -> bool:
    """Return whether *setting* is for *service*; several services may read one env file."""
    path = setting.location.path
    is_shared = sum(path in each.env_files for each in model.services.values()) > 1
    pattern = _SERVERS.get(setting.name.partition("_")[0], "")
    return not is_shared or bool(re.search(pattern, f"{service.name} {text_of(service.image)}"))


def _has_password(service: Service, variable: str) -> bool:
    """Return whether *service* gets a password, so that its image ignores *variable*."""
    pattern = _PASSWORDS.get(variable)
    return pattern is not None and any(
        setting.value != "" and re.fullmatch(pattern, name.removesuffix("_FILE"))
        for name, setting in service.settings.items()
    )


def _is_open(entry: InvocationFacts, name: str) -> bool:
    """Return whether service *name* publishes a port on all addresses."""
    return any(port.is_open for port in entry.ports if port.service == name)


_ASKS = {
    **dict.fromkeys(
        ("redis", "valkey", "keydb", "dragonfly"),
        r"requirepass|aclfile|protected-mode yes|--user\b|ARGS",
    ),
    "mongo": r"--auth\b|--keyFile|authorization|MONGO_INITDB_ROOT_USERNAME",
    "qdrant": r"QDRANT__SERVICE__(?:API_KEY|JWT_RBAC)",
}
"""By entry of the image catalog: words of the command and variables that switch the login on.

Without them these servers ask nobody for a password (documentation of the images).
"""
_CONFIGURATION = r"(?i)conf|\.ya?ml|\.acl|users"
"""Mount points of files that may switch it on."""


@rule(Severity.MEDIUM, "security")
def store_without_password(architecture: Architecture) -> Iterator[Occurrence]:
    """A data store asks nobody for a password.

    Whoever reaches its port reads and changes all data: everybody, if it is published on all
    addresses of the machine, or who breaks into a proxy that shares a network with it. Files for
    development and tests are left out.
    """
    for entry in architecture.entries:
        for service in entry.services:
            definition = entry.model.services[service.name]
            is_fine = architecture.is_short_lived(service.location.path)
            if is_fine or not _asks_nobody(architecture.project, entry, definition):
                continue
            is_open = _is_open(entry, service.name)
            guest = None if is_open else next(iter(needless_guests(entry, [service])), None)
            if not is_open and guest is None:
                continue
            who = guest.name if guest is not None else "everybody who reaches the machine"
            yield Occurrence(
                f"{service.name} asks for no password, and {who} can connect to it",
                service.location,
                service.name,
                "",
                "set a password on it and in its clients"
                + (", or publish it on 127.0.0.1" if is_open else ""),
                None if is_open else Severity.LOW,
            )


def _asks_nobody(project: Project, entry: InvocationFacts, service: Service) -> bool:
    """Return whether the server of *service* is known to have no password."""
    use = usage(project, entry.model, service)
    known = entry.catalog.match(use.image) if use.image and use.build is None else None
    if known is None or known.id not in _ASKS or use.unread or use.entrypoint is not None:
        return False
    words = service.command.at.items if service.command is not None else []
    if any(word.known_text is None for word in words) or not runs_server(service, known):
        return False
    targets = [each.value.target for each in service.volumes]
    targets += [each.value.target or "" for each in (*service.configs, *service.secrets)]
    if service.configs or any(re.search(_CONFIGURATION, target) for target in targets):
        return False
    texts = [" ".join(use.command or ()), *use.environment]
    return not any(re.search(_ASKS[known.id], text) for text in texts)
