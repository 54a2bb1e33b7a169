"""Write the `.env` that Docker Compose reads, with random secrets.

It is a copy of the example file (`.env.example`), with its comments and its order, except for those
that are about the example. Variables that the Compose files use and that the example lacks follow,
with the services that use them. Passwords and keys of the project itself get a random value of the
form that the name, or a command such as `openssl rand -hex 32` in the comment above, asks for; also
in the URLs that contain them.

What has a value today keeps it: a default of the Compose files is in force until there is an `.env`
and wins over the example. That is so for a password, too, since a database keeps the one of its
first start with its data, and what is encrypted needs its old key; a comment says how to change it.
Only what signs sessions, and what a server reads on each start, becomes random then. With
`first-start=true` nothing is stored yet, and all secrets that the project chooses become random; a
default that the Compose files also have as a literal text stays, since both must agree.

Secrets that somebody else issues (API keys, mail, OAuth) stay empty, or as the example has them,
and so does the password of a server that no service of the project gets, or that a client connects
to without one. A value that the example of another env file has as well stays, since both must
agree. An `.env` that exists is never changed. The new file can be read by its owner alone, and
`.gitignore` keeps it out of git.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from composerefactor.compose.dotenv import Assignment, assignment, assignments
from composerefactor.compose.env_files import (
    assignments_in,
    env_files,
    example_paths,
    existing_example,
    services_reading,
    variable_names_in,
)
from composerefactor.compose.hosts import name_words, urls
from composerefactor.compose.interpolation import (
    SET_BY_SHELL,
    Expression,
    expressions,
    password_hashes,
)
from composerefactor.compose.paths import is_inside
from composerefactor.compose.project import Project
from composerefactor.compose.secret_spans import password_spans
from composerefactor.compose.secrets import is_common_word, is_placeholder, is_secret_name
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddLines, Edit
from composerefactor.errors import Location, enumerated
from composerefactor.images.catalog import catalog_of, service_placement
from composerefactor.images.credentials import known_secrets, literal_credentials
from composerefactor.images.entries import Secret
from composerefactor.refactoring.contract import Change, Effect, Refusal, Unneeded, fixer, option
from composerefactor.transforms._attribute import model_places
from composerefactor.transforms._random_secrets import (
    FIRST_START,
    SESSIONS,
    SIGNING,
    SIGNING_KEYS,
    RandomValues,
    is_chosen,
    is_of_server,
)
from composerefactor.transforms._secrets import gitignore_edit, group_credentials, needs
from composerefactor.yaml.nodes import Path, ScalarNode

_LINE = (
    r"(?P<lead>\s*(?:export\s+)?)(?P<name>[A-Za-z_]\w*)(?P<sign>\s*=[^\S\n]*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^#\n]*?)(?P<rest>\s+#.*|\s*)"
)
_PROJECT_SETTINGS = frozenset({"COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR"})
"""Settings that decide what Docker Compose takes for the same project."""

_SET_BY_OTHERS = (SET_BY_SHELL - {"UID", "GID"}) | _PROJECT_SETTINGS
_SEVERAL = "The Compose files have several defaults."
_ALLOWS_NONE = r"ALLOW_EMPTY_(?:ROOT_)?PASSWORD$"
_LOGIN_SCHEMES = frozenset({"redis", "rediss", "mongodb", "amqp", "amqps"})
"""Schemes whose clients have the password in the URL; those of SQL often have it elsewhere."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose, and the source of randomness."""

    first_start: bool = option(
        default=False,
        help="True if no service has run yet: secrets that are stored on the first start are "
        "random as well.",
    )
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
    location = project.files[project.root_files[0]].location_of("services")
    for path in env_files(project, set(project.files)):
        if posixpath.basename(path) != ".env" or not is_inside(path):
            yield Unneeded(f"the variables are in {path}, and only a .env is created", location)
            continue
        if project.exists(path):
            commented_out = re.findall(r"(?m)^#\s?(\w+)=", project.text(path) or "")
            listed = {*variable_names_in(project, path), *commented_out}
            unset = sorted(
                name
                for name, each in _used_variables(models, with_passed=False).items()
                if name not in listed and name not in _SET_BY_OTHERS and not each.has_default
            )
            if unset:
                reason = f"{path} exists, and is never overwritten"
                yield Refusal(reason, location, f"set {enumerated(unset)} in it")
            else:
                yield Unneeded(f"{path} exists, and no variable lacks a value", location)
            continue
        new = _new_file(project, models, path, options)
        if not new.text:
            yield Unneeded(f"no variable needs {path}", location)
            continue
        edits: list[Edit] = [AddLines(path, new.text, private=True)]
        if (ignored := gitignore_edit(project, path)) is not None:
            edits.append(ignored)
        yield Change(
            new.title,
            location,
            edits,
            list(dict.fromkeys(_effects(project, models, path, set(new.values)))),
            evidence=new.evidence,
            variables=new.values,
        )


