"""Credentials that are written as literal text in Compose files.

They are searched in the environment of services and in their build arguments;
:func:`other_places` finds where else such a credential is written.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct

from composerefactor.compose.definitions import Definition, text_of
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import EXPRESSION_MASK, expressions, mask_expressions
from composerefactor.compose.paths import is_outside
from composerefactor.compose.secret_spans import (
    file_spans,
    password_spans,
    secret_spans,
    word_spans,
)
from composerefactor.compose.secrets import (
    is_common,
    is_credential,
    is_mixed,
    is_published,
    is_secret_name,
    password_variable_name,
    variable_name,
)
from composerefactor.compose.services import StartModel
from composerefactor.images.catalog import catalog_of
from composerefactor.images.entries import Secret
from composerefactor.yaml.nodes import (
    MappingNode,
    Node,
    Path,
    ScalarNode,
    SequenceNode,
    path_of,
    resolve,
)
from composerefactor.yaml.values import (
    item_nodes,
    merged_entries,
    merged_get,
    resolve_plain,
    short_or_long,
)

ATTRIBUTES = (("environment",), ("build", "args"))
"""The attributes of a service that contain pairs of names and values."""


class CredentialUse(Struct, frozen=True):
    """One service that uses a literal credential.

    Attributes:
        model: The start model that the service belongs to.
        service: Name of the service.
        place: Path of the value in the resolved configuration.
    """

    model: StartModel
    service: str
    place: tuple[str, ...]


class LiteralCredential(Struct, eq=False):
    """A credential as literal text in a Compose file.

    Attributes:
        file: The Compose file.
        path: Path of the scalar in the file.
        node: The scalar that contains the credential.
        start: First character of the credential in the value of *node*.
        end: Character after the last one.
        key: Name of the variable that contains it.
        name: Suggested name of a new variable for it.
        value: The credential as Docker Compose resolves it. Never shown.
        is_whole: False if it is a part of a longer value, such as the password of a URL.
        default_of: The variable of which it is the default, else ``""``. Then *start* and *end* are
            those of the whole expression.
        uses: The services that use it.
    """

    file: ComposeFile
    path: Path
    node: ScalarNode
    start: int
    end: int
    key: str
    name: str
    value: str
    is_whole: bool = True
    default_of: str = ""
    uses: list[CredentialUse] = []

    def __repr__(self) -> str:  # The value is a secret.
        return f"LiteralCredential({self.file.path!r}, {self.key!r})"

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that use the credential, each once."""
        return tuple(dict.fromkeys(use.service for use in self.uses))


def known_secrets(model: StartModel, service: str) -> dict[str, Secret]:
    """Return the credentials of *service*'s image by the image catalog, by variable."""
    image = text_of(model.services[service].image)
    entry = catalog_of(model).match(image) if image else None
    return {secret.env: secret for secret in entry.secrets} if entry else {}


def literal_credentials(
    models: Iterable[StartModel], *, with_defaults: bool = False
) -> list[LiteralCredential]:
    """Return the literal credentials in the files of *models*.

    Each is returned once, sorted by file and position. Files outside the project are excluded.
    *with_defaults* also returns the defaults of variables (``${DB_PASSWORD:-secret}``) that no env
    file sets. An access key that is the name of a user elsewhere does not count (MinIO).
    """
    models = list(models)
    finder = _CredentialFinder(user_names(models), with_defaults=with_defaults)
    for model in models:
        for name, service in model.services.items():
            for definition in service.definitions:
                finder.definition(model, name, definition)
    credentials = [
        credential
        for credential in finder.credentials.values()
        if not is_outside(credential.file.path)
    ]
    return sorted(
        credentials,
        key=lambda credential: (credential.file.path, credential.node.start, credential.start),
    )


