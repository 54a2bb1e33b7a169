"""The examples in docs/comments.md name the owner of each comment correctly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from composerefactor.yaml.comments import regions, top_regions
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.source import Source
from support.nodes import mapping

PAGE = Path(__file__).parents[2] / "docs" / "comments.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_example(text: str) -> None:
    source = Source("compose.yaml", text)
    root = mapping(text)
    top = top_regions(source, root, start=0, end=len(text))
    assert top is not None
    [section] = top
    value = section.entry.value
    assert isinstance(value, MappingNode)
    start = source.next_line(section.key)
    services = regions(source, value, start=start, end=section.end)
    assert services is not None
    claims = list(re.finditer(r"^ *#.*?  +(\w[\w' ]*)(?::|$)", text, re.MULTILINE))
    claims = [claim for claim in claims if claim[1].split("'")[0] in {"api", "db", "the file"}]
    assert len(claims) >= 3
    for claim in claims:
        owners = [r.entry.name for r in services if r.lead <= claim.start() < r.end]
        if claim[1].startswith("the file"):
            assert not section.lead <= claim.start() < section.end
        else:
            assert owners == [claim[1]]
