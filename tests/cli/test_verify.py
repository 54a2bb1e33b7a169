"""``verify``: directories, files and git revisions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.commandline import SINGLY, CommandLine, tree, write

Git = Callable[..., str]
SPLIT = ("split", *SINGLY, "--yes", "--engine", "none", "--unproven")


@pytest.fixture
def divided(shop: Path, command_line: CommandLine) -> Path:
    """A copy of the project, divided."""
    copy = shop.parent / "divided"
    shutil.copytree(shop, copy)
    assert command_line(copy, *SPLIT).code == 0
    return copy


def test_directories(shop: Path, divided: Path, command_line: CommandLine) -> None:
    done = command_line(shop.parent, "verify", "shop", "divided")
    assert done.code == 0, done.err
    assert b"1 start command equal, 0 of 3 containers recreated" in done.out
    assert done.err == ""


def test_a_container_of_two_entry_points_counts_once(shop: Path, command_line: CommandLine) -> None:
    override = "services:\n  web:\n    environment: {DEBUG: '1'}\n"
    (shop / "docker-compose.override.yml").write_text(override)
    shutil.copytree(shop, shop.parent / "copy")
    done = command_line(shop.parent, "verify", "shop", "copy")
    assert b"2 start commands equal, 0 of 3 containers recreated" in done.out


def test_a_difference_in_two_start_commands_is_named_once(
    shop: Path, command_line: CommandLine
) -> None:
    write(shop, {"docker-compose.override.yml": "services: {web: {environment: {A: b}}}\n"})
    copy = shop.parent / "copy"
    shutil.copytree(shop, copy)
    text = (copy / "docker-compose.yml").read_text()
    write(copy, {"docker-compose.yml": text.replace("postgres:16", "postgres:17")})
    done = command_line(shop.parent, "verify", "shop", "copy")
    lines = done.out.decode().splitlines()
    assert sum("postgres:17" in line for line in lines) == 1
    assert "different in 1 place" in lines[-1]


def test_new_is_the_current_directory(shop: Path, divided: Path, command_line: CommandLine) -> None:
    assert command_line(divided, "verify", str(shop)).code == 0


def test_files(shop: Path, command_line: CommandLine) -> None:
    text = (shop / "docker-compose.yml").read_text()
    (shop / "same.yml").write_text("# another comment\n" + text)
    (shop / "other.yml").write_text(text.replace("nginx:1.27", "nginx:1.28"))
    same = command_line(shop, "verify", "docker-compose.yml", "same.yml")
    assert same.code == 0, same.out + same.err.encode()
    other = command_line(shop, "verify", "docker-compose.yml", "other.yml")
    assert other.code == 1, other.out + other.err.encode()
    assert b"nginx:1.28" in other.out


def test_a_file_and_a_directory(shop: Path, divided: Path, command_line: CommandLine) -> None:
    assert command_line(shop.parent, "verify", "shop/docker-compose.yml", "divided").code == 0
    (divided / "docker-compose.override.yml").write_text("services: {api: {tty: true}}\n")
    done = command_line(shop.parent, "verify", "divided", "shop/docker-compose.yml")
    assert done.code == 2
    assert "compare a file with a file" in done.err


def test_revisions(committed: Path, git: Git, command_line: CommandLine) -> None:
    assert command_line(committed, *SPLIT).code == 0
    done = command_line(committed, "verify", "HEAD")
    assert done.code == 0, done.out + done.err.encode()
    git(committed, "add", "-A")
    git(committed, "commit", "-qm", "split")
    done = command_line(committed, "verify", "HEAD~1", "HEAD")
    assert done.code == 0, done.out + done.err.encode()


def test_a_health_check_that_slipped_under_networks(
    shop: Path, divided: Path, command_line: CommandLine
) -> None:
    path = divided / "docker-compose/services/docker-compose.api.yml"
    text = path.read_text()
    assert "    healthcheck:\n      test: wget" in text
    path.write_text(
        text.replace("    healthcheck:\n      test:", "    labels:\n      healthcheck:")
    )
    done = command_line(shop.parent, "verify", "shop", "divided")
    assert done.code == 1
    assert b"different in" in done.out
    assert b"docker-compose.yml:10" in done.out
    assert b"healthcheck" in done.out
    assert b"api" in done.out


def test_a_relative_path_that_now_points_elsewhere(
    shop: Path, divided: Path, command_line: CommandLine
) -> None:
    for module in divided.glob("docker-compose/services/*.yml"):
        module.write_text(module.read_text().replace("../../", "./"))
    done = command_line(shop.parent, "verify", "shop", "divided")
    assert done.code == 1
    assert b"volumes" in done.out


def test_json(shop: Path, divided: Path, command_line: CommandLine) -> None:
    equal = command_line(shop.parent, "verify", "shop", "divided", "--format", "json", "-q")
    assert (equal.code, equal.err) == (0, "")
    assert equal.document["equal"] is True
    assert set(equal.document) == {
        "schema",
        "command",
        "equal",
        "rejected",
        "unreadable",
        "contents",
        "proof",
    }
    (divided / "docker-compose/services/docker-compose.db.yml").write_text(
        "services:\n  db:\n    image: postgres:17\n"
    )
    differ = command_line(shop.parent, "verify", "shop", "divided", "--format", "json")
    assert differ.code == 1
    assert differ.document["equal"] is False
    assert differ.document["proof"]["recreated"] == ["db"]
    assert {"files", "scenario", "message"} <= set(differ.document["proof"]["differences"][0])


def test_output_and_quiet(shop: Path, divided: Path, command_line: CommandLine) -> None:
    done = command_line(shop.parent, "verify", "shop", "divided", "-o", "proof.txt")
    assert (done.code, done.out) == (0, b"")
    assert "equal" in (shop.parent / "proof.txt").read_text()
    quiet = command_line(shop.parent, "verify", "shop", "divided", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, b"", "")


def test_it_writes_nothing(committed: Path, command_line: CommandLine) -> None:
    before = tree(committed)
    command_line(committed, "verify", "HEAD")
    assert tree(committed) == before
    assert not Path(command_line.environ["COMPOSEREFACTOR_STATE_HOME"]).exists()


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("missing", "missing"),
        ("HEAD~9", "error  HEAD~9: neither a file, nor a directory, nor a git revision"),
        ("--engine=none", "Missing argument"),
    ],
)
def test_states_that_are_not_there(
    committed: Path, command_line: CommandLine, old: str, words: str
) -> None:
    done = command_line(committed, "verify", old)
    assert done.code == (2 if old.startswith("--") else 3)
    assert words in done.err
    assert "Traceback" not in done.err


def test_no_git_and_no_such_file(shop: Path, command_line: CommandLine) -> None:
    done = command_line(shop, "verify", "HEAD")
    assert done.code == 3
    assert "error  HEAD: neither a file nor a directory, and not in a git" in done.err


def test_an_old_state_that_the_engine_rejects(shop: Path, command_line: CommandLine) -> None:
    broken = shop.parent / "broken"
    shutil.copytree(shop, broken)
    path = broken / "docker-compose.yml"
    path.write_text(path.read_text() + "    networks: [nowhere]\n")
    done = command_line(shop.parent, "verify", "broken", "shop")
    assert done.code == 3
    assert "nowhere" in done.err


def test_a_split_with_anchors_is_equal_to_what_it_came_from(
    tmp_path: Path, command_line: CommandLine, git: Callable[..., str]
) -> None:
    root = tmp_path / "anchors"
    write(
        root,
        {
            "docker-compose.yml": "x-log: &log\n  driver: json-file\n\nservices:\n"
            + "".join(f"  s{n}:\n    image: x:{n}\n    logging: *log\n" for n in range(4)),
            "deploy.sh": "docker compose -f docker-compose.yml -f prod.yml up -d\n",
            "prod.yml": "services:\n  s1:\n    image: x:10\n",
            "config/app.conf": "A=1\n",
        },
    )
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    assert command_line(root, "split", *SINGLY, "--yes").code == 0
    assert command_line(root, "verify", "HEAD").code == 0
    (root / "prod.yml").write_text("services:\n  s1:\n    image: x:11\n", encoding="utf-8")
    changed = command_line(root, "verify", "HEAD")
    assert changed.code == 1
    assert b"x:11" in changed.out


def test_a_block_that_moves_and_that_only_a_comment_names(
    shop: Path, command_line: CommandLine
) -> None:
    spare = "x-loki: &loki {driver: loki}\nx-log: &log {driver: local}  # or *loki\n"
    base = "services:\n  base:\n    image: nginx\n    logging: *log\n"
    files = {"base.yml": spare + base, "compose.yaml": spare + base.replace("base:", "web:")}
    extending = "services:\n  web: {extends: {file: base.yml, service: base}}\n"
    old = write(shop.parent / "old", files)
    new = write(shop.parent / "new", {**files, "compose.yaml": extending})
    assert command_line(shop.parent, "verify", str(old), str(new)).code == 0
    write(new, {"base.yml": files["base.yml"].replace("x-loki: &loki {driver: loki}\n", "")})
    assert command_line(shop.parent, "verify", str(old), str(new)).code == 1


def test_files_that_the_configuration_only_names(shop: Path, command_line: CommandLine) -> None:
    files = {
        "compose.yaml": """\
