"""Commands as written to entry points: which files of the project they mean."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.discovery.files import Listing, join
from composerefactor.discovery.script import CLOSE, OPEN, ROOT, directory_of
from composerefactor.discovery.shell import ComposeCall, ShellCall
from composerefactor.discovery.structured import settings


def split_files(value: str, separator: str = "") -> tuple[str, ...]:
    """Split a ``COMPOSE_FILE``; without *separator* at ``:``, or ``;`` as Windows has it."""
    if not separator:
        separator = ";" if ";" in value else ":"
    return tuple(part for part in value.split(separator) if part)


def local_path(directory: str, path: str) -> str | None:
    """Return *path* as a path relative to the project, or None where it is outside or unknown."""
    at = path.rfind(ROOT)
    if at >= 0:
        directory, path = ".", path[at + 1 :].lstrip("/") or "."
    if path.startswith(("/", "~")) or OPEN in path:
        return None
    joined = join(directory, path)
    return None if joined == ".." or joined.startswith("../") else joined


def implicit_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the files that the engine takes in *directory* without ``-f``; empty for none.

    These are ``COMPOSE_FILE`` of the ``.env`` there, else the default file with its override.
    """
    text = (
        listing.read(join(directory, ".env")) if listing.exists(join(directory, ".env")) else None
    )
    given = settings(text or "")
    value = given.get("COMPOSE_FILE", ("", 0))[0]
    if value:
        named = split_files(value, given.get("COMPOSE_PATH_SEPARATOR", ("", 0))[0])
        files = tuple(path for name in named if (path := local_path(directory, name)) is not None)
        if len(files) == len(named) and all(map(listing.exists, files)):
            return files
    return default_files(directory, listing)


def default_files(directory: str, listing: Listing) -> tuple[str, ...]:
    """Return the default file in *directory* with its override; empty for none."""
    default = listing.default_file(directory)
    if default is None:
        return ()
    override = listing.override_file(directory)
    return (default, override) if override else (default,)


_OPEN = re.compile(f"{OPEN}([^{CLOSE}]{{0,120}}){CLOSE}")
_MAX_CHOICES = 24


class Unresolved(Struct, frozen=True):
    """A command whose Compose files are not all in the project; *reason* says which are not."""

    reason: str
    evidence: Evidence


def entry_points(call: ShellCall, listing: Listing) -> Iterator[Invocation | Unresolved]:
    """Yield the entry points that *call* is: several where a name holds an unknown variable.

    Yields Unresolved for a call that names files which are not there, nothing for a call that
    reads no project (``docker compose version``).
    """
    invocation = call.invocation
    if invocation is None:
        return
    evidence = Evidence("a command", call.script.path, call.line)
    named = invocation.files or _from_environment(invocation)
    if not named:
        if invocation.reads_project:
            entry = _implicit(call, invocation, listing, evidence)
            if entry is not None:
                yield entry
        return
    if any(file == "-" or "://" in file for file in named):
        return
    found = False
    for directory in places(call, listing):
        for entry in _explicit(invocation, named, directory, listing, evidence):
            found = True
            yield entry
        if found:
            return
    missing = [
        file
        for file in named
        if not any(listing.exists(local_path(one, file) or "") for one in places(call, listing))
    ]
    # What stands at a fixed place outside is somebody's own, as in instructions for a server.
    if invocation.reads_project and not all(file.startswith(("/", "~")) for file in missing):
        names = ", ".join(_OPEN.sub(r"$\1", file).replace(ROOT, ".") for file in missing or named)
        yield Unresolved(f"{names}: not in the project", evidence)


def _from_environment(invocation: ComposeCall) -> tuple[str, ...]:
    value = invocation.environment.get("COMPOSE_FILE", "")
    return split_files(value, invocation.environment.get("COMPOSE_PATH_SEPARATOR", ""))


def places(call: ShellCall, listing: Listing) -> list[str]:
    """Return where *call* may run: its script's places, moved by ``cd``."""
    found: list[str] = []
    for start in call.script.directories:
        directory = posixpath.normpath(start)
        for move in call.moves:
            target = local_path(directory, move)
            # A directory that is not in the project, as after "git clone", says nothing.
            if target is not None and target in listing.directories:
                directory = target
        if directory in listing.directories and directory not in found:
            found.append(directory)
    return found or ["."]


