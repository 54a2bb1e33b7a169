"""Credentials in Compose files: which literals are the same one, its variable, its secret file."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch

from msgspec import Struct

from composerefactor.compose.definitions import text_of
from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge import values_below
from composerefactor.compose.paths import is_below, is_inside, path_from
from composerefactor.compose.project import Project
from composerefactor.compose.secret_spans import password_spans
from composerefactor.compose.secrets import PASSWORD_WORDS, is_common, is_mixed, variable_name
from composerefactor.compose.services import Service, StartModel
from composerefactor.edit.operations import AddKey, AddLines, Edit, Rename, Replace
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.credentials import (
    CredentialUse,
    LiteralCredential,
    known_secrets,
    other_places,
    user_names,
)
from composerefactor.images.dockerfiles import chain_of
from composerefactor.images.entries import Secret
from composerefactor.images.environments import environment_of
from composerefactor.refactoring.contract import Effect
from composerefactor.transforms._attribute import list_edits

_PLACEHOLDER = (
    r"(?i)admin|change|chars|default|demo|dev|example|pass|prod|sample|secret|test|token|your"
    r"|azerty|qwerty|asdf|12345|abc123"
)
"""Words in values that stand for a password that the user chooses."""


class Credential(Struct, eq=False):
    """A credential: its *literals* have the same value, the first gives it its name.

    *variable* is the name of the variable that replaces it, once it is chosen.
    """

    literals: list[LiteralCredential]
    variable: str = ""

    @property
    def value(self) -> str:
        """The secret itself; it is never shown."""
        return self.literals[0].value

    @property
    def services(self) -> tuple[str, ...]:
        """The services that use it."""
        return tuple(dict.fromkeys(name for literal in self.literals for name in literal.services))

    @property
    def looks_generated(self) -> bool:
        """True if the value is a password of somebody, not a placeholder.

        A name of the project or a user with a number and a sign, such as ``Sentinel1!``, is a
        placeholder.
        """
        uses = [use for literal in self.literals for use in literal.uses]
        users = user_names([use.model for use in uses]) if uses else ()
        names = (*(literal.name for literal in self.literals), *self.services, *users)
        words = {word for name in names for word in name_words(name)}
        letters = "".join(filter(str.isalpha, self.value)).lower()
        is_placeholder = is_common(self.value) or bool(re.search(_PLACEHOLDER, self.value))
        return is_mixed(self.value) and not is_placeholder and letters not in words

    @property
    def files(self) -> set[str]:
        """The Compose files that contain it."""
        return {literal.file.path for literal in self.literals}


def group_credentials(project: Project, literals: Iterable[LiteralCredential]) -> list[Credential]:
    """Return the credentials that *literals* are, in the order of files and lines.

    The literal of a server comes first in its credential, followed by those with which others log
    in to it. Equal values with different names are one credential if such a value is unlikely to
    occur twice by chance, or if one service refers to the other. The default of a variable and the
    same value elsewhere are one credential only if one service refers to the other: otherwise who
    sets the variable today changes one of them only. Defaults of two variables are always apart,
    and so are files for tests, which run without an env file.
    """
    ordered = sorted(literals, key=lambda literal: not is_of_server(literal))  # stable
    groups: list[Credential] = []
    for literal in ordered:
        of_tests = is_for_tests(project, literal)
        alike = [g for g in groups if is_for_tests(project, g.literals[0]) == of_tests]
        group = _matching_group(literal, alike)
        if group is None:
            groups.append(Credential([literal]))
        else:
            group.literals.append(literal)
    for group in groups:  # the server gives the name, not a page to look at it
        pages = [
            each for each in group.literals if is_of_server(each) and _is_client_in(group, each)
        ]
        group.literals.sort(key=lambda each: not is_of_server(each) or each in pages)
    groups.sort(key=lambda group: (group.literals[0].file.path, group.literals[0].node.start))
    return groups


def _is_client_in(group: Credential, literal: LiteralCredential) -> bool:
    """Return whether a service with *literal* refers to another one of *group*."""
    others = [each for each in group.literals if set(each.services) != set(literal.services)]
    return any(_refers_to(literal, each) for each in others)


def is_for_tests(project: Project, literal: LiteralCredential) -> bool:
    """Return whether *literal* is in files for tests that no command merges with others."""
    paths = {
        path
        for use in literal.uses
        if not use.model.entry.assumed
        for path in use.model.entry.files
    }
    kinds = {
        known.kind if (known := environment_of(project, path)) else None
        for path in paths or {literal.file.path}
    }
    return kinds == {"test"}


def is_of_server(literal: LiteralCredential) -> bool:
    """Return whether *literal* is a credential of the server in the image of its service."""
    secrets = [known_secrets(use.model, use.service).get(literal.key) for use in literal.uses]
    return any(each and (literal.is_whole or each.after) for each in secrets)


def client_without(credential: Credential) -> str:
    """Return an application that needs the data store with *credential* as its only password.

    ``""`` if there is none, or another service has the password here. An application with another
    password has an account of its own. A password that the image does not know is for a script of
    the project, which makes such an account.
    """
    for literal, use in ((each, use) for each in credential.literals for use in each.uses):
        store = use.model.services[use.service]
        catalog = catalog_of(use.model)
        secrets = known_secrets(use.model, use.service)
        is_only_one = [name for name in secrets if name in store.settings] == [literal.key]
        if (
            (is_only_one or literal.key not in secrets)
            and credential.services == (use.service,)
            and service_placement(store, catalog).counts_as == "data stores"
        ):
            for name, service in use.model.services.items():
                is_application = service_placement(service, catalog).counts_as == "applications"
                if is_application and needs(service, use.service) and not _has_password(service):
                    return name
    return ""


def _has_password(service: Service) -> bool:
    """Return whether a setting of *service* is a password, or a URL with one."""
    return any(
        any(word in PASSWORD_WORDS for word in name_words(name))
        or password_spans(setting.value or "")
        for name, setting in service.settings.items()
    )


def needs(service: Service, other: str) -> bool:
    """Return whether *service* depends on *other*, or has its name in a setting."""
    host = rf"(?:^|[@/=(:,]){re.escape(other)}\b"
    return other in _linked(service) or any(
        re.search(host, setting.value or "") for setting in service.settings.values()
    )


def _linked(service: Service) -> set[str]:
    """Return the services that *service* names in ``depends_on`` and ``links``."""
    return {*service.depends_on, *(link.value.partition(":")[0] for link in service.links)}


def _matching_group(literal: LiteralCredential, groups: Iterable[Credential]) -> Credential | None:
    """Return the one of *groups* to which *literal* belongs, or None."""
    server = _server(literal)
    equal = [
        group
        for group in groups
        if group.value == literal.value
        and _agrees_on_variable(literal, group)
        and (not server or _is_of(server, group))
    ]
    if not literal.is_whole:
        servers = [g for g in equal if is_of_server(g.literals[0]) and _are_related(literal, g)]
        if servers:
            return max(servers, key=lambda group: _nearness(literal, group))
    for group in equal:
        if group.literals[0].name == literal.name:
            return group
    if is_of_server(literal) and not any(_are_related(literal, group) for group in equal):
        return None
    candidates = [
        group
        for group in equal
        if set(group.services) != set(literal.services)
        and (not is_common(literal.value) or _are_related(literal, group))
    ]
    return max(candidates, key=lambda group: _nearness(literal, group), default=None)


_LOGIN = re.compile(r"@(?P<host>[\w.-]+)")
_PAIR = r"(?i)(?:^|[;\s])(?:Server|Host|Data Source)\s*=\s*(?P<host>[\w.-]+)"


def _server(literal: LiteralCredential) -> str:
    """Return the service to which the URL or connection string *literal* logs in, or ``""``."""
    if literal.is_whole:
        return ""
    text = literal.node.value
    match = _LOGIN.match(text, literal.end) or re.search(_PAIR, text)
    host = match["host"] if match else ""
    return host if any(host in use.model.services for use in literal.uses) else ""


def _is_of(server: str, group: Credential) -> bool:
    """Return whether *group* is a credential of the service *server*, or of those that log in."""
    return any(server in each.services or server == _server(each) for each in group.literals)


def _agrees_on_variable(literal: LiteralCredential, group: Credential) -> bool:
    """Return whether one variable can replace *literal* and those of *group*."""
    variables = {each.default_of for each in group.literals}
    if variables == {literal.default_of}:
        return True
    names = (variables | {literal.default_of}) - {""}
    return len(names) == 1 and _are_related(literal, group)


def _nearness(literal: LiteralCredential, group: Credential) -> tuple[bool, bool, int, bool]:
    """Return how well *literal* fits *group*, as a key to compare several with the same value.

    A service that refers to the server itself comes before one that refers to another of its
    clients, and the password of the ordinary user before that of the administrator.
    """
    first = group.literals[0]
    group_words = {
        *name_words(first.name),
        *(word for name in group.services for word in name_words(name)),
    }
    return (
        _refers_to(literal, first),
        _are_related(literal, group),
        len(group_words.intersection(name_words(literal.name))),
        "root" not in name_words(first.name),
    )


def _are_related(literal: LiteralCredential, group: Credential) -> bool:
    """Return whether a service with *literal* and one with *group* refer to each other."""
    return any(_refers_to(literal, each) or _refers_to(each, literal) for each in group.literals)


def _refers_to(literal: LiteralCredential, other: LiteralCredential) -> bool:
    """Return whether a service with *literal* depends on or connects to one with *other*."""
    for use in literal.uses:
        service = use.model.services[use.service]
        needed = _linked(service)
        for name in other.services:
            host = rf"[@/=(:,]{re.escape(name)}\b"
            if name in needed or re.search(host, literal.node.value):
                return True
            addresses = (setting.value or "" for setting in service.settings.values())
            if any(address.partition(":")[0] == name for address in addresses):
                return True
    return False


def with_all_places(
    project: Project, models: Iterable[StartModel], groups: Iterable[Credential]
) -> Iterator[Credential]:
    """Yield *groups* with every other place of each credential: commands, health checks, labels.

    Some credentials are not yielded: those that are only the default of a variable, unless the
    value looks generated (the owner wants the project to start without an env file), and those
    whose variable has other defaults too.
    """
    models = list(models)
    groups = _joined_by_commands(models, groups)
    placed = {(id(each.node), each.start) for group in groups for each in group.literals}
    for group in groups:
        is_only_default = all(literal.default_of for literal in group.literals)
        if is_only_default and not group.looks_generated:
            continue
        names = {literal.default_of for literal in group.literals} - {""}
        used = [v for file in project.files.values() for v in file.variables if v.name in names]
        if any(variable.default != group.value for variable in used):
            continue
        of_tests = is_for_tests(project, group.literals[0])
        alike = [
            other
            for other in groups
            if other.value == group.value and is_for_tests(project, other.literals[0]) == of_tests
        ]
        for place in other_places(models, group.value):
            is_apart = is_for_tests(project, place) != of_tests
            is_apart = is_apart or bool(project.foreign_reason(place.file.path))
            is_nearest = max(alike, key=lambda other: _closeness(place, other)) is group
            if (id(place.node), place.start) not in placed and is_nearest and not is_apart:
                placed.add((id(place.node), place.start))
                group.literals.append(place)
        yield group


_COMMANDS = frozenset({"command", "entrypoint"})


def _joined_by_commands(models: list[StartModel], groups: Iterable[Credential]) -> list[Credential]:
    """Return *groups*, as one where they are the password in the command of the same server.

    Two variables of a client with the same value are two credentials, unless the value is that of
    ``redis-server --requirepass``, and all clients refer to that server.
    """
    joined: list[Credential] = []
    for group in groups:
        equal = [g for g in joined if g.value == group.value and is_mixed(group.value)]
        servers = [
            place
            for place in (other_places(models, group.value) if equal else ())
            if place.key in _COMMANDS
        ]
        other = next((g for g in equal if _have_one_server(g, group, servers)), None)
        if other is None:
            joined.append(group)
        else:
            other.literals += group.literals
    return joined


def _have_one_server(
    first: Credential, second: Credential, servers: Iterable[LiteralCredential]
) -> bool:
    """Return whether all services with *first* and *second* refer to one of *servers*."""
    literals = [*first.literals, *second.literals]
    return not any(literal.default_of for literal in literals) and any(
        all(_refers_to(literal, server) for literal in literals) for server in servers
    )


def _closeness(place: LiteralCredential, group: Credential) -> tuple[bool, bool, bool, int, bool]:
    """Return how well the text *place* fits *group*: that of a server's own service comes first.

    The server is the one with the literal in its own variables, or to which others log in with it.
    """
    servers = {name for each in group.literals if is_of_server(each) for name in each.services}
    servers.update(map(_server, group.literals))
    return (not servers.isdisjoint(place.services), *_nearness(place, group))


class VariableNames:
    """Chooses names of variables that nothing else in the project uses.

    *values* are the variables of the env files. A name that a file already refers to keeps its
    meaning: a variable of the shell is there for all start commands. A name that several
    *credentials* of clients would get is given to none of them: each has the name of its service in
    it.
    """

    def __init__(
        self,
        project: Project,
        models: Iterable[StartModel],
        values: Mapping[str, str],
        credentials: Iterable[Credential],
    ) -> None:
        self.values = dict(values)
        self.used = set(_referenced(project, models))
        wanted = Counter(_short_name(c) for c in credentials if not is_of_server(c.literals[0]))
        self.contested = {name for name, count in wanted.items() if count > 1}

    def name(self, credential: Credential) -> str:
        """Return a free name for *credential*, and reserve it."""
        first = credential.literals[0]
        defaults = [each.default_of for each in credential.literals if each.default_of]
        if defaults:  # other files may set it already
            self.values.setdefault(defaults[0], credential.value)
            return defaults[0]
        service = re.sub(r"(?<=.)_(?:SERVICE|SVC)$", "", variable_name(first.services[0]))
        stems = {_stem(path) for path in credential.files}
        stem = _stem(first.file.path) if "" not in stems else "default" if len(stems) > 1 else ""
        directory = posixpath.dirname(first.file.path)
        base = _short_name(credential)
        prefix, _, rest = base.partition("_")
        own = f"{service}_{rest if rest and prefix in service.split('_') else base}"
        is_contested = base in self.contested and not is_of_server(first)
        candidates = [own] if is_contested else [base, own]
        places = (stem, posixpath.basename(directory))
        candidates += [
            f"{each}_{variable_name(place)}" for place in places if place for each in (base, own)
        ]
        n = 2
        while True:
            for name in candidates:
                if self.is_free(name, credential.value):
                    self.values[name] = credential.value
                    return name
            candidates = [f"{base}_{n}"]
            n += 1

    def is_free(self, name: str, value: str) -> bool:
        """Return whether a variable *name* can have the value *value*."""
        if name in self.values:
            return self.values[name] == value
        return name not in self.used


def _stem(path: str) -> str:
    """Return what the name of the Compose file *path* says, ``""`` for a default name."""
    name = posixpath.splitext(posixpath.basename(path))[0]
    return re.sub(r"^(?:docker-)?compose[.-]?", "", name).strip(".")


def _short_name(credential: Credential) -> str:
    """Return the name of *credential*, without what says which client has it.

    ``CACHE_REDIS_PASSWORD`` of a client is ``REDIS_PASSWORD`` if the command of redis contains it.
    """
    first = credential.literals[0]
    for each in credential.literals:
        is_shorter = set(name_words(each.name)) < set(name_words(first.name))
        if each.key in _COMMANDS and is_shorter and not is_of_server(first):
            return each.name
    return first.name


def _referenced(project: Project, models: Iterable[StartModel]) -> Iterable[str]:
    """Yield the variables that the files of *project* refer to, by ``${X}`` or by a bare name."""
    for file in project.files.values():
        yield from (variable.name for variable in file.variables)
    for model in models:
        for service in model.services.values():
            yield from _passed_through(service)


def _passed_through(service: Service) -> Iterable[str]:
    """Yield the variables that *service* names without a value."""
    pairs = service.pairs("environment").values()
    yield from (pair.name for pair in pairs if pair.value is None)
    yield from (name for name, pair in service.build_arguments.items() if pair.value is None)


def reason_not_to_write(project: Project, path: str) -> tuple[str, str] | None:
    """Return why no credential is written to the env file *path*, and what to do; else None."""
    if not is_inside(path):
        return f"their env file {path} is outside of the project", ""
    if project.is_tracked(path):
        return (
            f"{path} is tracked by git, so they would be committed",
            f"take {path} out of git (git rm --cached {path}), then run fix again",
        )
    return None


def gitignore_edit(project: Project, path: str, pattern: str = "") -> AddLines | None:
    """Return the edit of ``.gitignore`` that keeps *path* out of git; None if it already is.

    *pattern* is the line to add, the name of the file by default. Without git the lines of
    ``.gitignore`` decide.
    """
    if project.is_ignored(path):
        return None
    pattern = pattern or posixpath.basename(path)
    lines = [
        line.strip().removeprefix("/") for line in (project.text(".gitignore") or "").splitlines()
    ]
    if any(line and not line.startswith(("#", "!")) and fnmatch(pattern, line) for line in lines):
        return None
    return AddLines(".gitignore", f"{pattern}\n")


FOLDER = "secrets"
"""The directory of secret files, below the project directory."""


class FileSecret(Struct, frozen=True):
    """A credential that becomes a secret with a file.

    Attributes:
        credential: The credential.
        name: The name of the secret.
        path: The path of the file with the value.
        variables: For each literal the variable that tells the image the path of the file.
    """

    credential: Credential
    name: str
    path: str
    variables: tuple[str, ...]


def file_readers(project: Project, literals: Iterable[LiteralCredential]) -> dict[str, list[str]]:
    """Return the sources that can read each of *literals* from a file, by the name of its variable.

    That is a program that knows `NAME_FILE`, or an entry script that calls `file_env NAME`, as
    those of the official images do. Only images that are built here have sources.
    """
    names = {
        literal.key
        for literal in literals
        if any(_is_built_for_root(project, use) for use in literal.uses)
    }
    if not names:
        return {}
    found = project.files_with({_FILE_ENV, *(f"{name}_FILE" for name in names)})
    texts = {path: project.text(path) or "" for paths in found.values() for path in paths}
    return {
        name: [
            path
            for path, text in texts.items()
            if re.search(_PROGRAM, path)
            and (
                (f"{name}_FILE" in text and re.search(_WITHOUT_LINE_BREAK, text))
                or re.search(rf"{_FILE_ENV}\s+[\"']?{name}\b", text)
            )
        ]
        for name in names
    }


def _is_built_for_root(project: Project, use: CredentialUse) -> bool:
    """Return whether the service of *use* is built here, and its program starts as root.

    Docker Compose mounts the file as it is, and only its owner and root can read it.
    """
    service = use.model.services[use.service]
    if service.build is None:
        return False
    user = text_of(service.user)
    build = service.build.value
    chain = chain_of(project, build)
    if not user and chain is not None and (last := chain.last("USER")) is not None:
        user = expand(last.text, chain.variables(build.arguments))
    return (user or "root").partition(":")[0] in {"root", "0"}


_FILE_ENV = "file_env"
"""The function by which entry scripts set NAME from the file that NAME_FILE names."""

_PROGRAM = r"(?i)\.(?:sh|bash|py|rb|php|js|ts|java|kt|cs|go)$"
"""Files that read variables; others may only list them."""

_WITHOUT_LINE_BREAK = r"(?i)strip\(|trim|chomp|\$\((?:cat|<)"
"""How programs read a text without the line break at its end."""


def as_file_secret(
    project: Project, credential: Credential, readers: Mapping[str, list[str]]
) -> FileSecret | None:
    """Return *credential* as a secret; None if an image, or another reader, needs the text.

    *readers* are those of :func:`file_readers`.
    """
    variables = [_file_variable(literal, readers) for literal in credential.literals]
    directories = {d for path in credential.files for d in project.directories.get(path, set())}
    name = credential.literals[0].name.lower()
    files = [literal.file for literal in credential.literals]
    if (
        any(variable is None for variable in variables)
        or len(directories) != 1
        or any(name in file.entries("secrets") for file in files)
    ):
        return None
    path = path_from(directories.pop(), FOLDER, f"{name}.txt")
    if not is_inside(path) or project.exists(path) or project.is_tracked(path):
        return None
    return FileSecret(credential, name, path, tuple(v for v in variables if v is not None))


def _file_variable(literal: LiteralCredential, readers: Mapping[str, list[str]]) -> str | None:
    """Return the variable that replaces that of *literal*; None if the image reads no file."""
    own = ("services", literal.services[0], "environment")
    if not literal.is_whole or len(literal.services) > 1 or literal.path[:3] != own:
        return None
    sources = readers.get(literal.key, [])
    names = {_file_variable_name(use, literal.key, sources) for use in literal.uses}
    return names.pop() if len(names) == 1 else None


def _file_variable_name(use: CredentialUse, key: str, sources: Iterable[str]) -> str | None:
    """Return the variable by which the image of *use* reads *key* from a file, or None.

    One that is built here does if one of *sources* is in its build context.
    """
    service = use.model.services[use.service]
    if _is_read_in_container(service, key) or len(service.values("secrets")) > 1:
        return None
    if service.build is not None:
        context = service.build.value.directory
        is_built_of = context is not None and any(is_below(each, context) for each in sources)
        return f"{key}_FILE" if is_built_of else None
    image = text_of(service.image)
    entry = catalog_of(use.model).match(image) if image else None
    secret: Secret | None = (
        next((s for s in entry.secrets if s.env == key), None) if entry else None
    )
    is_certain = secret is not None and secret.file and not secret.versions
    return secret.file_name if secret is not None and is_certain else None


def _is_read_in_container(service: Service, key: str) -> bool:
    """Return whether a command in the container reads the variable, which would be empty."""
    values = [*service.values("command"), *service.values("entrypoint")]
    values += values_below(service.values("healthcheck"), "test")
    texts = [item.written or "" for value in values for item in value.items]
    return any(re.search(rf"\$\{{?{re.escape(key)}\b", text) for text in texts)


def secret_edits(project: Project, secrets: list[FileSecret]) -> Iterator[Edit]:
    """Yield the edits that write *secrets* of the same services to files, and use them."""
    granted: dict[tuple[str, str], list[str]] = {}
    for secret in secrets:
        for literal, variable in zip(secret.credential.literals, secret.variables, strict=True):
            yield from _point_to_file(literal, variable, f"/run/secrets/{secret.name}")
            granted.setdefault((literal.file.path, literal.services[0]), []).append(secret.name)
        for file in sorted(secret.credential.files):
            yield AddKey(file, (FOLDER,), secret.name, {"file": f"./{FOLDER}/{secret.name}.txt"})
        yield AddLines(secret.path, f"{secret.credential.value}\n", private=True)
        if (ignored := gitignore_edit(project, secret.path, f"{FOLDER}/")) is not None:
            yield ignored
    for (path, service), names in granted.items():
        target = project.files[path]
        yield from list_edits(target, ("services", service), "secrets", [*dict.fromkeys(names)])


def _point_to_file(literal: LiteralCredential, variable: str, target: str) -> Iterator[Edit]:
    """Yield the edits that replace the value of *literal* with the path *target* of the file."""
    if literal.start:  # an item of a list: NAME=value
        yield Replace(literal.file.path, literal.path, f"{variable}={target}")
        return
    yield Rename(literal.file.path, literal.path, variable)
    yield Replace(literal.file.path, literal.path, target)


def secret_effects(secrets: list[FileSecret]) -> Iterator[Effect]:
    """Yield the effects of *secrets* on the resolved configuration."""
    for secret in secrets:
        yield Effect(("secrets", secret.name), "adds")
        for literal, variable in zip(secret.credential.literals, secret.variables, strict=True):
            for use in literal.uses:
                service = ("services", use.service)
                yield Effect((*service, "environment", literal.key), "removes")
                yield Effect((*service, "environment", variable), "adds")
                yield Effect((*service, "secrets"), "changes")
                yield Effect((*service, "secrets"), "adds")
