"""A private copy of the files that Docker Compose reads, and runs of Docker Compose on it.

Docker Compose leaves the content of ``env_file`` out of some of what it prints: ``up`` resolves the
env files of a service into its environment before it computes the configuration hash, but ``config
--hash`` does so only from v5.5.0 on (docker/compose#14001). The hash of the resolved configuration
is that of ``up`` (observed: v2.24.1 to v5.6.1). v2.24.7 does not even print the content of env
files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import posixpath
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from composerefactor.compose.dotenv import assignments
from composerefactor.compose.interpolation import expand
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL
from composerefactor.compose.short_forms import key_value_pairs
from composerefactor.errors import RefusedError
from composerefactor.proof.config_output import sections
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine, Result
from composerefactor.proof.scenarios import SUBDIRECTORY, Scenario, config_command
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python


class StagedCopy:
    """A context manager: a copy of a project's inputs in a private temporary directory.

    A symbolic link is copied as its target, so the copy is complete and contains no link that leads
    out of it. The states before and after a change have the same absolute path, since configuration
    hashes depend on absolute paths.

    Args:
        root: The project directory.
        inputs: The files that Docker Compose reads, and directories that must exist, as POSIX paths
            relative to the root; they may begin with ``../``. A path that does not exist, or is
            neither file nor directory, is skipped.

    Attributes:
        path: The copy of the project directory.
        base: The directory that contains all copies, including those of ``../`` paths.
        home: An empty home directory.
        empty_env_file: An empty file.
        state: A number that changes whenever files are added, changed or removed.

    Raises:
        RefusedError: An input is above the root of the file system.
    """

    def __init__(self, root: Path, inputs: Iterable[str]) -> None:
        self._root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
        self._inputs = sorted({os.path.normpath(path) for path in inputs})
        up = max((_levels_up(path) for path in self._inputs), default=0)
        # The parent is always included: Docker Compose also runs from it.
        levels = max(up, 1)
        parts = self._root.parts[1:]
        if up > len(parts):
            raise RefusedError(
                f"a path leads above {self._root.anchor}, seen from the project directory"
            )
        self._names = parts[-levels:]
        self._before: dict[Path, bytes | None] = {}
        self._made: list[Path] = []
        self.state = 0
        self._content: tuple[int, tuple[bytes, ...]] = (-1, ())
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
        """Return the copy of *path*, which is POSIX and relative to the project directory.

        Raises:
            RefusedError: The path is outside the copied part of the file system.
        """
        place = Path(os.path.normpath(self.path / PurePosixPath(path)))
        if not place.is_relative_to(self.base):
            raise RefusedError(f"{path} is outside the part of the project that was copied")
        return place

    def apply(self, changes: Mapping[str, bytes | None]) -> None:
        """Apply *changes*, which map paths to contents, or to None for a deleted file.

        Changes that were applied before are reset first.
        """
        self.reset()
        self.state += bool(changes)
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

    @property
    def is_changed(self) -> bool:
        """Whether changes are applied."""
        return bool(self._before)

    def reset(self) -> None:
        """Restore the state before the changes."""
        self.state += self.is_changed
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
        """Create the empty file *path*, as Docker Compose names it; return whether it exists now.

        This is for env files that are missing in the checkout. A path outside the copy is not
        created.
        """
        place = Path(os.path.normpath(self.path / path))
        if not place.is_relative_to(self._directory):
            return False
        with contextlib.suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        self.state += 1  # also if another thread has just created the file
        return place.is_file()

    def relative(self, path: str) -> str:
        """Return *path*, as Docker Compose names it, relative to the project directory.

        A path outside the copy is returned as the user knows it.
        """
        place = Path(os.path.normpath(self.path / path))
        if not place.is_relative_to(self.base):
            return self.hide(path)
        return Path(os.path.relpath(place, self.path)).as_posix()

    def scratch(self, text: str) -> Path:
        """Return a file with *text* outside the copied project; equal texts share one file."""
        place = self._directory / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yml"
        with self._lock:
            if not place.exists():
                place.write_text(text, encoding="utf-8")
        return place

    def user_text(self, text: str) -> str:
        """Return *text*, a value of a configuration, with the user's own paths."""
        if str(self.base) not in text:
            return text
        for up, place in enumerate((self.path, *self.path.parents)):
            start = "./" if up == 0 else "../" * up
            text = text.replace(f"{place}{os.sep}", start)
            if place == self.base:
                break
        return self.hide(text)

    def hide(self, text: str) -> str:
        """Return *text* with paths of the copy replaced by the user's own."""
        parent = str(self._root.parents[len(self._names) - 1]) if self._names else ""
        return (
            text.replace(f"{self.path}{os.sep}", "")
            .replace(str(self.path), ".")
            .replace(str(self.base), parent.rstrip(os.sep))
            .replace(str(self.home), "~")
        )

    def texts(self) -> Iterator[bytes]:
        """Yield the contents of all files of the copy."""
        for directory, _, files in os.walk(self.base):
            for name in files:
                yield Path(directory, name).read_bytes()

    def content(self) -> tuple[bytes, ...]:
        """Return the paths of all files and directories of the copy, with digests of contents."""
        if self._content[0] != self.state:
            self._content = self.state, tuple(self._parts())
        return self._content[1]

    def without_directory(self, output: bytes) -> bytes:
        """Return *output* as if the copy were in another temporary directory."""
        return output.replace(os.fsencode(self._directory), b"")

    def _parts(self) -> Iterator[bytes]:
        for directory, names, files in os.walk(self.base):
            names[:] = sorted(name for name in names if name != SUBDIRECTORY)
            yield os.fsencode(os.path.relpath(directory, self.base))
            for name in sorted(files):
                yield os.fsencode(name)
                yield hashlib.blake2b(Path(directory, name).read_bytes()).digest()

    def _copy(self, relative: str) -> None:
        source = Path(os.path.normpath(self._root / relative))
        place = self.place(relative)
        # A path may be a file in one input and a directory in another; it cannot be both.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            if source.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            elif source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)

    def _prune(self, directory: Path) -> None:
        """Remove *directory* and its parents while they are empty, as git does."""
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


Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with the number of finished runs, the number of all runs, and what they resolve."""

PATIENCE = 10
"""How many times as long as another run one may take."""

_SECONDS_TO_STOP = 0.02

_T = TypeVar("_T")
_RunKey: TypeAlias = tuple[tuple[str, ...], Path, frozenset[tuple[str, str]]]
"""What determines the result of a run: arguments, working directory, environment."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the original project.

    Attributes:
        entry: The start command.
        scenario: The scenario.
        env: The environment variables with which it ran.
        result: The result.
    """

    entry: Invocation
    scenario: Scenario
    env: Mapping[str, str] = field(repr=False)
    result: Result


class Runner:
    """Runs Docker Compose on a staged copy, in parallel, with a cache.

    Results are cached while the copy does not change: start commands that differ only in their
    profiles have nearly all scenarios in common.

    Attributes:
        engine: Docker Compose.
        stage: The copy.
        options: Additional arguments of each ``config``.
        environ: Environment variables of each run.
        timeout: Seconds that one run may take, or :data:`PATIENCE` times as long as the slowest so
            far, if that is more: projects may be large, and machines busy.
        progress: Called before the first run and after each.
        runs: The number of runs so far, without those answered from the cache.
    """

    def __init__(
        self,
        engine: Engine,
        stage: StagedCopy,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        progress: Progress | None = None,
        environ: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.engine, self.stage = engine, stage
        self.options = tuple(options)
        self.environ = dict(environ or {})
        self.timeout, self.progress = timeout, progress
        self.runs = 0
        self._slowest = 0.0
        self._lock = threading.Lock()
        self._results: dict[_RunKey, Future[Result]] = {}
        self._state = stage.state

    def run(self, entry: Invocation, scenario: Scenario, env: Mapping[str, str]) -> Result:
        """Return the result of *entry* in *scenario*, with the environment variables *env*."""
        args, cwd = config_command(entry, scenario, self.stage)
        environ = {**self.environ, "HOME": str(self.stage.home), **env}
        key = (*args, *self.options), cwd, frozenset(environ.items())
        with self._lock:
            if self._state != self.stage.state:
                self._results.clear()
                self._state = self.stage.state
            cached = self._results.get(key)
            future = self._results.setdefault(key, Future())
            self.runs += cached is None
        if cached is None:
            try:
                question, state = self.question(entry, scenario, env), self.stage.state
                result = self._result(key[0], cwd, environ, entry, scenario, env)
                if self.stage.state == state:  # else another thread has just added a file
                    self._remember(question, result)
                future.set_result(result)
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _result(
        self,
        args: tuple[str, ...],
        cwd: Path,
        environ: Mapping[str, str],
        entry: Invocation,
        scenario: Scenario,
        env: Mapping[str, str],
    ) -> Result:
        """Run Docker Compose with *args*; what it leaves out of env files is added."""
        if scenario.kind == "hash" and not hashes_env_files(self.engine) and self._uses_env_files():
            model = self.run(entry, replace(scenario, kind="model"), env)
            if model.ok:
                return self._hashes(model, args, cwd, environ, scenario.profiles)
        result = self._engine_run([*args], cwd, environ)
        if scenario.kind == "model" and result.ok and not prints_env_files(self.engine):
            variables = {**self.variables(entry, scenario), **environ}
            return replace(result, stdout=with_env_files(result.stdout, variables))
        return result

    def _engine_run(self, args: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Result:
        timeout = max(self.timeout, PATIENCE * self._slowest)
        result = self.engine.run(args, cwd, environ, timeout)
        if result.ok:
            self._slowest = max(self._slowest, result.seconds)
        return result

    def _hashes(
        self,
        model: Result,
        args: tuple[str, ...],
        cwd: Path,
        environ: Mapping[str, str],
        profiles: tuple[str, ...],
    ) -> Result:
        """Return the hashes of *model*; if Docker Compose rejects it, those that *args* print."""
        resolved = self.stage.scratch(model.stdout.decode("utf-8", "replace"))
        result = self._engine_run(hash_command(resolved, profiles), cwd, environ)
        if result.ok:
            return result
        result = self._engine_run([*args], cwd, environ)
        return replace(result, stdout=with_environments(result.stdout, model.stdout))

    def _uses_env_files(self) -> bool:
        return any(b"env_file" in text for text in self.stage.texts())

    def variables(self, entry: Invocation, scenario: Scenario) -> dict[str, str]:
        """Return the variables of the env files of *entry* itself."""
        directory = entry.project_directory or entry.directory
        files = entry.env_files or (posixpath.join(directory, ".env"),)
        values: dict[str, str] = {}
        for file in () if scenario.empty_env_file else files:
            with contextlib.suppress(OSError):
                text = self.stage.place(file).read_text("utf-8", "replace")
                values |= {each.name: each.value for each in assignments(text)}
        return values

    def question(
        self, entry: Invocation, scenario: Scenario, env: Mapping[str, str]
    ) -> bytes | None:
        """Return the digest of all that determines a result; None if it is not remembered.

        The text of a probe follows from the rest. Hashes depend on the directory of the copy.
        """
        memory, identity = self.engine.memory, self.engine.identity
        is_lone_probe = scenario.probe is not None and not scenario.parts
        if not (memory and identity) or scenario.kind == "hash" or is_lone_probe:
            return None
        place = (
            entry.files, entry.directory, entry.project_directory, entry.env_files,
            entry.project_name, entry.implicit, scenario.kind, scenario.profiles, scenario.where,
            scenario.empty_env_file, scenario.probe is not None, self.options,
            sorted({**self.environ, **env}.items()),
        )  # fmt: skip
        return memory.digest(identity, repr(place).encode(), *self.stage.content())

    def _remember(self, question: bytes | None, result: Result) -> None:
        memory = self.engine.memory
        if memory and question and result.ok:
            memory.remember_output(question, self.stage.without_directory(result.stdout))

    def side_by_side(self, tasks: Sequence[Callable[[], _T]]) -> list[_T]:
        """Run *tasks* in parallel; return their results in order. An exception kills all runs."""
        pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
        futures: list[Future[_T]] = []
        try:
            futures += map(pool.submit, tasks)
            self._show(0, len(tasks))
            results = []
            for n, future in enumerate(futures, start=1):
                results.append(future.result())
                self._show(n, len(tasks))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                self.engine.stop()  # again: a task may have started another run
                time.sleep(_SECONDS_TO_STOP)
            raise
        finally:
            pool.shutdown()
        return results

    def _show(self, done: int, total: int) -> None:
        if self.progress is not None and total:
            state = "the changed project" if self.stage.is_changed else "the present project"
            self.progress(done, total, state)

    def error_message(self, result: Result) -> str:
        """Return the error of *result* for users: with their paths, without secret values."""
        return GENERAL.text(self.stage.hide(result.error))


_RESOLVES = (2, 29, 0)
"""From this version on, the resolved configuration always has the content of env files."""

_HASHES = (5, 5, 0)


def prints_env_files(engine: Engine) -> bool:
    """Return whether every resolved configuration of *engine* has the content of env files."""
    return engine.release >= _RESOLVES


def hashes_env_files(engine: Engine) -> bool:
    """Return whether ``config --hash`` of *engine* covers the content of env files."""
    return engine.release >= _HASHES


def hash_command(resolved: Path, profiles: Sequence[str]) -> list[str]:
    """Return the arguments that print the hashes of the configuration in the file *resolved*."""
    active = [word for profile in profiles for word in ("--profile", profile)]
    return ["-f", str(resolved), *active, "config", "--hash", "*"]


def with_env_files(output: bytes, variables: Mapping[str, str]) -> bytes:
    """Return *output* of ``config`` with the content of the env files that it only names.

    A file that is missing stays as it is: Docker Compose names one that is not required.

    Args:
        output: The resolved configuration.
        variables: The variables that env files can use.
    """
    if b"env_file:" not in output:
        return output
    resolved = {
        name: _resolved(body, variables) if isinstance(body, dict) else body
        for name, body in _services(output).items()
    }
    texts = {**sections(output), "services": f"services: {json.dumps(resolved)}\n"}
    return "".join(texts.values()).encode()


def with_environments(hashes: bytes, resolved: bytes) -> bytes:
    """Return the output *hashes* of ``config --hash`` with a digest of each environment added.

    This is for versions that print a configuration which they reject, so that it has no hash
    (v2.24.1 prints ``mem_swappiness`` as a text).

    Args:
        hashes: A service and its hash on each line.
        resolved: The resolved configuration, with the content of env files.
    """
    services = _services(resolved)
    lines = []
    for line in hashes.decode("utf-8", "replace").splitlines():
        body = services.get(line.split(" ")[0])
        environment = _environment(body) if isinstance(body, dict) else {}
        text = json.dumps(environment, sort_keys=True, default=str)
        lines.append(f"{line}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}\n")
    return "".join(lines).encode()


def _services(output: bytes) -> Mapping[str, Any]:
    """Return the services of a resolved configuration."""
    text = sections(output).get("services", "")
    root = parse(Source.decode("the output of Docker Compose", text.encode())).root
    services = to_python(root)["services"] if root is not None else {}
    return services if isinstance(services, dict) else {}


def _environment(service: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment of *service* as a mapping."""
    environment = service.get("environment") or {}
    if isinstance(environment, list):
        environment = key_value_pairs(list(map(str, environment)))
    return dict(environment)


def _resolved(service: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """Return *service* with the env files that exist merged into its environment."""
    kept: list[Any] = []
    values: dict[str, str] = {}
    for item in service.get("env_file") or ():
        path = Path(str(item.get("path") if isinstance(item, dict) else item))
        if not path.is_file() and str(path) != os.devnull:  # another device may never end
            kept.append(item)
            continue
        text = path.read_text("utf-8", "replace")
        for each in assignments(text):
            value = expand(each.value, {**values, **variables})
            values[each.name] = value
    own = _environment(service)
    escaped = {name: value.replace("$", "$$") for name, value in values.items()}
    result = {name: value for name, value in service.items() if name != "env_file"}
    if kept:
        result["env_file"] = kept
    if escaped or own:
        result["environment"] = escaped | own
    return result
