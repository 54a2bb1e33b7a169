"""Comment ownership: one example per row. The numbers are those of the rules in comments.py."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from composerefactor.yaml.comments import Region, regions, top_regions
from composerefactor.yaml.nodes import MappingNode
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source


class Case(NamedTuple):
    """A text; the letter before ``|`` is the owner of the line, and ``.`` means no owner."""

    name: str
    text: str


def split(marked: str) -> tuple[str, list[str]]:
    """Return the text of a marked table and the owner of each of its lines."""
    lines = marked.strip("\n").split("\n")
    return "".join(line[2:] + "\n" for line in lines), [line[0] for line in lines]


def owners(source: Source, found: list[Region]) -> list[str]:
    """Return the first letter of the key that owns each line; ``.`` for no owner."""
    marks = ["."] * len(source.line_starts)
    for region in found:
        for i, start in enumerate(source.line_starts):
            if region.lead <= start < region.end:
                assert marks[i] == "."
                marks[i] = (region.entry.name or "?")[0]
    return marks


TOP = [
    Case(
        "8: a lone block on top is the file's header",
        """
.|# The stack of the shop.
.|# Ask ops before you change it.
n|name: shop
s|services: {}
""",
    ),
    Case(
        "8: a single line above a block of anchors says what that is for",
        """
x|# What all services have.
x|x-common: &common
x|  restart: always
s|services: {}
""",
    ),
    Case(
        "8: a longer text above a block of anchors is the file's header",
        """
.|# The stack of the shop.
.|# Ask ops before you change it.
x|x-common: &common
x|  restart: always
s|services: {}
""",
    ),
    Case(
        "8: with a header, the block right above the first key is the key's",
        """
.|# The stack of the shop.
.|
n|# must not change: volumes carry it
n|name: shop
s|services: {}
""",
    ),
    Case(
        "8: comments that a blank line separates from the first key",
        """
.|# one
.|
.|# two
.|
n|name: shop
""",
    ),
    Case(
        "8: the footer after a blank line is the file's",
        """
n|name: shop
s|services:
s|  web:
s|    image: nginx
.|
.|# vim: set ft=yaml:
""",
    ),
    Case(
        "8: a note right below the last entry is that entry's",
        """
s|services:
s|  web:
s|    image: nginx
s|# no more services, please
""",
    ),
    Case(
        "2: commented-out lines at the end of the file belong to the last entry",
        """
s|services:
s|  web:
s|    image: nginx
s|
s|  # db:
s|  #   image: postgres
.|
.|# the end
""",
    ),
    Case(
        "5: banners go with the section below",
        """
s|services:
s|  web:
s|    image: nginx
.|
v|####################
v|#     volumes      #
v|####################
v|
v|volumes:
v|  data:
""",
    ),
    Case(
        "5: a banner goes with what follows, however tight it stands",
        """
s|services: {}
n|# ----------
n|# networks
n|# ----------
n|
n|networks:
n|  front:
""",
    ),
    Case(
        "3: a note right below, with a blank line after it",
        """
s|services: {}
s|# that was all
.|
n|networks:
n|  front:
""",
    ),
    Case(
        "2: a commented-out service in column 0 stays in its section",
        """
s|services:
s|  web:
s|    image: nginx
s|
s|#  db:
s|#    image: postgres
s|#    volumes:
s|#      - data:/data
.|
v|volumes:
v|  data:
""",
    ),
    Case(
        "5: a title below commented-out lines is no part of them",
        """
s|services:
s|  web:
s|    ports:
s|      - 80:80
s|#      - 443:443
v|# Volumes
v|volumes:
v|  data:
""",
    ),
    Case(
        "5: an indented title in column 0 is no commented-out line",
        """
s|services: {}
.|
v|#   All volumes
v|volumes:
v|  data:
""",
    ),
    Case(
        "5: a commented-out section above a banner is no part of the services",
        """
s|services: {}
.|
v|#networks:
v|#  front:
v|
v|# ---- volumes ----
v|volumes:
v|  data:
""",
    ),
    Case(
        "5: a commented-out section belongs to the next one",
        """
s|services: {}
.|
v|#networks:
v|#  front:
v|#    driver: bridge
v|
v|volumes:
v|  data:
""",
    ),
    Case(
        "1: a comment on the line of a key",
        """
