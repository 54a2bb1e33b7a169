from __future__ import annotations

import pytest
from support.models import stack_of

from composerefactor.compose.one_off import why_it_may_end


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("db-migrate", "image: a"),
        ("e2e", "image: a"),
        ("tool", "image: a\n    profiles: [test]"),
    ],
)
def test_a_name_or_a_profile_is_enough(name: str, service: str) -> None:
    assert why_it_may_end(stack_of(f"services:\n  {name}:\n    {service}\n"), name)


@pytest.mark.parametrize(
    "service", ["image: nginx", "image: a\n    profiles: [monitoring]", "build: ."]
)
def test_others_run_on(service: str) -> None:
    assert why_it_may_end(stack_of(f"services:\n  web:\n    {service}\n"), "web") is None


def test_what_others_wait_for_ends() -> None:
    text = """
services:
  web: {image: a, depends_on: {first: {condition: service_completed_successfully}}}
  first: {image: a}
"""
    assert why_it_may_end(stack_of(text), "first") == "web waits for its successful end"
