"""The search for the largest plan that can be proved with the real Docker Compose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from composerefactor.compose.project import Project
from composerefactor.edit.planned_files import NewText, PlannedFile
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal, propose
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.contract import FileElement, Plan
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.transforms.split import split

BASE = "docker-compose.yml"
NAMES = ("api", "worker", "queue", "search", "mail")
TEXT = "services:\n" + "".join(f"  {name}:\n    image: shop/{name}:1\n" for name in NAMES)


def honest(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
    return split.plan(
        project, SplitOptions(granularity="service", force=True, keep=keep, move=move)
    )


def breaking(*names: str, with_: str = "    tty: true\n") -> Callable[..., Plan]:
    """Return a split that adds a line to the services *names* wherever it moves them."""

    def plan(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
        found = honest(project, keep, move)
        return replace(found, planned_files=tuple(map(broken, found.planned_files)))

    def broken(planned_file: PlannedFile) -> PlannedFile:
        if not any(planned_file.path.endswith(f".{name}.yml") for name in names):
            return planned_file
        return replace(planned_file, pieces=(*planned_file.pieces, NewText(with_)))

    return plan


def staying(proposal: Proposal) -> set[str]:
    assert proposal.proof is not None
    assert proposal.proof.ok
    moved = {name for _, section, name in proposal.plan.moved if section == "services"}
    return set(NAMES) - moved


@pytest.mark.parametrize("names", [(), ("api", "mail")])
def test_failing_services_do_not_move_and_the_rest_does(
    opened_of: Callable[..., OpenProject], compose: Engine, names: tuple[str, ...]
) -> None:
    proposal = propose(opened_of({BASE: TEXT}), breaking(*names), compose)
    assert staying(proposal) == set(names)
    assert {element[2] for element in proposal.findings} == set(names)
    assert {unmoved.element[2] for unmoved in proposal.plan.unmoved} == set(names)
    assert all("tty" in unmoved.reason for unmoved in proposal.plan.unmoved)


def test_a_service_that_no_difference_names_is_found_by_halving(
    opened_of: Callable[..., OpenProject], compose: Engine
) -> None:
    plan = breaking("search", with_="\nservices:\n  twice: {}\n")
    assert staying(propose(opened_of({BASE: TEXT}), plan, compose)) == {"search"}


def test_a_service_that_needs_a_later_engine_says_so(
    opened_of: Callable[..., OpenProject], compose: Engine
) -> None:
    def plan(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
        rejected = breaking("mail", with_="    what_v99_brings: true\n")
        return replace(rejected(project, keep, move), since="99.0.0")

    proposal = propose(opened_of({BASE: TEXT}), plan, compose)
    assert staying(proposal) == {"mail"}
    reason = f"moved, it needs Docker Compose v99.0.0 or later; this is v{compose.version}"
    assert [unmoved.reason for unmoved in proposal.plan.unmoved] == [reason]


def test_nothing_moves_if_everything_fails(
    opened_of: Callable[..., OpenProject], compose: Engine
) -> None:
    proposal = propose(opened_of({BASE: TEXT}), breaking(*NAMES), compose)
    assert staying(proposal) == set(NAMES)
    assert proposal.changes.is_empty


def test_a_failure_without_a_moved_element_ends_the_search(
    opened_of: Callable[..., OpenProject], compose: Engine
) -> None:
    def plan(project: Project, keep: dict[FileElement, str], move: frozenset[FileElement]) -> Plan:
        source = project.files[BASE].source
        text = source.text.replace("shop/api:1", "shop/api:2")
        return Plan((PlannedFile(BASE, (NewText(text),)),))

    proposal = propose(opened_of({BASE: TEXT}), plan, compose)
    assert proposal.proof is not None
    assert [found.service for found in proposal.proof.differences] == ["api"]


def test_a_prediction_is_checked(opened_of: Callable[..., OpenProject], compose: Engine) -> None:
    """An extended service is predicted to be unmovable, and a run of Docker Compose confirms it."""
    files = {
        BASE: TEXT,
        "jobs.yml": f"services:\n  job:\n    extends: {{file: {BASE}, service: api}}\n",
    }
    proposal = propose(opened_of(files, entry=(BASE, "jobs.yml")), honest, compose)
    assert staying(proposal) == {"api"}
    assert [element[2] for element in proposal.findings] == ["api"]


def test_without_an_engine_there_is_a_plan_and_no_proof(
    opened_of: Callable[..., OpenProject],
) -> None:
    proposal = propose(opened_of({BASE: TEXT}), honest, None)
    assert proposal.proof is None
    assert len(proposal.changes.created) == len(NAMES)
