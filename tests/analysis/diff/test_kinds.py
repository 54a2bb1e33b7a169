"""The risk of a change before it is made."""

from __future__ import annotations

import pytest

from composerefactor.analysis.diff.kinds import Risk, risk_of_change
from composerefactor.errors import Location
from composerefactor.refactoring.contract import Change, Effect


def change(*effects: Effect, repairs: bool = False, leaves_data: bool = False) -> Change:
    place = Location("compose.yaml", 1)
    return Change("A test", place, [], effects, repairs=repairs, leaves_data=leaves_data)


@pytest.mark.parametrize(
    ("planned", "risk"),
    [
        (change(), Risk.NONE),
        (change(Effect(("x-base", "healthcheck"), "adds")), Risk.NONE),
        (change(Effect(("services", "web", "ports"), "changes", resolved=False)), Risk.NONE),
        (change(Effect(("services", "web", "healthcheck"), "adds")), Risk.LOW),
        (change(Effect(("services", "web", "cap_drop"), "adds")), Risk.MEDIUM),
        (change(Effect(("services", "web", "networks"), "changes")), Risk.MEDIUM),
        (change(Effect(("services", "web", "networks"), "adds")), Risk.LOW),
        (change(Effect(("networks", "default"), "removes")), Risk.MEDIUM),
        (change(Effect(("services", "web"), "removes")), Risk.MEDIUM),
        (change(Effect(("services", "db"), "adds"), repairs=True), Risk.LOW),
        (change(Effect(("services", "db", "volumes"), "changes"), leaves_data=True), Risk.HIGH),
        (
            change(
                Effect(("services", "web", "healthcheck"), "adds"),
                Effect(("services", "web", "read_only"), "adds"),
            ),
            Risk.MEDIUM,
        ),
    ],
)
def test_the_risk_of_a_change(planned: Change, risk: Risk) -> None:
    assert risk_of_change(planned) is risk
