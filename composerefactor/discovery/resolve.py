"""From a call of Compose in a script to start commands: the files of the project that it means."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.paths import directory_of, is_outside, path_from
from composerefactor.discovery.files import Listing
from composerefactor.discovery.script import OPEN, ROOT, UNKNOWN
from composerefactor.discovery.shell import ComposeCall, ShellCall
from composerefactor.discovery.structured import compose_settings

_MAX_CHOICES = 24


class UnresolvedCall(Struct, frozen=True):
    """A call of Compose whose files are not all in the project.

    Attributes:
        reason: Which files are missing.
        evidence: Where the call was found.
    """

    reason: str
    evidence: Evidence


def split_files(value: str, separator: str = "") -> tuple[str, ...]:
    """Split a ``COMPOSE_FILE`` at *separator*; by default at ``:``, or at ``;`` as on Windows."""
    if not separator:
        separator = ";" if ";" in value else ":"
    return tuple(part for part in value.split(separator) if part)


def local_path(directory: str, path: str) -> str | None:
    """Return *path*, relative to *directory*, as a path relative to the project.

    Returns None if it is outside the project or contains an unknown variable.
    """
    at = path.rfind(ROOT)
    if at >= 0:
        directory, path = ".", path[at + 1 :].lstrip("/") or "."
    if path.startswith(("/", "~")) or OPEN in path:
        return None
    joined = path_from(directory, path)
    return None if is_outside(joined) else joined


def implicit_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the files that Docker Compose uses in *directory* without ``-f``; empty for none.

    These are the files of ``COMPOSE_FILE`` in the ``.env`` of the directory, or else the default
    file and its override file.
    """
    env_file = path_from(directory, ".env")
    text = listing.read(env_file) if listing.exists(env_file) else None
    values = compose_settings(text or "")
    value = values.get("COMPOSE_FILE", ("", 0))[0]
    if value:
        names = split_files(value, values.get("COMPOSE_PATH_SEPARATOR", ("", 0))[0])
        files = tuple(path for name in names if (path := local_path(directory, name)) is not None)
        if len(files) == len(names) and all(map(listing.exists, files)):
            return files
    return default_files(directory, listing)


def default_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the default file of *directory* and its override file; empty for none."""
    default = listing.default_file(directory)
    if default is None:
        return ()
    override = listing.override_file(directory)
    return (default, override) if override else (default,)


def resolve_call(call: ShellCall, listing: Listing) -> Iterator[Invocation | UnresolvedCall]:
    """Yield the start commands of *call*: several if a file name contains an unknown variable.

    Yields an UnresolvedCall for a call with missing files, and nothing for a call that does not
    read the project (``docker compose version``).
    """
    invocation = call.invocation
    if invocation is None:
        return
    evidence = Evidence("a command", call.script.path, call.line)
    named = named_files(invocation)
    if not named:
        if invocation.reads_project:
            entry = _without_files(call, invocation, listing, evidence)
            if entry is not None:
                yield entry
        return
    if any(file == "-" or "://" in file for file in named):
        return
    is_resolved = False
    for directory in working_directories(call, listing):
        for entry in _with_files(invocation, named, directory, listing, evidence):
            is_resolved = True
            yield entry
        if is_resolved:
            return
    missing = [
        file
        for file in named
        if not any(
            listing.exists(local_path(one, file) or "")
            for one in working_directories(call, listing)
        )
    ]
    # Absolute paths outside the project belong to a user, as in instructions for a server.
    if invocation.reads_project and not all(file.startswith(("/", "~")) for file in missing):
        names = ", ".join(UNKNOWN.sub(r"$\1", file).replace(ROOT, ".") for file in missing or named)
        yield UnresolvedCall(f"{names}: not in the project", evidence)


def named_files(invocation: ComposeCall) -> tuple[str, ...]:
    """Return the files that *invocation* names: with ``-f``, or else in ``COMPOSE_FILE``."""
    if invocation.files:
        return invocation.files
    value = invocation.environment.get("COMPOSE_FILE", "")
    return split_files(value, invocation.environment.get("COMPOSE_PATH_SEPARATOR", ""))


def working_directories(call: ShellCall, listing: Listing) -> list[str]:
    """Return the directories where *call* may run: those of its script, changed by ``cd``."""
    directories: list[str] = []
    for start in call.script.directories:
        directory = posixpath.normpath(start)
        for move in call.moves:
            target = local_path(directory, move)
            # A directory that is not in the project, as after "git clone", is ignored.
            if target is not None and target in listing.directories:
                directory = target
        if directory in listing.directories and directory not in directories:
            directories.append(directory)
    return directories or ["."]


def _with_files(
    invocation: ComposeCall,
    named: tuple[str, ...],
    directory: str,
    listing: Listing,
    evidence: Evidence,
) -> Iterator[Invocation]:
    """Yield the start commands of a call with ``-f`` that runs in *directory*."""
    for files, values in _file_lists(named, directory, listing):
        resolved = [local_path(directory, file) for file in files]
        existing = tuple(dict.fromkeys(file for file in resolved if file is not None))
        if len(set(resolved)) != len(existing) or not all(map(listing.exists, existing)):
            continue
        project_directory = _known_path(directory, _fill_in(invocation.project_directory, values))
        project = project_directory or directory_of(existing[0])
        yield Invocation(
            files=existing,
            directory=directory,
            project_directory=project_directory,
            env_files=_env_files(invocation, directory, project, values),
            project_name=_project_name(invocation, values),
            profiles=_profiles(invocation),
            assumed=bool(values),
            evidence=(evidence,),
        )


def _file_lists(
    named: tuple[str, ...], directory: str, listing: Listing
) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Return *named* with unknown variables replaced by the values that existing files suggest.

    ``-f docker-compose.$ENV.yml`` means every file of that form. A name that consists of an
    unknown variable is ignored. Each list comes with the values of its variables.
    """
    pending: list[tuple[tuple[str, ...], dict[str, str]]] = [(named, {})]
    complete: list[tuple[tuple[str, ...], dict[str, str]]] = []
    while pending and len(complete) < _MAX_CHOICES:
        files, values = pending.pop(0)
        unknown = next((file for file in files if OPEN in file), None)
        if unknown is None:
            complete.append((files, values))
            continue
        match = UNKNOWN.search(unknown)
        if match is None:
            continue
        for value in _possible_values(unknown, match, directory, listing):
            filled = tuple(file.replace(match.group(), value) for file in files)
            pending.append((filled, {**values, match.group(1): value}))
    return complete


