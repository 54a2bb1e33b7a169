"""Why a container would be recreated, from a container as ``docker inspect`` had it.

``make daemon`` verifies that these reasons match what ``up`` does.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from composerefactor.proof.containers import Container, recreation_reasons

RECORDED = json.loads(Path(__file__).with_name("inspected.json").read_text(encoding="utf-8"))


def reasons_for(
    service: dict[str, Any], image: dict[str, Any] | None = None, **model: Any
) -> list[str]:
    """Return the reasons if the web service also has *service*; None removes a key."""
    changed = copy.deepcopy(RECORDED["model"]) | model
    web = changed["services"]["web"] | service
    changed["services"]["web"] = {k: v for k, v in web.items() if v is not None}
    return recreation_reasons(
        RECORDED["container"], image or RECORDED["image"], changed["services"]["web"], changed
    )


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ({}, []),
        ({"image": "local/busybox:2"}, ["image local/busybox:1 -> local/busybox:2"]),
        (
            {"environment": {"A": "2", "B": "x"}},
            ["environment: A changed", "environment: B added", "environment: DB_PASSWORD removed"],
        ),
        ({"command": ["sleep", "5"]}, ["different command"]),
        ({"command": None}, ["different command"]),
        ({"entrypoint": ["sh"]}, ["different entrypoint"]),
        ({"user": None}, ["different user: 1000 -> none"]),
        ({"working_dir": "/srv"}, ["different working_dir: /tmp -> /srv"]),
        ({"restart": None}, ["restart policy unless-stopped -> no"]),
        ({"restart": "on-failure:3"}, ["restart policy unless-stopped -> on-failure:3"]),
        ({"read_only": None}, ["read_only true -> false"]),
        ({"privileged": True}, ["privileged false -> true"]),
        ({"cap_add": ["CAP_CHOWN"]}, []),
        ({"cap_drop": ["ALL"]}, ["different cap_drop"]),
        ({"labels": {"team": "mail", "new": "1"}}, ["labels: new, team"]),
        ({"labels": None}, ["labels: team"]),
        ({"healthcheck": {"test": ["CMD", "false"]}}, ["different health check"]),
        ({"healthcheck": None}, ["the health check was removed"]),
        ({"mem_limit": "67108864"}, ["memory limit none -> 64M"]),
        ({"hostname": "web"}, ["host name d7c71425d533 -> web"]),
        (
            {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]},
            ["port 8080->80/tcp added"],
        ),
        ({"network_mode": "host"}, ["network_mode none -> host"]),
        (
            {"volumes": [{"type": "bind", "source": "/srv/shop/data", "target": "/data"}]},
            [],  # Compose keeps the volume itself, and the hash shows the change
        ),
        (
            {"volumes": [{"type": "volume", "source": "cache", "target": "/cache"}]},
            ["/srv/shop/data is no longer mounted at /data"],
        ),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else "",
)
def test_reasons(service: dict[str, Any], words: list[str]) -> None:
    assert reasons_for(service) == words


def test_a_volume_of_another_name() -> None:
    assert reasons_for({}, volumes={"cache": {"name": "other"}}) == [
        "at /cache: volume other instead of volume shop_cache"
    ]


def test_settings_of_the_image_are_no_reason() -> None:
    image = copy.deepcopy(RECORDED["image"])
    image["Config"] |= {
        "Cmd": ["sleep", "1000"],
        "User": "1000",
        "Env": ["DB_PASSWORD=correct-horse"],
    }
    assert reasons_for({"command": None, "user": None, "environment": {"A": "1"}}, image) == []


def test_a_container_has_its_origin() -> None:
    container = Container(RECORDED["container"])
    assert (container.name, container.service, container.state) == ("shop-web-1", "web", "unknown")
    assert container.files == ("/srv/shop/docker-compose.yml",)
    assert "correct-horse" not in repr(container)
