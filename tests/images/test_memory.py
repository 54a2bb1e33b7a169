"""The memory that the settings of a service require."""

from __future__ import annotations

import pytest

from composerefactor.compose.sizes import MIB, format_size, parse_size
from composerefactor.images.catalog import load_catalog
from composerefactor.images.lookup import configured_memory, memory_of
from support.models import stack_of


@pytest.mark.parametrize(
    ("service", "mib"),
    [
        ("environment: {ES_JAVA_OPTS: -Xms4g -Xmx4g}", 8192),
        ("environment: [JAVA_OPTS=-Xms256m -Xmx512m]", 768),
        ("command: redis-server --maxmemory 2gb", 3072),
        ("command: [mysqld, --innodb-buffer-pool-size=1G]", 1536),
        ("command: postgres -c shared_buffers=256MB\n    shm_size: 1gb", 2048),
        ("environment: {NODE_OPTIONS: --max-old-space-size=3000}", 6144),
        ("command: mongod --wiredTigerCacheSizeGB 1.5", 3072),
    ],
)
def test_settings(service: str, mib: int) -> None:
    model = stack_of(f"services:\n  a:\n    image: a\n    {service}\n")
    found = configured_memory(model, model.services["a"])
    assert found is not None
    assert found.required == mib * MIB


def test_no_setting_requires_memory() -> None:
    model = stack_of("services:\n  a:\n    image: a\n    command: run --memory\n")
    assert configured_memory(model, model.services["a"]) is None


@pytest.mark.parametrize(
    ("environment", "is_bounded"),
    [
        ("ES_JAVA_OPTS: -Xms${HEAP} -Xmx${HEAP}", False),
        ("ES_JAVA_OPTS: -Xmx${HEAP:-1g}", True),
        ("discovery.type: single-node", True),
    ],
)
def test_a_size_that_nobody_knows_is_no_bound(environment: str, *, is_bounded: bool) -> None:
    image = "docker.elastic.co/elasticsearch/elasticsearch:8.19.16"
    text = f"services:\n  a:\n    image: '{image}'\n    environment:\n      {environment}\n"
    model = stack_of(text)
    found = memory_of(model, model.services["a"], load_catalog())
    assert found is not None
    assert found.bounded is is_bounded


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MIB), ("1.5gb", 1536 * MIB), ("64", 64), ("lots", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


def test_format_size() -> None:
    assert format_size(1536 * MIB) == "1536M"
    assert format_size(2048 * MIB) == "2G"


@pytest.mark.parametrize(
    ("value", "is_literal"),
    [("-Xms1g -Xmx1g", True), ("-Xmx${HEAP:-1g}", False), ("-D=${X:-1} -Xmx1g", True)],
)
def test_a_size_of_a_variable_may_change(value: str, *, is_literal: bool) -> None:
    model = stack_of(f"services:\n  a: {{image: a, environment: {{OPTS: '{value}'}}}}\n")
    found = configured_memory(model, model.services["a"])
    assert found is not None
    assert found.is_literal == is_literal
