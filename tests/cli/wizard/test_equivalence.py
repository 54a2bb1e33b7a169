"""What the wizard writes is what the command lines write that it prints."""

from __future__ import annotations

import os
import random
import tempfile
from contextlib import chdir
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from composerefactor.cli.wizard.session import (
    Answer,
    Choose,
    Failure,
    Fill,
    Pick,
    Question,
    Session,
    objection,
)
from support.commandline import CommandLine, tree, write
from support.wizards import BROKEN, PRODUCTION, SHOP, begin

PROJECTS = (
    {"docker-compose.yml": SHOP},
    {"docker-compose.yml": SHOP, "docker-compose.production.yml": PRODUCTION},
    {"docker-compose.yml": BROKEN},
)
SEED = 4
MOST_STEPS = 20
LIKELY, UNLIKELY = 0.6, 0.08
WORDS = ("extra", "docker-compose/services/docker-compose.extra.yml", "modules", "4")
ENDS = {"leave", "patch"}  # nothing is written there
OFTEN = ("look", "continue", "take", "skip")
STRAIGHT = {"finish": "write", "layout": "accept", "options": "continue", "look": "back"}


def straight(question: Question) -> Answer:
    """Return the answer that goes on without further ado."""
    if isinstance(question, Fill):
        return question.default
    values = [option.value for option in question.options]
    if isinstance(question, Pick):
        return tuple(option.value for option in question.options if option.checked) or (values[0],)
    wanted = [STRAIGHT.get(question.id, ""), "rest", question.default, values[0]]
    return next(value for value in wanted if value in values)


def drawn(chance: random.Random, question: Question) -> Answer:
    """Return any answer that does not end the session early."""
    if isinstance(question, Fill):
        text = chance.choice((question.default, *WORDS))
        return question.default if objection(question, text) else text
    values = [option.value for option in question.options]
    if isinstance(question, Choose):
        often = [value for value in OFTEN if value in values]
        if often and chance.random() < LIKELY:
            return chance.choice(often)
        return chance.choice([value for value in values if value not in ENDS])
    some = tuple(value for value in values if chance.random() < LIKELY)
    return some or (chance.choice(values),)


def wander(chance: random.Random, session: Session) -> None:
    """Answer at random, with steps back, and after a while straight to the end."""
    for step in range(4 * MOST_STEPS):
        if session.question is None:
            return
        if isinstance(session.question, Failure):
            for _ in range(1 + step % 4):
                if session.can_go_back:
                    session.back()
        elif session.question.id == "settings":
            session.answer("no")
        elif step > MOST_STEPS:
            session.answer(straight(session.question))
        elif session.can_go_back and chance.random() < UNLIKELY:
            session.back()
        else:
            session.answer(drawn(chance, session.question))
    assume(condition=False)


def test_the_wizard_and_the_printed_commands_write_the_same(
    engine: Path, command_line: CommandLine
) -> None:
    compare(engine, command_line, SEED, PROJECTS[1])


@pytest.mark.long
@given(st.integers(0, 2**32), st.sampled_from(PROJECTS))
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_they_write_the_same_after_any_answers(
    engine: Path, command_line: CommandLine, seed: int, project: dict[str, str]
) -> None:
    compare(engine, command_line, seed, project)


def compare(engine: Path, command_line: CommandLine, seed: int, project: dict[str, str]) -> None:
    """Run a session with the answers that *seed* gives, then the commands that it prints."""
    with tempfile.TemporaryDirectory() as temporary:
        mine = write(Path(temporary, "mine", "shop"), project)
        theirs = write(Path(temporary, "theirs", "shop"), project)
        environ = {"COMPOSEREFACTOR_STATE_HOME": str(Path(temporary, "state"))}
        with chdir(mine), mock.patch.dict(os.environ, environ):
            session, told = begin(engine)
            wander(random.Random(seed), session)  # noqa: S311 - no secrets are drawn
        for words in told.commands:
            outcome = command_line.plain(theirs, *words)
            assert outcome.code == 0, outcome.err
        assert tree(mine) == tree(theirs)
