# ruff: noqa: E501 - a row of a table is one line
from __future__ import annotations

import pytest

from composerefactor.images.dockerfiles import read_dockerfile
from composerefactor.images.health.probes import (
    Probe,
    Programs,
    base_image,
    command_for,
    default_command,
    installed_programs,
)


@pytest.mark.parametrize(
    ("image", "has", "lacks"),
    [
        ("node:20-alpine", {"node", "wget", "nc", "sh"}, {"curl", "bash"}),
        ("node:20-slim", {"node", "bash"}, {"curl", "wget"}),
        ("node", {"node", "bash", "curl", "wget"}, set()),
        ("docker.io/library/python:3.12-slim-bookworm", {"python", "bash"}, {"curl", "wget"}),
        ("python:3-alpine3.20", {"python3", "wget"}, {"bash"}),
        ("mirror.example.com/library/debian:bookworm", {"bash"}, {"curl", "wget", "nc"}),
        ("scratch", set(), {"sh"}),
        ("gcr.io/distroless/static-debian12", set(), {"sh", "node"}),
        ("gcr.io/distroless/nodejs20-debian12", {"/nodejs/bin/node"}, {"sh", "node"}),
        ("eclipse-temurin:21-jre-alpine", {"wget"}, {"bash", "curl"}),
        ("eclipse-temurin:21-jre", {"bash"}, {"curl"}),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", {"bash"}, {"curl"}),
        ("mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled", set(), {"sh", "bash"}),
        ("php:8.3-fpm-alpine", {"php", "curl", "wget"}, {"bash"}),
        ("golang:1.22", {"bash", "curl"}, {"node"}),
    ],
)
def test_base_image(image: str, has: set[str], lacks: set[str]) -> None:
    found = base_image(image)
    assert found is not None
    assert has <= set(found.has)
    assert lacks.isdisjoint(found.has)


@pytest.mark.parametrize("image", ["acme/base:1", "ghcr.io/acme/node:20", "", "${BASE}"])
def test_unknown_base(image: str) -> None:
    assert base_image(image) is None


def test_default_command() -> None:
    assert default_command("php:8-apache") == "apache2-foreground"
    assert default_command("php:8-cli") == ""


@pytest.mark.parametrize(
    ("run", "has", "lacks"),
    [
        ("apk add --no-cache curl", {"curl", "wget", "nc"}, {"bash"}),
        ("apk --no-cache add bash curl=8.5.0-r0", {"bash", "curl"}, set()),
        ("apt-get update && apt-get install -y --no-install-recommends wget", {"wget", "bash"}, {"curl"}),
        ("apt-get -y install netcat-openbsd && rm -rf /var/lib/apt", {"nc"}, {"curl"}),
        ("microdnf install curl", {"curl", "bash"}, set()),
        ("apt-get install -y curl && curl x | sh && apt-get purge -y curl", {"bash"}, {"curl"}),
        ("echo curl wget", set(), {"curl", "wget"}),
        ("npm install curl", set(), {"curl"}),
    ],
)  # fmt: skip
def test_installed(run: str, has: set[str], lacks: set[str]) -> None:
    chain = read_dockerfile(f"FROM acme/base\nRUN {run}\n").chain("", {})
    assert chain is not None
    found = installed_programs(chain)
    assert has <= set(found.sources)
    assert lacks.isdisjoint(found.sources)
    assert not found.is_complete


def test_only_the_stages_of_the_image_count() -> None:
    text = "FROM node:20 AS build\nRUN apt-get install -y curl\nFROM scratch\nCOPY --from=build /a /a\n"
    chain = read_dockerfile(text).chain("", {})
    assert chain is not None
    assert installed_programs(chain) == Programs({}, "verified", is_complete=True)


@pytest.mark.parametrize(
    ("held", "probe", "words"),
    [
        ({"curl"}, Probe("ok", "80", "/x"), "curl -fsS -o /dev/null http://127.0.0.1:80/x"),
        ({"curl"}, Probe("answer", "80"), "curl -s -o /dev/null http://127.0.0.1:80/"),
        ({"wget"}, Probe("ok", "80", "/x"), "wget -q -O /dev/null http://127.0.0.1:80/x"),
        ({"wget", "grep"}, Probe("answer", "80"), "wget -S -q -O /dev/null"),
        ({"nc"}, Probe("answer", "${PORT:-1}"), "nc -z 127.0.0.1 ${PORT:-1}"),
        ({"bash"}, Probe("connect", "80"), "bash -c : > /dev/tcp/127.0.0.1/80"),
        ({"python3"}, Probe("connect", "80"), "python3 -c import socket"),
        ({"php"}, Probe("answer", "9000"), "fsockopen"),
    ],
)
def test_probe(held: set[str], probe: Probe, words: str) -> None:
    found = command_for(probe, Programs(dict.fromkeys(held, "")))
    assert found is not None
    assert words in " ".join(found[0][1:])
    assert found[1] in held


@pytest.mark.parametrize("held", [set(), {"sh"}, {"curl"}, {"grep"}])
def test_no_probe(held: set[str]) -> None:
    assert command_for(Probe("connect", "80"), Programs(dict.fromkeys(held, ""))) is None
