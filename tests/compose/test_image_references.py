from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.image_references import parse_image

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("nginx", None, "nginx", None, None),
        ("nginx:1.27", None, "nginx", "1.27", None),
        ("library/nginx", None, "library/nginx", None, None),
        ("grafana/grafana:11", None, "grafana/grafana", "11", None),
        ("docker.io/nginx", "docker.io", "nginx", None, None),
        ("ghcr.io/a/b/c:v1", "ghcr.io", "a/b/c", "v1", None),
        ("localhost/a:1", "localhost", "a", "1", None),
        ("localhost:5000/a", "localhost:5000", "a", None, None),
        ("registry:5000/a:1", "registry:5000", "a", "1", None),
        ("Host/a", "Host", "a", None, None),
        (f"nginx@{DIGEST}", None, "nginx", None, DIGEST),
        (f"quay.io/a/b:1@{DIGEST}", "quay.io", "a/b", "1", DIGEST),
        ("nginx:${TAG}", None, "nginx", "${TAG}", None),
        ("nginx:${TAG:-1.2/3}", None, "nginx", "${TAG:-1.2/3}", None),
        ("nginx:$TAG-alpine", None, "nginx", "$TAG-alpine", None),
        ("${REGISTRY}/a/b:1", "${REGISTRY}", "a/b", "1", None),
        ("${REGISTRY:-ghcr.io/x}/a", "${REGISTRY:-ghcr.io/x}", "a", None, None),
        ("${HOST:-h}:5000/a:1", "${HOST:-h}:5000", "a", "1", None),
        ("${IMAGE:-a/b:1@c}", None, "${IMAGE:-a/b:1@c}", None, None),
        ("a/${NAME}:1", None, "a/${NAME}", "1", None),
        ("", None, "", None, None),
    ],
)
def test_parts(
    text: str, registry: str | None, repository: str, tag: str | None, digest: str | None
) -> None:
    image = parse_image(text)
    assert (image.registry, image.repository) == (registry, repository)
    assert (image.tag, image.digest) == (tag, digest)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nginx:1", "nginx"),
        ("docker.io/library/nginx", "nginx"),
        ("index.docker.io/grafana/grafana", "grafana/grafana"),
        ("library/redis", "redis"),
        ("ghcr.io/library/a:1", "ghcr.io/library/a"),
    ],
)
def test_name(text: str, name: str) -> None:
    assert parse_image(text).name == name


def test_variables() -> None:
    image = parse_image("${REGISTRY:?no registry}/a:${TAG:-1}")
    assert [(v.name, v.default, v.required) for v in image.variables] == [
        ("REGISTRY", None, True),
        ("TAG", "1", False),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${IMAGE:-ghcr.io/a/b:1}", ("ghcr.io", "a/b", "1")),
        ("nginx:${TAG:-${MAJOR:-1}.27}", (None, "nginx", "1.27")),
        ("${REGISTRY-}nginx:1", (None, "nginx", "1")),
        ("nginx:1", (None, "nginx", "1")),
    ],
)
def test_with_defaults(text: str, expected: tuple[str | None, str, str]) -> None:
    image = parse_image(text).with_defaults()
    assert (image.registry, image.repository, image.tag) == expected


@given(st.text("ab:/@.${}-A", max_size=20))
def test_joining_the_parts_returns_the_text(text: str) -> None:
    image = parse_image(text)
    parts = image.repository
    if image.registry is not None:
        parts = f"{image.registry}/{parts}"
    if image.tag is not None:
        parts += f":{image.tag}"
    if image.digest is not None:
        parts += f"@{image.digest}"
    assert parts == text