def _possible_values(
    unknown: str, match: re.Match[str], directory: str, listing: Listing
) -> list[str]:
    """Return the values of the variable at *match* with which *unknown* is an existing file."""
    before, after = unknown[: match.start()], unknown[match.end() :]
    if not re.search(r"\w", posixpath.basename(before) + UNKNOWN.sub("", after.partition(".")[0])):
        return []
    tail = "".join(
        "[^/]{1,80}" if index % 2 else re.escape(part)
        for index, part in enumerate(UNKNOWN.split(after))
    )
    start = local_path(directory, before + "x")
    if start is None or "/" in after:
        return []
    pattern = re.compile(rf"{re.escape(start[:-1])}(?P<value>[\w.-]{{1,80}}){tail}")
    values = [one["value"] for path in listing.paths if (one := pattern.fullmatch(path))]
    return [value for value in dict.fromkeys(values) if value != "override"][:_MAX_CHOICES]


def _without_files(
    call: ShellCall, invocation: ComposeCall, listing: Listing, evidence: Evidence
) -> Invocation | None:
    """Return the start command of a call without ``-f``: Docker Compose searches upwards."""
    search = search_upwards(call, listing)
    if search is None:
        return None
    start, directory, files = search
    # The .env in the working directory is read, too (observed: v5.6.1). Without one, it makes no
    # difference in which directory the call runs.
    return Invocation(
        files=files,
        directory=directory if not listing.exists(path_from(start, ".env")) else start,
        project_directory=_known_path(start, invocation.project_directory),
        env_files=_env_files(invocation, start, directory, {}),
        project_name=_project_name(invocation, {}),
        profiles=_profiles(invocation),
        implicit=files == default_files(directory, listing),  # Otherwise a .env names them.
        evidence=(evidence,),
    )


def search_upwards(call: ShellCall, listing: Listing) -> tuple[str, str, tuple[str, ...]] | None:
    """Return the directory where *call* runs, the nearest one with files above it, and these.

    Returns None if no directory has files.
    """
    for start in working_directories(call, listing):
        directory = start
        while True:
            files = implicit_files(directory, listing)
            if files:
                return start, directory, files
            if directory == ".":
                break
            directory = directory_of(directory)
    return None


def _fill_in(text: str | None, values: dict[str, str]) -> str | None:
    return text and UNKNOWN.sub(lambda one: values.get(one.group(1), one.group()), text)


def _known_path(directory: str, path: str | None) -> str | None:
    return local_path(directory, path) if path else None


def _env_files(
    invocation: ComposeCall, directory: str, project: str, values: dict[str, str]
) -> tuple[str, ...]:
    named = invocation.env_files or tuple(
        invocation.environment.get("COMPOSE_ENV_FILES", "").split(",")
    )
    paths = (_known_path(directory, _fill_in(name, values)) for name in named)
    env_files = tuple(path for path in paths if path is not None)
    # The .env of the project directory is read by default, so naming it changes nothing.
    return () if env_files == (path_from(project, ".env"),) else env_files


def _project_name(invocation: ComposeCall, values: dict[str, str]) -> str | None:
    name = invocation.project_name or invocation.environment.get("COMPOSE_PROJECT_NAME")
    name = _fill_in(name, values)
    return None if not name or OPEN in name or ROOT in name else name


def _profiles(invocation: ComposeCall) -> tuple[str, ...]:
    named = invocation.profiles or tuple(
        invocation.environment.get("COMPOSE_PROFILES", "").split(",")
    )
    return tuple(sorted({name for name in named if name and OPEN not in name}))
