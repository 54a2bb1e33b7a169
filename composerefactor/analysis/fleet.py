"""Many projects at once: found below a directory, analysed in processes of their own."""

from __future__ import annotations

import fnmatch
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from msgspec import Struct

from composerefactor.analysis.analysis import analyse_project, open_for_analysis
from composerefactor.analysis.findings import Severity
from composerefactor.compose.secrets import mask_text
from composerefactor.discovery.files import DEFAULT_NAMES
from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import COMPOSE_NAMES, ProjectSelection
from composerefactor.workspace.files import SKIPPED_DIRECTORIES

MAX_SECONDS = 60.0
"""A project that takes longer is given up."""

_TASKS_PER_PROCESS = 50
"""After so many projects a process is replaced, so that its memory is bounded."""

_KEPT_HIDDEN = frozenset({".devcontainer", ".docker", ".github"})


class ProjectSummary(Struct, frozen=True):
    """One project of a fleet; *error* says why it could not be analysed, ``""`` where it was.

    *score* is the rating of the whole, *findings* counts by severity, *rules* by rule, those of the
    highest severity first.
    """

    path: str
    error: str = ""
    entry_points: int = 0
    unread: int = 0
    services: int = 0
    score: float = 0.0
    word: str = ""
    findings: dict[str, int] = {}
    rules: dict[str, int] = {}
    seconds: float = 0.0


def find_projects(top: Path) -> list[Path]:
    """Return the project directories below *top*, sorted; *top* itself can be one.

    A directory with a default Compose file is one. So is one whose files are named as Compose
    files, unless a project is above it: then they are modules or variants of that.
    """
    found: list[Path] = []
    model: list[tuple[Path, bool]] = [(top, False)]
    while model:
        directory, is_inside = model.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue
        names = [entry.name for entry in entries if entry.is_file()]
        is_one = any(name in DEFAULT_NAMES for name in names) or (
            not is_inside and any(fnmatch.fnmatch(name, p) for name in names for p in COMPOSE_NAMES)
        )
        if is_one:
            found.append(directory)
        model += [
            (directory / entry.name, is_inside or is_one)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _is_looked_into(entry.name)
        ]
    return sorted(found)


def _is_looked_into(name: str) -> bool:
    is_hidden = name.startswith(".") and name not in _KEPT_HIDDEN
    return name not in SKIPPED_DIRECTORIES and not is_hidden


def analyse_all(
    projects: Sequence[Path],
    top: Path,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[ProjectSummary]:
    """Yield a summary of each of *projects* as they are done, *jobs* at a time.

    Whatever happens to one, the others are analysed: errors, a limit of time, and a process that
    dies are told in its summary. Paths are shown relative to *top*.
    """
    done = 0
    waiting = [str(path) for path in projects]
    shown = str(top)
    while waiting:
        lost: list[str] = []
        for summary in _in_pool(waiting, shown, jobs, lost):
            done += 1
            if progress is not None:
                progress(done, len(projects))
            yield summary
        waiting = []
        for path in lost:  # one of them ended the process; alone it shows which
            alone: list[str] = []
            yield from _in_pool([path], shown, 1, alone)
            done += 1
            if alone:
                yield ProjectSummary(_relative(path, shown), "its analysis ended the process")


def _in_pool(paths: list[str], top: str, jobs: int, lost: list[str]) -> Iterator[ProjectSummary]:
    """Yield the summaries of *paths*; those that are not known when a process dies go to *lost*."""
    todo = list(reversed(paths))
    running: dict[Future[ProjectSummary], str] = {}
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), max_tasks_per_child=_TASKS_PER_PROCESS
    ) as pool:
        while todo or running:
            try:
                while todo and len(running) < jobs * 2:
                    running[pool.submit(summary_of, todo[-1], top)] = todo[-1]
                    todo.pop()
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    result = future.result()
                    del running[future]
                    yield result
            except BrokenProcessPool:
                lost += [*running.values(), *reversed(todo)]
                return


def summary_of(path: str, top: str) -> ProjectSummary:
    """Return the summary of the project at *path*; never raises for what the project holds."""
    shown = _relative(path, top)
    start = time.monotonic()
    try:
        with _time_limit(MAX_SECONDS):
            opened = open_for_analysis(ProjectSelection(Path(path)))
            analysis = analyse_project(opened)
    except ComposerefactorError as error:
        words = mask_text(" ".join(str(error).split()))
        return ProjectSummary(shown, words, seconds=time.monotonic() - start)
    except TimeoutError:
        return ProjectSummary(shown, f"given up after {MAX_SECONDS:.0f} s", seconds=MAX_SECONDS)
    except (RecursionError, MemoryError) as error:
        return ProjectSummary(shown, type(error).__name__, seconds=time.monotonic() - start)
    counts = Counter(each.severity for each in analysis.findings)
    return ProjectSummary(
        shown,
        "",
        len(analysis.architecture.entries),
        len(analysis.architecture.unread),
        len(analysis.architecture.service_names),
        analysis.rating.score,
        analysis.rating.word,
        {severity.word: counts[severity] for severity in reversed(Severity)},
        dict(Counter(each.rule for each in analysis.findings)),  # they are sorted by severity
        time.monotonic() - start,
    )


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after *seconds*, where the system has timers (not on Windows)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: object) -> None:  # noqa: ARG001 - what signal() asks for
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _relative(path: str, top: str) -> str:
    return os.path.relpath(path, top)
