"""Edits produce the expected data and change no other line."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composerefactor.compose.files import ComposeFile
from composerefactor.edit.apply import apply_edits
from composerefactor.edit.operations import (
    AddItem,
    AddKey,
    Remove,
    Rename,
    Replace,
    Substitute,
    ToMapping,
    YamlEdit,
)
from composerefactor.edit.rendering import AnchorAlias, Anchored, Flow, Quoted
from composerefactor.errors import RefusedError
from composerefactor.yaml.nodes import (
    AliasNode,
    MappingNode,
    Path,
    ScalarNode,
    SequenceNode,
    paths,
    walk,
)
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python
from support.composetext import COMPOSE, ComposeProject, compose_projects
from support.examples import examples

SERVICE = ("services", "web")
ORDER = ("image", "build", "command", "environment", "ports", "depends_on", "healthcheck")


def parsed(text: str) -> ComposeFile:
    return ComposeFile.parse(Source("compose.yaml", text))


def values(text: str) -> Any:
    tree = parse(Source("compose.yaml", text))
    assert tree.root is not None
    return to_python(tree.root, tree.source)


CASES: dict[str, tuple[str, YamlEdit, str]] = {
    "a part of a quoted text": (
        "services:\n  web:\n    image: 'a:${T:=1}'  # why\n",
        Substitute("", (*SERVICE, "image"), "${T:=1}", "${T:-1}"),
        "services:\n  web:\n    image: 'a:${T:-1}'  # why\n",
    ),
    "the second of two parts of a block of lines": (
        "services:\n  web:\n    command: |\n      $A\n      x  $A\n    image: a\n",
        Substitute("", (*SERVICE, "command"), "$A", "$$A", 1),
        "services:\n  web:\n    command: |\n      $A\n      x  $$A\n    image: a\n",
    ),
    "a key stands where the order has it": (
        "services:\n  web:\n    image: a\n    ports:\n      - 80:80\n",
        AddKey("", SERVICE, "command", Flow(("a", "b")), ORDER),
        'services:\n  web:\n    image: a\n    command: ["a", "b"]\n    ports:\n      - 80:80\n',
    ),
    "a key below the comments that belong to what is above": (
        "services:\n  web:\n    image: a\n      # pinned, see the wiki\n  db:\n    image: b\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    image: a\n      # pinned, see the wiki\n    restart: always\n"
            "  db:\n    image: b\n"
        ),
    ),
    "a key below commented-out items that are left of the list": (
        (
            "services:\n  web:\n    volumes:\n    - .:/app\n## on a Mac\n#    - app:/app\n\n"
            "  db:\n    image: b\n"
        ),
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    volumes:\n    - .:/app\n## on a Mac\n#    - app:/app\n"
            "    restart: always\n\n  db:\n    image: b\n"
        ),
    ),
    "a key between commented-out items and the next key": (
        (
            "services:\n  web:\n    ports:\n    - 80:80\n## TLS\n#    - 443:443\n"
            "    labels:\n    - a=b\n"
        ),
        AddKey("", SERVICE, "depends_on", ["db"], ORDER),
        (
            "services:\n  web:\n    ports:\n    - 80:80\n## TLS\n#    - 443:443\n"
            "    depends_on:\n    - db\n    labels:\n    - a=b\n"
        ),
    ),
    "a key above a commented-out key in column 0": (
        (
            "services:\n  web:\n    image: a\n#    ports:\n#      - 80:80\n  # keeps all\n"
            "  db:\n    image: b\n"
        ),
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    image: a\n    restart: always\n#    ports:\n#      - 80:80\n"
            "  # keeps all\n  db:\n    image: b\n"
        ),
    ),
    "a key above a commented-out key and its note": (
        "services:\n  web:\n    image: a\n    # to debug:\n    # ports:\n    #   - 80:80\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    image: a\n    restart: always\n"
            "    # to debug:\n    # ports:\n    #   - 80:80\n"
        ),
    ),
    "a key between commented-out items and a commented-out key": (
        "services:\n  web:\n    ports:\n    - 80:80\n    # - 443:443\n    # tty: true\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    ports:\n    - 80:80\n    # - 443:443\n"
            "    restart: always\n    # tty: true\n"
        ),
    ),
    "a key below another value of the last key": (
        "services:\n  web:\n    image: a\n    # with TLS\n    # image: b\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        "services:\n  web:\n    image: a\n    # with TLS\n    # image: b\n    restart: always\n",
    ),
    "a key below a note that refers to what is above": (
        "services:\n  web:\n    image: a\n    # or, instead of the above:\n    # build: .\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    image: a\n    # or, instead of the above:\n    # build: .\n"
            "    restart: always\n"
        ),
    ),
    "a key above a commented-out service": (
        "services:\n  web:\n    image: a\n  # jobs:\n  #   image: b\n  #   tty: true\n",
        AddKey("", SERVICE, "restart", "always", ORDER),
        (
            "services:\n  web:\n    image: a\n    restart: always\n"
            "  # jobs:\n  #   image: b\n  #   tty: true\n"
        ),
    ),
    "an anchor directly below another section": (
        "include:\n  - a.yml\nservices:\n  web:\n    image: a\n",
        AddKey("", (), "x-log", Anchored("log", {"driver": "local"}), above="services"),
        (
            "include:\n  - a.yml\n\nx-log: &log\n  driver: local\n\n"
            "services:\n  web:\n    image: a\n"
        ),
    ),
    "an anchor in a file without blank lines": (
        "name: shop\nx-a: &a\n  b: c\nservices:\n  web:\n    image: a\n",
        AddKey("", (), "x-log", Anchored("log", {"driver": "local"}), above="services"),
        (
            "name: shop\nx-a: &a\n  b: c\nx-log: &log\n  driver: local\n"
            "services:\n  web:\n    image: a\n"
        ),
    ),
    "an anchor directly below the header": (
        "# The shop.\nservices:\n  web:\n    image: a\n",
        AddKey("", (), "x-log", Anchored("log", {"driver": "local"}), above="services"),
        "# The shop.\n\nx-log: &log\n  driver: local\n\nservices:\n  web:\n    image: a\n",
    ),
    "an anchor above the section that uses it, below the header": (
        "# header\n\n# what runs\nservices:\n  web:\n    image: a\n",
        AddKey("", (), "x-log", Anchored("log", {"driver": "local"}), above="services"),
        (
            "# header\n\nx-log: &log\n  driver: local\n\n"
            "# what runs\nservices:\n  web:\n    image: a\n"
        ),
    ),
    "an alias in a flow mapping": (
        "x: &log {driver: local}\nservices:\n  web: {image: a}\n",
        AddKey("", SERVICE, "logging", AnchorAlias("log")),
        "x: &log {driver: local}\nservices:\n  web: {image: a, logging: *log}\n",
    ),
    "a section after a blank line, at the end of a file without a line end": (
        "services:\n  web:\n    image: a",
        AddKey("", (), "networks", {"app": None}),
        "services:\n  web:\n    image: a\n\nnetworks:\n  app:",
    ),
    "a key of four spaces in CRLF, with a comment": (
        "services:\r\n    web:\r\n        image: a\r\n",
        AddKey("", SERVICE, "deploy", {"replicas": 2}, ORDER, "two, for updates"),
        (
            "services:\r\n    web:\r\n        image: a\r\n        # two, for updates\r\n"
            "        deploy:\r\n            replicas: 2\r\n"
        ),
    ),
    "a key in a flow mapping": (
        "services:\n  web: {image: a}\n",
        AddKey("", SERVICE, "ports", [Quoted("80:80")]),
        'services:\n  web: {image: a, ports: ["80:80"]}\n',
    ),
    "a key after an empty one in a flow mapping": (
        "services: {}\nvolumes: {a: , b: }\n",
        AddKey("", ("volumes",), "c", None),
        "services: {}\nvolumes: {a: , b: , c: null}\n",
    ),
    "a key after an empty one without a space": (
        "services: {}\nvolumes: {a:, b:}\n",
        AddKey("", ("volumes",), "c", None),
        "services: {}\nvolumes: {a:, b: , c: null}\n",
    ),
    "a key below a text of lines that ends the file": (
        "services:\n  web:\n    command: |+2\n        a\n\n      b",
        AddKey("", SERVICE, "restart", "always", ORDER),
        "services:\n  web:\n    command: |2-\n        a\n\n      b\n    restart: always",
    ),
    "a section below a folded text that ends the file": (
        "services:\n  web:\n    command: > # why\n      a\n      b",
        AddKey("", (), "networks", {"app": None}),
        "services:\n  web:\n    command: >- # why\n      a\n      b\n\nnetworks:\n  app:",
    ),
    "a key below one that is empty": (
        "services:\n  web:\n    image: a\nvolumes:  # none yet\n",
        AddKey("", ("volumes",), "data", None),
        "services:\n  web:\n    image: a\nvolumes:  # none yet\n  data:\n",
    ),
    "a section that is not there, where people put it": (
        "services:\n  web:\n    image: a\n\nvolumes:\n  d:\n",
        AddKey("", ("networks",), "app", {"driver": "bridge"}),
        (
            "services:\n  web:\n    image: a\n\nnetworks:\n  app:\n    driver: bridge\n\n"
            "volumes:\n  d:\n"
        ),
    ),
    "services apart by blank lines": (
        "services:\n  web:\n    image: a\n\n  db:\n    image: b\n\nvolumes:\n  d:\n",
        AddKey("", ("services",), "redis", {"image": "redis:7"}),
        (
            "services:\n  web:\n    image: a\n\n  db:\n    image: b\n\n"
            "  redis:\n    image: redis:7\n\nvolumes:\n  d:\n"
        ),
    ),
    "a list as the others of its service have it": (
        (
            "services:\n  job:\n    ports:\n        - 1:1\n    volumes:\n        - a:/a\n"
            "  web:\n    ports:\n    - 80:80\n"
        ),
        AddKey("", SERVICE, "networks", ["front"]),
        (
            "services:\n  job:\n    ports:\n        - 1:1\n    volumes:\n        - a:/a\n"
            "  web:\n    ports:\n    - 80:80\n    networks:\n    - front\n"
        ),
    ),
    "an item in the list's own indentation": (
        "services:\n  web:\n    ports:\n    - 80:80  # http\n    image: a\n",
        AddItem("", (*SERVICE, "ports"), Quoted("443:443")),
        'services:\n  web:\n    ports:\n    - 80:80  # http\n    - "443:443"\n    image: a\n',
    ),
    "an item in a flow list": (
        "services:\n  web: {ports: []}\n",
        AddItem("", (*SERVICE, "ports"), Quoted("443:443")),
        'services:\n  web: {ports: ["443:443"]}\n',
    ),
    "a scalar in its own quotes, its comment kept": (
        "services:\n  web:\n    image: 'a'  # old\n",
        Replace("", (*SERVICE, "image"), "b"),
        "services:\n  web:\n    image: 'b'  # old\n",
    ),
    "a list by a mapping": (
        "services:\n  web:\n    depends_on: [db]  # first\n    image: a\n",
        Replace("", (*SERVICE, "depends_on"), {"db": {"condition": "service_healthy"}}),
        (
            "services:\n  web:\n    depends_on:  # first\n      db:\n"
            "        condition: service_healthy\n    image: a\n"
        ),
    ),
    "an item with a comment above it": (
        "services:\n  web:\n    ports:\n    - '1:1'\n    - '2:2'  # b\n",
        Replace("", (*SERVICE, "ports", 1), "127.0.0.1:2:2", "why"),
        "services:\n  web:\n    ports:\n    - '1:1'\n    # why\n    - '127.0.0.1:2:2'  # b\n",
    ),
    "an item of a list in brackets, with a comment above the list": (
        "services:\n  web:\n    ports: [\n      '1:1',\n    ]\n",
        Replace("", (*SERVICE, "ports", 0), "127.0.0.1:1:1", "why"),
        "services:\n  web:\n    # why\n    ports: [\n      '127.0.0.1:1:1',\n    ]\n",
    ),
    "names to keys, comments kept": (
        "services:\n  web:\n    depends_on:\n      # data\n      - db  # slow\n      - mq\n",
        ToMapping(
            "",
            (*SERVICE, "depends_on"),
            {"db": {"condition": "service_healthy"}, "mq": {"condition": "service_started"}},
        ),
        (
            "services:\n  web:\n    depends_on:\n      # data\n      db:  # slow\n"
            "        condition: service_healthy\n      mq:\n        condition: service_started\n"
        ),
    ),
    "names without indentation to keys": (
        "services:\n  web:\n    networks:\n    - app\n    image: a\n",
        ToMapping("", (*SERVICE, "networks"), {"app": {"aliases": ["w"]}}),
        (
            "services:\n  web:\n    networks:\n      app:\n        aliases:\n        - w\n"
            "    image: a\n"
        ),
    ),
    "a removed key leaves its comments": (
        "services:\n  web:\n    # pull less\n    image: a\n    links: [db]  # old\n    tty: true\n",
        Remove("", (*SERVICE, "links")),
        "services:\n  web:\n    # pull less\n    image: a\n    # old\n    tty: true\n",
    ),
    "a removed item": (
        "services:\n  web:\n    links:\n      - db\n      - mq\n",
        Remove("", (*SERVICE, "links", 0)),
        "services:\n  web:\n    links:\n      - mq\n",
    ),
    "a renamed key": (
        'services:\n  "web":\n    image: a\n',
        Rename("", SERVICE, "api"),
        'services:\n  "api":\n    image: a\n',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    before, edit, after = CASES[name]
    assert apply_edits(parsed(before), [edit]) == after


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_value_that_ends_in_dots_is_not_the_end_of_the_document(end: str) -> None:
    before = "services:\n  web:\n    command: wait\n      ..." + end
    after = apply_edits(parsed(before), [AddKey("", ("volumes",), "v", None)])
    assert values(after)["services"]["web"] == {"command": "wait ..."}


@pytest.mark.parametrize("end", ["", " ", " \t", "\n     ", "\n", "\n\n"])
@pytest.mark.parametrize("header", ["|", ">", "|2", "|+"])
def test_a_block_scalar_at_the_end_keeps_its_value(header: str, end: str) -> None:
    before = f"x-note: {header}\n  one\n  two{end}"
    after = apply_edits(parsed(before), [AddKey("", ("volumes",), "v", None)])
    assert values(after)["x-note"] == values(before)["x-note"]


def test_no_blank_line_joins_a_block_scalar_that_keeps_them() -> None:
    before = "services:\n  a:\n    command: |+\n      x\n\n  b:\n    command: |+\n      x\n"
    edits = [AddKey("", ("services",), "c", {"tty": True}), AddKey("", ("volumes",), "v", None)]
    before_volumes = AddKey("", (), "x-a", {"b": "c"}, (), "", "volumes")
    for text in (before, before + "volumes:\n  w:\n"):
        after = apply_edits(parsed(text), [*edits, *([before_volumes] if "w:" in text else [])])
        kept = {name: values(after)["services"][name] for name in ("a", "b")}
        assert kept == values(text)["services"]


def test_a_section_is_added_once() -> None:
    before = "services:\r\n  web:\r\n    image: a\r\n"
    edits = [AddKey("", ("volumes",), name, None) for name in ("a", "b")]
    after = before + "\r\nvolumes:\r\n  a:\r\n  b:\r\n"
    assert apply_edits(parsed(before), edits) == after


REFUSED: dict[str, tuple[str, YamlEdit]] = {
    "a part that is written with an escape": (
        'services: {web: {image: "a\\u0062c"}}\n',
        Substitute("", (*SERVICE, "image"), "bc", "d"),
    ),
    "braces in plain text of a flow collection": (
        "services: {web: {volumes: [$(pwd):/x]}}\n",
        Substitute("", (*SERVICE, "volumes", 0), "$(pwd)", "${PWD}"),
    ),
    "an anchor that others use": (
        "services:\n  web: &w\n    image: a\n  db: *w\n",
        Remove("", SERVICE),
    ),
    "all that stands there": ("services:\n  web:\n    image: a\n", Remove("", (*SERVICE, "image"))),
    "a mapping without braces in a list": (
        "services:\n  web:\n    command: [a: b]\n",
        AddKey("", (*SERVICE, "command", 0), "c", "d"),
    ),
    "a key without a name": (
        "services:\n  web:\n    volumes:\n      - ?\n",
        AddKey("", (*SERVICE, "volumes", 0), "c", "d"),
    ),
    "two byte order marks": (
        "\ufeffservices:\n  web:\n    image: a\n",
        AddKey("", SERVICE, "init", "true"),
    ),
    "no such place": ("services:\n  web:\n    image: a\n", AddItem("", (*SERVICE, "ports"), "x")),
    "comments that would be lost": (
        "services:\n  web:\n    ports:\n      - a  # mine\n    image: a\n",
        Replace("", (*SERVICE, "ports"), "x"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsafe_edits_are_refused(name: str) -> None:
    text, edit = REFUSED[name]
    with pytest.raises(RefusedError) as caught:
        apply_edits(parsed(text), [edit])
    assert caught.value.location is not None
    assert caught.value.remedy


NEW_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["x", "yes", "22:22", "a: b", "", 7, True, Flow(("CMD", "it's")), ["a", "b"], {"k": {"l": 1}}]
)


def plain(value: Any) -> Any:
    return list(value.items) if isinstance(value, Flow) else value


def mappings(file: ComposeFile) -> list[Path]:
    """Return the paths of mappings to which a key can be added unconditionally."""
    return [
        path
        for path, node in paths(file.root)
        if isinstance(node, MappingNode) and node.entries and not _is_shared(file, path)
    ]


def _is_shared(file: ComposeFile, path: Path) -> bool:
    """Return whether an alias refers to a node on *path*."""
    targets = {id(n.target) for n in walk(file.root) if isinstance(n, AliasNode)}
    above = [found for found, _ in paths(file.root) if found == path[: len(found)]]
    nodes = dict(paths(file.root))
    return any(id(nodes[found]) in targets for found in above)


@settings(max_examples=examples(20, 200))
@given(project=compose_projects(), data=st.data())
def test_adding_a_key_changes_nothing_else(project: ComposeProject, data: st.DataObject) -> None:
    text = project.files[COMPOSE]
    file = parsed(text)
    where = data.draw(
        st.lists(st.sampled_from(mappings(file)), min_size=1, unique=True, max_size=3)
    )
    new = data.draw(NEW_VALUES)
    edits = [AddKey(COMPOSE, path, "x-added", new, comment="") for path in where]
    after = apply_edits(file, edits)
    expected = values(text)
    for path in where:
        place = expected
        for step in path:
            place = place[step]
        place["x-added"] = plain(new)
    assert values(after) == expected
    in_flow = any(_is_flow(file, path) for path in where)
    if not in_flow:
        before_lines, after_lines = Counter(text.splitlines()), Counter(after.splitlines())
        assert not before_lines - after_lines


@settings(max_examples=examples(20, 200))
@given(project=compose_projects(), data=st.data())
def test_removing_an_entry_changes_nothing_else(
    project: ComposeProject, data: st.DataObject
) -> None:
    text = project.files[COMPOSE]
    file = parsed(text)
    addresses = [p for p, _ in paths(file.root) if p and not _is_shared(file, p) and "<<" not in p]
    path = data.draw(st.sampled_from(addresses))
    try:
        after = apply_edits(file, [Remove(COMPOSE, path)])
    except RefusedError:
        return  # unsafe edits are refused
    expected = values(text)
    place = expected
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    assert values(after) == expected


@settings(max_examples=examples(20, 200))
@given(project=compose_projects(), data=st.data(), new=st.sampled_from(["x", "22:22", "it's", 7]))
def test_replacing_a_scalar_changes_nothing_else(
    project: ComposeProject, data: st.DataObject, new: Any
) -> None:
    text = project.files[COMPOSE]
    file = parsed(text)
    scalars = [
        p
        for p, n in paths(file.root)
        if isinstance(n, ScalarNode) and not n.anchor and not n.tag and not _is_shared(file, p)
    ]
    path = data.draw(st.sampled_from(scalars))
    after = apply_edits(file, [Replace(COMPOSE, path, new)])
    expected = values(text)
    place = expected
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = new
    assert values(after) == expected


def _is_flow(file: ComposeFile, path: Path) -> bool:
    node: Any = file.root
    for step in path:
        node = node.get(step) if isinstance(step, str) else node.items[step]
        if isinstance(node, MappingNode | SequenceNode) and node.flow:
            return True
    return False


def test_a_carriage_return_alone_is_refused() -> None:
    text = "services:\n  web:\r    image: a\n"
    with pytest.raises(RefusedError) as caught:
        apply_edits(parsed(text), [AddKey("compose.yaml", SERVICE, "restart", "always")])
    assert caught.value.location is not None
    assert caught.value.location.line == 2
