"""The definition of a service that a project refers to and does not define.

It is made from the starter of the image catalog, with the login that the clients of the service
use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.hosts import Url, name_words, unwrap_expression, urls
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand, sole_expression
from composerefactor.compose.secrets import PASSWORD_WORDS
from composerefactor.compose.services import StartModel
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import Catalog
from composerefactor.images.connections import HostMention
from composerefactor.images.entries import ImageUse, confidence, parse_tag
from composerefactor.images.lookup import HealthCheckChoice, choose_check
from composerefactor.images.starters import Starter
from composerefactor.transforms._attribute import healthcheck_value

_USER = ("user", "username", "login")
_DATABASE = ("database", "db", "name", "dbname", "schema", "vhost")
_HOST_WORDS = frozenset(
    {"host", "hosts", "hostname", "server", "url", "uri", "addr", "address", "endpoint", "name"}
)


@dataclass(frozen=True, slots=True)
class Login:
    """The known parts of a login, as written, with variables; ``""`` for an unknown part."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: str = ""


def find_login(model: StartModel, mentions: Iterable[HostMention]) -> Login:
    """Return how the callers of *mentions*, which all name the same host, log in there.

    The login comes from a connection URL, or from variables named like the one with the host:
    ``DB_HOST`` goes with ``DB_USER``, ``DB_PASSWORD`` and ``DB_NAME``.
    """
    user = password = database = ""
    for mention in mentions:
        settings = {n: s.value or "" for n, s in model.services[mention.caller].settings.items()}
        for url in _matching_urls(model, mention, settings.get(mention.variable, "")):
            user, password = user or url.user, password or url.password
            database = database or url.path.partition("/")[0]
        stem = _name_stem(mention.variable)
        user = user or _sibling_value(settings, stem, _USER)
        password = password or _sibling_value(settings, stem, PASSWORD_WORDS)
        database = database or _sibling_value(settings, stem, _DATABASE)
    return Login(unquote(user), unquote(password) if "$" not in password else password, database)


def _matching_urls(model: StartModel, mention: HostMention, text: str) -> Iterator[Url]:
    """Yield the connection URLs in *text* that lead to the host of *mention*."""
    for url in urls(unwrap_expression(text, model.variables)):
        hosts = {expand(host, model.variables).partition(":")[0] for host, _ in url.hosts}
        if mention.mention.host in hosts:
            yield url


def _name_stem(variable: str) -> tuple[str, ...]:
    """Return the words of *variable* without the final ones that mean a host."""
    stem = name_words(variable)
    while stem and stem[-1] in _HOST_WORDS:
        stem = stem[:-1]
    return stem


def _sibling_value(
    settings: Mapping[str, str], stem: tuple[str, ...], endings: tuple[str, ...]
) -> str:
    """Return the value of the variable named *stem* and then one of *endings*, or ``""``."""
    for ending in endings:
        for name, value in settings.items():
            if stem and name_words(name) == (*stem, ending):
                return value
    return ""


_ROOT = "root"
"""The user for whom databases of the MySQL family use the root password."""


@dataclass(frozen=True, slots=True)
class RequiredVariable:
    """A variable *name* that the service requires; *value* is the one in a file so far, or None."""

    name: str
    value: str | None = field(default=None, repr=False)

    @property
    def expression(self) -> str:
        """The expression for a value; without the variable nothing starts."""
        return f"${{{self.name}:?set it in .env}}"


class NewService(Struct, frozen=True):
    """The definition of a service: its *body*, and the variables that it *requires*."""

    body: dict[str, Value]
    requires: tuple[RequiredVariable, ...]


def new_service(
    starter: Starter,
    image: str,
    name: str,
    login: Login,
    volumes: Mapping[str, str],
    networks: Sequence[str],
    restart: str,
    taken: Mapping[str, str],
    catalog: Catalog,
) -> NewService:
    """Return the definition of service *name* from *starter*.

    Args:
        starter: The templates of the image catalog.
        image: The image of the service.
        name: The name of the service.
        login: The login that the clients of the service use.
        volumes: The names of the volumes by path.
        networks: The networks; none are written if it is empty.
        restart: The restart policy; none is written if it is empty.
        taken: Variables that already have a value; another password gets another variable.
        catalog: The image catalog, for the health check.
    """
    filler = _TemplateFiller(starter, name, login, taken)
    body: dict[str, Value] = {"image": image}
    command = filler.command()
    environment = filler.environment()
    if starter.hostname:
        body["hostname"] = name
    if command:
        body["command"] = command
    if environment:
        body["environment"] = environment
    if volumes:
        body["volumes"] = [f"{volume}:{path}" for path, volume in volumes.items()]
    if networks:
        body["networks"] = list(networks)
    if check := _health_check(image, body, catalog):
        body["healthcheck"] = check
    if restart:
        body["restart"] = restart
    body = {key: body[key] for key in SERVICE_ORDER if key in body}
    return NewService(body, tuple(filler.required.values()))