services:
  web:
    build: {context: web, dockerfile: web.Dockerfile}
    volumes: ["./conf/nginx.conf:/etc/nginx/nginx.conf", "./same.conf:/same.conf", "data:/data"]
    secrets: [key]
    configs: [settings]
volumes: {data: {}}
secrets: {key: {file: "./${KEY_FILE:-key.txt}"}}
configs: {settings: {file: ./settings.json}}
""",
        **dict.fromkeys(("same.conf", "settings.json", "README.md"), "1"),
        **dict.fromkeys(("web/web.Dockerfile", "conf/nginx.conf", "key.txt"), "1"),
    }
    old = write(shop.parent / "old", files)
    new = write(shop.parent / "new", {**files, **{p: "2" for p in files if p in DIFFERENT}})
    done = command_line(shop.parent, "verify", str(old), str(new), "--format", "json")
    assert (done.code, done.document["equal"]) == (0, True)
    assert done.document["contents"] == sorted(DIFFERENT - {"README.md"})
    shown = command_line(shop.parent, "verify", str(old), str(new))
    assert b"conf/nginx.conf, key.txt, web/web.Dockerfile" in shown.out
    (new / "key.txt").unlink()
    done = command_line(shop.parent, "diff", str(old), str(new), "--format", "json")
    assert done.document["contents"] == ["conf/nginx.conf", "web/web.Dockerfile"]


DIFFERENT = {"README.md", "conf/nginx.conf", "key.txt", "web/web.Dockerfile"}
