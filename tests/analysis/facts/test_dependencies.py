from __future__ import annotations

from composerefactor.analysis.facts.architecture import Dependencies


def tree(needs: dict[str, tuple[str, ...]]) -> list[tuple[int, str, bool]]:
    return list(Dependencies(needs, (), ()).tree())


def test_a_branch_is_written_once() -> None:
    needs = {"web": ("api", "db"), "api": ("db",), "db": ("volume",), "volume": ()}
    assert tree(needs) == [
        (0, "web", False),
        (1, "api", False),
        (2, "db", False),
        (3, "volume", False),
        (1, "db", True),
    ]


def test_a_cycle_ends_where_it_began() -> None:
    needs = {"a": ("b",), "b": ("a",)}
    found = list(Dependencies(needs, (), (("a", "b", "a"),)).tree())
    assert found == [(0, "a", False), (1, "b", False), (2, "a", True)]


def test_a_long_chain() -> None:
    needs: dict[str, tuple[str, ...]] = {f"s{n}": (f"s{n - 1}",) for n in range(1, 3000)}
    assert len(tree({**needs, "s0": ()})) == 3000
