"""Write the `.env` that Docker Compose reads, with random secrets.

It is a copy of the example file (`.env.example`), with its comments and its order. Variables that
the Compose files use and that the example lacks follow; without an example it has those variables,
with the services that use them. Passwords and keys of the project itself get a random value of the
form that the name, or a command such as `openssl rand -hex 32` in the comment above, asks for; also
in the URLs that contain them. Secrets that somebody else issues (API keys, mail, OAuth) stay empty,
or as the example has them, and so does the password of a server that no service of the project
gets: that server is elsewhere, or asks for none. A value that the example of another env file has
as well stays, since both must agree. An `.env` that exists is never changed. The new file can be
read by its owner alone, and `.gitignore` keeps it out of git.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes

from msgspec import Struct

from composerefactor.compose.dotenv import assignment, assignments
from composerefactor.compose.env_files import (
    assignments_in,
    env_files,
    example_paths,
    existing_example,
    services_reading,
    variable_names_in,
)
from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expressions
from composerefactor.compose.paths import is_inside
from composerefactor.compose.project import Project
from composerefactor.compose.secrets import is_credential, is_placeholder, password_spans
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddLines, Edit
from composerefactor.errors import enumerated
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.credentials import known_secrets
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer
from composerefactor.transforms._attribute import model_places
from composerefactor.transforms._secrets import gitignore_edit
from composerefactor.yaml.nodes import ScalarNode

_LINE = (
    r"(?P<lead>\s*(?:export\s+)?)(?P<name>[A-Za-z_]\w*)(?P<sign>\s*=[^\S\n]*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^#\n]*?)(?P<rest>\s+#.*|\s*)"
)
_COMMAND = r"openssl\s+rand\s+-(?P<form>hex|base64)\s+(?P<size>\d{1,3})"
_ISSUED = frozenset(
    {
        *("smtp", "mail", "email", "mailgun", "sendgrid", "twilio", "slack", "telegram", "sentry"),
        *("openai", "anthropic", "stripe", "paypal", "github", "gitlab", "google", "gcp", "aws"),
        *("azure", "cloudflare", "facebook", "oauth", "oidc", "client", "recaptcha", "huggingface"),
        *("license", "registry", "supabase", "firebase", "auth0", "okta", "discord", "webhook"),
        *("aliyun", "oss", "wechat", "alipay", "apple", "microsoft", "linkedin", "twitter"),
        *("cloudinary", "razorpay", "plaid", "hcaptcha", "turnstile", "dropbox", "mapbox"),
    }
)
"""Words in the name of a secret that somebody else issues: a random one would not work."""

_OWN = frozenset(
    {
        *("jwt", "session", "cookie", "csrf", "encryption", "signing", "salt", "hmac", "fernet"),
        *("nextauth", "password", "passwd", "pass", "pwd", "passphrase", "secret"),
    }
)
"""Words in the name of a secret that the project chooses."""


_SERVERS = frozenset(
    {
        *("db", "database", "mysql", "mariadb", "postgres", "postgresql", "pg", "redis", "valkey"),
        *("mongo", "mongodb", "rabbitmq", "amqp", "clickhouse", "elastic", "elasticsearch"),
        *("opensearch", "neo4j", "minio", "s3", "influxdb", "couchdb", "cassandra", "mssql"),
    }
)
"""Words in the name of a password that a server asks for."""


class RandomValues:
    """Random secrets; the same one again for the same name, so that all plans of a run agree."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, int], str] = {}

    def value(self, name: str, form: str, size: int) -> str:
        """Return a secret for the variable *name*: *size* random bytes in *form*."""
        key = (name, form, size)
        if key not in self._values:
            self._values[key] = _formatted(token_bytes(size), form)
        return self._values[key]


def _formatted(data: bytes, form: str) -> str:
    """Return *data* as text: ``hex``, ``base64``, ``fernet``, ``laravel`` or ``mixed``."""
    match form:
        case "base64":
            return base64.b64encode(data).decode()
        case "fernet":
            return base64.urlsafe_b64encode(data).decode()
        case "laravel":
            return f"base64:{base64.b64encode(data).decode()}"
        case "mixed":  # upper case, lower case and digits, as SQL Server demands
            return f"Aa1{data.hex()}"
    return data.hex()


@dataclass(frozen=True, slots=True)
class Options:
    """The source of randomness."""

    random: RandomValues = field(default_factory=RandomValues)