s|services: # all of them
s|  web: {image: nginx} # the site
.|
v|volumes: {} # none
""",
    ),
]

SERVICES = [
    Case(
        "2: commented-out items of the list above, with their notes, in any style",
        """
v|  volumes:
v|  - .:/app
v|## on a Mac
v|  # - app:/app
l|  labels:
l|  - a=b
""",
    ),
    Case(
        "5: a commented-out key with items of its own",
        """
v|  volumes:
v|  - .:/app
l|  # ports:
l|  # - 80:80
l|  labels:
l|  - a=b
""",
    ),
    Case(
        "5: a list in a note that is not indented like the items",
        """
v|  volumes:
v|    - .:/app
l|  # Traefik reads these
l|  # - name
l|  # - port
l|  labels:
l|    - a=b
""",
    ),
    Case(
        "7: everything below the section's key belongs to the first entry",
        """
w|  # === front ===
w|
w|  # the site
w|  web:
w|    image: nginx
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: notes above a key",
        """
w|  web:
w|    image: nginx
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: group titles that blank lines surround",
        """
w|  web:
w|    image: nginx
.|
d|  # Data stores
d|
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: commented-out keys at the end of a block",
        """
w|  web:
w|    image: nginx
w|    # ports:
w|    #   - 80:80
.|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: also after a blank line",
        """
w|  web:
w|    image: nginx
w|
w|    # ports:
w|    #   - 80:80
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: but not the banner of the entry below",
        """
w|  web:
w|    ports:
w|      - 80:80
w|      # - 443:443
.|
d|    #########
d|    # db
d|    #########
d|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: the banner of another entry",
        """
w|  web:
w|    image: nginx
w|    # ---- cache ----
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: commented-out keys in column 0",
        """
w|  web:
w|    image: nginx
w|#    ports:
w|#      - 80:80
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "2: commented-out keys whose # is left of their text",
        """
a|  a:
a|    image: a
a|
a|  #    environment:
a|  #      MODE: debug
.|
b|  b:
b|    image: b
""",
    ),
    Case(
        "2: text that goes on below a commented-out key",
        """
w|  web:
w|    image: nginx
w|#    command: >
w|#      serve --now and --here
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: a commented-out service in column c",
        """
w|  web:
w|    image: nginx
.|
d|  # mail:
d|  #   image: mailhog
d|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: a commented-out service in column 0",
        """
w|  web:
w|    image: nginx
.|
d|#  mail:
d|#    image: mailhog
d|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: deeper comments below one at c are part of what it begins",
        """
w|  web:
w|    image: nginx
d|  # mail:
d|    # image: mailhog
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: a commented-out service above a banner stays in its group",
        """
w|  web:
w|    image: nginx
w|
w|  # The old importer.
w|  # importer:
w|  #   image: importer
.|
d|  # ####
d|  # DATA
d|  # ####
d|
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: a note at the end of a group",
        """
w|  web:
w|    image: nginx
w|
w|  # Nothing else is public.
.|
d|  # ---- DATA ----
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: lines directly above a banner",
        """
w|  web:
w|    image: nginx
w|
w|  # mail:
w|  #   image: mailhog
d|  #### DATA
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: a banner directly below an entry and its note",
        """
w|  web:
w|    image: nginx
w|  # scale this one by hand
d|  # ---- DATA ----
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: the title of a group and the title of a part of it",
        """
w|  web:
w|    image: nginx
w|
w|  # nothing else is public
.|
d|  # ==== DATA ====
d|
d|  # ---- SQL ----
d|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: a group that is commented out",
        """
w|  web:
w|    image: nginx
w|
w|  # ==== MAIL ====
w|  # mail:
w|  #   image: mailhog
.|
d|  # ==== DATA ====
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: a title that is underlined",
        """
w|  web:
w|    image: nginx
.|
d|  # Data: the stores
d|  # ----------------
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "5: a text in a box that looks like YAML",
        """
w|  web:
w|    image: nginx
.|
d|  # =========
d|  # DATA: SQL
d|  # =========
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "4: a commented-out service that is nearer to the one above",
        """
w|  web:
w|    image: nginx
w|
w|  # mail:
w|  #   image: mailhog
.|
.|
d|  # keeps the orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "3: a note right below",
        """
w|  web:
w|    image: nginx
w|  # scale this one by hand
.|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "6: everything after the last entry",
        """
