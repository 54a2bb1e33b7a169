"""The command as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from composerefactor.analysis.fleet import ProjectSummary
from composerefactor.cli.analyze import FORMATS
from composerefactor.report.analysis.fleet import as_text
from composerefactor.report.analysis.json import SCHEMA_FILE, schema_text
from composerefactor.report.text import Style, columns_of
from support.commandline import CommandLine, tree, write

Git = Callable[..., str]

SECRETS = {
    "environment": "zq81-environment",
    "default": "zq82-default",
    "url": "zq83-url",
    "dotenv": "zq84-dotenv",
    "envfile": "zq85-envfile",
    "healthcheck": "zq86-healthcheck",
    "command": "zq87-command",
    "args": "zq88-args",
    "variant": "zq89-variant",
    "long_option": "zq90-option",
    "shell": "zq91-shell",
    "dockerfile": "zq92-dockerfile",
    "short_option": "zq93-short",
}
TEXT = f"""\
services:
  db:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: {SECRETS["environment"]}
      ADMIN_TOKEN: ${{ADMIN_TOKEN:-{SECRETS["default"]}}}
      BROKEN_SECRET: ${{BROKEN_SECRET:={SECRETS["shell"]}}}
    healthcheck:
      test: mysqladmin ping -u root -p{SECRETS["healthcheck"]} || x -p {SECRETS["short_option"]}
  cache:
    image: redis:7
    command: redis-server --requirepass {SECRETS["command"]}
    healthcheck:
      test: ["CMD", "redis-cli", "-a", "{SECRETS["command"]}", "--pass={SECRETS["long_option"]}"]
  api:
    build:
      context: .
      args: {{NPM_TOKEN: {SECRETS["args"]}}}
    env_file: [api.env]
    environment:
      DATABASE_URL: postgres://app:{SECRETS["url"]}@db/app
      FROM_DOTENV: ${{DOTENV_PASSWORD}}
