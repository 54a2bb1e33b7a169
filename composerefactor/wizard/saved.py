"""Answers that a session leaves behind, so that the next one goes on where it ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from composerefactor.errors import ComposerefactorError
from composerefactor.wizard.answers import BACK, Written, answers_text, read_answers
from composerefactor.wizard.session import Given, Session
from composerefactor.workspace.state import project_directory

_NAME = "wizard.yml"


class SavedAnswers:
    """The file of answers for the project at the resolved path *root*.

    It is a convenience: where it cannot be written or understood, there is none.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self) -> list[Written]:
        """Return the answers that were kept, none if there are none."""
        with suppress(OSError, ComposerefactorError):
            return read_answers(_NAME, self._path.read_bytes())
        return []

    def keep(self, given: Sequence[Given]) -> None:
        """Keep *given*; nothing is kept of none."""
        with suppress(OSError, ComposerefactorError):
            if not given:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(answers_text(given))

    @property
    def _path(self) -> Path:
        return project_directory(self._root) / _NAME


def resume(session: Session, answers: Sequence[Written]) -> int:
    """Answer what *session* asks as far as *answers* fit; return how many did."""
    for number, each in enumerate(answers):
        if (
            each.question == BACK
            or session.question is None
            or session.question.id != each.question
        ):
            return number
        try:
            session.answer(each.answer)
        except ValueError:
            return number
    return len(answers)
