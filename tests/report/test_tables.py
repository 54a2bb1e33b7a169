from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.report.analysis.model import ranges
from composerefactor.report.text import columns_of, joined, table

CELLS = st.text(alphabet="ab 漢-/", max_size=40)


def test_a_table_that_fits_is_not_divided() -> None:
    lines = table(("Service", "Port"), [("web", "80"), ("api", "8080")], 80)
    assert [joined(cells) for cells in lines] == ["Service  Port", "web      80", "api      8080"]


def test_long_cells_take_several_lines() -> None:
    lines = table(("A", "B"), [("one", "two three four five")], 16)
    assert [joined(cells) for cells in lines] == [
        "A    B",
        "one  two three",
        "     four five",
    ]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.integers(30, 100))
def test_no_line_is_wider_than_it_may_be(rows: list[tuple[str, str, str]], width: int) -> None:
    for cells in table(("One", "Two", "Three"), rows, width):
        assert columns_of(joined(cells)) <= width


@given(st.lists(st.tuples(CELLS, CELLS), max_size=4))
def test_nothing_is_lost(rows: list[tuple[str, str]]) -> None:
    lines = table(("One", "Two"), rows, 24)
    for column in (0, 1):
        written = "".join("".join(row[column].split()) for row in rows)
        shown = "".join("".join(cells[column].split()) for cells in lines[1:])
        assert shown == written


def test_numbers_are_told_as_ranges() -> None:
    assert ranges([3, 1, 2, 7, 5]) == "1-3, 5, 7"
