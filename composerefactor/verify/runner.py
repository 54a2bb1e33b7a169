"""Engine runs on a stage: one, or several side by side."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.verify.circumstances import Circumstance, command
from composerefactor.verify.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.verify.masking import mask_text
from composerefactor.verify.staging import Stage

_T = TypeVar("_T")
_Question: TypeAlias = tuple[tuple[str, ...], Path, frozenset[tuple[str, str]]]
"""The arguments of the engine, where it runs, and its environment."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the original gave for *entry* in *circumstance*, with the environment *env*."""

    entry: EntryPoint
    circumstance: Circumstance
    env: Mapping[str, str] = field(repr=False)
    result: Result


class Runner:
    """Runs the engine on a stage, several runs side by side, and counts them.

    *options* are given to each ``config``. As long as the stage stays as it is, nothing is asked
    twice: entry points that differ in their profiles have nearly all circumstances in common.
    """

    def __init__(
        self,
        engine: Engine,
        stage: Stage,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        progress: Callable[[int, int], None] | None = None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.engine, self.stage = engine, stage
        self.options = tuple(options)
        self.environ = dict(environ or {})
        self.timeout, self.progress = timeout, progress
        self.runs = 0
        self._lock = threading.Lock()
        self._asked: dict[_Question, Future[Result]] = {}
        self._state = stage.state

    def run(self, entry: EntryPoint, circumstance: Circumstance, env: Mapping[str, str]) -> Result:
        """Ask the engine for *entry* in *circumstance*."""
        args, cwd = command(entry, circumstance, self.stage)
        home = {"HOME": str(self.stage.home)}
        environ = {**self.environ, **home, **env}
        question = (*args, *self.options), cwd, frozenset(environ.items())
        with self._lock:
            if self._state != self.stage.state:
                self._asked.clear()
                self._state = self.stage.state
            known = self._asked.get(question)
            answer = self._asked.setdefault(question, Future())
            self.runs += known is None
        if known is None:
            try:
                answer.set_result(self.engine.run([*question[0]], cwd, environ, self.timeout))
            except BaseException as error:
                answer.set_exception(error)
                raise
        return answer.result()

    def side_by_side(self, tasks: Sequence[Callable[[], _T]]) -> list[_T]:
        """Return what *tasks* return, in order. An interrupt kills the runs that are under way."""
        pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
        try:
            futures = [pool.submit(task) for task in tasks]
            results = []
            for n, future in enumerate(futures, start=1):
                results.append(future.result())
                if self.progress is not None:
                    self.progress(n, len(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            self.engine.stop()
            raise
        finally:
            pool.shutdown()
        return results

    def words(self, result: Result) -> str:
        """Return the engine's error as a user may see it: real paths, no secret values."""
        return mask_text(self.stage.hide(result.error))
