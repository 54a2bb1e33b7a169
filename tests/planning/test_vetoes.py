"""Which comments veto which changes."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.edit.operations import AddKey
from composerefactor.edit.rendering import Value
from composerefactor.errors import Location
from composerefactor.planning.vetoes import veto
from composerefactor.refactoring.contract import Change, Effect
from composerefactor.yaml.source import Source

VALUES: dict[str, Value] = {
    "volumes": ["data:/data"],
    "restart": "always",
    "healthcheck": {"test": "true"},
    "deploy": {"resources": {}},
    "logging": {"driver": "json-file"},
    "ports": ["6379:6379"],
}


def vetoed(text: str, attribute: str, original: str = "") -> str | None:
    """Return the veto against *attribute* of the service cache in the file *text*.

    The file was *original* before other changes, if there were any.
    """
    project, owner = (
        Project((), files={"compose.yaml": ComposeFile.parse(Source("compose.yaml", each))})
        for each in (text, original or text)
    )
    path = ("services", "cache")
    change = Change(
        "a change",
        Location("compose.yaml", 1),
        [AddKey("compose.yaml", path, attribute, VALUES[attribute])],
        [Effect((*path, attribute), "changes")],
    )
    return veto(project, change, owner)


def service(comment: str) -> str:
    return f"services:\n  cache:\n    image: redis:7\n    # {comment}\n    user: redis\n"


@pytest.mark.parametrize(
    ("comment", "attribute"),
    [
        ("no volume on purpose: sessions may get lost", "volumes"),
        ("runs without a restart policy", "restart"),
        ("do not restart it, the operator does", "restart"),
        ("a health check is not needed here", "healthcheck"),
        ("memory limits are left out", "deploy"),
        ("no logging block here: it was a mess", "logging"),
        ("restart: always", "restart"),
        ("healthcheck:", "healthcheck"),
        ("open for external clients", "ports"),
        ("do not bind it to localhost", "ports"),
        ("The image has no shell. We cannot run a health check.", "healthcheck"),
    ],
)
def test_comment_vetoes_what_it_names(comment: str, attribute: str) -> None:
    assert vetoed(service(comment), attribute) is not None
    others = VALUES.keys() - {attribute}
    assert [other for other in others if vetoed(service(comment), other)] == []


@pytest.mark.parametrize(
    "comment",
    [
        "without this the volume is empty",
        "restart: no",
        "- no-new-privileges:true",
        "needs a volume and a restart policy",
        "single node: no bootstrap checks",
        "do not scale it",
        "to connect from outside Docker",
    ],
)
def test_comment_vetoes_nothing(comment: str) -> None:
    assert [attribute for attribute in VALUES if vetoed(service(comment), attribute)] == []


def test_place_is_named() -> None:
    text = "services:\n  # Do not touch.\n  cache:\n    image: redis:7\n"
    assert vetoed(text, "restart") == 'compose.yaml:2 says "Do not touch."'


def test_comment_of_another_service_and_of_another_attribute() -> None:
    other = "services:\n  db: {image: postgres}  # no restart policy\n  cache: {image: redis:7}\n"
    assert vetoed(other, "restart") is None
    inside = (
        "services:\n  cache:\n    ulimits:\n      # we do not want limits on locked memory\n"
        "      memlock: -1\n"
    )
    assert vetoed(inside, "deploy") is None


def test_comments_that_earlier_changes_add_do_not_count() -> None:
    original = service("no logging block here: it was a mess")
    changed = original.replace("mess\n", "mess\n    # It cannot run a health check.\n")
    assert vetoed(changed, "healthcheck", original) is None
    assert vetoed(changed, "healthcheck") is not None
    assert vetoed(changed, "logging", original) == (
        'compose.yaml:4 says "no logging block here: it was a mess"'
    )
