"""Nodes from text."""

from __future__ import annotations

from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source


def mapping(text: str) -> MappingNode:
    """Return the root of the YAML text *text*."""
    root = parse(Source("compose.yaml", text)).root
    assert isinstance(root, MappingNode)
    return root
