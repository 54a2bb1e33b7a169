"""``split``: exit codes, streams and formats."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from support.commandline import SINGLY, CommandLine, tree, write
from support.engine import config

EXAMPLE = Path(__file__).parents[2] / "examples" / "legacy-shop"
API = "docker-compose/services/docker-compose.api.yml"


def test_yes_writes(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "split", *SINGLY, "--yes")
    assert (done.code, done.out) == (0, b"")
    assert ": 1 start command equal, 0 of 3 containers recreated" in done.err
    assert "wrote 4 files; `composerefactor undo` reverts this" in done.err
    assert sorted(tree(shop)) == [
        "docker-compose.yml",
        "docker-compose/infrastructure/docker-compose.web.yml",
        API,
        "docker-compose/services/docker-compose.db.yml",
    ]


def test_the_path_is_an_argument(shop: Path, command_line: CommandLine) -> None:
    done = command_line(
        shop.parent, "split", *SINGLY, str(shop), "--yes", "--engine", "none", "--unproven"
    )
    assert done.code == 0
    assert (shop / API).is_file()


def test_dry_run_prints_the_patch_alone(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    done = command_line(shop, "split", *SINGLY, "--dry-run")
    assert done.code == 0
    assert done.out.startswith(b"diff --git a/docker-compose.yml b/docker-compose.yml\n")
    assert b"Plan" not in done.out
    assert "Plan" in done.err
    assert tree(shop) == before


def test_a_dry_run_leaves_no_state(shop: Path, command_line: CommandLine) -> None:
    command_line(shop, "split", *SINGLY, "--dry-run", "--engine", "none")
    assert not Path(command_line.environ["COMPOSEREFACTOR_STATE_HOME"]).exists()


def test_check_says_so_by_its_exit_code(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    changes = command_line(shop, "split", *SINGLY, "--check")
    assert (changes.code, changes.out, tree(shop)) == (1, b"", before)
    command_line(shop, "split", *SINGLY, "--yes", "--engine", "none", "--unproven")
    none = command_line(shop, "split", *SINGLY, "--check")
    assert (none.code, none.out) == (0, b"")
    assert "nothing to do" in none.err


def test_nothing_to_do_needs_no_answer(shop: Path, command_line: CommandLine) -> None:
    write(shop, {"docker-compose.yml": "services: {web: {image: nginx}}\n"})
    done = command_line(shop, "split", *SINGLY, "--engine", "none")
    assert (done.code, done.out) == (0, b"")
    assert "nothing to do" in done.err


def test_without_a_terminal_it_says_which_flag_to_give(
    shop: Path, command_line: CommandLine
) -> None:
    before = tree(shop)
    done = command_line(shop, "split", *SINGLY)
    assert done.code == 2
    assert "not a terminal: cannot prompt" in done.err
    assert "--yes" in done.err
    assert "--dry-run" in done.err
    assert tree(shop) == before


def test_engine_none_writes_only_when_told(shop: Path, command_line: CommandLine) -> None:
    before = tree(shop)
    done = command_line(shop, "split", *SINGLY, "--yes", "--engine", "none")
    assert done.code == 2
    assert "--unproven" in done.err
    assert tree(shop) == before
    done = command_line(shop, "split", *SINGLY, "--yes", "--engine", "none", "--unproven")
    assert done.code == 0
    assert tree(shop) != before


def test_json(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "split", *SINGLY, "--dry-run", "--format", "json")
    found = done.document
    assert {key: type(value).__name__ for key, value in found.items()} == {
        "schema": "int",
        "command": "str",
        "start_commands": "list",
        "changes": "list",
        "unmoved": "list",
        "relocated": "dict",
        "commands": "list",
        "mentions": "list",
        "not_read": "list",
        "notes": "list",
        "saved_lines": "dict",
        "differences": "list",
        "fixes": "NoneType",
        "proof": "dict",
        "readers": "list",
        "patch": "str",
    }
    assert found["schema"] == 2
    assert found["command"] == "split"
    assert found["start_commands"][0] == {
        "files": ["docker-compose.yml"],
        "directory": ".",
        "project_directory": None,
        "env_files": [],
        "profiles": [],
        "evidence": ["default file"],
        "error": None,
    }
    change = next(c for c in found["changes"] if c["path"] == API)
    assert change.keys() == {"id", "path", "kind", "services"}
    assert (change["kind"], change["services"]) == ("created", ["api"])
    assert found["proof"]["ok"] is True
    assert found["proof"]["containers"] == 3
    assert found["proof"]["recreated"] == []
    plain = command_line(shop, "split", *SINGLY, "--dry-run")
    assert found["patch"].encode() == plain.out


def test_json_without_a_dry_run_has_no_patch(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "split", *SINGLY, "--check", "--format", "json", "--engine", "none")
    assert done.code == 1
    assert "patch" not in done.document
    assert done.document["proof"] is None


def test_ids_do_not_change_from_run_to_run(shop: Path, command_line: CommandLine) -> None:
    arguments = ("split", *SINGLY, "--dry-run", "--format", "json", "--engine", "none", "-q")
    first, second = (command_line(shop, *arguments) for _ in range(2))
    assert first.out == second.out


def test_output_goes_to_a_file(shop: Path, tmp_path: Path, command_line: CommandLine) -> None:
    target = tmp_path / "split.patch"
    arguments = ("split", *SINGLY, "--dry-run", "--engine", "none")
    done = command_line(shop, *arguments, "-o", str(target))
    assert (done.code, done.out) == (0, b"")
    assert target.read_bytes() == command_line(shop, *arguments).out


def test_output_that_cannot_be_written(shop: Path, command_line: CommandLine) -> None:
    done = command_line(
        shop, "split", *SINGLY, "--dry-run", "--engine", "none", "-o", "gone/split.patch"
    )
    assert done.code == 2
    assert "error  gone/split.patch: the result cannot be written: No such file" in done.err


def test_quiet(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "split", *SINGLY, "--dry-run", "-q", "--engine", "none")
    assert done.err == ""
    assert done.out


def test_no_colours_where_no_terminal_is(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "split", *SINGLY, "--dry-run", "--engine", "none")
    assert "\x1b" not in done.err
    assert b"\x1b" not in done.out


def test_take_and_leave(shop: Path, command_line: CommandLine) -> None:
    plan = command_line(shop, "split", *SINGLY, "--dry-run", "--format", "json", "--engine", "none")
    ids = {c["path"]: c["id"] for c in plan.document["changes"]}
    left = command_line(shop, "split", *SINGLY, "--check", "--format", "json", "--leave", ids[API])
    assert left.code == 1
    assert [(s["name"], s["reason"]) for s in left.document["unmoved"]] == [
        ("api", "excluded by --leave")
    ]
    taken = command_line(shop, "split", *SINGLY, "--take", ids[API], "--yes")
    assert taken.code == 0, taken.err
    assert sorted(tree(shop)) == ["docker-compose.yml", API]
    root = (shop / "docker-compose.yml").read_text()
    assert "api" not in root.partition("services:\n")[2]


def test_the_plan_shows_the_ids_that_can_be_selected(shop: Path, command_line: CommandLine) -> None:
    options = ("split", *SINGLY, "--verbatim", "--dry-run", "--engine", "none")
    changes = command_line(shop, *options, "--format", "json").document["changes"]
    ids = {c["path"]: c["id"] for c in changes}
    shown = command_line(shop, *options, "-v").err
    assert ids[API] in shown
    assert f"{ids['docker-compose/empty.env']}  empty.env" not in shown
    assert "empty.env" in shown


def test_the_oldest_version_that_reads_the_result(shop: Path, command_line: CommandLine) -> None:
    """Up to v2.24.6, the env file of an include is searched in the current directory."""
    options = ("split", *SINGLY, "--dry-run", "--format", "json")
    plain, verbatim = (
        command_line(shop, *options, *more).document["proof"]["oldest_engine"]
        for more in ((), ("--verbatim",))
    )
    assert (plain, verbatim) == ("2.24.1", "2.24.7")


def test_an_id_that_no_change_has(shop: Path, command_line: CommandLine) -> None:
    done = command_line(
        shop, "split", *SINGLY, "--yes", "--take", "0", "--engine", "none", "--unproven"
    )
    assert done.code == 2
    assert "no change has the id '0'" in done.err
    assert "--dry-run -v" in done.err


def test_modes_are_kept(shop: Path, command_line: CommandLine) -> None:
    path = shop / "docker-compose.yml"
    path.chmod(0o640)
    command_line(shop, "split", *SINGLY, "--yes", "--engine", "none", "--unproven")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_to_a_file_elsewhere_is_not_split(
    shop: Path, tmp_path: Path, command_line: CommandLine
) -> None:
    real = tmp_path / "real.yml"
    (shop / "docker-compose.yml").rename(real)
    (shop / "docker-compose.yml").symlink_to(real)
    done = command_line(shop, "split", *SINGLY, "--yes", "--engine", "none", "--unproven")
    assert done.code == 0
    assert "(it is a symbolic link to ../real.yml, in another directory)" in done.err
    assert sorted(tree(shop)) == ["docker-compose.yml"]
    fixed = command_line(shop, "fix", "--yes", "--engine", "none", "--unproven", "--unsafe")
    assert fixed.code == 3
    assert "docker-compose.yml: a symbolic link, and its target, ../real.yml" in fixed.err


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_into_a_directory_of_the_project(shop: Path, command_line: CommandLine) -> None:
    (shop / "deploy").mkdir()
    (shop / "docker-compose.yml").rename(shop / "deploy/compose.yml")
    (shop / "docker-compose.yml").symlink_to("deploy/compose.yml")
    write(shop, {"up.sh": "docker compose -f deploy/compose.yml up\n"})
    done = command_line(shop, "split", *SINGLY, "--check", "--engine", "none")
    assert done.code == 0
    assert "(it is a symbolic link to deploy/compose.yml, in another directory)" in done.err
    assert "(docker-compose.yml, a symbolic link to it, is read in another" in done.err


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_the_target_of_a_link_beside_it_is_split(shop: Path, command_line: CommandLine) -> None:
    (shop / "docker-compose.yml").rename(shop / "docker-compose.prod.yml")
    (shop / "docker-compose.yml").symlink_to("docker-compose.prod.yml")
    (shop / "docker-compose.now.yml").symlink_to("docker-compose.yml")
    moved = command_line(
        shop, "split", *SINGLY, "--check", "--move-roots", "deploy", "--engine", "none"
    )
    assert "docker-compose.yml: a symbolic link to docker-compose.prod.yml, which" in moved.err
    engine = Path(command_line.engine)
    old = config(engine, shop).stdout
    done = command_line(shop, "split", *SINGLY, "--yes", "-v")
    assert done.code == 0, done.err
    assert ": 1 start command equal" in done.err
    assert "docker-compose.yml is a link to docker-compose.prod.yml" in done.err
    assert (shop / "docker-compose.yml").is_symlink()
    assert config(engine, shop).stdout == old != ""


def test_several_projects_below(tmp_path: Path, command_line: CommandLine) -> None:
    text = "services: {web: {image: nginx}}\n"
    write(tmp_path, {"a/compose.yaml": text, "b/compose.yaml": text})
    done = command_line(tmp_path, "split", *SINGLY, "--check", "--engine", "none")
    assert done.code == 3
    assert "2 projects below: a, b" in done.err
    assert "choose one of them, for example: cd a" in done.err


def test_a_file_named_by_f(shop: Path, command_line: CommandLine) -> None:
    (shop / "docker-compose.yml").rename(shop / "stack.yml")
    done = command_line(shop, "split", *SINGLY, "-f", "stack.yml", "--yes")
    assert done.code == 0, done.err
    assert "stack.yml" in done.err
    assert (shop / API).is_file()


def test_an_env_file_that_the_project_needs(shop: Path, command_line: CommandLine) -> None:
    write(
        shop,
        {
            "docker-compose.yml": "services:\n"
            + "".join(f"  s{i}:\n    image: x:${{TAG:?}}\n" for i in range(3)),
            "stage.env": "TAG=made-up-secret\n",
        },
    )
    done = command_line(
        shop, "split", *SINGLY, "--env-file", "stage.env", "--check", "--format", "json"
    )
    assert done.code == 1, done.err
    assert done.document["start_commands"][0]["env_files"] == ["stage.env"]
    assert "made-up-secret" not in done.err + done.out.decode()


def test_what_a_reader_without_include_reads_is_divided_when_named(
    shop: Path, command_line: CommandLine
) -> None:
    write(shop, {"deploy.sh": "docker stack deploy -c docker-compose.yml shop\n"})
    assert command_line(shop, "split", *SINGLY, "--check").code == 0
    named = command_line(shop, "split", *SINGLY, "--check", "--entry", "docker-compose.yml")
    assert named.code == 1


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (
            "# GENERATED FILE, DO NOT EDIT",
            "docker-compose.yml:1 says that the file is generated, and generating it again",
        ),
        (
            "# For Docker Swarm only",
            "docker-compose.yml:1 says that it is for Docker Swarm, which does not support include",
        ),
    ],
)
def test_a_file_that_stays_whole_unless_it_is_named(
    shop: Path, command_line: CommandLine, header: str, reason: str
) -> None:
    root = shop / "docker-compose.yml"
    root.write_text(f"{header}\n\n{root.read_text()}")
    unnamed = command_line(shop, "split", *SINGLY, "--check", "--engine", "none")
    assert unnamed.code == 0
    assert f"({reason}" in unnamed.err
    assert "; name the file with --entry to split it anyway)" in unnamed.err
    named = command_line(
        shop, "split", *SINGLY, "--check", "--engine", "none", "--entry", "docker-compose.yml"
    )
    assert named.code == 1


def test_a_file_for_docker_swarm_is_not_started_with_docker_compose(
    shop: Path, command_line: CommandLine
) -> None:
    write(shop, {"docker-stack.yml": "services: {edge: {image: nginx}}\n"})
    report = command_line(shop, "analyze", "--full").out.decode()
    assert "docker stack deploy -c docker-stack.yml NAME" in report
    assert "-f docker-stack.yml up" not in report


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("services:\n  web: *missing\n", "2: not YAML: there is no anchor &missing"),
        ("services:\n{% for s in services %}\n  a: {}\n", "2: not YAML: "),
        ("services:\n  web:\n    ports: {{ ports }}\n", "3: not usable YAML: a key is not a"),
        ("services:\n  web:\n    <<: text\n    image: a\n", "3: "),
        ('services:\n  "{{ app }}":\n    image: a\n', "2: '{{ app }}' is not the name of a"),
    ],
)
def test_a_template_beside_the_project_is_reported_and_not_read(
    shop: Path, command_line: CommandLine, text: str, reason: str
) -> None:
    write(shop, {"docker-compose.tmpl.yml": text, "add.yml": "services:\n  ${X}: {image: a}\n"})
    done = command_line(shop, "split", *SINGLY, "--check", "--engine", "none")
    assert done.code == 1, done.err
    assert f"not read: docker-compose.tmpl.yml:{reason}" in done.err
    output = ("--format", "json", "--dry-run", "--engine", "none")
    not_read = command_line(shop, "split", *SINGLY, *output).document["not_read"]
    assert [each["file"] for each in not_read] == ["add.yml", "docker-compose.tmpl.yml"]
    output = ("--format", "markdown", "--dry-run", "--engine", "none")
    assert (
        b"not read: docker-compose.tmpl.yml:" in command_line(shop, "split", *SINGLY, *output).out
    )
    assert (
        "not read: docker-compose.tmpl.yml:" in command_line(shop, "analyze", "--full").out.decode()
    )


def test_a_template_that_a_command_names_is_an_error_of_that_command(
    shop: Path, command_line: CommandLine
) -> None:
    template = "services:\n  web:\n    ports: {{ ports }}\n"
    write(shop, {"t.yml": template, "up.sh": "docker compose -f t.yml up\n"})
    done = command_line(shop, "split", *SINGLY, "--check", "--engine", "none")
    assert done.code == 1, done.err
    assert "up.sh:1  cannot be read: t.yml:3: not usable YAML" in done.err
    assert (
        command_line(shop, "split", *SINGLY, "--check", "-f", "t.yml", "--engine", "none").code == 3
    )


def test_a_file_that_is_started_with_an_unreadable_one_stays_whole(
    tmp_path: Path, command_line: CommandLine
) -> None:
    services = "".join(f"  s{n}:\n    image: acme/s{n}:1\n" for n in range(4))
    write(
        tmp_path,
        {
            "compose.yaml": f"services:\n{services}",
            "compose.override.yaml": "services: {s0: {init: true}}\n---\nservices: {}\n",
            "up.sh": "docker compose -f compose.yaml -f compose.missing.yaml up\n",
        },
    )
    done = command_line(tmp_path, "split", *SINGLY, "--check", "--engine", "none")
    assert done.code == 0
    assert "s0, s1, s2, s3 (it is started with a file that cannot be read:" in done.err
    (tmp_path / "compose.override.yaml").unlink()
    assert command_line(tmp_path, "split", *SINGLY, "--check", "--engine", "none").code == 1


PARENTS = """services:
  base: {image: acme/base, scale: 0}
  hidden: {image: acme/base, profiles: [template]}
  none: {image: acme/base, deploy: {replicas: 0}}
  full: {image: acme/full, profiles: [full]}
  api: {extends: {service: base}, scale: 1}
  jobs: {extends: {service: hidden}, profiles: [full]}
  mail: {extends: {service: none}, deploy: {replicas: 1}}
  more: {extends: {service: full}}
  tool: {extends: {file: common.yml, service: tool}}
