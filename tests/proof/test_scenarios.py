"""The scenarios of a start command, the command of each, and the probes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from composerefactor.compose.interpolation import Variable
from composerefactor.compose.invocation import Invocation
from composerefactor.proof.probes import PROBES, TaggedValue, render
from composerefactor.proof.scenarios import Scenario, config_command, other_scenarios, own_scenario
from composerefactor.proof.staging import StagedCopy

PLAIN = ["from a subdirectory", "from the parent directory", "uninterpolated", "hashes"]


def names(found: list[Scenario]) -> list[str]:
    return [each.name for each in found]


def test_only_scenarios_that_can_differ() -> None:
    entry = Invocation(("compose.yaml",))
    assert names(other_scenarios(entry, {}, has_env_file=False)) == PLAIN


def test_variables_env_file_and_profiles() -> None:
    entry = Invocation(("compose.yaml",), profiles=("a", "b"))
    found = other_scenarios(
        entry, {"X": Variable("X", "1")}, has_env_file=True, profiles=["a", "b", "a"]
    )
    assert names(found) == [
        "all variables set",
        "empty --env-file",
        *PLAIN[:2],
        "no profile",
        "profile a",
        "profile b",
        "profile a, b",
        *PLAIN[2:],
    ]


def test_profiles_that_cannot_be_together() -> None:
    found = other_scenarios(
        Invocation(("c.yaml",)), {}, has_env_file=False, profiles=["a"], together=False
    )
    assert names(found) == [
        *PLAIN[:2], "profile a", *PLAIN[2:], "hashes, profile a"
    ]  # fmt: skip
    assert all("*" not in each.profiles for each in found)


def test_commands(project: Callable[..., Path]) -> None:
    entry = Invocation(
        ("deploy/a.yml", "b.yml"),
        directory="deploy",
        project_directory=".",
        env_files=("prod.env",),
        project_name="p",
    )
    with StagedCopy(project({"deploy/a.yml": "", "b.yml": ""}), ["deploy/a.yml", "b.yml"]) as stage:
        args, cwd = config_command(entry, own_scenario({}), stage)
        assert args == [
            *("-f", "a.yml", "-f", "../b.yml", "--env-file", "../prod.env"),
            *("--project-directory", "..", "-p", "p", "--profile", "*"),
            *("config", "--format", "yaml"),
        ]
        assert cwd == stage.path / "deploy"
        args, cwd = config_command(entry, Scenario("", where="parent", profiles=()), stage)
        assert (args[:4], cwd) == (["-f", "deploy/a.yml", "-f", "b.yml"], stage.path)
        args, cwd = config_command(entry, Scenario("", kind="hash", where="subdirectory"), stage)
        assert (args[1], args[-2:]) == ("../a.yml", ["--hash", "*"])
        assert cwd.parent == stage.path / "deploy"
        args, _ = config_command(entry, Scenario("", empty_env_file=True), stage)
        assert str(stage.empty_env_file) in args


def test_implicit_files(project: Callable[..., Path]) -> None:
    entry = Invocation(("compose.yaml", "compose.override.yaml"), implicit=True)
    with StagedCopy(project({"compose.yaml": ""}), ["compose.yaml"]) as stage:
        assert config_command(entry, own_scenario({}, ()), stage)[0] == [
            "config",
            "--format",
            "yaml",
        ]
        parent, _ = config_command(entry, Scenario("", where="parent", profiles=()), stage)
        assert parent[:4] == ["-f", "shop/compose.yaml", "-f", "shop/compose.override.yaml"]
        probed, _ = config_command(entry, Scenario("", probe="/p.yml"), stage)
        assert probed[:6:2] == ["-f", "-f", "-f"]
        assert probed[5] == "/p.yml"


def test_probes_change_existing_attributes() -> None:
    model = {
        "services": {
            "a": {"image": "i", "environment": {"K": "v"}, "ports": [{"target": 80}]},
            "b": {"build": {"context": "."}},
        }
    }
    plain, reset, override = (probe.services(model) for probe in PROBES)
    assert plain["a"]["environment"]["K"] == "composerefactor"
    assert "image" not in plain["b"]
    assert reset == {"a": {"environment": {"K": TaggedValue("!reset", None)}}}
    assert list(override) == ["a"]
    assert render(reset) == '{"services": {"a": {"environment": {"K": !reset null}}}}\n'
