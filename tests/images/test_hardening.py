from __future__ import annotations

import re

from composerefactor.images.lookup import _hardening_entries, gains_privileges, hardening


def test_facts_by_image() -> None:
    found = hardening("docker.io/library/postgres:16-alpine")
    assert found is not None
    assert "FOWNER" in found.capabilities
    assert found.writable == ("/tmp", "/var/run/postgresql")  # noqa: S108 - a place in a container
    assert hardening("acme/postgres:16") is None
    assert hardening("${IMAGE}") is None


def test_unknown_is_not_the_same_as_nothing() -> None:
    redis, prometheus = hardening("redis:7"), hardening("prom/prometheus")
    assert redis is not None
    assert redis.writable == ()
    assert prometheus is not None
    assert prometheus.writable is None


def test_images_that_gain_privileges() -> None:
    assert gains_privileges("lscr.io/linuxserver/plex:latest")
    assert not gains_privileges("postgres:16")


def test_every_entry_has_a_source() -> None:
    for each in _hardening_entries():
        assert each.source
        assert each.verified in {"run", "dockerfile", "docs", "issue", "practice"}
        assert all(re.fullmatch(r"[A-Z_]+", name) for name in each.capabilities)
        assert all(path.startswith("/") for path in (each.writable or ()) + each.unless)
