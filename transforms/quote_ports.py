"""Quote ports that some YAML readers take for numbers.

For a reader of YAML 1.1 an unquoted `22:22` or `8080:22` is a number in base 60, if every part
after the first is below 60. Docker Compose reads it as text, but editors, linters, `yq` and scripts
may not, and may write something else back. With quotes it is text for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.compose.services import services_in
from composerefactor.edit.operations import Replace
from composerefactor.edit.rendering import Quoted
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.yaml.nodes import Path, ScalarNode
from composerefactor.yaml.values import is_base_60


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the transform."""

    all: bool = option(
        default=False, help="Also quote mappings that every reader takes for text, such as 8080:80."
    )


@fixer(
    Options,
    purpose="correctness",
    cause="a parser of YAML may read a port without quotes as another number",
)
def quote_ports(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each list of ports that needs quotes."""
    for path, file in project.own_files.items():
        lists: dict[Path, list[tuple[Path, ScalarNode]]] = {}
        ports = _ports(file)
        for where, node in file.paths:
            if id(node) in ports and isinstance(node, ScalarNode) and _needs_quotes(node, options):
                lists.setdefault(where[:-1], []).append((where, node))
        for items in lists.values():
            texts = ", ".join(node.value for _, node in items)
            numbers = ", ".join(node.value for _, node in items if is_base_60(node.value))
            yield Change(
                f"Quote {texts}",
                file.source.location(items[0][1].start),
                [Replace(path, where, Quoted(node.value)) for where, node in items],
                evidence=f"{numbers} without quotes: a number for readers of YAML 1.1"
                if numbers
                else "",
            )


def _ports(file: ComposeFile) -> set[int]:
    """Return the ids of the nodes in *file* that publish a port, including anchored ones."""
    values = [value for each in services_in(file).values() for value in each.values("ports")]
    return {id(item.node) for value in values for item in value.items}


def _needs_quotes(node: ScalarNode, options: Options) -> bool:
    """Return whether *node* is plain text that *options* say to quote."""
    if node.style or node.tag:
        return False
    return is_base_60(node.value) or (options.all and ":" in node.value)
