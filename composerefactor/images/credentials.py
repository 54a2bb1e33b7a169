"""Where credentials stand as text in what services are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.interpolation import MASK, expand, expressions, masked
from composerefactor.compose.merge_keys import item_nodes, merged_entries, merged_get
from composerefactor.compose.secrets import is_credential, password_name, passwords, variable_name
from composerefactor.compose.services import Definition, StartModel
from composerefactor.images.catalog import load
from composerefactor.yaml.nodes import MappingNode, Node, Path, ScalarNode, paths
from composerefactor.yaml.values import resolve_plain

ATTRIBUTES = (("environment",), ("build", "args"))
"""Where services get pairs of names and values."""


class Use(Struct, frozen=True):
    """A service that has a literal, at *place* of the model."""

    model: StartModel
    service: str
    place: tuple[str, ...]


class LiteralCredential(Struct, eq=False):
    """A credential: characters ``start:end`` of the scalar *node* at *path* of *file*.

    *key* is the variable that holds it, *name* what a variable for it is best called, *value* what
    the engine makes of it. *is_whole* is False for a part of a longer text.
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
    uses: list[Use] = []

    def __repr__(self) -> str:  # without the value
        return f"Literal({self.file.path!r}, {self.key!r})"

    @property
    def services(self) -> tuple[str, ...]:
        """The services that have it."""
        return tuple(dict.fromkeys(use.service for use in self.uses))


def known_secrets(model: StartModel, service: str) -> frozenset[str]:
    """Return the variables that the image of *service* takes as credentials."""
    image = expand(model.services[service].text("image") or "", model.variables)
    entry = load().match(image) if image else None
    return frozenset(secret.env for secret in entry.secrets) if entry else frozenset()


def literals(every: Iterable[StartModel]) -> list[LiteralCredential]:
    """Return the credentials in the files of *every* stack, each once, in the order of the text."""
    finder = _Finder()
    for model in every:
        for name, service in model.services.items():
            for definition in service.definitions:
                finder.definition(model, name, definition)
    found = [each for each in finder.found.values() if not each.file.path.startswith("../")]
    return sorted(found, key=lambda each: (each.file.path, each.node.start, each.start))


class _Finder:
    def __init__(self) -> None:
        self.found: dict[tuple[int, int], LiteralCredential] = {}
        self.addresses: dict[str, dict[int, Path]] = {}

    def definition(self, model: StartModel, name: str, definition: Definition) -> None:
        known = known_secrets(model, name)
        for attribute in ATTRIBUTES:
            node: Node | None = definition.body
            for key in attribute:
                node = merged_get(node, key)
            for key, scalar, offset in _pairs(node):
                for each in self.parts(definition.file, key, scalar, offset, known):
                    place = ("services", name, *attribute, key)
                    first = self.found.setdefault((id(scalar), each.start), each)
                    first.uses.append(Use(model, name, place))

    def parts(
        self, file: ComposeFile, key: str, node: ScalarNode, offset: int, known: frozenset[str]
    ) -> Iterator[LiteralCredential]:
        if node.tag:
            return
        text = node.value[offset:]
        whole = _engine_value(text, node, offset)
        if whole is not None and is_credential(key, whole, known):
            spans = passwords(text) or [(0, len(text))]
        else:
            spans = [] if _is_number(node) else passwords(text)
        path = self.address(file, node) if spans else None
        if path is None:
            return
        hidden = masked(text)
        for start, end in spans:
            value = text[start:end].replace("$$", "$")
            if MASK in hidden[start:end] or not value:
                continue
            is_whole = (start, end) == (0, len(text))
            name = variable_name(key) if is_whole else password_name(key)
            yield LiteralCredential(
                *(file, path, node, start + offset, end + offset, key, name),
                value=value if not is_whole else whole or value,
                is_whole=is_whole,
            )

    def address(self, file: ComposeFile, node: Node) -> Path | None:
        known = self.addresses.get(file.path)
        if known is None:
            known = {id(found): path for path, found in paths(file.root)}
            self.addresses[file.path] = known
        return known.get(id(node))


def _pairs(node: Node | None) -> Iterator[tuple[str, ScalarNode, int]]:
    """Yield name, scalar, and where the value begins in it."""
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


def _engine_value(text: str, node: ScalarNode, offset: int) -> str | None:
    """Return what the engine makes of *text*; None where it holds variables, or is another type."""
    if expressions(text):
        return None
    if not offset and _is_number(node) and str(resolve_plain(text)) != text:
        return None
    return text.replace("$$", "$")


def _is_number(node: ScalarNode) -> bool:
    return not node.style and not isinstance(resolve_plain(node.value), str)
