from __future__ import annotations

import pytest

from composerefactor.compose.one_off import reason_it_may_exit
from support.models import stack_of


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("db-migrate", "image: a"),
        ("e2e", "image: a"),
        ("install", "image: a"),
        ("tool", "image: a\n    profiles: [test]"),
    ],
)
def test_a_name_or_a_profile_is_enough(name: str, service: str) -> None:
    assert reason_it_may_exit(stack_of(f"services:\n  {name}:\n    {service}\n"), name)


@pytest.mark.parametrize(
    "service", ["image: nginx", "image: a\n    profiles: [monitoring]", "build: ."]
)
def test_other_services_keep_running(service: str) -> None:
    assert reason_it_may_exit(stack_of(f"services:\n  web:\n    {service}\n"), "web") is None


def test_another_service_waits_for_completion() -> None:
    text = """
services:
  web: {image: a, depends_on: {first: {condition: service_completed_successfully}}}
  first: {image: a}
"""
    assert reason_it_may_exit(stack_of(text), "first") == (
        "web waits until it completes successfully"
    )