def _health_check(image: str, body: Mapping[str, Value], catalog: Catalog) -> Value:
    """Return the health check of *catalog* for *image* with the settings in *body*.

    None if there is none, or it is only a guess.
    """
    entry = catalog.match(image)
    environment = body.get("environment")
    if entry is None or entry.builtin or confidence(entry.verified) == "guess":
        return None
    use = ImageUse(
        repository=catalog.known_name(image) or "",
        tag=parse_tag(parse_image(image).tag or ""),
        environment={
            key: value if isinstance(value, str) and "$" not in value else None
            for key, value in (environment if isinstance(environment, dict) else {}).items()
        },
        command=tuple(str(body.get("command", "")).split()),
    )
    choice = choose_check(entry, use)
    if not isinstance(choice, HealthCheckChoice):
        return None
    return healthcheck_value(choice.test, choice.times)


class _TemplateFiller:
    """Fills a login into the templates of a starter.

    *required* collects the variables that the result refers to.
    """

    def __init__(self, starter: Starter, name: str, login: Login, taken: Mapping[str, str]) -> None:
        self.starter, self.name, self.login, self.taken = starter, name, login, taken
        self.required: dict[str, RequiredVariable] = {}
        self.has_password_command = bool(starter.command_with_password and login.password)
        self.has_root = "{root_password}" in starter.environment.values()
        is_other = login.user not in {"", _ROOT} and bool(login.password)
        self.logs_in_beside_root = self.has_root and is_other

    def command(self) -> str:
        if not self.has_password_command:
            return self.starter.command
        password = self.secret(self.login.password, f"{self.starter.id.upper()}_PASSWORD")
        return self.starter.command_with_password.replace("{password}", password)

    def environment(self) -> dict[str, Value]:
        environment: dict[str, Value] = {}
        for key, template in self.starter.environment.items():
            value = self.value(key, template)
            if value is not None:
                environment[key] = value
            elif key in self.starter.required and not self.logs_in_beside_root:
                environment[key] = self.secret("", key)
        return environment

    def value(self, key: str, template: str) -> str | None:
        """Return *template* with the login filled in, or None if a part is unknown."""
        login = self.login
        is_default = login.user == self.starter.default_user != ""
        is_root = self.has_root and login.user in {"", _ROOT}
        knows_password = bool(login.password) and not is_default
        known = {
            "{user}": "" if is_default or is_root else login.user,
            "{database}": login.database,
            "{random_root}": "yes" if self.logs_in_beside_root else "",
        }
        if template in known:
            return known[template] or None
        if template in {"{password}", "{root_password}"}:
            is_meant = knows_password and is_root is (template == "{root_password}")
            return self.secret(login.password, key) if is_meant else None
        if "{password}" in template:
            return template.replace("{password}", self.secret(login.password, key))
        return template.replace("{host}", self.name)

    def secret(self, text: str, key: str) -> str:
        """Return the expression for the secret *text*.

        This is the variable of the clients, without a default, which would repeat the secret. A
        literal becomes a variable named *key*.
        """
        expression = sole_expression(text)
        if expression is not None and not expression.operator.endswith("-"):
            return text
        if expression is not None:
            required = RequiredVariable(expression.name, expression.argument)
        elif text and "$" not in text:
            required = RequiredVariable(self.free(key, text), text)
        else:
            required = RequiredVariable(self.free(key, None))
        self.required[required.name] = required
        return required.expression

    def free(self, key: str, text: str | None) -> str:
        """Return *key*, or a longer name if *key* already has a value other than *text*."""
        if text is None or self.taken.get(key, text) == text:
            return key
        return f"{self.name.upper().replace('-', '_')}_{key}"
