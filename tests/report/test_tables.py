from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.report.analysis.model import ranges
from composerefactor.report.text import columns_of, table

CELLS = st.text(alphabet="ab 漢-/", max_size=40)


def test_a_table_that_fits_is_not_divided() -> None:
    lines = table(("Service", "Port"), [("web", "80"), ("api", "8080")], 80)
    assert lines.heading == ["Service  Port"]
    assert lines.rows == ["web      80", "api      8080"]


def test_long_cells_take_several_lines() -> None:
    lines = table(("A", "B"), [("one", "two three four five")], 16)
    assert lines.rows == ["one  two three", "     four five"]


def test_a_word_that_is_too_long_stays_whole_and_the_rest_goes_below() -> None:
    lines = table(("Service", "At"), [("ml-face-score-api", "app.yml:1"), ("db", "app.yml:2")], 20)
    assert lines.rows == ["ml-face-score-api", "           app.yml:1", "db         app.yml:2"]


def test_a_word_that_would_go_too_far_right_takes_a_line_of_its_own() -> None:
    lines = table(("At", "Service"), [("app.yml:1", "ml-face-score-api")], 20)
    assert lines.rows == ["app.yml:1", "   ml-face-score-api"]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.integers(30, 100))
def test_no_line_is_wider_than_it_may_be(rows: list[tuple[str, str, str]], width: int) -> None:
    for line in table(("One", "Two", "Three"), rows, width).rows:
        assert columns_of(line) <= width or " " not in line


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=4), st.integers(30, 100))
def test_no_word_is_lost_or_broken(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = table(("One", "Two", "Three"), rows, width).rows
    written = sorted(word for row in rows for cell in row for word in cell.split())
    assert sorted(word for line in lines for word in line.split()) == written


def test_numbers_are_told_as_ranges() -> None:
    assert ranges([3, 1, 2, 7, 5]) == "1-3, 5, 7"
