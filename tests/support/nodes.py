"""Nodes from text."""

from __future__ import annotations

from composerefactor.source import Source
from composerefactor.yamltree.build import parse
from composerefactor.yamltree.nodes import Mapping


def mapping(text: str) -> Mapping:
    """Return the root of the YAML text *text*."""
    root = parse(Source("compose.yaml", text)).root
    assert isinstance(root, Mapping)
    return root
