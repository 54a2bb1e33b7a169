"""Runs of Docker Compose that tests share: what is asked twice in a session is answered once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

from composerefactor.proof.engine import STOPPED, Engine, Result

_STAGE = re.compile(r"(?P<root>.*/composerefactor-\w+)/stage(?:/|$)")


@contextmanager
def shared_runs(program: Path) -> Iterator[None]:
    """Start *program* once for each question within the context.

    A question is all that an answer depends on: arguments, variables, and every file of the staged
    copy. The place of the copy is random, so answers are kept without it; hashes depend on it, and
    are shared within one copy only. Runs elsewhere, of other programs, and those that were stopped
    are not shared.
    """
    answers: dict[bytes, Result] = {}
    start = Engine._run

    def shared(
        engine: Engine, args: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> Result:
        stage = _STAGE.match(str(cwd))
        if engine.command != (str(program),) or (stage is None and args[0] != "version"):
            return start(engine, args, cwd, env, timeout)
        root = stage["root"] if stage else env["HOME"]
        shown = root if "--hash" in args else "/copy"
        files = [arg for arg in args if arg.startswith(root)]
        question = _digest(
            repr((args, str(cwd), sorted(env.items()), timeout)).replace(root, shown).encode(),
            *(Path(file).read_bytes() for file in files),
            *(_content(Path(root, "stage")) if stage else ()),
        )
        if question not in answers:
            result = start(engine, args, cwd, env, timeout)
            if result.code == STOPPED:
                return result
            answers[question] = _moved(result, root, shown)
        return _moved(answers[question], shown, root)

    with mock.patch.object(Engine, "_run", shared):
        yield


def _content(directory: Path) -> Iterator[bytes]:
    for path in sorted(directory.rglob("*")):
        yield str(path.relative_to(directory)).encode()
        yield path.read_bytes() if path.is_file() else b"/"


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _moved(result: Result, old: str, new: str) -> Result:
    """Return *result* with the directory *old* called *new*."""
    return replace(
        result,
        stdout=result.stdout.replace(old.encode(), new.encode()),
        stderr=result.stderr.replace(old, new),
    )
