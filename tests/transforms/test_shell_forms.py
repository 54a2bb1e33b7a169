"""Shell forms: what is found, and what it becomes."""

from __future__ import annotations

import pytest

from composerefactor.transforms.fix_interpolation import shell_forms

MENDED = {
    "assigning": ("x:${T:=latest}", "x:${T:-latest}"),
    "assigning if unset": ("${T=a}", "${T-a}"),
    "a hash of crypt": (
        "u:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
        "u:$$apr1$$H6uskkkW$$IgXLP6ewTrSuBkTrqE8wj/",
    ),
    "a hash of bcrypt": (f"$2y$05${'ab1./' * 10}abc", f"$$2y$$05$${'ab1./' * 10}abc"),
    "nested": ("${A:-${B:=c}}", "${A:-${B:-c}}"),
    "a group of a regex": ("https://${1}/${2}", "https://$${1}/$${2}"),
    "another program's name": ("${spring.name:x}", "$${spring.name:x}"),
    "a command as default": ("${D:-$(date -u)}", "${D:-}"),
    "a command in backticks": ("${D-`date`}", "${D-}"),
    "the working directory": ("${D:-$(pwd)}/x", "${D:-${PWD}}/x"),
    "the working directory alone": ("a=$(pwd)/x", "a=${PWD}/x"),
    "a hyphen in a name": ("${MY-APP-PORT:-80}", "${MY_APP_PORT:-80}"),
    "a backslash": (r"\$A \${B}", "$$A $${B}"),
}
LEFT = (
    "",
    "$$(date)",
    "$$${A}",
    "${A-b}",
    "${A:-b-c}",
    "${A:?say}",
    "echo $(date)",
    "$1 $ x",
    "$A",
)
REFUSED = ("${A^^}", "${A/b/c}", "${#A}", "${A:0:2}", "${A", "${A:-{}} and {b}", "${A:-v$(date)}")


def fix_plan(text: str, **where: bool) -> str:
    for form in reversed(shell_forms(text, **where)):  # type: ignore[arg-type]
        assert form.fix is not None
        assert text[form.start :].startswith(form.text)
        text = text[: form.start] + form.fix + text[form.start + len(form.text) :]
    return text


@pytest.mark.parametrize(("text", "expected"), MENDED.values(), ids=MENDED)
def test_mended(text: str, expected: str) -> None:
    assert fix_plan(text) == expected
    assert shell_forms(expected) == []


@pytest.mark.parametrize("text", LEFT)
def test_left(text: str) -> None:
    assert shell_forms(text) == []


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    forms = shell_forms(text)
    assert [form.fix for form in forms] == [None]
    assert all(form.reason and form.remedy for form in forms)


def test_in_a_shell_the_container_expands() -> None:
    text = "echo ${A^^} $(date) $B $C"
    forms = shell_forms(text, in_shell=True, inside={"B"})
    assert [(form.text, form.fix) for form in forms] == [("${A^^}", "$${A^^}"), ("$B", "$$B")]


def test_a_variable_is_named_after_the_key() -> None:
    assert [form.fix for form in shell_forms("$(hostname)", name="HOST")] == ["${HOST:-}"]
    assert [form.fix for form in shell_forms("HOST=`hostname`", name="HOST")] == ["${HOST:-}"]
    assert [form.fix for form in shell_forms("$(hostname)")] == [None]


def test_a_path_of_the_project_begins_with_a_dot() -> None:
    assert fix_plan("$(pwd)/data:/data", is_path=True) == "./data:/data"
    assert fix_plan("${D:-$(pwd)}/data:/data", is_path=True) == "${D:-.}/data:/data"
