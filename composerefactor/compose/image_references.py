"""Image references (distribution specification: ``[registry/]repository[:tag][@digest]``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from composerefactor.compose.interpolation import (
    EXPRESSION_MASK,
    Variable,
    expand,
    mask_expressions,
    variables,
)

DEFAULT_REGISTRY = "docker.io"
_OFFICIAL = "library/"


class ImageReference(Struct, frozen=True):
    """An image reference, split into its parts; a part that is not written is None.

    A first part that contains a variable and is followed by ``/`` counts as the registry.

    Attributes:
        text: The whole reference as written.
        registry: The registry, such as ``ghcr.io``.
        repository: The repository, such as ``library/redis``.
        tag: The tag after ``:``.
        digest: The digest after ``@``.
    """

    text: str
    registry: str | None
    repository: str
    tag: str | None
    digest: str | None

    @property
    def variables(self) -> list[Variable]:
        """The variables in the reference."""
        return variables(self.text)

    @property
    def name(self) -> str:
        """The usual short name: without ``docker.io``, ``library/``, tag and digest."""
        if self.registry in {None, DEFAULT_REGISTRY, "index.docker.io"}:
            return self.repository.removeprefix(_OFFICIAL)
        return f"{self.registry}/{self.repository}"

    def with_defaults(self) -> ImageReference:
        """Return the reference as it is if no variable is set."""
        return parse_image(expand(self.text, {}))


def parse_image(text: str) -> ImageReference:
    """Return the parts of the image reference *text*; variables are treated as plain text."""
    mask = mask_expressions(text)
    end, digest, tag = len(text), None, None
    at = mask.find("@")
    if at >= 0:
        end, digest = at, text[at + 1 :]
    colon = mask.rfind(":", 0, end)
    if colon > mask.rfind("/", 0, end):
        end, tag = colon, text[colon + 1 : end]
    slash = mask.find("/", 0, end)
    if slash >= 0 and _is_registry(mask[:slash]):
        return ImageReference(text, text[:slash], text[slash + 1 : end], tag, digest)
    return ImageReference(text, None, text[:end], tag, digest)


def _is_registry(part: str) -> bool:
    return (
        part == "localhost"
        or any(mark in part for mark in (".", ":", EXPRESSION_MASK))
        or part != part.lower()  # observed: how Docker reads ``Host/image``
    )


_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_ARCHITECTURES = frozenset(
    {"amd64", "arm32v5", "arm32v6", "arm32v7", "arm64v8", "i386", "ppc64le", "riscv64", "s390x"}
)
_MIRROR_FOLDERS = frozenset({"containers", "docker-hub", "docker.io", "dockerhub", "library"})
_UNKNOWN = "\0"
_PLAIN_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_INNER_VARIABLE = re.compile(
    r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:(?P<form>:?[-?+])(?P<text>[^{}]*))?\}", re.ASCII
)
_MAX_LENGTH = 1000


@cache
def repository_of(image: str) -> str | None:
    """Return the repository that *image* names, without the Docker Hub prefix, tag and digest.

    A variable is replaced by its default (``${TAG:-16}``). A variable without a default is removed,
    both as a registry or namespace (``${REGISTRY}/shop/api`` becomes ``shop/api``) and as a tag.
    Returns None if no name of an image is left (``${IMAGE}``).
    """
    text = _expand_defaults(image.strip())
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


def equivalent_repositories(repository: str) -> Iterator[str]:
    """Yield the repositories that contain the same image as *repository*, itself first.

    A pull-through mirror keeps the whole path after its own name
    (``mirror.example.com/hub/grafana/grafana``), with official images below ``library`` or a
    similar folder. Docker's builds for one architecture (``arm64v8/postgres``) are the same image.
    """
    yield repository
    parts = repository.split("/")
    for start in range(1, len(parts)):
        rest = parts[start:]
        if len(rest) > 1:
            yield "/".join(rest)
        elif parts[start - 1] in _MIRROR_FOLDERS or parts[start - 1] in _ARCHITECTURES:
            yield rest[0]


def _expand_defaults(text: str) -> str | None:
    """Replace each variable by its default, or by a mark; None if *text* is too long."""
    if len(text) > _MAX_LENGTH:
        return None
    while True:
        text, found = _INNER_VARIABLE.subn(_replacement, text)
        if not found:
            return _PLAIN_VARIABLE.sub(_UNKNOWN, text)


def _replacement(match: re.Match[str]) -> str:
    if match["form"] in {"-", ":-"}:
        return str(match["text"]) or _UNKNOWN
    return _UNKNOWN