def other_places(models: Iterable[StartModel], value: str) -> Iterator[LiteralCredential]:
    """Yield the places of the credential *value* outside of the variables of services.

    These are commands, health checks, labels and other texts of services in which *value* is
    recognised as a secret, or is a word of its own, and variables such as ``REDISCLI_AUTH``. For a
    value that unrelated texts may contain by chance, such as one without digits, a word is not
    enough.
    """
    written = value.replace("$", "$$")
    word = re.compile(rf"(?<![\w$]){re.escape(written)}(?!\w)")
    is_unlikely = is_mixed(value) and not is_common(value)
    found: dict[tuple[int, int], LiteralCredential] = {}
    for model in models:
        for name, service in model.services.items():
            for definition in service.definitions:
                for attribute, entry in definition.entries.items():
                    is_environment = attribute == "environment"
                    if is_environment:
                        for place in _equal_variables(definition, entry.value, value):
                            same = found.setdefault((id(place.node), place.start), place)
                            use = CredentialUse(
                                model, name, ("services", name, attribute, same.key)
                            )
                            same.uses.append(use)
                    arguments = _argument_spans(entry.value)
                    for node in (n for n in _scalars(entry.value) if written in n.value):
                        secrets = _secret_spans(node.value) | arguments.get(id(node), set())
                        text = mask_expressions(node.value)
                        # The password in `-psecret` is not a separate word.
                        spans = {span for span in secrets if text[slice(*span)] == written}
                        spans.update(
                            match.span()
                            for match in (word.finditer(text) if is_unlikely else ())
                            if not is_environment
                        )
                        for span in sorted(spans):
                            path = path_of(definition.file.root, node)
                            if path is None or node.tag:
                                continue
                            place = found.setdefault(
                                (id(node), span[0]),
                                LiteralCredential(
                                    definition.file,
                                    path,
                                    node,
                                    *span,
                                    attribute,
                                    f"{variable_name(name)}_PASSWORD",
                                    value,
                                    is_whole=False,
                                ),
                            )
                            place.uses.append(
                                CredentialUse(model, name, ("services", name, attribute))
                            )
    yield from found.values()


def _secret_spans(text: str) -> set[tuple[int, int]]:
    """Return the secrets in *text*; one of several lines may be a configuration file."""
    return {*secret_spans(text), *(file_spans(text) if "\n" in text else ())}


def _argument_spans(attribute: Node) -> dict[int, set[tuple[int, int]]]:
    """Return the secrets that words of the command *attribute* are by the words before them."""
    test = short_or_long(attribute, "test")
    words = [word for word in item_nodes(test) if isinstance(word, ScalarNode)]
    found: dict[int, set[tuple[int, int]]] = {}
    for index, start, end in word_spans([word.value for word in words]):
        found.setdefault(id(words[index]), set()).add((start, end))
    return found


def _equal_variables(
    definition: Definition, environment: Node, value: str
) -> Iterator[LiteralCredential]:
    """Yield the variables in *environment* with *value* whose names alone do not say what it is."""
    written = value.replace("$", "$$")
    for key, node, offset in _name_value_pairs(resolve(environment)):
        text = node.value[offset:]
        if text != written or not is_secret_name(key) or is_credential(key, value):
            continue  # the last is a credential of its own
        path = path_of(definition.file.root, node)
        if path is not None:
            span = (offset, len(node.value))
            name = variable_name(key)
            yield LiteralCredential(definition.file, path, node, *span, key, name, value)


def _scalars(node: Node) -> Iterator[ScalarNode]:
    """Yield the scalar values below *node*, aliases followed."""
    pending, seen = [resolve(node)], set[int]()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, ScalarNode):
            yield current
        elif isinstance(current, MappingNode):
            pending += [resolve(entry.value) for entry in current.entries]
        elif isinstance(current, SequenceNode):
            pending += map(resolve, current.items)


def user_names(models: Iterable[StartModel]) -> set[str]:
    """Return the values of the variables of services that are names of users."""
    return {
        setting.value
        for model in models
        for service in model.services.values()
        for name, setting in service.settings.items()
        if setting.value and name_words(name)[-1:] in {("user",), ("username",)}
    }


