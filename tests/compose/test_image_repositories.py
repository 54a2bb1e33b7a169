from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composerefactor.compose.image_references import equivalent_repositories, repository_of


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres", "postgres"),
        ("postgres:16-alpine", "postgres"),
        ("postgres@sha256:0123", "postgres"),
        ("postgres:16@sha256:0123", "postgres"),
        ("library/postgres:16", "postgres"),
        ("docker.io/postgres", "postgres"),
        ("docker.io/library/postgres:16", "postgres"),
        ("index.docker.io/grafana/grafana", "grafana/grafana"),
        ("grafana/grafana:11.1.0", "grafana/grafana"),
        ("localhost:5000/shop/api", "localhost:5000/shop/api"),
        ("registry.example.com:5000/shop/api:1.2", "registry.example.com:5000/shop/api"),
        ("ghcr.io/Acme/API", "ghcr.io/acme/api"),
        ("${REGISTRY:-docker.io}/library/redis:${TAG:-7}", "redis"),
        ("${REGISTRY:-ghcr.io/acme}/api:${TAG}", "ghcr.io/acme/api"),
        ("${REGISTRY}/shop/api:${TAG:-latest}", "shop/api"),
        ("${REGISTRY:?set it}/shop/api", "shop/api"),
        ("$REGISTRY/shop/api:$TAG", "shop/api"),
        ("${REGISTRY}shop/api", "shop/api"),
        ("${PREFIX:-}nginx", "nginx"),
        ("nginx:${NGINX_VERSION:?}", "nginx"),
        ("nginx${NGINX_TAG}", "nginx"),
        ("${DB_IMAGE:-postgres:16}", "postgres"),
        ("${DB_IMAGE-postgres}:${DB_TAG-16}", "postgres"),
        ("${DB_IMAGE:-${OTHER:-mysql:8}}", "mysql"),
        ("${A:-${B}}/nginx", "nginx"),
        (" nginx ", "nginx"),
        ("${IMAGE}", None),
        ("$IMAGE", None),
        ("${IMAGE:?set it}", None),
        ("${REGISTRY}/${NAME}:${TAG}", None),
        ("acme/${NAME}:1", None),
        ("acme/", None),
        (":tag", None),
        ("", None),
        ("x" * 2000, None),
    ],
)
def test_repository(image: str, expected: str | None) -> None:
    assert repository_of(image) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("postgres", ["postgres"]),
        ("arm64v8/postgres", ["arm64v8/postgres", "postgres"]),
        ("acme/postgres", ["acme/postgres"]),
        ("mirror.gcr.io/library/nginx", ["mirror.gcr.io/library/nginx", "library/nginx", "nginx"]),
        (
            "public.ecr.aws/docker/library/redis",
            [
                "public.ecr.aws/docker/library/redis",
                "docker/library/redis",
                "library/redis",
                "redis",
            ],
        ),
        (
            "harbor.example.com/hub/grafana/grafana",
            ["harbor.example.com/hub/grafana/grafana", "hub/grafana/grafana", "grafana/grafana"],
        ),
        (
            "gitlab.example.com/g/dependency_proxy/containers/alpine",
            [
                "gitlab.example.com/g/dependency_proxy/containers/alpine",
                "g/dependency_proxy/containers/alpine",
                "dependency_proxy/containers/alpine",
                "containers/alpine",
                "alpine",
            ],
        ),
    ],
)
def test_equivalent_repositories(name: str, expected: list[str]) -> None:
    assert list(equivalent_repositories(name)) == expected


@given(st.text("${}:-?+@/.abcA_\n\0 ", max_size=60))
def test_any_text(text: str) -> None:
    name = repository_of(text)
    assert name is None or (name and not name.startswith("/") and not name.endswith("/"))
