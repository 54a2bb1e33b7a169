from __future__ import annotations

from ipaddress import ip_network

import pytest

from composerefactor.compose.resources import SUBNET_POOL, free_subnet, used_subnets
from composerefactor.errors import RefusedError
from support.models import stack_of

TEXT = """
services: {a: {image: a}}
networks:
  a: {ipam: {config: [{subnet: 172.16.0.0/23}, {subnet: "fd00::/64"}]}}
  b: {ipam: {config: [{subnet: "${NET:-172.16.2.0/24}"}, {subnet: "${UNKNOWN}"}]}}
  c: {driver: bridge}
"""


def test_used_and_free_subnets() -> None:
    used = used_subnets(stack_of(TEXT).files)
    assert [(str(u.subnet), u.network, str(u.location)) for u in used] == [
        ("172.16.0.0/23", "a", "compose.yaml:4"),
        ("fd00::/64", "a", "compose.yaml:4"),
        ("172.16.2.0/24", "b", "compose.yaml:5"),
    ]
    assert str(free_subnet([u.subnet for u in used])) == "172.16.3.0/24"
    assert str(free_subnet([])) == "172.16.0.0/24"


def test_no_subnet_is_free() -> None:
    with pytest.raises(RefusedError, match="no free /"):
        free_subnet([ip_network(SUBNET_POOL)])
