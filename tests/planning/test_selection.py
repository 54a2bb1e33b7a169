from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.compose.project import Project
from composerefactor.errors import UsageError
from composerefactor.planning.opening import OpenProject, ProjectSelection, open_project
from composerefactor.planning.propose import propose
from composerefactor.planning.selection import Selection
from composerefactor.planning.split_request import SplitRequest
from composerefactor.refactoring.contract import FileElement, Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

TEXT = "services:\n" + "".join(f"  {name}:\n    image: shop/{name}:1\n" for name in "abcd")


def plan(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
    return split.plan(
        project, SplitOptions(granularity="service", force=True, keep=keep, move=move)
    )


@pytest.fixture
def opened(opened_of: Callable[..., OpenProject]) -> OpenProject:
    return opened_of({"docker-compose.yml": TEXT})


@pytest.fixture
def ids(opened: OpenProject) -> dict[str, str]:
    """The id of the new file of each service."""
    return {c.path.split(".")[-2]: c.id for c in propose(opened, plan, None).changes.created}


@pytest.mark.parametrize(
    ("take", "leave", "moved"),
    [
        ("", "", "abcd"),
        ("ab", "", "ab"),
        ("", "ab", "cd"),
        ("abc", "c", "ab"),
        ("", "abcd", ""),
    ],
)
def test_selection(
    opened: OpenProject, ids: dict[str, str], take: str, leave: str, moved: str
) -> None:
    selection = Selection(frozenset(ids[c] for c in take), frozenset(ids[c] for c in leave))
    proposal = propose(opened, plan, None, selection)
    assert {element[2] for element in proposal.plan.moved} == set(moved)
    assert {unmoved.element[2] for unmoved in proposal.plan.unmoved} == set("abcd") - set(moved)
    reason = "excluded by --take" if take else "excluded by --leave"
    assert {unmoved.reason for unmoved in proposal.plan.unmoved} <= {reason}


def test_an_id_of_no_change(opened: OpenProject) -> None:
    with pytest.raises(UsageError, match="no change has the id 'gone'"):
        propose(opened, plan, None, Selection(leave=frozenset({"gone"})))


def test_the_root_cannot_be_chosen(opened: OpenProject) -> None:
    (root,) = propose(opened, plan, None).changes.changed
    with pytest.raises(UsageError, match="follows from those of other files"):
        propose(opened, plan, None, Selection(take=frozenset({root.id})))


SHARED = """\
    image: shop/{}:1
    restart: unless-stopped
    init: true
    environment:
      LEVEL: info
      REGION: {}
    read_only: true
"""


@pytest.mark.parametrize("option", ["take", "leave"])
def test_a_factored_service_goes_to_all_its_files_or_to_none(
    opened_of: Callable[..., OpenProject], option: str
) -> None:
    """An environment file contains a piece of each service that it names."""
    texts = {
        f"{region}.yml": "services:\n"
        + "".join(f"  {name}:\n{SHARED.format(name, region)}" for name in ("web", "api", "mail"))
        for region in ("north", "south")
    }
    opened = opened_of(texts, entry=tuple(texts))
    everything = propose(opened, plan, None)
    ids = {c.path: c.id for c in everything.changes.created}
    (path,) = [p for p in ids if p.endswith("variants/docker-compose.north.yml")]
    assert set(everything.plan.services[path]) == {"web", "api", "mail"}
    found = propose(opened, plan, None, Selection(**{option: frozenset({ids[path]})}))
    assert found.changes.is_empty is (option == "leave")
    if option == "take":
        assert found.changes == everything.changes
    else:
        assert {unmoved.reason for unmoved in found.plan.unmoved} == {"excluded by --leave"}


def test_a_file_that_follows_from_others_cannot_be_chosen() -> None:
    example = Path(__file__).parents[2] / "examples/legacy-shop"
    opened = open_project(ProjectSelection(example))
    transformation = SplitRequest().transformation(opened, opened.root)
    created = {c.path: c.id for c in propose(opened, transformation, None).changes.created}
    [common] = [path for path in created if path.endswith("common.yml")]
    with pytest.raises(UsageError, match=f"the change of {common} follows from those of other"):
        propose(opened, transformation, None, Selection(leave=frozenset({created[common]})))