"""
FILES = {
    "compose.yaml": TEXT,
    "compose.prod.yaml": TEXT.replace(SECRETS["environment"], SECRETS["variant"]),
    ".env": f"DOTENV_PASSWORD={SECRETS['dotenv']}\n",
    "api.env": f"API_SECRET={SECRETS['envfile']}\n",
    "Dockerfile": f"FROM node\nENV API_KEY={SECRETS['dockerfile']}\nCOPY . .\n",
}


@pytest.fixture
def secretive(tmp_path: Path) -> Path:
    return write(tmp_path / "secretive", FILES)


@pytest.mark.parametrize("form", FORMATS)
def test_no_form_shows_a_secret(secretive: Path, command_line: CommandLine, form: str) -> None:
    done = command_line.plain(secretive, "analyze", "--format", form, "--full")
    assert done.code == 0, done.err
    shown = done.out.decode() + done.err
    assert [name for name, value in SECRETS.items() if value in shown] == []
    assert "db" in shown


def test_nothing_is_written(secretive: Path, command_line: CommandLine) -> None:
    before = tree(secretive)
    assert command_line.plain(secretive, "analyze").code == 0
    assert tree(secretive) == before


EXAMPLE = Path(__file__).parents[2] / "examples" / "legacy-shop"


def test_the_first_screen_is_short_and_begins_with_the_worst(command_line: CommandLine) -> None:
    done = command_line.plain(EXAMPLE, "analyze")
    assert done.code == 0, done.err
    lines = done.out.decode().splitlines()
    assert lines[0].startswith("legacy-shop")
    assert len(lines) <= 60
    assert max(map(columns_of, lines)) <= 80
    assert any(line.startswith("high[") for line in lines[:12])
    assert any("analyze --full" in line for line in lines[-2:])
    assert "\x1b" not in "".join(lines)


def test_a_finding_has_its_line_a_caret_and_the_command(
    tmp_path: Path, command_line: CommandLine
) -> None:
    text = "services:\n  db:\n    image: postgres:16\n    ports: ['5432:5432']  # for tests\n"
    project = write(tmp_path / "db", {"compose.yaml": text})
    lines = command_line.plain(project, "analyze").out.decode().splitlines()
    at = lines.index("  --> compose.yaml:4")
    assert lines[at + 1 : at + 4] == [
        "  4 |     ports: ['5432:5432']  # for tests",
        "    |     ^^^^^^^^^^^^^^^^^^^^",
        "  help: composerefactor fix --unsafe --select bind-local-ports",
    ]


BROKEN = {
    "unreadable": "services:\n  web:\n    image: nginx\n   ports: [80:80]\n",
    "rejected": "services:\n  web:\n    image: nginx\n    depends_on: [nobody]\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_start_has_its_error_first_and_no_rating(
    tmp_path: Path, command_line: CommandLine, kind: str
) -> None:
    project = write(tmp_path / "shop", {"compose.yaml": BROKEN[kind]})
    text = command_line.plain(project, "analyze").out.decode()
    lines = text.splitlines()
    assert any(line.startswith("error[") for line in lines[:6])
    assert "of 10" not in text
    for form in ("markdown", "html"):
        document = command_line.plain(project, "analyze", "--format", form).out.decode()
        assert "of 10" not in document
        assert "compose.yaml:4" in document.split("Services", 1)[0]
    full = command_line.plain(project, "analyze", "--full").out.decode()
    assert "No ports are published" not in full
    values = command_line.plain(project, "analyze", "--format", "json").document
    assert (values["rating"], values["ratings"]) == (None, [])


def test_a_project_below_is_named_and_its_paths_lead_there(
    shop: Path, command_line: CommandLine
) -> None:
    (shop / "deploy").mkdir()
    (shop / "docker-compose.yml").rename(shop / "deploy" / "docker-compose.yml")
    lines = command_line.plain(shop, "analyze").out.decode().splitlines()
    assert any("deploy/" in line and "No Compose file here" in line for line in lines[:3])
    places = [line for line in lines if line.startswith("  --> ")]
    assert places
    assert all(line.startswith("  --> deploy/docker-compose.yml:") for line in places)


def test_sections_are_printed_by_name(shop: Path, command_line: CommandLine) -> None:
    done = command_line.plain(shop, "analyze", "--section", "ports", "--section", "builds")
    text = done.out.decode()
    assert [line for line in text.splitlines() if line[:1].isalpha()] == ["Ports", "Builds"]
    assert "443" in text
    assert "No images are built." in text
    assert command_line.plain(shop, "analyze", "--section", "port").code == 2


def test_the_whole_report_has_its_sections(shop: Path, command_line: CommandLine) -> None:
    text = command_line.plain(shop, "analyze", "--full").out.decode()
    for title in (
        "Overview",
        "Rating",
        "Recommended actions by priority",
        "Service inventory",
        "Network topology",
        "Dependencies and start order",
        "Health checks",
        "Volumes and backup",
        "Ports",
        "Resources",
        "Checklists",
        "Commands",
        "All findings",
    ):
        assert f"\n{title}\n" in f"\n{text}", title
    assert "\nBuilds\n" not in text  # there are none
    assert "\x1b" not in text


def test_the_report_fits_a_terminal(secretive: Path, command_line: CommandLine) -> None:
    text = command_line.plain(secretive, "analyze", "--full").out.decode()
    code = ("docker ", "├", "└", "│", "https://")
    wide = [line for line in text.splitlines() if columns_of(line) > 80]
    assert [line for line in wide if not line.strip().startswith(code)] == []


def test_a_table_never_breaks_a_name_or_a_place(tmp_path: Path, command_line: CommandLine) -> None:
    names = [f"face-detection-service-{n:02}-of-the-shop" for n in range(3)]
    image = "registry.example.org/teams/machine-learning/face-detection"
    body = f"    image: {image}\n    ports: ['8080']\n    volumes: [/srv/faces/{{0}}:/data]\n"
    text = "services:\n" + "".join(f"  {name}:\n{body.format(name)}" for name in names)
    project = write(tmp_path / "faces", {"docker-compose.production.yml": text})
    words = command_line.plain(project, "analyze", "--full").out.decode().split()
    for name in (*names, image, "docker-compose.production.yml:"):
        assert any(word.startswith(name) for word in words), name


def test_the_json_follows_its_schema(secretive: Path, command_line: CommandLine) -> None:
    validator = Draft202012Validator(json.loads(schema_text()))
    document = command_line.plain(secretive, "analyze", "--format", "json").document
    assert [error.message for error in validator.iter_errors(document)] == []
    assert document["schema"] == 2
    assert list(validator.iter_errors(document | {"extra": 1}))


def test_the_schema_is_what_the_code_says() -> None:
    shipped = resources.files("composerefactor.report.analysis").joinpath(SCHEMA_FILE)
    assert shipped.read_text("utf-8") == schema_text(), "`make schema` writes it anew"
    Draft202012Validator.check_schema(json.loads(schema_text()))


def test_the_markdown_is_a_document(shop: Path, command_line: CommandLine) -> None:
    text = command_line.plain(shop, "analyze", "--format", "markdown").out.decode()
    assert text.startswith("# Docker Compose architecture: shop\n")
    assert "```mermaid\nflowchart" in text
    titles = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    for title in titles:
        anchor = title.lower().replace(" ", "-")
        assert f"- [{title}](#{anchor})" in text
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|"), line


def test_the_name_of_the_output_tells_the_form(shop: Path, command_line: CommandLine) -> None:
    for name, start in (("a.md", "# Docker"), ("a.json", "{"), ("a.sarif", "{"), ("a.xml", "<?")):
        done = command_line.plain(shop, "analyze", "-o", name)
        assert (done.code, done.err.startswith(f"wrote {name}")) == (0, True)
        assert (shop / name).read_text().startswith(start)


def test_the_services_of_other_start_commands_are_counted(
    shop: Path, command_line: CommandLine
) -> None:
    write(shop, {"docker-compose.tools.yml": "services: {tool: {image: x}}\n"})
    entries = ("--entry", "docker-compose.yml", "--entry", "docker-compose.tools.yml")
    assert b"\nServices   3 of 4: " in command_line.plain(shop, "analyze", *entries).out


def test_a_finding_about_a_whole_file_shows_no_line_of_it(
    tmp_path: Path, command_line: CommandLine
) -> None:
    check = "    environment:\n" + "".join(f"      KEY_{n}: value\n" for n in range(12))
    services = "".join(f"  s{n}:\n    image: alpine:3.20\n{check}" for n in range(4))
    write(tmp_path, {"compose.yaml": f"name: shop\nservices:\n{services}"})
    text = command_line.plain(tmp_path, "analyze").out.decode()
    assert "[copied-blocks]" in text
    assert "name: shop" not in text


def test_what_is_left_by_hand_is_named_for_the_place_of_the_user(
    shop: Path, command_line: CommandLine
) -> None:
    write(
        shop, {"docker-compose.yml": "services: {db: {image: postgres:16}, old: {image: mysql:8}}"}
    )
    done = command_line(shop.parent, "fix", "--check", "--engine", "none", shop.name)
    assert f"Project  {shop.name}/; paths are relative to it" in done.err
    assert f"1 more: composerefactor analyze {shop.name}" in done.err


def test_an_error_in_a_project_below_names_the_file_for_the_place_of_the_user(
    tmp_path: Path, command_line: CommandLine
) -> None:
    write(tmp_path, {"deploy/compose.yaml": "services:\n  web: {image: x\n  db: {image: x}\n"})
    done = command_line(tmp_path, "split", "--check", "--engine", "none")
    assert (done.code, done.err.splitlines()[0][:29]) == (3, "error  deploy/compose.yaml:3:")


def test_what_a_fix_solves_that_is_not_for_it_is_not_left_by_hand(
    shop: Path, command_line: CommandLine
) -> None:
    text = "services:\n  db:\n    image: postgres:16\n    {}: [POSTGRES_PASSWORD=x]\n"
    for key, left in (("enviroment", False), ("labels", True)):
        write(shop, {"docker-compose.yml": text.format(key)})
        done = command_line(shop, "fix", "--check", "--engine", "none")
        assert ("POSTGRES_PASSWORD of db is not set" in done.err) == left, done.err


def test_an_output_of_an_unknown_form_is_not_written(shop: Path, command_line: CommandLine) -> None:
    done = command_line.plain(shop, "analyze", "-o", "report.pdf")
    assert (done.code, (shop / "report.pdf").exists()) == (2, False)
    assert "report.pdf: no format of the report has the suffix .pdf" in done.err
    assert command_line.plain(shop, "analyze", "-o", "report.pdf", "--format", "html").code == 0


def test_a_severity_can_fail_the_run(shop: Path, command_line: CommandLine) -> None:
    text = (shop / "docker-compose.yml").read_text()
    image = "image: postgres:16\n"
    with_password = text.replace(image, f"{image}    environment: [POSTGRES_PASSWORD]\n")
    write(shop, {"docker-compose.yml": with_password})
    assert command_line.plain(shop, "analyze", "--fail-on", "low").code == 1
    assert command_line.plain(shop, "analyze", "--fail-on", "high").code == 0
    write(shop, {".composerefactor.yml": "analyze: {fail_on: low}\n"})
    assert command_line.plain(shop, "analyze").code == 1


def rules(done_document: object) -> list[str]:
    assert isinstance(done_document, dict)
    return [each["rule"] for each in done_document["findings"]]


def test_a_baseline_hides_what_is_known(shop: Path, command_line: CommandLine) -> None:
    done = command_line.plain(shop, "analyze", "--write-baseline", "known.json")
    assert done.code == 0, done.err
    lines = (shop / "docker-compose.yml").read_text()
    write(shop, {"docker-compose.yml": f"# moved\n# down\n{lines}"})
    arguments = ("analyze", "--baseline", "known.json", "--format", "json", "--fail-on", "info")
    done = command_line.plain(shop, *arguments)
    assert (done.code, rules(done.document)) == (0, [])
    assert done.document["known"]
    write(shop, {"docker-compose.yml": lines.replace("image: nginx:1.27", "image: nginx")})
    done = command_line.plain(shop, *arguments)
    assert (done.code, rules(done.document)) == (1, ["floating-tag"])


def test_a_bad_baseline_is_refused(shop: Path, command_line: CommandLine) -> None:
    for text in (None, "{"):
        if text is not None:
            write(shop, {"known.json": text})
        done = command_line.plain(shop, "analyze", "--baseline", "known.json")
        assert done.code == 3
        assert "known.json" in done.err


def test_comments_and_settings_suppress(shop: Path, command_line: CommandLine) -> None:
    text = (shop / "docker-compose.yml").read_text()
    text = text.replace(
        "  api:\n", "  # composerefactor: ignore[unbounded-logs] journald\n  api:\n"
    )
    settings = """\
