"""The hashes with which running containers are compared; ``make daemon`` compares real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from composerefactor.compose.invocation import Invocation
from composerefactor.proof.containers import Container
from composerefactor.proof.engine import Engine
from composerefactor.proof.live import _Resolver

TEXT = """\
name: shop
services:
  data: {image: x}
  web: {image: x, volumes_from: ["data:ro"], env_file: web.env}
  other: {image: x, volumes_from: ["container:0123"]}
"""


def hashes_of(compose: Engine, root: Path, *ids: str) -> Mapping[str, str]:
    resolver = _Resolver(compose, root, {})
    config = resolver.resolve(Invocation(("compose.yaml",)))
    labels = {"com.docker.compose.service": "data"}
    containers = [Container({"Id": each, "Config": {"Labels": labels}}) for each in ids]
    return resolver.with_namespaces(config, containers).hashes


def test_a_hash_includes_the_container_of_volumes_from(
    compose: Engine, project: Callable[[Mapping[str, str]], Path]
) -> None:
    root = project({"compose.yaml": TEXT, "web.env": "A=1\n"})
    before, after = hashes_of(compose, root, "abc"), hashes_of(compose, root, "def")
    assert before["web"] != after["web"]
    assert before["data"] == after["data"]
    assert before["other"] == after["other"]


def test_a_hash_covers_env_files(
    compose: Engine, project: Callable[[Mapping[str, str]], Path]
) -> None:
    root = project({"compose.yaml": TEXT, "web.env": "A=1\n"})
    before = hashes_of(compose, root)
    (root / "web.env").write_text("A=2\n")
    after = hashes_of(compose, root)
    assert {name for name in before if before[name] != after[name]} == {"web"}
