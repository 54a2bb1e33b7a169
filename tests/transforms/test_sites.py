"""Where an attribute is added, and why not."""

from __future__ import annotations

from composerefactor.compose.services import Service, StartModel
from composerefactor.transforms._attribute import BlockedSite, Site, find_sites
from support.models import stack_of


def wants_restart(_: StartModel, service: Service) -> str | None:
    return None if service.values("restart") else "always"


def found(
    text: str, *more: str, files: dict[str, str] | None = None
) -> list[tuple[str, object] | str]:
    every = [stack_of(text, *more, files=files)]
    return [
        each.reason if isinstance(each, BlockedSite) else (each.file.path, each.path)
        for each in find_sites(every, wants_restart, ("restart",), replaced=True)
    ]


def test_a_block_for_all_that_merge_it() -> None:
    text = """
x-app: &app {image: a, tty: true}
services:
  a: {<<: *app}
  b: {<<: *app}
"""
    assert found(text) == [("compose.yaml", ("x-app",))]


def test_no_block_that_is_named_after_one_attribute() -> None:
    text = """
x-logging: &log {logging: {driver: local}, tty: true}
services:
  a: {<<: *log, image: a}
  b: {<<: *log, image: a}
"""
    assert found(text) == [
        ("compose.yaml", ("services", "a")),
        ("compose.yaml", ("services", "b")),
    ]


def test_a_service_that_others_merge_reaches_them() -> None:
    text = """
services:
  a: &a {image: a}
  b: {<<: *a, command: b}
"""
    every = [stack_of(text)]
    (only,) = find_sites(every, wants_restart, ("restart",))
    assert isinstance(only, Site)
    assert (only.path, only.services) == (("services", "a"), ("a", "b"))


def test_a_later_file_may_replace_it() -> None:
    base = "services:\n  a: {image: a}\n  b: {image: b}\n"
    assert found(base, "services:\n  a: {restart: 'no'}\n") == [("compose.yaml", ("services", "b"))]


def test_the_extended_file_gets_it() -> None:
    common = "services:\n  base:\n    image: a\n"
    text = "services:\n  a:\n    extends: {file: common.yaml, service: base}\n"
    assert found(text, files={"common.yaml": common}) == [("common.yaml", ("services", "base"))]


def test_it_is_not_forced_on_a_service_that_must_not_have_it() -> None:
    text = """
services:
  a: &a {image: a}
  b: {<<: *a, hostname: never}
"""

    def want(_: StartModel, service: Service) -> str | None:
        return None if service.name == "b" else "always"

    (only,) = find_sites([stack_of(text)], want, ("restart",))
    assert isinstance(only, BlockedSite)
    assert only.reason == "b of compose.yaml would get it as well"


def test_below_what_is_there() -> None:
    text = """
services:
  a:
    image: a
    deploy: {replicas: 2}
"""
    (only,) = find_sites([stack_of(text)], lambda *_: 1, ("deploy", "resources"))
    assert isinstance(only, Site)
    assert (only.path, only.keys) == (("services", "a", "deploy"), ("resources",))


def test_a_value_may_be_false() -> None:
    every = [stack_of("services:\n  a: {image: a}\n")]
    (only,) = find_sites(every, lambda *_: False, ("init",))
    assert isinstance(only, Site)
    assert (only.value, only.services) == (False, ("a",))