class _CredentialFinder:
    def __init__(self, users: Container[str], *, with_defaults: bool = False) -> None:
        self.users = users
        self.with_defaults = with_defaults
        self.credentials: dict[tuple[int, int], LiteralCredential] = {}

    def definition(self, model: StartModel, name: str, definition: Definition) -> None:
        known = known_secrets(model, name)
        for attribute in ATTRIBUTES:
            node: Node | None = definition.body
            for key in attribute:
                node = merged_get(node, key)
            for key, scalar, offset in _name_value_pairs(node):
                found = [*self.parts(definition.file, key, scalar, offset, known)]
                if self.with_defaults:
                    found += self.defaults(model, definition.file, key, scalar, offset, known)
                for credential in found:
                    place = ("services", name, *attribute, key)
                    first = self.credentials.setdefault((id(scalar), credential.start), credential)
                    first.uses.append(CredentialUse(model, name, place))

    def parts(
        self,
        file: ComposeFile,
        key: str,
        node: ScalarNode,
        offset: int,
        known: Mapping[str, Secret],
    ) -> Iterator[LiteralCredential]:
        if node.tag:
            return
        text = node.value[offset:]
        whole = _resolved_value(text, node, offset)
        if whole in self.users and name_words(key)[-2:] == ("access", "key"):
            return
        if whole is not None and is_credential(key, whole, known):
            spans = password_spans(text) or [(_password_start(text, known.get(key)), len(text))]
        else:
            spans = [] if _is_number(node) else password_spans(text)
        path = path_of(file.root, node) if spans else None
        if path is None:
            return
        hidden = mask_expressions(text)
        for start, end in spans:
            value = text[start:end].replace("$$", "$")
            if EXPRESSION_MASK in hidden[start:end] or not value or is_published(value):
                continue
            is_whole = (start, end) == (0, len(text))
            name = variable_name(key) if is_whole else password_variable_name(key)
            yield LiteralCredential(
                *(file, path, node, start + offset, end + offset, key, name),
                value=value if not is_whole else whole or value,
                is_whole=is_whole,
            )

    def defaults(
        self,
        model: StartModel,
        file: ComposeFile,
        key: str,
        node: ScalarNode,
        offset: int,
        known: Mapping[str, Secret],
    ) -> Iterator[LiteralCredential]:
        """Yield the credentials in *node* that are the default of a variable without a value."""
        text = node.value[offset:]
        path = path_of(file.root, node) if "${" in text and not node.tag else None
        if path is None:
            return
        spans = password_spans(text)
        for each in expressions(text):
            value = each.argument or ""
            is_password = (each.start, each.end) in spans or (
                (each.start, each.end) == (0, len(text)) and is_credential(key, value, known)
            )
            is_used = each.operator in {"-", ":-"} and each.name not in model.variables
            if is_password and is_used and each.depth == 0 and value and "$" not in value:
                yield LiteralCredential(
                    *(file, path, node, each.start + offset, each.end + offset, key, each.name),
                    value=value,
                    is_whole=(each.start, each.end) == (0, len(text)),
                    default_of=each.name,
                )


def _name_value_pairs(node: Node | None) -> Iterator[tuple[str, ScalarNode, int]]:
    """Yield (name, scalar, offset of the value in the scalar) of a mapping or list of pairs."""
    if isinstance(node, MappingNode):
        for name in merged_entries(node):
            value = merged_get(node, name)
            if isinstance(value, ScalarNode) and not value.is_null:
                yield name, value, 0
        return
    for item in item_nodes(node):
        if isinstance(item, ScalarNode):
            name, equals, _ = item.value.partition("=")
            if equals and "$" not in name:
                yield name, item, len(name) + 1


def _resolved_value(text: str, node: ScalarNode, offset: int) -> str | None:
    """Return *text* as Docker Compose resolves it.

    Returns None for a text with variables, and for a number that Docker Compose formats in
    another way.
    """
    if expressions(text):
        return None
    if not offset and _is_number(node) and str(resolve_plain(text)) != text:
        return None
    return text.replace("$$", "$")


def _password_start(text: str, secret: Secret | None) -> int:
    """Return where the password in the value *text* of *secret* starts."""
    if secret is None or not secret.after:
        return 0
    before, mark, _ = text.partition(secret.after)
    return len(before + mark)


def _is_number(node: ScalarNode) -> bool:
    return not node.style and not isinstance(resolve_plain(node.value), str)
