"""Which differences are at a place, and what decides about them."""

from __future__ import annotations

import pytest

from composerefactor.compose.invocation import Invocation
from composerefactor.planning.propose import intention_of
from composerefactor.proof.comparison import ProofFinding, changes_hash
from composerefactor.proof.intended import AtPlaces
from composerefactor.proof.scenarios import Kind
from composerefactor.refactoring.contract import Effect

ENTRY = Invocation(("compose.yaml",))
WEB_IMAGE = ("services", "web", "image")


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (WEB_IMAGE, {"image", "web", "all"}),
        (("services", "web"), {"image", "web", "all", "deploy"}),
        (("services", "web", "deploy"), {"deploy", "web", "all"}),
        (("services", "db"), {"all"}),
        (("services",), {"image", "web", "all", "deploy"}),
        (("x-app",), {"shared"}),
        (("volumes", "web"), set()),
    ],
)
def test_values_that_contain_a_place_or_lie_in_it(place: tuple[str, ...], found: set[str]) -> None:
    values = {
        "image": WEB_IMAGE,
        "web": ("services", "web"),
        "all": ("services",),
        "deploy": ("services", "web", "deploy", "resources", "limits"),
        "shared": ("x-app", "image"),
    }
    at = AtPlaces((path, name) for name, path in values.items())
    assert {*at(place)} == found
    assert len(at(place)) == len(found)


def test_each_effect_at_a_place_decides() -> None:
    one = Effect(WEB_IMAGE, "changes")
    for other in (Effect(("services",), "changes"), Effect(("services", "web"), "removes")):
        assert intention_of([one]).at(WEB_IMAGE) != intention_of([one, other]).at(WEB_IMAGE)
    elsewhere = Effect(("services", "db", "image"), "changes")
    assert intention_of([one]).at(WEB_IMAGE) == intention_of([elsewhere, one]).at(WEB_IMAGE)
    assert intention_of([one]).at(("services", "db", "image")) == ""


@pytest.mark.parametrize(
    ("path", "kind", "recreated"),
    [
        (WEB_IMAGE, "model", True),
        (WEB_IMAGE, "raw", False),
        (("services", "web", "deploy", "resources", "limits"), "model", True),
        (("services", "web", "deploy", "replicas"), "model", False),
        (("services", "web", "build", "context"), "model", False),
        (("services", "web"), "model", False),
        (("volumes", "web", "driver"), "model", False),
    ],
)
def test_differences_that_recreate_a_container(
    path: tuple[str, ...],
    kind: Kind,
    recreated: bool,  # noqa: FBT001
) -> None:
    finding = ProofFinding(ENTRY, "own environment", None, "", path, kind)
    assert changes_hash(finding, (5, 6, 1)) is recreated