ignore:
  add-resource-limits: {api: it is a test}
analyze:
  skip: [privileges-can-be-gained]
"""
    write(shop, {"docker-compose.yml": text, ".composerefactor.yml": settings})
    document = command_line.plain(shop, "analyze", "--format", "json").document
    hidden = {(s["rule"], s["service"]): s["reason"] for s in document["suppressed"]}
    assert hidden == {
        ("unbounded-logs", "api"): "journald",
        ("missing-memory-limit", "api"): "it is a test",
    }
    assert "privileges-can-be-gained" not in rules(document)
    assert command_line(shop, "fix", "--engine", "none", "--dry-run").code == 0
    write(shop, {".composerefactor.yml": "analyze: {skip: [nonsense]}\n"})
    done = command_line.plain(shop, "analyze")
    assert done.code == 3
    assert ".composerefactor.yml:1" in done.err


def test_a_broken_project_is_analysed(tmp_path: Path, command_line: CommandLine) -> None:
    files = {
        "compose.yaml": "services:\n  web: {image: [}\n",
        "compose.prod.yaml": "services:\n  web:\n    image: nginx\n",
    }
    root = write(tmp_path / "broken", files)
    done = command_line.plain(root, "analyze", "--format", "json")
    assert done.code == 0, done.err
    assert {"unreadable-file", "floating-tag"} <= set(rules(done.document))
    assert [entry["services"][0]["name"] for entry in done.document["start_commands"]] == ["web"]
    (root / "compose.prod.yaml").unlink()
    for form in FORMATS:
        done = command_line.plain(root, "analyze", "--format", form)
        assert done.code == (3 if form == "svg" else 0), (form, done.err)


def test_duplicate_keys_are_findings(tmp_path: Path, command_line: CommandLine) -> None:
    text = "services:\n  web:\n    image: nginx:1.27\n    image: nginx:1.28\n"
    root = write(tmp_path / "twice", {"compose.yaml": text})
    done = command_line.plain(root, "analyze", "--format", "json")
    assert done.code == 0, done.err
    assert "invalid-key" in rules(done.document)


def test_no_compose_file_is_bad_input(tmp_path: Path, command_line: CommandLine) -> None:
    done = command_line.plain(tmp_path, "analyze")
    assert (done.code, done.out) == (3, b"")
    assert command_line.plain(tmp_path, "analyze", "--recursive").code == 3


def test_paths_are_those_of_the_repository(
    tmp_path: Path, git: Git, command_line: CommandLine
) -> None:
    files = {"deploy/shop/compose.yaml": "services: {web: {image: nginx}}\n"}
    root = write(tmp_path / "repo", files)
    git(root, "init", "-q")
    done = command_line.plain(root / "deploy/shop", "analyze", "--format", "github")
    assert b"file=deploy/shop/compose.yaml,line=1" in done.out
    done = command_line.plain(root / "deploy/shop", "analyze", "--format", "sarif")
    result = done.document["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "deploy/shop/compose.yaml", "uriBaseId": "%SRCROOT%"}


def test_entry_points_can_be_named(secretive: Path, command_line: CommandLine) -> None:
    done = command_line.plain(secretive, "analyze", "-f", "compose.prod.yaml", "--format", "json")
    files = [entry["invocation"]["files"] for entry in done.document["start_commands"]]
    assert files == [["compose.prod.yaml"]]


@pytest.mark.engine
def test_an_engine_says_what_it_rejects(shop: Path, command_line: CommandLine) -> None:
    engine = ("--engine", command_line.engine, "--format", "json")
    done = command_line.plain(shop, "analyze", *engine)
    assert done.code == 0, done.err
    assert "rejected-by-engine" not in rules(done.document)
    write(shop, {"docker-compose.yml": "services:\n  web:\n    image: nginx\n    ports: 80\n"})
    done = command_line.plain(shop, "analyze", *engine)
    assert done.code == 0, done.err
    assert "rejected-by-engine" in rules(done.document)


def test_a_fleet_is_one_table(tmp_path: Path, command_line: CommandLine) -> None:
    good = "services:\n  web:\n    image: nginx:1.27\n"
    write(
        tmp_path,
        {
            "a/compose.yaml": good,
            "a/modules/docker-compose.api.yml": good,
            "b/deep/docker-compose.prod.yml": good.replace(":1.27", ""),
            "broken/compose.yaml": "services: [\n",
            "binary/compose.yaml": b"\xff\xfe\x00",
            "node_modules/x/compose.yaml": good,
            "none/readme.md": "",
        },
    )
    arguments = ("analyze", "--recursive", "--jobs", "2")
    done = command_line.plain(tmp_path, *arguments, "--format", "json")
    assert done.code == 0, done.err
    projects = {each["path"]: each for each in done.document["projects"]}
    assert sorted(projects) == ["a", "b/deep", "binary", "broken"]
    assert projects["a"]["services"] == 1
    assert projects["broken"]["unread"] == 1
    assert projects["b/deep"]["rules"]["floating-tag"] == 1
    summaries = [ProjectSummary(**each) for each in projects.values()]
    lines = as_text(summaries, Style())
    assert "4 projects with 2 services" in lines
    assert projects["broken"]["score"] is None
    assert lines[1].split() == ["binary", "0", "none", "1", "0", "0", "unreadable-file"]
    assert "broken: 1 start command cannot be read" in lines
    assert command_line.plain(tmp_path, *arguments, "--format", "sarif").code == 2
