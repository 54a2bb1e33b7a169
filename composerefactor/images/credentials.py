"""Credentials that are written as literal text in Compose files.

They are searched in the environment of services and in their build arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from composerefactor.compose.definitions import Definition
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import (
    EXPRESSION_MASK,
    expand,
    expressions,
    mask_expressions,
)
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get
from composerefactor.compose.paths import is_outside
from composerefactor.compose.secrets import (
    is_credential,
    password_spans,
    password_variable_name,
    variable_name,
)
from composerefactor.compose.services import StartModel
from composerefactor.images.catalog import load_catalog
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, paths
from composerefactor.yaml.values import resolve_plain

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
    uses: list[CredentialUse] = []

    def __repr__(self) -> str:  # The value is a secret.
        return f"LiteralCredential({self.file.path!r}, {self.key!r})"

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the services that use the credential, each once."""
        return tuple(dict.fromkeys(use.service for use in self.uses))


def known_secrets(model: StartModel, service: str) -> frozenset[str]:
    """Return the variables that the image catalog lists as credentials of *service*'s image."""
    image = expand(model.services[service].text("image") or "", model.variables)
    entry = load_catalog().match(image) if image else None
    return frozenset(secret.env for secret in entry.secrets) if entry else frozenset()


def literal_credentials(models: Iterable[StartModel]) -> list[LiteralCredential]:
    """Return the literal credentials in the files of *models*.

    Each is returned once, sorted by file and position. Files outside the project are excluded.
    """
    finder = _CredentialFinder()
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


class _CredentialFinder:
    def __init__(self) -> None:
        self.credentials: dict[tuple[int, int], LiteralCredential] = {}
        self.addresses: dict[str, dict[int, Path]] = {}

    def definition(self, model: StartModel, name: str, definition: Definition) -> None:
        known = known_secrets(model, name)
        for attribute in ATTRIBUTES:
            node: Node | None = definition.body
            for key in attribute:
                node = merged_get(node, key)
            for key, scalar, offset in _name_value_pairs(node):
                for credential in self.parts(definition.file, key, scalar, offset, known):
                    place = ("services", name, *attribute, key)
                    first = self.credentials.setdefault((id(scalar), credential.start), credential)
                    first.uses.append(CredentialUse(model, name, place))

    def parts(
        self, file: ComposeFile, key: str, node: ScalarNode, offset: int, known: frozenset[str]
    ) -> Iterator[LiteralCredential]:
        if node.tag:
            return
        text = node.value[offset:]
        whole = _resolved_value(text, node, offset)
        if whole is not None and is_credential(key, whole, known):
            spans = password_spans(text) or [(0, len(text))]
        else:
            spans = [] if _is_number(node) else password_spans(text)
        path = self.address(file, node) if spans else None
        if path is None:
            return
        hidden = mask_expressions(text)
        for start, end in spans:
            value = text[start:end].replace("$$", "$")
            if EXPRESSION_MASK in hidden[start:end] or not value:
                continue
            is_whole = (start, end) == (0, len(text))
            name = variable_name(key) if is_whole else password_variable_name(key)
            yield LiteralCredential(
                *(file, path, node, start + offset, end + offset, key, name),
                value=value if not is_whole else whole or value,
                is_whole=is_whole,
            )

    def address(self, file: ComposeFile, node: Node) -> Path | None:
        paths_by_node = self.addresses.get(file.path)
        if paths_by_node is None:
            paths_by_node = {id(scalar): path for path, scalar in paths(file.root)}
            self.addresses[file.path] = paths_by_node
        return paths_by_node.get(id(node))


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


def _is_number(node: ScalarNode) -> bool:
    return not node.style and not isinstance(resolve_plain(node.value), str)
