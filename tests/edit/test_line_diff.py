"""The changed ranges describe the difference, and are found in nearly linear time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from composerefactor.edit.line_diff import LineChange, changes

LINES = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b""]), max_size=40)


@given(LINES, LINES)
def test_what_is_not_named_is_equal(before: list[bytes], after: list[bytes]) -> None:
    rebuilt: list[bytes] = []
    at = 0
    for change in changes(before, after):
        rebuilt += before[at : change.before_start]
        assert len(rebuilt) == change.after_start
        assert change.before_start < change.before_end or change.after_start < change.after_end
        rebuilt += after[change.after_start : change.after_end]
        at = change.before_end
    assert rebuilt + before[at:] == after


@given(LINES)
def test_equal_lines_have_no_changes(lines: list[bytes]) -> None:
    assert changes(lines, lines) == []


def test_one_changed_line_among_equal_ones() -> None:
    before = [b"same"] * 50
    after = [*before[:20], b"other", *before[21:]]
    assert changes(before, after) == [LineChange(20, 21, 20, 21)]


def test_sections_that_were_taken_out() -> None:
    section = [b"  %d:", b"    image: x", b"    restart: always", b""]
    before = [line % n if b"%d" in line else line for n in range(1000) for line in section]
    after = [line % n if b"%d" in line else line for n in range(0, 1000, 100) for line in section]
    found = changes(before, after)
    assert sum(change.before_end - change.before_start for change in found) == 990 * 4
    assert all(change.after_start == change.after_end for change in found)


def test_a_large_rest_of_repeated_lines_is_replaced_as_a_whole() -> None:
    before = [b"a", b"b", b"b"] * 300
    after = [b"b", b"a", b"a"] * 300
    assert len(changes(before, after)) <= 2
