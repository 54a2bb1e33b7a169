from __future__ import annotations

from composerefactor.compose.dotenv import assignments

TEXT = """
# comment
A=1
export B = two words # comment
C="quoted # no comment" # comment
D='single'
E=a#b
F=
G: yaml
not an assignment
H="unclosed
"""


def test_assignments() -> None:
    assert [(a.name, a.value, a.line) for a in assignments(TEXT)] == [
        ("A", "1", 3),
        ("B", "two words", 4),
        ("C", "quoted # no comment", 5),
        ("D", "single", 6),
        ("E", "a#b", 7),
        ("F", "", 8),
        ("G", "yaml", 9),
        ("H", "unclosed", 11),
    ]