class _NewFile(Struct, frozen=True):
    """A new env file.

    Attributes:
        text: What is in it, ``""`` if nothing needs it.
        values: The values that it sets.
        title: What the change does.
        evidence: What was generated, what stays as it is, and what has to be set by hand.
    """

    text: str
    values: dict[str, str]
    title: str
    evidence: str


def _new_file(project: Project, models: list[StartModel], path: str, options: Options) -> _NewFile:
    """Return the new file at *path*."""
    example = existing_example(project, path)
    text = project.text(example) or "" if example else ""
    if not _is_example_of(text, posixpath.basename(path)):
        example = text = ""
    writer = _Writer(project, models, path, example, options)
    copied, more = writer.copied(text) if text else "", writer.missing_lines()
    if copied and more:
        text = f"{copied.rstrip()}\n{more}"
    elif more:
        text = f"# Docker Compose reads this file by itself. It is not for git.\n{more}"
    else:
        text = copied
    values = {pair.name: pair.value for pair in assignments(text)}
    empty = [*writer.left] + [
        name
        for name, value in values.items()
        if name not in writer.made
        and name not in writer.kept
        and (not value or is_placeholder(value))
        and not (name in writer.used and writer.used[name].has_default)
    ]
    what_ends = "" if options.first_start else " (sessions end)"
    named = (
        ("random", [name for name in writer.made if name not in writer.replaced]),
        (f"random instead of the default{what_ends}", writer.replaced),
        ("as it is now", writer.kept),
        ("as another variable or file has it", writer.same),
        ("set yourself", empty),
    )
    evidence = "; ".join(f"{words}: {enumerated(names)}" for words, names in named if names)
    title = f"Create {path}" + (f" from {example}" if example else "")
    if options.first_start:
        title += " for a first start"
    elif writer.stored:
        title += f", and keep {enumerated(writer.stored, 3)} (random with {FIRST_START})"
    return _NewFile(text, values, title, evidence)


_COPY = (
    r"(?i)\b(?:copy|cp|rename|mv|duplicate)\b[^\n]*?"
    r"(?:\bto|\bas|(?:example|sample|template|dist)`?)\s+[`'\"]?(?:\./)?(?P<to>\.env[\w.-]*)"
)
"""A comment that says to which name an example is to be copied."""

_ABOUT_COPY = (
    r"(?i)\b(?:copy|cp|rename|mv|duplicate)\b.*(?:\.env|\benv\.\w|\bthis\s+file\b)"
    r"|\bsafe\s+to\s+(?:commit|check)|\bno\s+(?:real\s+)?secrets\b"
)
_ABOUT_EXAMPLE = rf"{_ABOUT_COPY}|\b(?:example|sample|template)\b"
"""What a comment says about an example that is not true of the copy: anywhere, and at the top."""


def _is_example_of(text: str, name: str) -> bool:
    """Return whether the example *text* is to be copied to *name*, as far as its comments say."""
    names = {match["to"].rstrip(".") for match in re.finditer(_COPY, text)}
    return not names or name in names