@fixer(
    Options,
    selected_only=True,
    purpose="operations",
    cause="nothing sets the variables that the Compose files use",
)
def create_env(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each `.env` that is missing, or a refusal for one that exists."""
    models = start_models(project)
    for path in env_files(project, set(project.files)):
        if posixpath.basename(path) != ".env" or not is_inside(path):
            continue
        location = project.files[project.root_files[0]].location_of("services")
        if project.exists(path):
            unset = sorted(_users(models, variable_names_in(project, path), with_defaults=False))
            if unset:
                reason = f"{path} exists, and is never overwritten"
                yield Refusal(reason, location, f"set {enumerated(unset)} in it")
            continue
        new = _NewFile.of(project, models, path, options.random)
        if new.text:
            edits: list[Edit] = [AddLines(path, new.text, private=True)]
            if (ignored := gitignore_edit(project, path)) is not None:
                edits.append(ignored)
            source = f" from {new.example}" if new.example else ""
            yield Change(
                f"Create {path}{source}",
                location,
                edits,
                list(dict.fromkeys(_effects(project, models, path, set(new.values)))),
                evidence=new.evidence,
                variables=new.values,
            )


class _NewFile(Struct, frozen=True):
    """The *text* of an env file, the *values* that it sets, and where they are from."""

    text: str
    values: dict[str, str]
    example: str
    generated: tuple[str, ...]
    empty: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """What was generated, and what has to be set by hand."""
        parts = []
        if self.generated:
            parts.append(f"random: {enumerated(self.generated)}")
        if self.empty:
            parts.append(f"set yourself: {enumerated(self.empty)}")
        return "; ".join(parts)

    @classmethod
    def of(
        cls, project: Project, models: list[StartModel], path: str, random: RandomValues
    ) -> _NewFile:
        """Return the new file at *path*, empty if nothing needs one."""
        example = existing_example(project, path)
        known = {secret for m in models for s in m.services for secret in known_secrets(m, s)}
        used = _users(models, set())
        unasked = _unasked(models, path, used)
        maker = _SecretMaker(random, known, unasked, _set_elsewhere(project, models, path))
        text = maker.with_secrets(project.text(example) or "") if example else ""
        listed = variable_names_in(project, example) if example else set()
        more = _missing_lines(models, listed, maker)
        if text and more:
            text = f"{text.rstrip()}\n\n# Used by the Compose files as well.\n"
        elif more:
            text = "# Docker Compose reads this file by itself. It is not for git.\n"
        text += more
        values = {pair.name: pair.value for pair in assignments(text)}
        empty = tuple(
            name
            for name, value in values.items()
            if name not in maker.made
            and (not value or is_placeholder(value))
            and not (name in used and used[name].default is not None)
        )
        return cls(text, values, example, tuple(maker.made), empty)


class _SecretMaker:
    """Makes secrets; *known* are the credentials of the images of the project.

    *unasked* are variables that no server of the project gets, *fixed* those that another file sets
    as well, by name, with their values.
    """

    def __init__(
        self,
        random: RandomValues,
        known: set[str],
        unasked: set[str],
        fixed: Mapping[str, set[str]],
    ) -> None:
        self.random, self.known, self.unasked, self.fixed = random, known, unasked, fixed
        self.made: dict[str, str] = {}

    def secret(self, name: str, comment: str = "") -> str:
        """Return a random value for *name*; ``""`` if it is no secret that the project chooses."""
        words = set(name_words(name))
        if name in self.unasked and (words & _SERVERS or {"access", "key"} <= words):
            return ""
        is_own = name in self.known or (bool(words & _OWN) and not words & _ISSUED)
        is_own = is_own or name in {"APP_KEY", "SECRET_KEY", "SECRET_KEY_BASE"}
        if not is_own or not is_credential(name, "unknown value", self.known):
            return ""
        form, size = _form(name, words, comment)
        self.made[name] = self.random.value(name, form, size)
        return self.made[name]

    def with_secrets(self, text: str) -> str:
        """Return the example *text* with random secrets, also where URLs contain them."""
        replaced: dict[str, str] = {}
        lines: list[str] = []
        comment = ""
        for line in text.splitlines():
            match = re.fullmatch(_LINE, line)
            if match is None:
                comment = f"{comment} {line}" if line.lstrip().startswith("#") else ""
                lines.append(line)
                continue
            old = match["value"].strip("\"'")
            is_free = "$" not in old and old not in self.fixed.get(match["name"], ())
            new = self.secret(match["name"], f"{comment} {match['rest']}") if is_free else ""
            if new:
                replaced |= {old: new} if old else {}
            value = new or match["value"]
            lines.append(f"{match['lead']}{match['name']}{match['sign']}{value}{match['rest']}")
            comment = ""
        return "".join(f"{_with_passwords(line, replaced)}\n" for line in lines)


def _set_elsewhere(project: Project, models: list[StartModel], path: str) -> dict[str, set[str]]:
    """Return the values that other env files of services set, or their examples, by variable."""
    values: dict[str, set[str]] = {}
    files = {f.value.path for m in models for s in m.services.values() for f in s.env_file}
    for other in sorted(files - {path}):
        source = next(filter(project.exists, (other, *example_paths(other))), "")
        for pair in assignments_in(project, source) if source else ():
            if pair.value:
                values.setdefault(pair.name, set()).add(pair.value)
    return values


def _form(name: str, words: set[str], comment: str) -> tuple[str, int]:
    """Return the form and the size in bytes of a secret for the variable *name*."""
    command = re.search(_COMMAND, comment)
    if command:
        return command["form"], int(command["size"])
    if "fernet" in words:
        return "fernet", 32
    if name == "APP_KEY":  # Laravel
        return "laravel", 32
    if name == "SECRET_KEY_BASE":  # Rails, Phoenix
        return "hex", 64
    if {"mssql", "sqlserver"} & words or name == "SA_PASSWORD":
        return "mixed", 16
    is_password = words & {"password", "passwd", "pass", "pwd"}
    return "hex", 16 if is_password else 32


def _with_passwords(line: str, replaced: Mapping[str, str]) -> str:
    """Return *line* with the passwords in its URLs that are in *replaced* exchanged."""
    match = re.fullmatch(_LINE, line)
    if match is None or not replaced:
        return line
    at = match.start("value")
    for start, end in reversed(password_spans(match["value"])):
        new = replaced.get(match["value"][start:end])
        if new:
            line = line[: at + start] + new + line[at + end :]
    return line


class _Variable(Struct):
    """The services that use a variable, and its default, if all places have one."""

    users: dict[str, None] = {}
    default: str | None = ""


def _users(
    models: list[StartModel], listed: set[str], *, with_defaults: bool = True
) -> dict[str, _Variable]:
    """Return the variables that the Compose files use, that no env file sets, by name.

    Those in *listed* are left out, and those with a default in all places unless *with_defaults*.
    """
    found: dict[str, _Variable] = {}
    for model in models:
        for file in model.files:
            for place, node in file.paths:
                for each in expressions(node.value) if isinstance(node, ScalarNode) else ():
                    if each.name in listed or each.name in model.variables:
                        continue
                    variable = found.setdefault(each.name, _Variable())
                    variable.users[str(place[1] if place[0] == "services" else place[0])] = None
                    if each.operator not in {"-", ":-", "+", ":+"}:
                        variable.default = None
                    elif variable.default == "" and each.operator.endswith("-"):
                        variable.default = each.argument or ""
    return {n: each for n, each in found.items() if with_defaults or each.default is None}


def _unasked(models: list[StartModel], path: str, used: dict[str, _Variable]) -> set[str]:
    """Return the variables in *used* that only applications use, by which *path* is not read whole.

    A block that services share may be of any service.
    """
    stores = {
        name
        for model in models
        for name, service in model.services.items()
        if service_placement(service, catalog_of(model)).counts_as != "applications"
    }
    applications = {name for model in models for name in model.services} - stores
    if any(name in stores for name, _ in services_reading(models, path)):
        return set()
    return {name for name, each in used.items() if each.users.keys() <= applications}


def _missing_lines(models: list[StartModel], listed: set[str], maker: _SecretMaker) -> str:
    """Return the lines for the variables that nothing sets and that are not in *listed*."""
    variables = _users(models, listed)
    return "".join(
        _missing_line(name, list(each.users), each.default, maker)
        for name, each in sorted(variables.items())
    )


def _missing_line(name: str, users: list[str], default: str | None, maker: _SecretMaker) -> str:
    """Return the lines for the variable *name*: a comment, and the assignment."""
    head = f"\n# Used by {enumerated(users)}\n"
    secret = maker.secret(name) if not default or is_credential(name, default) else ""
    if secret:
        return f"{head}{name}={secret}\n"
    if default is not None:
        return f"{head}# {assignment(name, default) or name}\n"
    return f"{head}{name}=\n"


def _effects(
    project: Project, models: list[StartModel], path: str, names: set[str]
) -> Iterator[Effect]:
    """Yield the places in the resolved configuration that the variables *names* change."""
    for file in project.files.values():
        places = model_places(project, file.path)
        for _, node in file.paths:
            if isinstance(node, ScalarNode) and any(
                each.name in names for each in expressions(node.value)
            ):
                yield from (Effect(place, "changes") for place in places.get(id(node), ()))
    for model in models:
        for service in model.services.values():
            if any(s.value is None and name in names for name, s in service.settings.items()):
                yield Effect(("services", service.name, "environment"), "changes")
    for name, _ in services_reading(models, path):
        yield from (Effect(("services", name, "environment", each), "adds") for each in names)
