"""Nodes from text."""

from __future__ import annotations

from typing import Any

from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python


def mapping(text: str) -> MappingNode:
    """Return the root of the YAML text *text*."""
    root = parse(Source("compose.yaml", text)).root
    assert isinstance(root, MappingNode)
    return root


def values(text: str, name: str = "text") -> Any:
    """Return the values of the YAML *text*, None for an empty one."""
    source = Source.decode(name, text.encode())
    root = parse(source).root
    return None if root is None else to_python(root, source)
