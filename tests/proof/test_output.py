"""The places of an output of ``config``: no two outputs with other content have the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.proof.config_output import places

Model: TypeAlias = Mapping[str, Mapping[str, Mapping[str, str]]]

NAMES = st.sampled_from(["a", "b", "a b", "x-a", "services", "'q'"])
TEXTS = st.sampled_from(["", "a", "b:", "services:", "  a:", "# a"])
BODIES = st.dictionaries(NAMES, TEXTS, max_size=2)
MODELS = st.dictionaries(
    st.sampled_from(["services", "volumes", "x-a", "name"]),
    st.dictionaries(NAMES, BODIES, max_size=2),
    max_size=3,
)


def printed(model: Model) -> bytes:
    """Return *model* as Docker Compose prints it: mappings as blocks, empty ones as ``{}``."""
    lines: list[str] = []

    def write(value: Mapping[str, object] | str, indent: int) -> None:
        for name, below in value.items() if isinstance(value, Mapping) else ():
            if isinstance(below, Mapping) and below:
                lines.append(f"{' ' * indent}{name}:")
                write(below, indent + 2)
            else:
                lines.append(f"{' ' * indent}{name}: {json.dumps(below)}")

    write(model, 0)
    return "".join(f"{line}\n" for line in lines).encode()


@given(MODELS, MODELS)
def test_outputs_with_equal_places_are_equal(one: Model, two: Model) -> None:
    assert (places(printed(one)) == places(printed(two))) is (one == two)


def test_the_places_of_a_service() -> None:
    services = b"services:\n  web:\n    image: a\n    command:\n      - b\n  db: {}\n"
    output = b"name: p\n" + services + b"x-a:\n  b: c\n"
    assert places(output) == {
        ("name",): "name: p\n",
        ("services", "web", "image"): "    image: a\n",
        ("services", "web", "command"): "    command:\n      - b\n",
        ("services", "db"): "  db: {}\n",
        ("x-a",): "x-a:\n  b: c\n",
    }
