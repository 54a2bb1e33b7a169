"""The short proof rejects what a thorough one rejects: mutants of a split, each with one change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from composerefactor.proof.prover import Prover

ROOT = """\
include:
  - project_directory: .
    env_file: /dev/null
    path: [parts/all.yaml]
"""
MODULE = """\
x-note: [a, b]
services:
  api:
    image: shop/api:${TAG:-1.0}
    command: [serve, --level, "${LEVEL:-info}"]
    environment: {MODE: live, SIZE: "${SIZE-1}", KEY: "${KEY:?give one}", EXTRA: "${ON:+yes}"}
    env_file: [./app.env]
    ports: ["8080:80", "8081:81"]
    volumes: ["./data:/data", "store:/store"]
    profiles: [shop]
    depends_on: [db]
  db:
    image: postgres:16
    environment: {POSTGRES_DB: shop, POSTGRES_USER: shop}
    volumes: ["${DIR:-./db}:/var/lib/postgresql/data"]
  job:
    build: ./job
    command: run
    profiles: [jobs, shop]
    labels: {team: "${TEAM}"}
volumes:
  store:
  unused:
"""
FILES = {
    "compose.yaml": MODULE,
    ".env": "TAG=2.0\nKEY=k\nTEAM=a\n",
    "app.env": "COLOUR=red\n",
    "other.env": "LEVEL=debug\n",
}

MUTANTS = {
    "a lost variable": ('SIZE: "${SIZE-1}", ', ""),
    "a lost attribute": ("    env_file: [./app.env]\n", ""),
    "a lost service": ("  db:\n    image: postgres:16\n", "  db2:\n    image: postgres:16\n"),
    "a lost volume": ("  unused:\n", ""),
    "a lost note": ("x-note: [a, b]\n", ""),
    "a moved path": ("./data:/data", "../data:/data"),
    "a moved build": ("./job", "./jobs"),
    "a moved default path": (":-./db}", ":-./parts/db}"),
    "a changed default": ("LEVEL:-info", "LEVEL:-debug"),
    "a changed default that .env hides": ("TAG:-1.0", "TAG:-1.1"),
    "a default for empty values": ("SIZE-1", "SIZE:-1"),
    "a frozen variable": ("${LEVEL:-info}", "info"),
    "a frozen variable of .env": ("${TAG:-1.0}", "2.0"),
    "another variable": ("${TEAM}", "${KEY}"),
    "a requirement": ("${KEY:?give one}", "${KEY}"),
    "an alternative": ("${ON:+yes}", ""),
    "a changed profile": ("profiles: [shop]", "profiles: [shops]"),
    "a lost profile": ("    profiles: [shop]\n", ""),
    "another profile": ("[jobs, shop]", "[jobs]"),
    "a reordered list": ('"8080:80", "8081:81"', '"8081:81", "8080:80"'),
    "a reordered command": ("serve, --level", "--level, serve"),
    "a changed constant": ("POSTGRES_DB: shop", "POSTGRES_DB: shops"),
    "a changed image": ("postgres:16", "postgres:17"),
    "a lost dependency": ("    depends_on: [db]\n", ""),
}  # fmt: skip

ROOTS = {
    "another directory": ROOT.replace("project_directory: .\n    ", ""),
    "an env file that is read twice": ROOT.replace("    env_file: /dev/null\n", ""),
    "another env file": ROOT.replace("/dev/null", "other.env"),
}


def changed(module: str = MODULE, root: str = ROOT) -> dict[str, bytes | None]:
    """Return the split of the project."""
    note = "x-note: [a, b]\n"
    rest = module.replace(note, "")
    return {
        "compose.yaml": ((note if note in module else "") + root).encode(),
        "parts/all.yaml": rest.encode(),
    }


@pytest.mark.long  # the tests of the shortcuts try the same mutants with fewer runs
def test_each_mutant_is_rejected(prover_of: Callable[..., Prover]) -> None:
    prover = prover_of(FILES, profiles=("shop", "jobs"))
    assert prover.check(changed()).ok
    mutants = {name: changed(MODULE.replace(*pair)) for name, pair in MUTANTS.items()}
    mutants |= {name: changed(root=root) for name, root in ROOTS.items()}
    assert [name for name, mutant in mutants.items() if prover.check(mutant).ok] == []
