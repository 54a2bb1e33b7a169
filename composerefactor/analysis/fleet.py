"""Many projects at once: find them below a directory, and analyse them in parallel processes."""

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
from composerefactor.compose.files import DEFAULT_NAMES
from composerefactor.compose.masking import GENERAL
from composerefactor.errors import ComposerefactorError
from composerefactor.planning.opening import COMPOSE_NAMES, ProjectSelection
from composerefactor.workspace.files import SKIPPED_DIRECTORIES

MAX_SECONDS = 60.0
"""The time limit for one project."""

_TASKS_PER_PROCESS = 50
"""A process is replaced after this many projects, so that its memory is bounded."""

_SEARCHED_HIDDEN = frozenset({".devcontainer", ".docker", ".github"})


class ProjectSummary(Struct, frozen=True):
    """One project of a fleet.

    Attributes:
        path: The directory, relative to the top directory.
        error: Why it could not be analysed, ``""`` if it was.
        start_commands: How many start commands could be read.
        unread: How many start commands could not be read.
        services: How many services the project has.
        score: The overall rating; None for a project that Docker Compose rejects.
        word: The overall rating as a word.
        findings: The number of findings by severity.
        rules: The number of findings by rule; rules with the highest severity come first.
        seconds: How long the analysis took.
    """

    path: str
    error: str = ""
    start_commands: int = 0
    unread: int = 0
    services: int = 0
    score: float | None = None
    word: str = ""
    findings: dict[str, int] = {}
    rules: dict[str, int] = {}
    seconds: float = 0.0


def find_projects(top: Path) -> list[Path]:
    """Return the project directories below *top*, sorted; *top* itself can be one.

    A directory with a default Compose file is a project. So is a directory with files that are
    named like Compose files, unless a directory above it is a project: then they are modules or
    alternatives of that project.
    """
    projects: list[Path] = []
    pending: list[tuple[Path, bool]] = [(top, False)]
    while pending:
        directory, is_inside = pending.pop()
        try:
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError:
            continue
        names = [entry.name for entry in entries if entry.is_file()]
        is_project = any(name in DEFAULT_NAMES for name in names) or (
            not is_inside and any(fnmatch.fnmatch(name, p) for name in names for p in COMPOSE_NAMES)
        )
        if is_project:
            projects.append(directory)
        pending += [
            (directory / entry.name, is_inside or is_project)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and _is_searched(entry.name)
        ]
    return sorted(projects)


def _is_searched(name: str) -> bool:
    is_hidden = name.startswith(".") and name not in _SEARCHED_HIDDEN
    return name not in SKIPPED_DIRECTORIES and not is_hidden


def analyse_all(
    projects: Sequence[Path],
    top: Path,
    jobs: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[ProjectSummary]:
    """Yield a summary of each project when its analysis ends; *jobs* run in parallel.

    A failure of one project does not affect the others: errors, the time limit, and a crash of its
    process are reported in its summary. Paths are relative to *top*. *progress* is called with the
    number of finished projects and that of all.
    """
    paths = [str(path) for path in projects]
    for done, summary in enumerate(_each_once(paths, str(top), jobs), 1):
        if progress is not None:
            progress(done, len(paths))
        yield summary


def _each_once(paths: list[str], top: str, jobs: int) -> Iterator[ProjectSummary]:
    """Yield one summary for each of *paths*, of those that crash a process too."""
    lost: list[str] = []
    yield from _in_pool(paths, top, jobs, lost)
    for path in lost:  # one of them crashed the process; run each alone to see which
        crashed: list[str] = []
        yield from _in_pool([path], top, 1, crashed)
        if crashed:
            yield ProjectSummary(_relative(path, top), "its analysis crashed")


def _in_pool(paths: list[str], top: str, jobs: int, lost: list[str]) -> Iterator[ProjectSummary]:
    """Yield the summaries of *paths*; if a process crashes, add the unfinished ones to *lost*."""
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
    """Return the summary of the project at *path*; never raises because of its content."""
    shown = _relative(path, top)
    start = time.monotonic()
    try:
        with _time_limit(MAX_SECONDS):
            opened = open_for_analysis(ProjectSelection(Path(path)))
            analysis = analyse_project(opened)
    except ComposerefactorError as error:
        message = GENERAL.text(" ".join(str(error).split()))
        return ProjectSummary(shown, message, seconds=time.monotonic() - start)
    except _OutOfTime:
        return ProjectSummary(shown, f"timed out after {MAX_SECONDS:.0f} s", seconds=MAX_SECONDS)
    except (RecursionError, MemoryError) as error:
        return ProjectSummary(shown, type(error).__name__, seconds=time.monotonic() - start)
    counts = Counter(each.severity for each in analysis.findings)
    return ProjectSummary(
        shown,
        "",
        len(analysis.architecture.entries),
        len(analysis.architecture.unread),
        len(analysis.architecture.service_names),
        analysis.rating.score if analysis.rating else None,
        analysis.rating.word if analysis.rating else "not rated",
        {severity.value: counts[severity] for severity in reversed(Severity)},
        dict(Counter(each.rule for each in analysis.findings)),  # findings are sorted by severity
        time.monotonic() - start,
    )


class _OutOfTime(BaseException):
    """The time limit has passed; no OSError, which whoever reads files takes for a missing file."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise _OutOfTime after *seconds*, if the system has timers (Windows has none)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: object) -> None:  # noqa: ARG001 - the signature of a handler
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _relative(path: str, top: str) -> str:
    return os.path.relpath(path, top)
