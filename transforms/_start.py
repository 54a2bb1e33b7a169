"""The text of a service that a project names and does not define, as the catalogue starts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from msgspec import Struct

from composerefactor.compose.attributes import SERVICE_ORDER
from composerefactor.compose.hosts import Url, unwrapped, urls, words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import Expression, expand, expressions
from composerefactor.compose.services import StartModel
from composerefactor.edit.rendering import Value
from composerefactor.images.catalog import Catalog
from composerefactor.images.connections import HostMention
from composerefactor.images.entries import Use, parse_tag
from composerefactor.images.lookup import HealthCheckChoice, choose
from composerefactor.images.starters import Starter
from composerefactor.transforms._attribute import healthcheck_value

_USER = ("user", "username", "login")
_PASSWORD = ("password", "pass", "passwd", "pwd")
_DATABASE = ("database", "db", "name", "dbname", "schema", "vhost")
_HOST_WORDS = frozenset(
    {"host", "hosts", "hostname", "server", "url", "uri", "addr", "address", "endpoint", "name"}
)


@dataclass(frozen=True, slots=True)
class Login:
    """What is known of a login, each as written, with its variables; ``""`` where nothing is."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: str = ""


def login(model: StartModel, mentions: Iterable[HostMention]) -> Login:
    """Return how the callers of *mentions*, which name one host, log in there.

    A connection URL says it, or variables that are called like the one with the host:
    ``DB_HOST`` goes with ``DB_USER``, ``DB_PASSWORD`` and ``DB_NAME``.
    """
    user = password = database = ""
    for each in mentions:
        settings = {n: s.value or "" for n, s in model.services[each.caller].settings.items()}
        for url in _urls(model, each, settings.get(each.variable, "")):
            user, password = user or url.user, password or url.password
            database = database or url.path.partition("/")[0]
        stem = _stem(each.variable)
        user = user or _beside(settings, stem, _USER)
        password = password or _beside(settings, stem, _PASSWORD)
        database = database or _beside(settings, stem, _DATABASE)
    return Login(unquote(user), unquote(password) if "$" not in password else password, database)


def sole_expression(text: str) -> Expression | None:
    """Return the one ``${...}`` that *text* consists of, or None."""
    found = next((e for e in expressions(text) if e.depth == 0), None)
    return found if found is not None and (found.start, found.end) == (0, len(text)) else None


def _urls(model: StartModel, each: HostMention, text: str) -> Iterator[Url]:
    for url in urls(unwrapped(text, model.variables)):
        hosts = {expand(host, model.variables).partition(":")[0] for host, _ in url.hosts}
        if each.mention.host in hosts:
            yield url


def _stem(variable: str) -> tuple[str, ...]:
    found = words(variable)
    while found and found[-1] in _HOST_WORDS:
        found = found[:-1]
    return found


def _beside(settings: Mapping[str, str], stem: tuple[str, ...], endings: tuple[str, ...]) -> str:
    """Return the value of the variable that has the words of *stem* and then one of *endings*."""
    for ending in endings:
        for name, value in settings.items():
            if stem and words(name) == (*stem, ending):
                return value
    return ""


_ROOT = "root"
"""The user for whom databases of the MySQL family take the root password."""


@dataclass(frozen=True, slots=True)
class RequiredVariable:
    """A variable *name* that the service needs; *value* is what a file has for it, if any."""

    name: str
    value: str | None = field(default=None, repr=False)

    @property
    def expression(self) -> str:
        """How a value names it, so that nothing starts without."""
        return f"${{{self.name}:?set it in .env}}"


class StartedService(Struct, frozen=True):
    """A service: its *body* for the file, and the variables that it *requires*."""

    body: dict[str, Value]
    requires: tuple[RequiredVariable, ...]


def started(
    starter: Starter,
    image: str,
    name: str,
    login: Login,
    volumes: Mapping[str, str],
    networks: Sequence[str],
    restart: str,
    taken: Mapping[str, str],
    catalog: Catalog,
) -> StartedService:
    """Return service *name* as *starter* has it, with *image*.

    Its consumers log in with *login*. *volumes* are names by path, *networks* are left out where
    they are empty, and so is *restart*. *taken* are variables that have a value already: a password
    from elsewhere is not put in one of them.
    """
    maker = _Maker(starter, name, login, taken)
    body: dict[str, Value] = {"image": image}
    command = maker.command()
    environment = maker.environment()
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
    return StartedService(body, tuple(maker.required.values()))


def _health_check(image: str, body: Mapping[str, Value], catalog: Catalog) -> Value:
    """Return the check that *catalog* has for *image* when it is set up as *body*, or None."""
    entry = catalog.match(image)
    environment = body.get("environment")
    if entry is None or entry.builtin:
        return None
    use = Use(
        repository=catalog.known_name(image) or "",
        tag=parse_tag(parse_image(image).tag or ""),
        environment={
            key: value if isinstance(value, str) and "$" not in value else None
            for key, value in (environment if isinstance(environment, dict) else {}).items()
        },
        command=tuple(str(body.get("command", "")).split()),
    )
    found = choose(entry, use)
    if not isinstance(found, HealthCheckChoice):
        return None
    return healthcheck_value(found.check.test, found.check.times)


class _Maker:
    """Puts a login into the templates of a starter."""

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
        found: dict[str, Value] = {}
        for key, template in self.starter.environment.items():
            value = self.value(key, template)
            if value is not None:
                found[key] = value
            elif key in self.starter.required and not self.logs_in_beside_root:
                found[key] = self.secret("", key)
        return found

    def value(self, key: str, template: str) -> str | None:
        """Return *template* with what is known put in, or None where something is missing."""
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

        That is the consumers' own variable, without a default that would repeat a secret; a literal
        becomes a variable called *key*.
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
        """Return a name for a variable that is not taken by another value."""
        if text is None or self.taken.get(key, text) == text:
            return key
        return f"{self.name.upper().replace('-', '_')}_{key}"