def _without_words_on_example(lines: list[str]) -> list[str]:
    """Return *lines* of an example without the comments that are about the example itself.

    A rule of signs around such a comment goes with it. What is directly above a variable is about
    the variable, unless it says where to copy the file.
    """
    kept: list[str] = []
    dropped = False
    pattern = _ABOUT_EXAMPLE
    for n, line in enumerate(lines):
        is_comment = line.lstrip().startswith("#")
        if not is_comment and line.strip():
            pattern = _ABOUT_COPY
        below = next((each for each in lines[n:] if not each.lstrip().startswith("#")), "")
        if is_comment and re.search(_ABOUT_COPY if below.strip() else pattern, line):
            dropped = True
            continue
        is_rule = re.fullmatch(r"#\s*[-=#*~]{3,}", line.strip())
        if dropped and kept and (line == kept[-1] and (is_rule or not line.strip())):
            kept.pop()
            continue
        dropped = False
        kept.append(line)
    return "\n".join(kept).strip("\n").split("\n")


class _Variable(Struct):
    """How the Compose files use a variable.

    Attributes:
        users: The services that use it, or the sections outside of services.
        defaults: The users by default.
        has_default: Whether every place has one.
        is_set_if_empty: Whether an empty value is another one than none in some place.
        commands: The users that have it in their command.
        is_in_url: Whether it is the password in a URL, which not every character can be part of.
        in_model: The users in each start command, by its position.
    """

    users: dict[str, None] = {}
    defaults: dict[str, dict[str, None]] = {}
    has_default: bool = True
    is_set_if_empty: bool = False
    commands: dict[str, None] = {}
    is_in_url: bool = False
    in_model: dict[int, set[str]] = {}

    @property
    def default(self) -> str | None:
        """The value without an env file; None without a default, or with several ones."""
        if not self.has_default or len(self.defaults) > 1:
            return None
        return next(iter(self.defaults), "")


def _used_variables(models: list[StartModel], *, with_passed: bool = True) -> dict[str, _Variable]:
    """Return the variables that the Compose files use and that no env file sets, by name.

    *with_passed* also returns the secrets that services get from the shell by their name alone.
    """
    found: dict[str, _Variable] = {}
    for position, model in enumerate(models):
        for place, each, is_in_url in _expressions_in(model):
            variable = found.setdefault(each.name, _Variable())
            variable.is_in_url |= is_in_url
            user = str(place[1] if place[0] == "services" else place[0])
            variable.users[user] = None
            variable.in_model.setdefault(position, set()).add(user)
            variable.is_set_if_empty |= each.operator in {"-", "?", "+"}
            if each.operator.endswith("-"):
                variable.defaults.setdefault(each.argument or "", {})[user] = None
            elif not each.operator.endswith("+"):
                variable.has_default = False
            if place[2:3] in {("command",), ("entrypoint",)}:
                variable.commands[user] = None
        for name, user in _passed_secrets(model) if with_passed else ():
            variable = found.setdefault(name, _Variable())
            variable.users[user] = None
            variable.in_model.setdefault(position, set()).add(user)
            variable.has_default, variable.is_set_if_empty = False, True
    return found


def _expressions_in(model: StartModel) -> Iterator[tuple[Path, Expression, bool]]:
    """Yield the variables in *model* that no env file sets, with their places.

    The last value says whether it is the password in a URL.

    What Docker Compose takes for a variable in the hash of a password is none.
    """
    for file in model.files:
        for place, node in file.paths:
            text = node.value if isinstance(node, ScalarNode) else ""
            hashes = password_hashes(text)
            passwords = password_spans(text)
            for each in expressions(text):
                is_hash = any(start <= each.start < end for start, end in hashes)
                if not is_hash and each.name not in model.variables:
                    yield place, each, any(s <= each.start < e for s, e in passwords)


