"""Fix plans and their proof, which accepts declared differences and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from composerefactor.compose.project import Project
from composerefactor.confidence import CONFIDENCES, DEFAULT_CONFIDENCE, Confidence
from composerefactor.edit.operations import AddKey, WriteFile
from composerefactor.errors import EngineError, Location, UsageError
from composerefactor.planning.fix_request import FixRequest
from composerefactor.planning.fixes import ChosenFixer, first_changes, project_with
from composerefactor.planning.opening import ProjectSelection, open_project
from composerefactor.planning.propose import Proposal, propose_fixes
from composerefactor.planning.selection import EVERYTHING, Selection
from composerefactor.proof.engine import Engine
from composerefactor.refactoring.contract import Change, Effect, Fixer, Refusal, Variant
from support.commandline import write

MONOLITH = """\
services:
  web:
    image: nginx:1.27
  # composerefactor: ignore[restart] restarts by hand
  db:
    image: postgres:16
"""
UNDEFINED = """\
services:
  web:
    image: nginx:1.27
    networks: [app]
"""


@dataclass(frozen=True, slots=True)
class Options:
    pass


def fixer(*changes: Change | Refusal, name: str = "restart") -> Fixer[Any]:
    def plan(project: Project, options: Options) -> Iterator[Change | Refusal]:
        yield from changes

    return Fixer(name, "A test.", "", Options, plan)


def restart(service: str, *effects: Effect, value: str = "always", **more: Any) -> Change:
    line = next(n for n, text in enumerate(MONOLITH.splitlines(), 1) if f"{service}:" in text)
    return Change(
        f"{service} restarts",
        Location("compose.yaml", line),
        [AddKey("compose.yaml", ("services", service), "restart", value)],
        effects,
        **more,
    )


DECLARED = Effect(("services", "web", "restart"), "adds")


@pytest.fixture
def propose(tmp_path: Path, compose: Engine) -> Any:
    def run(
        text: str,
        *fixers: Fixer[Any],
        unsafe: bool = True,
        proves: bool = True,
        selection: Selection = EVERYTHING,
        confidence: Confidence = DEFAULT_CONFIDENCE,
    ) -> Proposal:
        tmp_path.joinpath("compose.yaml").write_text(text, encoding="utf-8")
        opened = open_project(ProjectSelection(tmp_path))
        chosen = [
            ChosenFixer(each, Options(), unsafe=unsafe, confidence=confidence) for each in fixers
        ]
        return propose_fixes(opened, chosen, compose if proves else None, selection)

    return run


def taken(proposal: Proposal) -> list[str]:
    """Return the titles of the changes that are made."""
    assert proposal.fix_plan is not None
    return [fix.change.title for fix in proposal.fix_plan.applied]


def found(proposal: Proposal) -> tuple[list[str], list[str]]:
    """Return the titles of the changes that are made, and what the proof says against them."""
    assert proposal.proof is not None
    return taken(proposal), [f.message for f in proposal.proof.differences]


@pytest.mark.engine
def test_declared_differences_are_accepted(propose: Any) -> None:
    proposal = propose(MONOLITH, fixer(restart("web", DECLARED)))
    assert found(proposal) == (["web restarts"], [])
    assert proposal.proof.recreated[proposal.project.entries[0]] == ["web"]


@pytest.mark.engine
@pytest.mark.parametrize(
    "effects",
    [
        (),
        (Effect(("services", "db", "restart"), "adds"),),
        (Effect(("services", "web", "restart"), "removes"),),
        (Effect(("services", "web", "restart"), "adds", resolved=False),),
    ],
    ids=["nothing", "another service", "the opposite", "uninterpolated only"],
)
def test_undeclared_differences_fail_the_proof(propose: Any, effects: tuple[Effect, ...]) -> None:
    proposal = propose(MONOLITH, fixer(restart("web", *effects), name="start"))
    assert proposal.proof is not None
    assert not proposal.proof.ok
    assert "restart" in proposal.proof.differences[0].message


@pytest.mark.engine
def test_a_rejected_change_is_excluded_and_the_rest_is_proved(propose: Any) -> None:
    broken = Change(
        "web gets nonsense",
        Location("compose.yaml", 2),
        [AddKey("compose.yaml", ("services", "web"), "nonsense", "x")],
        [Effect(("services", "web", "nonsense"), "adds")],
    )
    proposal = propose(MONOLITH, fixer(restart("web", DECLARED)), fixer(broken, name="nonsense"))
    assert found(proposal) == (["web restarts"], [])
    assert proposal.fix_plan is not None
    assert "nonsense" in proposal.fix_plan.excluded[0].reason


SHELL = """\
services:
  db:
    image: mysql:8
    environment:
      MYSQL_ROOT_PASSWORD: debezium
    healthcheck:
      test: mysqladmin ping -h db -p"$MYSQL_ROOT_PASSWORD" || exit 1
