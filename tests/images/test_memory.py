"""The memory that a service's own settings ask for."""

from __future__ import annotations

import pytest
from support.models import stack_of

from composerefactor.images.memory import MIB, parsed, shown, told


@pytest.mark.parametrize(
    ("service", "mib"),
    [
        ("environment: {ES_JAVA_OPTS: -Xms4g -Xmx4g}", 6144),
        ("environment: [JAVA_OPTS=-Xmx512m]", 768),
        ("command: redis-server --maxmemory 2gb", 3072),
        ("command: [mysqld, --innodb-buffer-pool-size=1G]", 1536),
        ("command: postgres -c shared_buffers=256MB\n    shm_size: 1gb", 2048),
        ("environment: {NODE_OPTIONS: --max-old-space-size=3000}", 6144),
        ("command: mongod --wiredTigerCacheSizeGB 1.5", 3072),
    ],
)
def test_settings(service: str, mib: int) -> None:
    model = stack_of(f"services:\n  a:\n    image: a\n    {service}\n")
    found = told(model, model.services["a"])
    assert found is not None
    assert found[0] == mib * MIB


def test_nothing_is_told() -> None:
    model = stack_of("services:\n  a:\n    image: a\n    command: run --memory\n")
    assert told(model, model.services["a"]) is None


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MIB), ("1.5gb", 1536 * MIB), ("64", 64), ("lots", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    assert parsed(text) == size


def test_sizes_as_people_write_them() -> None:
    assert shown(1536 * MIB) == "1536M"
    assert shown(2048 * MIB) == "2G"
