"""Share: services with a shared definition mean the same as before."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.repeats import Repeat, repeats
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import Share
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.examples import examples

CHECK = "    healthcheck:  # slow\n      test: [CMD, true]\n      interval: 10s\n"
BARE = CHECK.replace("  # slow", "")


def read(text: str) -> ComposeFile:
    return ComposeFile.parse(Source("compose.yaml", text))


def services(text: str) -> Any:
    return to_python(read(text).root)["services"]


def shared(text: str, least: int = 3) -> tuple[str, list[Repeat]]:
    file = read(text)
    found = repeats(file, least)
    edits = [
        Share(
            "",
            "" if each.anchor else f"x-{n}",
            each.anchor or f"a{n}",
            each.services,
            each.keys or (each.attributes[0].key,),
            merged=bool(each.keys),
        )
        for n, each in enumerate(found)
    ]
    return apply_edits(file, edits), found


def test_the_text_with_comments_is_kept() -> None:
    bodies = {"a": BARE, "b": CHECK, "c": BARE}
    parts = (f"  {name}:\n    image: {name}\n{body}" for name, body in bodies.items())
    text = "services:\n" + "".join(parts)
    after, found = shared(text)
    assert [each.services for each in found] == [("b", "a", "c")]
    assert after.startswith("x-0: &a0  # slow\n  test: [CMD, true]\n  interval: 10s\n\nservices:\n")
    assert after.count("healthcheck: *a0\n") == 3
    assert services(after) == services(text)


def test_different_comments_keep_their_text() -> None:
    other = CHECK.replace("slow", "fast")
    text = f"services:\n  a:\n    image: x\n{CHECK}  b:\n    image: y\n{other}"
    assert shared(text) == (text, [])


def test_an_equal_anchor_is_reused() -> None:
    block = "x-check: &check\n  interval: 10s\n  test: [CMD, true]\n"
    text = f"{block}services:\n  a:\n    image: x\n{BARE}"
    after, found = shared(text)
    assert [each.anchor for each in found] == ["check"]
    assert after == f"{block}services:\n  a:\n    image: x\n    healthcheck: *check\n"


def test_short_and_anchored_blocks_stay() -> None:
    text = "services:\n  a:\n    image: x\n    dns: [a]\n  b:\n    image: x\n    dns: [a]\n"
    assert shared(text)[1] == []
    anchored = f"services:\n  a:\n    image: x\n{BARE.replace(':', ': &h', 1)}  b:\n{BARE}"
    assert shared(anchored)[1] == []


BLOCKS = (
    BARE,
    CHECK,
    "    restart: always\n",
    "    # why\n    tty: true\n",
    "    command: |\n      one\n\n        two\n",
    "    environment:\n    - A=1\n    # B\n    - C='x: y'\n",
    "    logging: {driver: local,\n      options: {max-size: 10m}}\n",
    "    labels:\n      {a: b}\n",
    "\n    volumes:\n      - a:/a\n      - type: bind\n        source: .\n        target: /b\n\n",
)


@st.composite
def projects(draw: st.DrawFn) -> str:
    subsets = st.lists(st.sampled_from(BLOCKS), unique_by=lambda b: b.split(":")[0].split()[-1])
    bodies = draw(st.lists(subsets, min_size=2, max_size=6))
    parts = [f"  s{n}:\n    image: i{n}\n{''.join(body)}" for n, body in enumerate(bodies)]
    text = "services:\n" + "".join(parts)
    text = text.rstrip("\n") if draw(st.booleans()) else text
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=examples(40, 300), deadline=None)
@given(projects(), st.integers(2, 4))
def test_the_services_mean_the_same_and_no_repeat_is_left(text: str, least: int) -> None:
    after, found = shared(text, least)
    assert services(after) == services(text)
    assert len(after) <= len(text) or not found
    assert shared(after, least) == (after, [])