"""


@pytest.mark.engine
def test_a_new_variable_may_have_a_name_that_was_meant_for_the_shell(
    tmp_path: Path, compose: Engine
) -> None:
    write(tmp_path, {"compose.yaml": SHELL})
    opened = open_project(ProjectSelection(tmp_path))
    request = FixRequest(select=("fix-interpolation", "move-secrets"), unsafe=True)
    proposal = propose_fixes(opened, request.chosen(opened.settings), compose, EVERYTHING)
    assert proposal.proof is not None
    assert proposal.proof.ok, proposal.proof.differences
    assert proposal.fix_plan is not None
    assert {fix.transform for fix in proposal.fix_plan.applied} == {*(request.select or ())}


@pytest.mark.engine
def test_a_rejected_project_is_repaired(propose: Any) -> None:
    declare = Change(
        "Declare network app",
        Location("compose.yaml", 4),
        [AddKey("compose.yaml", (), "networks", {"app": None})],
        [Effect(("networks", "app"), "adds")],
        repairs=True,
    )
    proposal = propose(UNDEFINED, fixer(declare), unsafe=False)
    assert found(proposal) == (["Declare network app"], [])
    assert [entry.title for entry in proposal.repaired] == ["compose.yaml"]
    undeclared = Change(declare.title, declare.location, declare.edits, repairs=True)
    assert found(propose(UNDEFINED, fixer(undeclared)))[1] == ["network app was added"]


@pytest.mark.engine
def test_a_rejected_project_that_no_fix_repairs_is_an_error(propose: Any) -> None:
    with pytest.raises(EngineError, match="undefined network"):
        propose(UNDEFINED, fixer())


def test_unsafe_changes_are_only_available(propose: Any) -> None:
    proposal = propose(MONOLITH, fixer(restart("web", DECLARED)), unsafe=False, proves=False)
    assert proposal.changes.is_empty
    assert [fix.change.title for fix in proposal.fix_plan.available] == ["web restarts"]


LEAST_TO_MADE = {
    "verified": ["verified"],
    "likely": ["verified", "likely"],
    "guess": ["verified", "likely", "guess"],
}


@pytest.mark.parametrize(("least", "made"), LEAST_TO_MADE.items())
def test_only_changes_that_are_certain_enough_are_made(
    propose: Any, least: Confidence, made: list[str]
) -> None:
    proposal = propose(MONOLITH, fixer(*labelled()), confidence=least, proves=False)
    assert taken(proposal) == made
    left = [each for each in CONFIDENCES if each not in made]
    assert [fix.change.title for fix in proposal.fix_plan.uncertain] == left


def test_take_makes_a_guess_and_nothing_else(propose: Any) -> None:
    guess = next(c for c in labelled() if c.confidence == "guess").id("restart")
    selection = Selection(take=frozenset({guess}))
    proposal = propose(MONOLITH, fixer(*labelled()), selection=selection, proves=False)
    assert taken(proposal) == ["guess"]


def test_take_alone_does_not_allow_an_unsafe_guess(propose: Any) -> None:
    guess = next(c for c in labelled() if c.confidence == "guess").id("restart")
    selection = Selection(take=frozenset({guess}))
    proposal = propose(
        MONOLITH, fixer(*labelled()), unsafe=False, selection=selection, proves=False
    )
    assert proposal.changes.is_empty


def labelled() -> Iterator[Change]:
    """Yield one change for each confidence."""
    for confidence in CONFIDENCES:
        yield Change(
            confidence,
            Location("compose.yaml", 2),
            [AddKey("compose.yaml", ("services", "web"), f"x-{confidence}", "yes")],
            [Effect(("services", "web", f"x-{confidence}"), "adds")],
            confidence=confidence,
        )


def test_a_comment_suppresses_a_transform(propose: Any) -> None:
    effect = Effect(("services", "db", "restart"), "adds")
    proposal = propose(MONOLITH, fixer(restart("db", effect)), proves=False)
    assert proposal.changes.is_empty
    assert [fix.reason for fix in proposal.fix_plan.suppressed] == ["restarts by hand"]
    other = propose(MONOLITH, fixer(restart("db", effect), name="other"), proves=False)
    assert taken(other) == ["db restarts"]


def test_an_ignored_service_keeps_what_it_shares(propose: Any) -> None:
    shared = Effect(("services", "db", "restart"), "adds")
    proposal = propose(MONOLITH, fixer(restart("web", DECLARED, shared)), proves=False)
    assert not proposal.fix_plan.applied
    said = [fix.reason for fix in proposal.fix_plan.suppressed]
    assert said == ["db is excluded: restarts by hand"]


def test_changes_are_selected_by_id(propose: Any) -> None:
    one = restart("web", DECLARED)
    ids = frozenset({one.id("restart")})
    without = propose(MONOLITH, fixer(one), selection=Selection(leave=ids), proves=False)
    assert without.changes.is_empty
    selected = propose(MONOLITH, fixer(one), selection=Selection(take=ids), proves=False)
    assert taken(selected) == ["web restarts"]
    with pytest.raises(UsageError, match="no change has the id"):
        propose(
            MONOLITH, fixer(one), selection=Selection(take=frozenset({"nothing"})), proves=False
        )


def later_fixer(service: str, name: str) -> Fixer[Any]:
    """A fixer whose changes are about the line of *service* in the text that it gets."""

    def plan(project: Project, options: Options) -> Iterator[Change | Refusal]:
        at = project.files["compose.yaml"].location_of("services", service)
        edit = AddKey("compose.yaml", ("services", service), "init", value=True)
        effects = [Effect(("services", service), "changes")]
        yield Change(f"{service} has an init", at, [edit], effects, evidence=f"see {at}")
        yield Refusal(f"{at} has no labels", at)

    return Fixer(name, "A test.", "", Options, plan)


def test_places_are_those_of_the_text_that_the_user_has(propose: Any) -> None:
    first = fixer(restart("web", Effect(("services", "web"), "changes")), name="first")
    proposal = propose(MONOLITH, first, later_fixer("db", "second"), proves=False)
    fixes = {fix.transform: fix.change for fix in proposal.fix_plan.applied}
    assert "restart: always" in proposal.fix_plan.contents["compose.yaml"].decode()
    assert (fixes["second"].location.line, fixes["second"].evidence) == (5, "see compose.yaml:5")
    ((_, refusal),) = proposal.fix_plan.refusals
    assert (refusal.location.line, refusal.reason) == (5, "compose.yaml:5 has no labels")


def test_an_impossible_edit_becomes_a_refusal(propose: Any) -> None:
    gone = Change(
        "gone", Location("compose.yaml", 2), [AddKey("compose.yaml", ("services", "x"), "a", "b")]
    )
    proposal = propose(MONOLITH, fixer(gone, restart("web", DECLARED)), proves=False)
    assert taken(proposal) == ["web restarts"]
    assert ["gone" in refusal.reason for _, refusal in proposal.fix_plan.refusals] == [True]


def new_file(text: str, *effects: Effect) -> Fixer[Any]:
    variant = Variant("compose.production.yaml", "compose.yaml", effects)
    edit = WriteFile(variant.path, text)
    return fixer(Change("new", Location("compose.yaml", 1), [edit], variants=[variant]))


@pytest.mark.engine
def test_a_variant_resolves_as_the_old_file_except_for_declared_differences(propose: Any) -> None:
    without = MONOLITH.split("  # composerefactor", maxsplit=1)[0]
    gone = Effect(("services", "db"), "removes")
    assert found(propose(MONOLITH, new_file(without, gone))) == (["new"], [])
    titles, words = found(propose(MONOLITH, new_file(without)))
    assert titles == ["new"]
    assert words
    assert all(each.startswith("compose.production.yaml: ") for each in words)


@pytest.mark.engine
def test_a_rejected_variant_is_excluded(propose: Any) -> None:
    proposal = propose(MONOLITH, new_file("services:\n  web:\n    nonsense: 1\n"))
    assert proposal.fix_plan is not None
    assert proposal.fix_plan.applied == []
    assert [each.change.title for each in proposal.fix_plan.excluded] == ["new"]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("bind-local-ports", "Publish port 7000 of ledger on 127.0.0.1 only"),
        ("declare-volumes", "Add a named volume for the data of ledger"),
    ],
)
def test_fixers_know_the_images_of_the_settings(tmp_path: Path, name: str, title: str) -> None:
    store = "services:\n  ledger:\n    image: registry.acme.test/books:2\n    ports: [7000:7000]\n"
    added = (
        "catalog:\n  - id: books\n    names: [registry.acme.test/books]\n"
        "    category: database\n    data: [{path: /var/books}]\n"
    )
    write(tmp_path, {"compose.yaml": store, ".composerefactor.yml": added})
    opened = open_project(ProjectSelection(tmp_path))
    chosen = FixRequest(select=(name,), unsafe=True).chosen(opened.settings)
    assert [fix.change.title for fix in first_changes(opened.project, chosen).applied] == [title]


def test_a_fixer_asks_the_catalog_of_the_settings_about_other_services(tmp_path: Path) -> None:
    text = (
        "services:\n  api:\n    image: shop/api:3\n    healthcheck: {test: [CMD, ready]}\n"
        "  watch:\n    image: registry.acme.test/watch:2\n    depends_on: [api]\n"
    )
    added = "catalog: [{id: watch, names: [registry.acme.test/watch], category: monitoring}]\n"
    write(tmp_path, {"compose.yaml": text, ".composerefactor.yml": added})
    opened = open_project(ProjectSelection(tmp_path))
    chosen = FixRequest(select=("wait-for-healthy",), unsafe=True).chosen(opened.settings)
    assert first_changes(opened.project, chosen).applied == [], "monitoring need not wait"


def test_a_changed_project_keeps_what_is_not_read_from_its_files(tmp_path: Path) -> None:
    opened = open_project(ProjectSelection(write(tmp_path, {"compose.yaml": MONOLITH})))
    changed = project_with(opened.project, opened.library, {"compose.yaml": b"services: {}\n"}, {})
    assert changed.has_directory is opened.project.has_directory
    assert changed.referenced_by is opened.project.referenced_by
    assert changed.catalog is opened.settings.catalog
