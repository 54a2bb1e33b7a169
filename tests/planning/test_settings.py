from __future__ import annotations

from importlib.resources import files

import pytest

from composerefactor.errors import InputError
from composerefactor.images.catalog import load_catalog
from composerefactor.planning.settings import Settings, load_settings, schema_text

FULL = b"""\
# how we use it
split:
  into: deploy
  granularity: service
  groups: {payments: [api, worker]}
  modules: {api: deploy/api.yml}
fix:
  skip: [add-logging]
  unsafe: true
transforms:
  add-logging:
    max_size: 20m
ignore:
  add-healthchecks:
    legacy: watched by monit
catalog:
  - id: acme-api
    names: [registry.example.com/acme/api]
    category: proxy
    ports: [8080, 8443]
    healthcheck: {test: [CMD, /probe], profile: fast, retries: 2}
    variants:
      - {when: {tag: <2}, test: null, note: it has no probe}
  - id: redis
    notes: ours is special
"""


def test_everything_is_read() -> None:
    settings = load_settings(FULL)
    assert settings.split.into == "deploy"
    assert settings.split.strategy == "auto"
    assert settings.split.groups == {"payments": ("api", "worker")}
    assert settings.split.modules == {"api": "deploy/api.yml"}
    assert (settings.fix.select, settings.fix.skip, settings.fix.unsafe) == (
        (),
        ("add-logging",),
        True,
    )
    assert settings.transforms == {"add-logging": {"max_size": "20m"}}
    assert settings.ignore == {"add-healthchecks": {"legacy": "watched by monit"}}


def test_places_are_known() -> None:
    settings = load_settings(FULL)
    assert str(settings.location("ignore", "add-healthchecks", "legacy")).endswith("yml:15")
    assert str(settings.location("transforms", "nothing")).endswith("yml:10")
    assert str(settings.location()) == ".composerefactor.yml"


def test_entries_are_added_and_changed() -> None:
    catalog = load_settings(FULL).catalog
    added = catalog.match("registry.example.com/acme/api:3")
    assert added is not None
    assert added.healthcheck is not None
    assert (added.healthcheck.test, added.ports) == (("CMD", "/probe"), (8080, 8443))
    assert (added.times.interval, added.times.retries) == ("10s", 2)
    assert added.verified == "project"
    assert catalog.category("registry.example.com/acme/api") == "proxy"
    changed, known = catalog.match("redis:7"), load_catalog().match("redis:7")
    assert changed is not None
    assert known is not None
    assert changed.notes == "ours is special"
    assert changed.healthcheck == known.healthcheck
    assert load_catalog().match("registry.example.com/acme/api") is None


def test_a_changed_check_replaces_its_variants() -> None:
    catalog = load_settings(b"catalog: [{id: nginx, healthcheck: {test: [CMD, 'true']}}]").catalog
    entry = catalog.match("nginx:alpine")
    assert entry is not None
    assert entry.variants == ()


@pytest.mark.parametrize("data", [None, b"", b"# nothing yet\n"])
def test_without_settings(data: bytes | None) -> None:
    settings = load_settings(data)
    assert settings.catalog is load_catalog()
    assert settings == Settings()


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("spilt: {}", "s.yml:1: unknown key 'spilt'", "did you mean 'split'?"),
        ("split:\n  in: x", "s.yml:2: unknown key 'in' in split", "did you mean 'into'?"),
        ("fix: {unsafe: 'on'}", "s.yml:1: fix.unsafe takes true or false", ""),
        ("fix:\n  select: add-logging", "s.yml:2: fix.select takes a list", ""),
        ("split: []", "s.yml:1: split takes a mapping of names to values", ""),
        ("- split", "s.yml:1: a settings file takes a mapping of names to values", ""),
        (
            "split: {granularity: services}",
            "s.yml:1: split.granularity: 'services' is not one of auto, service, category",
            "did you mean 'service'?",
        ),
        ("catalog:\n- names: [a/b]", "s.yml:2: catalog has no id", ""),
        ("catalog:\n- id: x", "s.yml:1: x: a new entry needs 'names'", ""),
        (
            "catalog:\n- {id: x, names: [a/b], category: c}",
            "s.yml:1: x: unknown category 'c'",
            "",
        ),
        (
            "catalog:\n- {id: x, names: [a/b], variants: [{when: {tag: ~1}, test: null}]}",
            "s.yml:2: '~1' is not a version range such as '<18' or '>=3.6, <4'",
            "",
        ),
        (
            "ignore: {add-logging: [a]}",
            "s.yml:1: ignore.add-logging takes a mapping of names to values",
            "",
        ),
        (
            "ignore:\n  add-logging: {a: why}\n  x:\n    b: ok\n    c: 3",
            "s.yml:5: ignore.x.c takes text",
            "",
        ),
        (
            "catalog:\n- {id: x}\n- id: y\n  healthcheck:\n    tests: [CMD, 'true']",
            "s.yml:5: unknown key 'tests' in catalog.healthcheck",
            "did you mean 'test'?",
        ),
        (
            "catalog:\n- id: x\n  ports: [80, 443, true]",
            "s.yml:3: catalog.ports takes a whole number or text",
            "",
        ),
        ("analyze:\n  fail_on: 3", "s.yml:2: analyze.fail_on takes text", ""),
        ("'a - at `$.split`': 1", "s.yml:1: unknown key 'a - at `$.split`'", "allowed: ignore"),
        ("3", "s.yml:1: a settings file takes a mapping of names to values", ""),
    ],
)
def test_errors_say_where(text: str, message: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        load_settings(text.encode(), "s.yml")
    assert str(caught.value) == message
    assert caught.value.remedy.startswith(remedy)


def test_the_shipped_schema_is_up_to_date() -> None:
    shipped = files("composerefactor.planning").joinpath("settings.schema.json").read_text("utf-8")
    assert shipped == schema_text(), "run `make schema`"
