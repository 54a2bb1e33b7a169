from __future__ import annotations

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.report.text import evidence_of


def test_a_few_places_stand_for_all() -> None:
    places = tuple(Evidence("named", "Makefile", line) for line in range(1, 6))
    entry = Invocation(("compose.yaml",), evidence=(places[0], *places))
    assert evidence_of(entry) == "Makefile:1, Makefile:2, Makefile:3 and 2 more"
    assert evidence_of(Invocation(("compose.yaml",), evidence=places[:1])) == "Makefile:1"
    assert evidence_of(Invocation(("compose.yaml",))) == ""


def test_options_tell_entry_points_of_the_same_files_apart() -> None:
    entry = Invocation(("a.yml", "b.yml"), profiles=("x",), env_files=(".env.x",))
    assert entry.command == "a.yml + b.yml --env-file .env.x --profile x"