def _passed_secrets(model: StartModel) -> Iterator[tuple[str, str]]:
    """Yield (name, service) for secrets that services get from the shell by their name alone."""
    for service in model.services.values():
        for setting in service.settings.values():
            is_passed = setting.value is None and setting.name not in model.variables
            if is_passed and is_secret_name(setting.name):
                yield setting.name, service.name


class _Writer:
    """Writes the new env file at *path*.

    A value that is in force now, a default of the Compose files, stays: what runs with it goes on.
    Only what signs sessions, and what a server reads on each start, becomes random, unless this is
    the first start.
    """

    def __init__(
        self,
        project: Project,
        models: list[StartModel],
        path: str,
        example: str,
        options: Options,
    ) -> None:
        self.project, self.models, self.path, self.example = project, models, path, example
        self.used = _used_variables(models)
        self.stores = {
            name
            for model in models
            for name, service in model.services.items()
            if service_placement(service, catalog_of(model)).counts_as == "data stores"
        }
        self.known = {secret for m in models for s in m.services for secret in known_secrets(m, s)}
        readers = list(services_reading(models, path))
        self.is_passed_to_store = any(name in self.stores for name, _ in readers)
        self.can_start = not any(
            each.value.path == path and each.value.required
            for _, service in readers
            for each in service.env_file
        )
        self.is_first_start = options.first_start or not self.can_start
        self.random = options.random
        self.servers = self._server_variables()
        self.repeated = _repeated_defaults(project, models)
        self.fixed = _set_elsewhere(project, models, path)
        self.listed: set[str] = set()
        self.made: dict[str, str] = {}
        self.replaced: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.stored: dict[str, None] = {}
        self.left: dict[str, None] = {}
        self.same: dict[str, None] = {}

    def copied(self, text: str) -> str:
        """Return the example *text* with random secrets, also where URLs contain them."""
        text = "\n".join(_without_words_on_example(text.splitlines()))
        pairs = {pair.line: pair for pair in assignments(text)}
        self._note_shared(pairs.values())
        self.listed |= {pair.name for pair in pairs.values()}
        replaced: dict[str, str] = {}
        lines: list[str] = []
        comment = ""
        for number, line in enumerate(text.split("\n"), start=1):
            match, pair = re.fullmatch(_LINE, line), pairs.get(number)
            if match is None or pair is None or "\n" in pair.value:
                self._note_commented(line)
                comment = f"{comment} {line}" if line.lstrip().startswith("#") else ""
                lines.append(line)
                continue
            value, remark = self._value(pair.name, pair.value, f"{comment} {match['rest']}")
            if value and pair.value and (pair.name in self.made or is_secret_name(pair.name)):
                replaced[pair.value] = value
            lines += [f"# {remark}"] if remark else []
            lines.append(_with_value(match, pair.value, value))
            comment = ""
        return "".join(f"{_with_passwords(line, replaced)}\n" for line in lines)

    def _note_shared(self, pairs: Iterable[Assignment]) -> None:
        """Note the passwords of servers that the example or a default has under another name."""
        named = [(pair.name, pair.value) for pair in pairs]
        named += [(name, each) for name, used in self.used.items() for each in used.defaults]
        of_servers = {
            (name, value)
            for name, value in named
            if is_secret_name(name) and is_of_server(name) and not is_placeholder(value)
        }
        for name, value in of_servers:
            if value and any(value == other and name != n for n, other in of_servers):
                self.fixed.setdefault(name, set()).add(value)

    def _note_commented(self, line: str) -> None:
        """Note that a comment of the example shows a variable that has a default."""
        match = re.fullmatch(rf"\s*#\s*{_LINE}", line)
        used = self.used.get(match["name"]) if match else None
        if match and used and used.has_default and not self._is_own(match["name"]):
            self.listed.add(match["name"])

    def missing_lines(self) -> str:
        """Return the lines for the variables that the Compose files use and nothing sets."""
        needed: dict[tuple[str, ...], list[str]] = {}
        optional: dict[tuple[str, ...], list[str]] = {}
        for name, each in sorted(self.used.items()):
            if name in self.listed or name in _SET_BY_OTHERS:
                continue
            value, remark = self._value(name, None, "")
            is_optional = value is None and each.has_default
            lines = (optional if is_optional else needed).setdefault(tuple(each.users), [])
            lines += [f"# {remark}"] if remark else []
            if value is None:
                lines.append(f"# {name}={_shown_default(each)}")
            else:
                lines.append(f"{name}={_written(value)}")
        heading = "\n# The rest has defaults in the Compose files.\n" if optional else ""
        return _blocks(needed) + heading + _blocks(optional)

    def _value(self, name: str, old: str | None, comment: str) -> tuple[str | None, str]:
        """Return the value for the variable *name*, and a remark; None if it stays unset.

        *old* is its value in the example, None if it is not there.
        """
        used = self.used.get(name)
        is_secret = self._is_own(name, old)
        if old and is_secret and old in self.fixed.get(name, ()):
            self.same[name] = None
        is_secret = is_secret and name not in self.same and "$" not in (old or "")
        if name in _PROJECT_SETTINGS and not self.is_first_start:
            return None, "It would make another project of what runs now."
        if is_secret:
            return self._secret(name, used, old, comment)
        if used is not None and used.has_default and (self.can_start or old is None):
            return self._setting_with_default(name, used, old)
        is_set_if_empty = used is not None and used.is_set_if_empty
        return (None if old is None and is_set_if_empty else old or ""), ""

    def _secret(
        self, name: str, used: _Variable | None, old: str | None, comment: str
    ) -> tuple[str | None, str]:
        """Return the value for the secret *name* of the project, and a remark, as `_value` does."""
        if used is None or not used.has_default:
            return self._secret_that_is_needed(name, used, old, comment)
        now = self._in_force(used)
        if now is None and not self.is_first_start:
            return None, _SEVERAL
        if now is None:
            return self._secret_that_is_needed(name, used, old, comment)
        is_optional = not (now or old or set(name_words(name)) & SESSIONS)
        if "$" in now or (is_optional and self.can_start):
            return (None if "$" in now else old), ""
        if now and not self._can_change(name, now):
            self.kept[name] = now
            return now, self._why_kept(name, now)
        if now:
            self.replaced[name] = now
        return self._random(name, comment, now or old or ""), ""

    def _secret_that_is_needed(
        self, name: str, used: _Variable | None, old: str | None, comment: str
    ) -> tuple[str | None, str]:
        """Return the value for the secret *name*, which has no default, or several ones."""
        defaults = [each for each in used.defaults if each] if used else []
        fixed = [each for each in defaults if not self._can_change(name, each)]
        if not fixed:
            return self._random(name, comment, old or next(iter(defaults), "")), ""
        self.left[name] = None
        if not any(self._place_of(name, each) for each in fixed):
            self.stored[name] = None
        return None, "Some Compose files have a default, which may be stored already."

    def _setting_with_default(
        self, name: str, used: _Variable, old: str | None
    ) -> tuple[str | None, str]:
        now = used.default
        if old is None or now in {"", old} or (not old and not used.is_set_if_empty):
            return old, ""
        if now is None or "$" in now:
            return None, _SEVERAL if now is None else "The Compose files have a default."
        self.kept[name] = now
        shown = "another value" if is_secret_name(name) else old or "none"
        return now, f"The default of the Compose files; {self.example} has {shown}."

    def _in_force(self, used: _Variable) -> str | None:
        """Return the default of a secret that is in force; that of the servers, if they differ."""
        of_stores = [d for d, users in used.defaults.items() if self.stores & users.keys()]
        return of_stores[0] if len(of_stores) == 1 and used.has_default else used.default

    def _is_own(self, name: str, old: str | None = None) -> bool:
        """Return whether *name* is a secret that the project chooses, and a server gets it.

        What the Compose files do not use and the example leaves empty is for something optional,
        unless it signs or encrypts.
        """
        name = self.servers.get(name, name)
        words = set(name_words(name))
        if is_of_server(name) and not self._is_asked_for(name):
            return False
        is_unused = old == "" and name not in self.used
        return is_chosen(name, self.known) and not (is_unused and not words & SIGNING)

    def _is_asked_for(self, name: str) -> bool:
        """Return whether a server of the project gets the variable *name*, and so do its clients.

        A block that services share may be of any service.
        """
        if self.is_passed_to_store:
            return True
        used = self.used.get(name)
        if used is None:
            return False
        applications = {n for model in self.models for n in model.services} - self.stores
        allows_none = any(
            re.search(_ALLOWS_NONE, setting)
            for model in self.models
            for name in used.users.keys() & model.services.keys()
            for setting in model.services[name].settings
        )
        return (
            not used.users.keys() <= applications
            and not allows_none
            and not self._has_open_client(used)
        )

    def _has_open_client(self, used: _Variable) -> bool:
        """Return whether a client has an address of a server in *used* without a password."""
        return any(
            url.scheme in _LOGIN_SCHEMES
            and not url.password
            and any(host in users for host, _ in url.hosts)
            for position, users in used.in_model.items()
            for service in self.models[position].services.values()
            if service.name not in users
            for setting in service.settings.values()
            for url in urls(setting.value or "")
        )

    def _can_change(self, name: str, now: str) -> bool:
        """Return whether the secret *now* in force can be another one from the next start on.

        That is so for what signs sessions, and for a password in the command of a server. The image
        of somebody else may encrypt data with a key of any name.
        """
        if f"{name}_HASH" in self.used or self._place_of(name, now) is not None:
            return False
        if self.is_first_start:
            return True
        name = self.servers.get(name, name)
        used = self.used[name]
        servers = self.stores & used.users.keys()
        services = [m.services[u] for m in self.models for u in used.users if u in m.services]
        is_own_code = not servers and all(each.build is not None for each in services)
        if self._stored_by(name):
            return False
        if servers and servers <= used.commands.keys():
            return True
        words = set(name_words(name))
        signs = words & SESSIONS or (is_own_code and name in SIGNING_KEYS)
        return bool(signs) and "encryption" not in words

    def _server_variables(self) -> dict[str, str]:
        """Return the variables of clients with the same default as that of a server they use.

        Both are one password: by the client's variable, the server's.
        """
        of_servers = [
            (name, default, self.stores & used.users.keys())
            for name, used in self.used.items()
            for default in used.defaults
            if default and is_secret_name(name) and self.stores & used.users.keys()
        ]
        services = [(n, s) for model in self.models for n, s in model.services.items()]
        return {
            name: server
            for server, default, stores in of_servers
            for name, used in self.used.items()
            if default in used.defaults and is_secret_name(name)
            if not self.stores & used.users.keys()
            if any(needs(s, store) for n, s in services if n in used.users for store in stores)
        }

    def _place_of(self, name: str, value: str) -> Location | None:
        """Return where the Compose files have *value*, a default of *name*, as a text of its own.

        A common word is found only where it is a password of the same server.
        """
        server = self.servers.get(name, name)
        names = {server, *(each for each, of in self.servers.items() if of == server)}
        place = next((p for each in names if (p := self.repeated.get((each, value)))), None)
        if place is not None or is_placeholder(value):
            return place
        users = self.used[server].users
        pattern = re.compile(rf"(?<![\w-]){re.escape(value)}(?![\w-])")
        for file in dict.fromkeys(file for model in self.models for file in model.files):
            for _, node in file.paths:
                text = node.value if isinstance(node, ScalarNode) else ""
                if value not in text:
                    continue
                texts = [text, *(each.argument or "" for each in expressions(text))]
                for each in reversed(expressions(text)):
                    if each.name in names:
                        text = text[: each.start] + text[each.end :]
                is_found = not is_common_word(value) and pattern.search(text)
                if is_found or any(
                    url.password == value and any(host in users for host, _ in url.hosts)
                    for part in texts
                    for url in urls(part)
                ):
                    return file.source.location(node.start)
        return None

    def _stored_by(self, name: str) -> dict[str, Secret]:
        """Return the services whose image stores the variable *name*, with what is known of it."""
        return {
            service.name: secret
            for model in self.models
            for service in model.services.values()
            for secret in known_secrets(model, service.name).values()
            if (setting := service.settings.get(secret.env)) is not None
            and any(each.name == name for each in expressions(setting.value or ""))
        }

    def _why_kept(self, name: str, value: str) -> str:
        """Return the comment on the secret *name*, whose *value* is in force and stays so."""
        if f"{name}_HASH" in self.used:
            return f"Not random, since {name}_HASH is the hash of it."
        if place := self._place_of(name, value):
            return f"Not random, since {place} has it as well."
        self.stored[name] = None
        stored = self._stored_by(name)
        if {"encryption", "fernet", "crypto"} & set(name_words(name)):
            return "Not random, since stored data is encrypted with it. Before that, set any other."
        servers = {name: each.change for name, each in stored.items() if each.change}
        if servers:
            keep = "keeps" if len(servers) == 1 else "keep"
            how = enumerated(dict.fromkeys(servers.values()))
            who = f"{enumerated(servers, 3)} {keep} it from the first start on"
            return f"Not random, since {who}. Before that, set any other; later, {how} changes it."
        return (
            "Not random, since what has stored it needs the same one. Before that, set any other."
        )

    def _random(self, name: str, comment: str, old: str) -> str:
        server = self.servers.get(name, name)
        if any(each in self.used and self.used[each].is_in_url for each in (name, server)):
            comment = old = ""  # a form such as Base64 has signs that end the password
        value = self.made.get(server) or self.random.secret(server, comment, old)
        self.made[name] = self.made[server] = value
        return value


