"""Services that need a long block share modules where copies would outweigh their own text."""

from __future__ import annotations

from composerefactor.compose.files import ComposeFile
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.grouping import join_families
from composerefactor.yaml.source import Source


def units(
    services: int, lines: int, *, own: int = 1, apart: frozenset[str] = frozenset()
) -> list[list[str]]:
    block = "".join(f"    L{n}: x\n" for n in range(lines))
    body = "".join(f"      l{n}: x\n" for n in range(own))
    text = f"x-base: &base\n  environment:\n{block}services:\n  db:\n    image: postgres\n"
    for n in range(services):
        text += f"  worker-{n}:\n    <<: *base\n    labels:\n{body}"
    file = ComposeFile.parse(Source("compose.yaml", text))
    found = join_families(file, AnchorIndex(file), [[name] for name in file.services], apart)
    return [list(unit) for unit in found]


def test_a_long_block_of_many_services_joins_them_in_runs_of_one_size() -> None:
    found = units(16, 30)
    assert [len(unit) for unit in found] == [1, 6, 6, 4]
    assert found[0] == ["db"]
    assert found[1] == [f"worker-{n}" for n in range(6)]


def test_few_services_a_short_block_and_long_services_stay_single() -> None:
    for found in (units(6, 30), units(16, 5), units(16, 30, own=60)):
        assert {len(unit) for unit in found} == {1}


def test_no_module_takes_more_than_half() -> None:
    assert max(map(len, units(7, 30))) <= 4


def test_what_the_user_places_is_left_alone() -> None:
    found = units(16, 30, apart=frozenset({"worker-3"}))
    assert ["worker-3"] in found
    assert max(map(len, found)) <= 6