def _explicit(
    invocation: ComposeCall,
    named: tuple[str, ...],
    directory: str,
    listing: Listing,
    evidence: Evidence,
) -> Iterator[Invocation]:
    for files, values in _choices(named, directory, listing):
        resolved = [local_path(directory, file) for file in files]
        kept = tuple(dict.fromkeys(file for file in resolved if file is not None))
        if len(set(resolved)) != len(kept) or not all(map(listing.exists, kept)):
            continue
        chosen = _known(directory, _fill(invocation.project_directory, values))
        project = chosen or directory_of(kept[0])
        yield Invocation(
            files=kept,
            directory=directory,
            project_directory=chosen,
            env_files=_env_files(invocation, directory, project, values),
            project_name=_name(invocation, values),
            profiles=_profiles(invocation),
            assumed=bool(values),
            evidence=(evidence,),
        )


def _choices(
    named: tuple[str, ...], directory: str, listing: Listing
) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Return *named* with unknown parts of names filled in from the files that are there.

    ``-f docker-compose.$ENV.yml`` stands for every file of that form. A name that is wholly
    unknown says nothing.
    """
    pending: list[tuple[tuple[str, ...], dict[str, str]]] = [(named, {})]
    done: list[tuple[tuple[str, ...], dict[str, str]]] = []
    while pending and len(done) < _MAX_CHOICES:
        files, values = pending.pop(0)
        unknown = next((file for file in files if OPEN in file), None)
        if unknown is None:
            done.append((files, values))
            continue
        match = _OPEN.search(unknown)
        if match is None:
            continue
        for value in _values(unknown, match, directory, listing):
            filled = tuple(file.replace(match.group(), value) for file in files)
            pending.append((filled, {**values, match.group(1): value}))
    return done


def _values(unknown: str, match: re.Match[str], directory: str, listing: Listing) -> list[str]:
    """Return what the variable at *match* may be for *unknown* to name a file of the project."""
    before, after = unknown[: match.start()], unknown[match.end() :]
    if not re.search(r"\w", posixpath.basename(before) + _OPEN.sub("", after.partition(".")[0])):
        return []
    tail = "".join(
        "[^/]{1,80}" if index % 2 else re.escape(part)
        for index, part in enumerate(_OPEN.split(after))
    )
    start = local_path(directory, before + "x")
    if start is None or "/" in after:
        return []
    pattern = re.compile(rf"{re.escape(start[:-1])}(?P<value>[\w.-]{{1,80}}){tail}")
    found = [one["value"] for path in listing.paths if (one := pattern.fullmatch(path))]
    return [value for value in dict.fromkeys(found) if value != "override"][:_MAX_CHOICES]


def _implicit(
    call: ShellCall, invocation: ComposeCall, listing: Listing, evidence: Evidence
) -> Invocation | None:
    """Return the entry point of a call without ``-f``: the engine looks upwards for files."""
    found = upwards(call, listing)
    if found is None:
        return None
    start, directory, files = found
    # The .env beside the caller is read too (observed: v5.6.1); without one the place of the call
    # makes no difference.
    return Invocation(
        files=files,
        directory=directory if not listing.exists(join(start, ".env")) else start,
        project_directory=_known(start, invocation.project_directory),
        env_files=_env_files(invocation, start, directory, {}),
        project_name=_name(invocation, {}),
        profiles=_profiles(invocation),
        implicit=files == default_files(directory, listing),  # else a .env there names them
        evidence=(evidence,),
    )


def upwards(call: ShellCall, listing: Listing) -> tuple[str, str, tuple[str, ...]] | None:
    """Return where *call* runs without ``-f``, the directory above it with files, and these."""
    for start in places(call, listing):
        directory = start
        while True:
            files = implicit_files(directory, listing)
            if files:
                return start, directory, files
            if directory == ".":
                break
            directory = directory_of(directory)
    return None


def _fill(text: str | None, values: dict[str, str]) -> str | None:
    return text and _OPEN.sub(lambda one: values.get(one.group(1), one.group()), text)


def _known(directory: str, path: str | None) -> str | None:
    return local_path(directory, path) if path else None


def _env_files(
    invocation: ComposeCall, directory: str, project: str, values: dict[str, str]
) -> tuple[str, ...]:
    named = invocation.env_files or tuple(
        invocation.environment.get("COMPOSE_ENV_FILES", "").split(",")
    )
    paths = (_known(directory, _fill(name, values)) for name in named)
    found = tuple(path for path in paths if path is not None)
    # Naming the file that is read anyway is the same command.
    return () if found == (join(project, ".env"),) else found


def _name(invocation: ComposeCall, values: dict[str, str]) -> str | None:
    name = invocation.project_name or invocation.environment.get("COMPOSE_PROJECT_NAME")
    name = _fill(name, values)
    return None if not name or OPEN in name or ROOT in name else name


def _profiles(invocation: ComposeCall) -> tuple[str, ...]:
    named = invocation.profiles or tuple(
        invocation.environment.get("COMPOSE_PROFILES", "").split(",")
    )
    return tuple(sorted({name for name in named if name and OPEN not in name}))