w|  web:
w|    image: nginx
d|  db:
d|    image: postgres
d|
d|  # mail:
d|  #   image: mailhog
""",
    ),
    Case(
        "comments between a key and its value are inside",
        """
w|  web:
w|    # the site
w|
w|    image: nginx
d|  db: # orders
d|
d|    # kept for ten years
d|    image: postgres
""",
    ),
    Case(
        "empty values end with their line",
        """
w|  web: # nothing yet
w|    # image: nginx
d|  # also nothing
d|  db:
""",
    ),
    Case(
        "blank lines below a clipped block scalar belong to nobody",
        """
w|  web:
w|    command: |
w|      serve
.|
.|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "a block scalar that keeps its blank lines",
        """
w|  web:
w|    command: |+
w|      serve
w|
w|
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "what looks like a comment in a block scalar is text",
        """
w|  web:
w|    command: |
w|      # serve
w|
w|      serve
w|    # the end
d|  # orders
d|  db:
d|    image: postgres
""",
    ),
    Case(
        "flow values of several lines",
        """
w|  web: {
w|    image: nginx, # the site
w|    # more
w|  } # done
w|
w|    # deeper
d|  db: {image: postgres}
""",
    ),
    Case(
        "items that are indented like their key",
        """
w|  web:
w|    ports:
w|    - 80:80
w|    # - 443:443
d|  db:
d|    image: postgres
""",
    ),
]


def ids(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("case", TOP, ids=ids(TOP))
def test_top_level(case: Case, newline: str) -> None:
    text, expected = split(case.text)
    source = Source("compose.yaml", text.replace("\n", newline))
    root = parse(source).root
    assert isinstance(root, MappingNode)
    found = top_regions(source, root, start=0, end=len(source.text))
    assert found is not None
    assert owners(source, found) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("ending", ["", "\nvolumes: {}\n"], ids=["last", "before-volumes"])
@pytest.mark.parametrize("case", SERVICES, ids=ids(SERVICES))
def test_in_a_section(case: Case, ending: str, newline: str) -> None:
    text, expected = split(case.text)
    text = f"services:\n{text}{ending}".replace("\n", newline)
    source = Source("compose.yaml", text)
    root = parse(source).root
    assert isinstance(root, MappingNode)
    section = top_regions(source, root, start=0, end=len(text))
    assert section is not None
    services = section[0].entry.value
    assert isinstance(services, MappingNode)
    start = source.next_line(section[0].key)
    found = regions(source, services, start=start, end=section[0].end)
    assert found is not None
    marks = owners(source, found)[1:]
    assert marks[: len(expected)] == expected
    assert set(marks[len(expected) :]) <= {"."}


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1}\n",
        "? a\n: 1\n",
        "--- {a: 1}\n",
        "a: 1\rb: 2\r",
        "a: # \rb: 2\n",
        "&m {a: 1}\n",
    ],
)
def test_entries_without_lines_of_their_own(text: str) -> None:
    source = Source("compose.yaml", text)
    root = parse(source).root
    assert isinstance(root, MappingNode)
    assert top_regions(source, root, start=0, end=len(text)) is None


def test_bounds_of_a_region() -> None:
    text = "services:\n  # the site\n  web:\n    image: nginx # small\n    # ports:\n\n  db: {}\n"
    source = Source("compose.yaml", text)
    root = parse(source).root
    assert isinstance(root, MappingNode)
    services = root.get("services")
    assert isinstance(services, MappingNode)
    found = regions(source, services, start=len("services:\n"), end=len(text))
    assert found is not None
    web = found[0]
    assert text[web.lead : web.key] == "  # the site\n"
    assert text[web.key : web.tail] == "  web:\n    image: nginx # small\n"
    assert text[web.tail : web.end] == "    # ports:\n"
    assert text[found[1].lead : found[1].end] == "  db: {}\n"


def test_comments_above_the_document_belong_to_the_file() -> None:
    text = "# header\n---\n# own\n\n# first\nservices: {}\n# below\n"
    source = Source("compose.yaml", text)
    root = parse(source).root
    assert isinstance(root, MappingNode)
    found = top_regions(source, root, start=text.index("# own"), end=len(text))
    assert found is not None
    assert [text[r.lead : r.end] for r in found] == ["# first\nservices: {}\n# below\n"]
