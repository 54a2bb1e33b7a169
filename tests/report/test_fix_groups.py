"""Planned fixes as a pull request lists them."""

from __future__ import annotations

from composerefactor.errors import Location
from composerefactor.planning.fixes import PlannedFix
from composerefactor.refactoring.contract import Change, Effect, Refusal
from composerefactor.report.fix_groups import grouped, refused_sentences, sentences


def fix(transform: str, title: str, service: str = "", line: int = 1) -> PlannedFix:
    effects = [Effect(("services", service, "restart"), "adds")] if service else []
    return PlannedFix(transform, Change(title, Location("compose.yaml", line), [], effects))


def test_fixes_are_listed_by_purpose() -> None:
    fixes = [
        fix("add-logging", "Rotate the logs of api", "api"),
        fix("drop-version", "Remove the obsolete version"),
        fix("harden", "Drop the capabilities of api", "api"),
        fix("declare-networks", "Declare network back"),
        fix("add-restart-policy", "Add restart: always to api", "api"),
        fix("of-a-plugin", "Add a label to api", "api"),
    ]
    groups = grouped(fixes)
    assert [group.purpose for group in groups] == [
        *("correctness", "availability", "security", "operations", "maintenance", "maintenance"),
    ]
    assert [group.transform for group in groups[-2:]] == ["of-a-plugin", "drop-version"]  # by risk
    assert [group.transform for group in groups if not group.cause] == ["of-a-plugin"]


def test_equal_fixes_of_services_are_one_sentence() -> None:
    fixes = [
        fix("add-restart-policy", "Add restart: always to web", "web", 3),
        fix("add-restart-policy", "Add restart: always to web-api", "web-api", 9),
        fix("add-restart-policy", "Add restart: always to db", "db", 12),
    ]
    (sentence,) = sentences(fixes)
    assert sentence.place == "compose.yaml"
    assert sentence.text == "Add restart: always to web, web-api and db"
    assert sentence.ids == tuple(each.id for each in fixes)
    (short,) = sentences(fixes, most=1)
    assert short.text == "Add restart: always to web and 2 more"


def test_equal_titles_have_all_lines() -> None:
    fixes = [fix("fix-interpolation", "Replace $X with $$X", line=line) for line in (4, 7)]
    other = fix("fix-interpolation", "Replace $Y with $$Y", line=8)
    found = [(sentence.place, sentence.text) for sentence in sentences([*fixes, other])]
    assert found == [
        ("compose.yaml:4, 7", "Replace $X with $$X"),
        ("compose.yaml:8", "Replace $Y with $$Y"),
    ]


def test_refusals_for_one_reason_are_one_sentence() -> None:
    why = "no health check added"
    remedy = "describe the image"
    refusals = [
        (f"web: {why}: the image acme/web:1 is not in the image catalog", 3),
        (f"job: {why}: the image acme/job:2 is not in the image catalog", 9),
        (f"old: {why}: old of a.yml would get it, but has its own at a.yml:5", 12),
        ("credentials are not moved: .env is tracked by git", 1),
    ]
    found = refused_sentences(
        ("add-healthchecks", Refusal(reason, Location("compose.yaml", line), remedy))
        for reason, line in refusals
    )
    assert [(sentence.place, sentence.text) for _, sentence in found] == [
        ("compose.yaml", f"web and job: {why}: the image is not in the image catalog"),
        ("compose.yaml:12", refusals[2][0]),
        ("compose.yaml:1", refusals[3][0]),
    ]


def test_what_is_refused_in_several_files_is_one_sentence() -> None:
    reason = "web: no limits added: the image acme/web:1 is unknown"
    places = [Location(f"{name}.yml", line) for line, name in enumerate("abcd", start=1)]
    refusals = [("add-resource-limits", Refusal(reason, place, "")) for place in places]
    ((_, sentence),) = refused_sentences(refusals)
    assert sentence.place == "a.yml, b.yml and 2 more"
    assert sentence.text == "web: no limits added: the image is unknown"
