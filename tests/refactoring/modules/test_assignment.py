from __future__ import annotations

import pytest

from composerefactor.images.catalog import Placement
from composerefactor.refactoring.modules.grouping import Family, LayoutOptions, Names, assign

PLACES = {
    "api": Placement("services", "apps", "applications"),
    "db": Placement("services", "database", "data stores"),
    "prometheus": Placement("infrastructure", "monitoring", "infrastructure"),
    "grafana": Placement("infrastructure", "monitoring", "infrastructure"),
    "proxy": Placement("infrastructure", "proxy", "infrastructure"),
}


def assigned(
    units: list[list[str]],
    options: LayoutOptions,
    prefix: str = "",
    names: Names | None = None,
) -> dict[str, tuple[str, ...]]:
    modules = assign(
        units,
        lambda name: PLACES.get(name, PLACES["api"]),
        options,
        Family("compose", "yaml"),
        names or Names(lambda _: False),
        prefix,
    )
    return {module.path: module.services for module in modules}


SINGLY = [[name] for name in PLACES]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            LayoutOptions("m"),
            {
                "m/services/compose.api.yaml": ("api",),
                "m/services/compose.db.yaml": ("db",),
                "m/infrastructure/compose.monitoring.yaml": ("prometheus", "grafana"),
                "m/infrastructure/compose.proxy.yaml": ("proxy",),
            },
        ),
        (
            LayoutOptions("m", "service"),
            {
                "m/services/compose.api.yaml": ("api",),
                "m/services/compose.db.yaml": ("db",),
                "m/infrastructure/compose.prometheus.yaml": ("prometheus",),
                "m/infrastructure/compose.grafana.yaml": ("grafana",),
                "m/infrastructure/compose.proxy.yaml": ("proxy",),
            },
        ),
        (
            LayoutOptions("m", "category"),
            {
                "m/services/compose.apps.yaml": ("api",),
                "m/services/compose.database.yaml": ("db",),
                "m/infrastructure/compose.monitoring.yaml": ("prometheus", "grafana"),
                "m/infrastructure/compose.proxy.yaml": ("proxy",),
            },
        ),
        (
            LayoutOptions("m", groups={"Core": ("db", "api")}, modules={"proxy": "edge/p.yaml"}),
            {
                "m/services/compose.core.yaml": ("api", "db"),
                "m/infrastructure/compose.monitoring.yaml": ("prometheus", "grafana"),
                "edge/p.yaml": ("proxy",),
            },
        ),
    ],
)
def test_layouts(options: LayoutOptions, expected: dict[str, tuple[str, ...]]) -> None:
    assert assigned(SINGLY, options) == expected


def test_a_prefix_tells_the_categories_of_roots_apart() -> None:
    names = Names(lambda _: False)
    assert "m/infrastructure/compose.monitoring.yaml" in assigned(
        SINGLY, LayoutOptions("m"), "dev-", names
    )
    assert "m/infrastructure/compose.prod-monitoring.yaml" in assigned(
        SINGLY, LayoutOptions("m"), "prod-", names
    )


def test_a_prefix_that_is_the_category_is_not_said_twice() -> None:
    taken = Names(lambda path: path.endswith("compose.monitoring.yaml"))
    found = assigned(SINGLY, LayoutOptions("m"), "monitoring-", taken)
    assert "m/infrastructure/compose.monitoring-2.yaml" in found


def test_a_unit_stays_together() -> None:
    found = assigned([["worker", "api"], ["db"]], LayoutOptions("m", modules={"api": "x.yaml"}))
    assert found == {"x.yaml": ("worker", "api"), "m/services/compose.db.yaml": ("db",)}


def test_a_unit_is_called_what_its_names_begin_with() -> None:
    units = [["job-mail", "job_import"], ["snuba-api", "snuba"], ["a-b", "a-c"], ["a"]]
    found = assigned(units, LayoutOptions("m"))
    assert list(found) == [
        "m/services/compose.job.yaml",
        "m/services/compose.snuba.yaml",
        "m/services/compose.a-b.yaml",
        "m/services/compose.a.yaml",
    ]


def test_one_kebab_name_gives_two_files() -> None:
    found = assigned([["a_b"], ["a-b"], ["A-b"]], LayoutOptions("m"))
    assert found == {
        "m/services/compose.a-b.yaml": ("a_b",),
        "m/services/compose.a-b-2.yaml": ("a-b",),
        "m/services/compose.a-b-3.yaml": ("A-b",),
    }


def test_a_service_named_as_a_category() -> None:
    units = [["prometheus"], ["grafana"], ["api"], ["db"], ["x"], ["y"]]
    found = assigned(units, LayoutOptions("m", groups={"api": ("db",)}))
    assert found["m/services/compose.api.yaml"] == ("api",)
    assert found["m/services/compose.api-2.yaml"] == ("db",)