"""


def test_parents_without_a_container_are_not_counted_as_containers(
    tmp_path: Path, command_line: CommandLine
) -> None:
    common = "services:\n  tool: {image: acme/tool}\n  spare: {image: acme/spare}\n"
    block_style = PARENTS.replace("{extends", "\n    {extends").replace("{image", "\n    {image")
    write(tmp_path, {"docker-compose.yml": block_style, "common.yml": common})
    done = command_line(tmp_path, "split", *SINGLY, "--dry-run")
    assert done.code == 0, done.err
    assert "without a container: base, hidden, none; 1 service in common.yml" in done.err
    assert "0 of 6 containers recreated" in done.err


def test_a_module_path_that_is_taken(shop: Path, command_line: CommandLine) -> None:
    write(shop, {"notes.yml": "# ours\n"})
    before = tree(shop)
    plain = ("split", *SINGLY, "--yes", "--engine", "none", "--unproven", "--module")
    for path, code in (("notes.yml", 3), ("docker-compose.yml", 2), ("a #b.yml", 2)):
        done = command_line(shop, *plain, f"api={path}")
        assert done.code == code, done.err
        assert path in done.err
        assert tree(shop) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--group", "data=postgres"), "unknown service 'postgres'"),
        (("--group", "data"), "NAME=A,B"),
        (("--module", "db="), "SERVICE=PATH"),
        (("--granularity", "file"), "Invalid value for '--granularity'"),
        (("--format", "xml"), "Invalid value for '--format'"),
        (("--nothing",), "No such option"),
        (("missing",), "does not exist"),
    ],
)
def test_wrong_usage(
    shop: Path, command_line: CommandLine, arguments: tuple[str, ...], words: str
) -> None:
    done = command_line(shop, "split", *SINGLY, *arguments, "--engine", "none")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith("error  ")
    assert words in done.err


def test_choices_of_an_argument_are_on_one_line(shop: Path, command_line: CommandLine) -> None:
    done = command_line.plain(shop, "completion")
    assert done.err.splitlines() == [
        "error  Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish",
        "       -> see composerefactor completion --help",
    ]


def test_an_unknown_command(shop: Path, command_line: CommandLine) -> None:
    done = command_line.plain(shop, "spilt")
    assert done.code == 2
    assert "No such command 'spilt'" in done.err


@pytest.mark.parametrize("command", ["split", "verify", "undo", "transforms"])
def test_help(shop: Path, command_line: CommandLine, command: str) -> None:
    done = command_line.plain(shop, command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(b"Usage: ")
    assert command.encode() in command_line.plain(shop, "-h").out


def test_version(shop: Path, command_line: CommandLine) -> None:
    assert command_line.plain(shop, "--version").out.startswith(b"composerefactor, version ")


def test_transforms(shop: Path, command_line: CommandLine) -> None:
    listed = command_line.plain(shop, "transforms")
    assert (listed.code, listed.err) == (0, "")
    assert b"split" in listed.out
    explained = command_line.plain(shop, "transforms", "split")
    assert explained.out.startswith(b"split: ")
    unknown = command_line.plain(shop, "transforms", "spilt")
    assert unknown.code == 2
    assert "unknown transform 'spilt'" in unknown.err


def test_output_without_a_result_is_a_usage_error(shop: Path, command_line: CommandLine) -> None:
    for option in ("--yes", "--check"):
        done = command_line(shop, "split", *SINGLY, option, "-o", "split.patch")
        assert done.code == 2
        assert "--dry-run" in done.err
    assert not (shop / "split.patch").exists()


def test_verbose_plans_have_the_ids_of_new_files(shop: Path, command_line: CommandLine) -> None:
    plan = command_line(shop, "split", *SINGLY, "--dry-run", "--engine", "none", "-v").err
    (line,) = (line for line in plan.splitlines() if "docker-compose.api.yml" in line)
    id_ = line.split()[0]
    taken = command_line(
        shop, "split", *SINGLY, "--take", id_, "--yes", "--engine", "none", "--unproven"
    )
    assert taken.code == 0
    assert sorted(tree(shop)) == ["docker-compose.yml", API]


def test_a_split_that_copies_much_comes_with_advice(command_line: CommandLine) -> None:
    arguments = ("split", "--dry-run", "--engine", "none")
    for less in ((), ("--strategy", "extends")):
        assert "of the text is copied" not in command_line(EXAMPLE, *arguments, *less).err
    copied = command_line(EXAMPLE, *arguments, *SINGLY, "--anchors", "copy").err
    assert "of the text is copied" in copied
    assert "--granularity category" in copied
