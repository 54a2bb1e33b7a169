"""The repository in an image reference as Compose files write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.patterns import regex

_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_ARCHITECTURES = frozenset(
    {"amd64", "arm32v5", "arm32v6", "arm32v7", "arm64v8", "i386", "ppc64le", "riscv64", "s390x"}
)
_MIRROR_FOLDERS = frozenset({"containers", "docker-hub", "docker.io", "dockerhub", "library"})
_UNKNOWN = "\0"
_PLAIN_VARIABLE = regex(r"\$[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_INNER_VARIABLE = regex(
    r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:(?P<form>:?[-?+])(?P<text>[^{}]*))?\}", re.ASCII
)
_MAX_LENGTH = 1000


def repository(image: str) -> str | None:
    """Return the repository that *image* names, without Docker Hub's prefixes, tag and digest.

    A variable stands for its default (``${TAG:-16}``). One without a default is left out: as a
    registry or namespace (``${REGISTRY}/shop/api`` gives ``shop/api``) or as a tag. None where
    nothing is left that names an image (``${IMAGE}``).
    """
    text = _with_defaults(image.strip())
    if text is None:
        return None
    text = text.partition("@")[0]
    head, slash, last = text.rpartition("/")
    text = head + slash + last.partition(":")[0]
    parts = [part.replace(_UNKNOWN, "") if part != _UNKNOWN else "" for part in text.split("/")]
    parts = [part for part in parts if part]
    if not parts or last.partition(":")[0] in {"", _UNKNOWN}:
        return None
    if len(parts) > 1 and parts[0].lower() in _DOCKER_HUB:
        del parts[0]
    if len(parts) > 1 and parts[0] == "library":
        del parts[0]
    return "/".join(parts).lower()


def same_image(repository: str) -> Iterator[str]:
    """Yield the repositories that hold the same image as *repository*, itself first.

    A pull-through mirror keeps the whole path behind its own name
    (``mirror.example.com/hub/grafana/grafana``); an official image stands below ``library`` or the
    like there. Docker's own builds for one architecture (``arm64v8/postgres``) are the same image.
    """
    yield repository
    parts = repository.split("/")
    for start in range(1, len(parts)):
        rest = parts[start:]
        if len(rest) > 1:
            yield "/".join(rest)
        elif parts[start - 1] in _MIRROR_FOLDERS or parts[start - 1] in _ARCHITECTURES:
            yield rest[0]


def _with_defaults(text: str) -> str | None:
    """Replace each variable by its default, or by a mark; None for what is too long."""
    if len(text) > _MAX_LENGTH:
        return None
    while True:
        text, found = _INNER_VARIABLE.subn(_default, text)
        if not found:
            return _PLAIN_VARIABLE.sub(_UNKNOWN, text)


def _default(match: re.Match[str]) -> str:
    if match["form"] in {"-", ":-"}:
        return str(match["text"]) or _UNKNOWN
    return _UNKNOWN
