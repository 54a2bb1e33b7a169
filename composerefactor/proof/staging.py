"""A private copy of what the engine reads, in which a change can be tried."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.secrets import mask_text
from composerefactor.errors import RefusedError
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.proof.scenarios import Scenario, command


class Stage:
    """A copy of a project's inputs under a private temporary directory, as a context manager.

    *root* is the project directory, *inputs* are the files that the engine reads, and directories
    that have to exist, as POSIX paths relative to it; they may begin with ``../``. What is missing,
    or is neither file nor directory, is left out. A symbolic link is copied as what it leads to, so
    the copy is complete and nothing in it leads out.

    Before and after a change stand at the same absolute path, since hashes hold absolute paths.
    *state* is another number each time that files come or go.
    """

    def __init__(self, root: Path, inputs: Iterable[str]) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
        self._inputs = sorted({os.path.normpath(path) for path in inputs})
        up = max((_levels_up(path) for path in self._inputs), default=0)
        # The parent is always there: the engine is also run from it.
        levels = max(up, 1)
        parts = self._root.parts[1:]
        if up > len(parts):
            raise RefusedError(f"a path leads above {self._root.anchor} from the project directory")
        self._names = parts[-levels:]
        self._before: dict[Path, bytes | None] = {}
        self._made: list[Path] = []
        self.state = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._directory = Path(tempfile.mkdtemp(prefix="composerefactor-")).resolve()
        self.home = self._directory / "home"
        self.empty_env_file = self._directory / "empty.env"
        self.base = self._directory / "stage"
        self.path = self.base.joinpath(*self._names)
        try:
            self.home.mkdir()
            self.empty_env_file.touch()
            self.path.mkdir(parents=True)
            for relative in self._inputs:
                self._copy(relative)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()

    def place(self, path: str) -> Path:
        """Return where *path*, POSIX and relative to the project directory, stands in the stage.

        Raises RefusedError for one that is not below the stage.
        """
        place = Path(os.path.normpath(self.path / PurePosixPath(path)))
        if not place.is_relative_to(self.base):
            raise RefusedError(f"{path} is not within the part of the project that is staged")
        return place

    def apply(self, changes: Mapping[str, bytes | None]) -> None:
        """Put the after-state in place: *changes* maps paths to contents, None deletes.

        A state that was applied before is taken back first.
        """
        self.reset()
        for path, content in changes.items():
            place = self.place(path)
            self._before[place] = place.read_bytes() if place.is_file() else None
            if content is None:
                place.unlink(missing_ok=True)
                self._prune(place.parent)
            else:
                self._made += [parent for parent in reversed(place.parents) if not parent.exists()]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)

    def reset(self) -> None:
        """Bring the before-state back."""
        self.state += 1
        for place, content in self._before.items():
            if content is None:
                place.unlink(missing_ok=True)
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):
                directory.rmdir()
        for place, content in self._before.items():
            if content is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        self._before.clear()
        self._made.clear()

    def supply(self, path: str | Path) -> bool:
        """Create *path*, as the engine names it, as an empty file; return whether it is there now.

        For env files that are missing in the checkout. Nothing outside the stage is touched.
        """
        place = Path(os.path.normpath(self.path / path))
        if not place.is_relative_to(self._directory):
            return False
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        self.state += 1  # also for who finds that another thread has just created it
        return place.is_file()

    def relative(self, path: str) -> str:
        """Return *path*, as the engine names it, relative to the project, or as a user knows it."""
        place = Path(os.path.normpath(self.path / path))
        if not place.is_relative_to(self.base):
            return self.hide(path)
        return Path(os.path.relpath(place, self.path)).as_posix()

    def scratch(self, text: str) -> Path:
        """Return a file beside the staged project that holds *text*; one for all of one text."""
        place = self._directory / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yml"
        with self._lock:
            if not place.exists():
                place.write_text(text, encoding="utf-8")
        return place

    def hide(self, text: str) -> str:
        """Return *text* with paths in the stage as the user knows them."""
        parent = str(self._root.parents[len(self._names) - 1]) if self._names else ""
        return (
            text.replace(f"{self.path}{os.sep}", "")
            .replace(str(self.path), ".")
            .replace(str(self.base), parent.rstrip(os.sep))
            .replace(str(self.home), "~")
        )

    def _copy(self, relative: str) -> None:
        source = Path(os.path.normpath(self._root / relative))
        place = self.place(relative)
        # A file that another one's path needs as a directory cannot be in both places.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            if source.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            elif source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)

    def _prune(self, directory: Path) -> None:
        """Remove *directory* and those above it as long as they are empty, as git does."""
        while directory != self.path and directory.is_relative_to(self.path):
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    def _remove(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)


def _levels_up(path: str) -> int:
    parts = Path(path).parts
    return next((n for n, part in enumerate(parts) if part != ".."), len(parts))


_T = TypeVar("_T")
_Question: TypeAlias = tuple[tuple[str, ...], Path, frozenset[tuple[str, str]]]
"""The arguments of the engine, where it runs, and its environment."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the original gave for *entry* in *scenario*, with the environment *env*."""

    entry: Invocation
    scenario: Scenario
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

    def run(self, entry: Invocation, scenario: Scenario, env: Mapping[str, str]) -> Result:
        """Ask the engine for *entry* in *scenario*."""
        args, cwd = command(entry, scenario, self.stage)
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
