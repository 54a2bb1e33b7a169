"""The time that the servers of images need to stop."""

from __future__ import annotations

import pytest

from composerefactor.images.catalog import load_catalog
from composerefactor.images.lookup import stop_need
from support.models import stack_of


@pytest.mark.parametrize(
    ("service", "time"),
    [
        ("image: postgres:17", "90s"),
        ("image: ghcr.io/acme/postgres:17", None),
        ("build: .\n    image: postgres:17", None),
        ("image: mongo:7\n    command: mongod --replSet rs0", "30s"),
        ("image: mongo:7\n    command: mongod --replSet=rs0", "30s"),
        ("image: mongo:4.4\n    command: mongod --replSet rs0", None),
        ("image: mongo:7", None),
        ("image: mysql:8.4\n    command: mysqldump --all-databases", None),
    ],
)
def test_time(service: str, time: str | None) -> None:
    model = stack_of(f"services:\n  a:\n    {service}\n")
    need = stop_need(model.services["a"], load_catalog())
    assert (need.time if need else None) == time
