"""Comments that forbid to move a block."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.remarks import forbids_moving
from composerefactor.yaml.source import Source

SERVICES = """\
services:
  web:
    image: acme/web
    <<: *app
"""


def reason(comment: str, *, key_comment: str = "", inside: str = "", name: str = "x-app") -> str:
    text = (
        f"name: shop\n\n{comment}\nx-app: &app{key_comment}\n{inside}  restart: always\n\n"
        f"x-loki: &loki\n  driver: loki\n\n{SERVICES}"
    )
    return forbids_moving(ComposeFile.parse(Source("compose.yaml", text)), name)


@pytest.mark.parametrize(
    "comment",
    [
        "# the Ansible role greps for this",
        "# deploy.sh reads these keys, one by one",
        "# do not rename, the CI looks for it",
        "# Used by the backup job on host 7.",
        "# parsed by ops/inventory.py",
        '# These came with 1.x;\n# do not "clean them up"',
        "# don't move this",
        "# Must stay in this file.",
        "# keep these here, please",
        "# --- shared ---\n# our Makefile needs this block",
    ],
)  # fmt: skip
def test_comments_above_that_forbid_it(comment: str) -> None:
    assert reason(comment)
    assert not reason(comment, name="x-loki")


@pytest.mark.parametrize(
    "comment",
    [
        "# what all services have",
        "# used by all services",
        "# Used by the web containers",
        "# needed by acme",
        "# read by web and by others below",
        "# see scripts/README for this",
        "# do not use in production",
        "# keep it running",
        "# x-loki: the Ansible role greps for x-loki",
        "# use <<: *app",
        "# this is *not* for the database",
    ],
)
def test_comments_above_that_say_something_else(comment: str) -> None:
    assert reason(comment) == ""


def test_a_switch_to_another_anchor() -> None:
    expected = "its comment names the anchor *loki (line 5: change to *loki in production)"
    assert reason("", inside="  # change to *loki in production\n") == expected
    assert "(line 4: " in reason("", key_comment=" # or *loki")


def test_the_reason_quotes_the_words_and_their_line() -> None:
    text = "# (from 1.x; do not worry, the Ansible\n#  role greps for x-app)"
    expected = "something looks for it (line 4: the Ansible role greps for x-app)"
    assert reason(text).endswith(expected)


def test_a_title_is_no_part_of_the_sentence_below_it() -> None:
    text = "# --- shared blocks ---\n# our Makefile needs this block"
    assert reason(text).endswith("(line 4: our Makefile needs this block)")


def test_a_comment_elsewhere_that_names_the_block() -> None:
    comment = "# The Ansible role greps for x-loki.\n\n# what all services have"
    assert reason(comment) == ""
    assert "(line 3: " in reason(comment, name="x-loki")


def test_a_header_of_the_file_directly_above_the_block() -> None:
    text = f"# The shop.\n# The CI greps for this.\nx-app: &app\n  restart: always\n{SERVICES}"
    assert forbids_moving(ComposeFile.parse(Source("compose.yaml", text)), "x-app")


def test_comments_on_values_are_about_the_values() -> None:
    assert reason("", inside="  tty: true # read by deploy.sh, do not change this\n") == ""


def test_other_sections_and_missing_blocks() -> None:
    comment = "# the Ansible role greps for this"
    assert reason(comment, name="services") == ""
    assert reason(comment, name="x-none") == ""