def _repeated_defaults(
    project: Project, models: list[StartModel]
) -> dict[tuple[str, str], Location]:
    """Return where the same credential as a default is a literal, by variable and value."""
    found: dict[tuple[str, str], Location] = {}
    literals = literal_credentials(models, with_defaults=True)
    for group in group_credentials(project, literals):
        literal = next((each for each in group.literals if not each.default_of), None)
        if literal is not None:
            place = literal.file.source.location(literal.node.start)
            names = {each.default_of for each in group.literals} - {""}
            found.update(dict.fromkeys(((name, group.value) for name in names), place))
    return found


def _with_value(match: re.Match[str], old: str, new: str | None) -> str:
    """Return the assignment *match* of *old* with the value *new*; as a comment if it is None."""
    start = f"{match['lead']}{match['name']}{match['sign']}"
    if new is None:
        return f"# {start.lstrip()}{match['value']}{match['rest']}"
    if new == old:
        return f"{start}{match['value']}{match['rest']}"
    return f"{start.rstrip()}{_written(new)}{match['rest']}"  # a shell takes no space before it


def _written(value: str) -> str:
    """Return *value* with the quotes that it needs in an env file."""
    return (assignment("X", value) or "X=").removeprefix("X=") if value else ""


def _shown_default(used: _Variable) -> str:
    """Return the default of *used* for a comment; a command of a shell is none."""
    default = used.default or ""
    if "$(" in default or "`" in default or "\n" in default:
        return ""
    return default if expressions(default) else _written(default)


def _blocks(lines: Mapping[tuple[str, ...], list[str]]) -> str:
    """Return *lines* of an env file by the services that use them, each below a comment."""
    return "".join(
        f"\n# Used by {enumerated(users, 5)}\n" + "".join(f"{line}\n" for line in block)
        for users, block in lines.items()
    )


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
    if "COMPOSE_PROJECT_NAME" in names:
        yield Effect(("name",), "changes")
        for section in ("networks", "volumes", "secrets", "configs"):
            named = {each for model in models for each in model.declared(section)} | {"default"}
            yield from (Effect((section, each, "name"), "changes") for each in sorted(named))
