"""What a session does with a project: skipped changes, what follows, what is saved for CI."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from composerefactor.cli.wizard.session import (
    Choose,
    Context,
    Fill,
    Option,
    Pick,
    Question,
    Session,
)
from composerefactor.cli.wizard.steps import wizard
from composerefactor.cli.wizard.workshop import Workshop
from composerefactor.errors import EngineError
from composerefactor.planning.opening import ProjectSelection
from composerefactor.planning.settings import FILE_NAME
from composerefactor.report.text import Style
from support.commandline import CommandLine, tree, write
from support.wizards import BROKEN, SHOP, Told, begin

EVERYTHING = {"finish": "write", "layout": "accept", "options": "continue"}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("COMPOSEREFACTOR_STATE_HOME", str(tmp_path / "state"))
    root = write(tmp_path / "shop", {"docker-compose.yml": SHOP})
    with chdir(root):
        yield root


def asked(session: Session) -> Question:
    assert session.question is not None
    return session.question


def body(session: Session) -> tuple[str, ...]:
    """Return what is shown above the question; a question for a text has nothing."""
    question = asked(session)
    return () if isinstance(question, Fill) else question.body


def offered(session: Session) -> tuple[Option, ...]:
    question = asked(session)
    assert not isinstance(question, Fill)
    return question.options


def screen(session: Session) -> str:
    return "\n".join(body(session))


def go(session: Session, *until: str) -> None:
    """Answer the usual way until one of the questions *until* is asked, or to the end."""
    while session.question is not None and session.question.id not in until:
        question = session.question
        if isinstance(question, Pick):
            session.answer(tuple(option.value for option in question.options if option.checked))
        elif isinstance(question, Choose):
            default = question.default or question.options[0].value
            session.answer(EVERYTHING.get(question.id, default))
        else:
            session.answer(question.default)


def choose(session: Session, *kinds: str, skipped: str = "\0") -> None:
    """Look at each change of *kinds*, and take it unless the screen contains *skipped*."""
    while session.question is not None and session.question.id != "finish":
        name = session.question.id
        if name == "fixes":
            session.answer("kinds")
        elif name.startswith("kind "):
            session.answer("look" if name.removeprefix("kind ") in kinds else "skip")
        else:
            values = [option.value for option in offered(session)]
            is_skipped = skipped in screen(session) and "skip" in values
            session.answer("skip" if is_skipped else "take")


def test_only_the_selected_guesses_are_made(engine: Path, shop: Path) -> None:
    session, told = begin(engine)
    session.answer("fix")
    session.answer("kinds")
    while asked(session).id != "kind add-resource-limits":
        session.answer("skip")
    assert "(guess)" in screen(session)
    session.answer("look")
    titles = []
    while asked(session).id.startswith("change "):
        question = asked(session)
        assert isinstance(question, Choose)
        is_guess = "(guess:" in screen(session)
        assert question.default == "skip"
        titles += [body(session)[1]] if is_guess else []
        session.answer("take" if is_guess and "Limit api" in screen(session) else "skip")
    assert len(titles) == 2
    session.answer("none")
    assert "Limit api" in screen(session)
    go(session, "settings")
    _, api, _, cache = (shop / "docker-compose.yml").read_text("utf-8").split("    image: ")[1:]
    assert "limits:" in api
    assert "limits:" not in cache
    session.answer("no")
    (command,) = told.commands
    assert command[command.index("--confidence") + 1] == "guess"
    assert "--leave" in command


def test_taking_a_kind_takes_no_guess(engine: Path, shop: Path) -> None:
    session, _ = begin(engine)
    session.answer("fix")
    session.answer("kinds")
    while asked(session).id != "kind add-resource-limits":
        session.answer("skip")
    session.answer("take")
    session.answer("none")
    go(session, "settings")
    _, api, db, cache = (shop / "docker-compose.yml").read_text("utf-8").split("    image: ")[1:]
    assert "limits:" in db
    assert "limits:" not in api
    assert "limits:" not in cache


def test_all_kinds_are_decided_at_once_and_without_what_may_lose_data(
    engine: Path, shop: Path
) -> None:
    text = SHOP.replace("    volumes:\n      - pgdata:/var/lib/postgresql/data\n", "")
    (shop / "docker-compose.yml").write_text(text)
    session, told = begin(engine)
    session.answer("fix")
    question = asked(session)
    assert isinstance(question, Choose)
    assert question.default == "safe"
    (volumes,) = (line for line in body(session) if line.startswith("declare-volumes"))
    assert "! may leave stored data behind" in volumes
    session.answer("rest")
    go(session)
    words = told.commands[0]
    assert "add-healthchecks" in words[words.index("--select") + 1]
    assert "declare-volumes" not in words[words.index("--select") + 1]


def test_skipping_all_fixes_goes_on_with_the_split(shop: Path) -> None:
    session, told = begin(None)
    session.answer("both")
    session.answer("none")
    assert "no fix was chosen" in told.lines
    assert asked(session).id == "layout"


def test_defaults_are_not_saved(engine: Path, shop: Path) -> None:
    session, told = begin(engine)
    session.answer("split")
    go(session)
    assert "settings" not in dict(session.given)
    assert [words[0] for words in told.commands] == ["split"]


def test_what_may_lose_data_is_marked_and_never_the_default(engine: Path, shop: Path) -> None:
    text = SHOP.replace("    volumes:\n      - pgdata:/var/lib/postgresql/data\n", "")
    (shop / "docker-compose.yml").write_text(text.replace("  pgdata:\n", ""))
    session, _ = begin(engine)
    session.answer("fix")
    session.answer("kinds")
    while asked(session).id != "kind declare-volumes":
        question = asked(session)
        assert isinstance(question, Choose)
        is_safe = "running containers are not affected" in screen(session)
        assert question.default == ("take" if is_safe else "skip")
        session.answer("skip")
    question = asked(session)
    assert isinstance(question, Choose)
    assert question.default == "skip"
    assert [option.value for option in question.options if option.is_risky] == ["take"]
    assert "rest" not in [option.value for option in question.options]
    session.answer("take")
    go(session, "finish")
    finish = asked(session)
    assert isinstance(finish, Choose)
    assert finish.default == "leave"
    assert "! may leave stored data behind" in screen(session)


def test_taking_all_later_kinds_leaves_out_what_may_lose_data(engine: Path, shop: Path) -> None:
    text = SHOP.replace("    volumes:\n      - pgdata:/var/lib/postgresql/data\n", "")
    (shop / "docker-compose.yml").write_text(text)
    session, told = begin(engine)
    session.answer("fix")
    session.answer("kinds")
    if asked(session).id == "kind declare-volumes":
        session.answer("skip")
    session.answer("rest")
    go(session)
    assert told.commands
    assert not any("declare-volumes" in word for words in told.commands for word in words)
    assert b"/var/lib/postgresql" not in (shop / "docker-compose.yml").read_bytes()


def test_a_change_that_builds_on_a_skipped_one_is_counted(engine: Path, shop: Path) -> None:
    (shop / "docker-compose.yml").write_text(SHOP.replace("[api]", "[db]"))
    session, told = begin(engine)
    session.answer("fix")
    choose(session, "add-healthchecks", "wait-for-healthy", skipped="a health check to db")
    assert "1 more change is excluded because it builds on an excluded one" in screen(session)
    session.answer("write")
    go(session)
    assert "--leave" in told.commands[0]
    assert b"service_healthy" not in (shop / "docker-compose.yml").read_bytes()


def test_the_diff_of_a_change_shows_that_change_alone(shop: Path) -> None:
    session, _ = begin(None)
    session.answer("fix")
    session.answer("kinds")
    while asked(session).id != "kind add-restart-policy":
        session.answer("skip")
    session.answer("look")
    for service in ("web", "api", "db", "cache"):
        lines = body(session)
        changed = [line for line in lines if line[:1] in {"+", "-"}]
        assert changed == ["+    restart: unless-stopped"], lines
        assert service in body(session)[1]
        session.answer("take")


def test_settings_belong_to_their_kind(engine: Path, shop: Path) -> None:
    session, told = begin(engine)
    session.answer("fix")
    session.answer("kinds")
    while asked(session).id != "kind add-logging":
        session.answer("skip")
    session.answer("settings")
    session.answer("add-logging.max-file")
    session.answer("7")
    session.answer("continue")
    assert asked(session).id == "kind add-logging"
    session.answer("take")
    session.answer("none")
    go(session)
    assert 'max-file: "7"' in (shop / "docker-compose.yml").read_text()
    assert "add-logging.max-file=7" in told.commands[0]


def test_only_looking_writes_nothing(shop: Path) -> None:
    session, told = begin(None)
    session.answer("look")
    assert "Before" in screen(session)
    assert "Add a health check to db" in screen(session)
    session.answer("leave")
    assert session.question is None
    assert session.result == 0
    assert told.lines[-1] == "nothing was written"
    assert (shop / "docker-compose.yml").read_text() == SHOP


def test_modules_are_merged_and_divided_by_name(engine: Path, shop: Path) -> None:
    session, told = begin(engine)
    session.answer("split")
    session.answer("divide")
    session.answer(offered(session)[0].value)
    session.answer(("db",))
    session.answer("backend")
    assert "docker-compose.backend.yml" in screen(session)
    session.answer("merge")
    session.answer(tuple(option.value for option in offered(session)))
    session.answer("everything")
    assert "docker-compose.everything.yml" in screen(session)
    assert "docker-compose.backend.yml" not in screen(session)
    go(session)
    assert "everything=" in " ".join(told.commands[0])


def test_start_commands_are_assumed_and_can_be_changed(engine: Path, shop: Path) -> None:
    write(shop, {"docker-compose.override.yml": "services:\n  api:\n    restart: always\n"})
    session, told = begin(engine)
    assert asked(session).id == "goal"
    session.answer("entries")
    assert all(option.checked for option in offered(session))
    session.answer(("docker-compose.yml",))
    assert "1 of 2" in offered(session)[-1].title
    session.answer("split")
    go(session)
    assert "--entry docker-compose.yml" in " ".join(told.commands[0])


def test_a_repaired_project_is_split_and_no_screen_shows_its_secret(
    engine: Path, shop: Path
) -> None:
    (shop / "docker-compose.yml").write_text(BROKEN)
    session, told = begin(engine)
    assert [each.value for each in offered(session)][:2] == ["fix", "both"]
    seen = []
    while session.question is not None:
        seen += [*body(session), asked(session).text]
        question = session.question
        if question.id == "goal":
            session.answer("both")
        elif question.id == "fixes":
            session.answer("kinds")
        elif question.id.startswith("kind "):
            session.answer("look")
        elif question.id.startswith("change") and "file" not in [i for i, _ in session.given[-2:]]:
            session.answer("file")
        elif isinstance(question, Choose):
            session.answer(EVERYTHING.get(question.id, question.options[0].value))
    assert "SECRET_TOKEN" in "\n".join(seen)
    assert "correct-horse-battery" not in "\n".join([*seen, *told.lines])
    assert b"correct-horse-battery" in (shop / ".env").read_bytes()
    assert [words[0] for words in told.commands] == ["fix", "split"]
    assert any(path.startswith("docker-compose/services/") for path in tree(shop))


@pytest.mark.parametrize(
    "left",
    ["a health check to db", pytest.param("the obsolete version", marks=pytest.mark.long)],
)
def test_kept_decisions_make_ci_repeat_them(
    engine: Path, shop: Path, command_line: CommandLine, left: str
) -> None:
    session, _ = begin(engine)
    session.answer("both")
    choose(session, "drop-version", "add-healthchecks", skipped=left)
    session.answer("write")
    session.answer("accept")
    session.answer("each")
    choose(session, skipped="contains db")
    session.answer("write")
    session.answer("yes")
    assert session.question is None
    assert "stay:\n    - cache\n    - db\n" in (shop / FILE_NAME).read_text()
    assert command_line(shop, "split", "--check", "--engine", "none").code == 0
    outcome = command_line(shop, "fix", "--check", "--engine", "none")
    assert outcome.code == 0, outcome.err


def test_settings_that_are_there_keep_their_text(engine: Path, shop: Path) -> None:
    before = "# ours\nfix:\n  skip: [harden]"
    (shop / FILE_NAME).write_text(before)
    session, told = begin(engine)
    session.answer("both")
    go(session, "layout")
    session.answer("strategy")
    session.answer("extends")
    go(session, "settings")
    session.answer("yes")
    after = (shop / FILE_NAME).read_text()
    assert after == f"{before}\nsplit:\n  strategy: extends\n"
    assert "  select:" in told.lines  # by hand: there is such a section


def test_root_files_move_where_that_is_chosen(engine: Path, shop: Path) -> None:
    write(shop, {"Makefile": "up:\n\tdocker compose up -d\n"})
    session, told = begin(engine)
    session.answer("split")
    go(session, "layout")
    session.answer("roots")
    session.answer("deploy")
    assert "Root files: deploy" in [option.title for option in offered(session)]
    assert "docker-compose.yml -> deploy/docker-compose.yml" in screen(session)
    go(session)
    assert not (shop / "docker-compose.yml").exists()
    assert "-f deploy/docker-compose.yml up -d" in (shop / "Makefile").read_text()
    assert "split --move-roots deploy" in " ".join(told.commands[-1])


def test_root_files_that_cannot_move_are_a_reason_to_go_back(shop: Path) -> None:
    write(shop, {"run.sh": "F=docker-compose\n\nF=$F.yml\ndocker compose -f $F up\n"})
    session, _ = begin(None)
    session.answer("split")
    go(session, "layout")
    session.answer("roots")
    session.answer("deploy")
    assert "run.sh:4: this command names a root file" in screen(session)
    session.back()
    session.answer("")
    assert "Root files: do not move" in [option.title for option in offered(session)]


def test_files_that_git_could_not_bring_back_are_named(engine: Path, shop: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    session, told = begin(engine)
    session.answer("both")
    go(session, "finish")
    assert "docker-compose.yml: not tracked by git; git cannot restore it" in screen(session)
    assert offered(session)[0].title == "Write 1 file anyway"
    session.answer("write")
    go(session, "finish")
    assert "an earlier step of this session wrote it" in screen(session)
    assert offered(session)[0].title == "Write 4 files"
    go(session)
    assert all("--allow-dirty" in words for words in told.commands)


def test_the_first_screen_comes_before_any_engine(shop: Path) -> None:
    def no_engine() -> None:
        raise EngineError("no Docker Compose found")

    told = Told()
    with pytest.raises(EngineError):
        Session(
            lambda: wizard(Context(ProjectSelection(Path()), Style())),
            Workshop(no_engine, lambda _: None),
            told,
        )
    assert told.lines[0].startswith("Found")
    assert any("4 services" in line for line in told.lines)


def test_the_patch_is_saved_and_nothing_is_written(shop: Path) -> None:
    session, told = begin(None)
    session.answer("both")
    go(session, "finish")
    session.answer("patch")
    session.answer("out.patch")
    assert session.question is None
    assert (shop / "docker-compose.yml").read_text() == SHOP
    assert b'-version: "3.8"' in (shop / "out.patch").read_bytes()
    assert any("start the wizard again" in line for line in told.lines)
