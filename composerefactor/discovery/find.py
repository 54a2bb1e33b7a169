"""All ways in which a project is started, and the readers of its files that are not Compose."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.discovery import readers
from composerefactor.discovery.files import FileFacts, FileReader, Listing, join
from composerefactor.discovery.guess import guessed
from composerefactor.discovery.readers import OtherReader
from composerefactor.discovery.resolve import Unresolved, entry_points, split_files
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.discovery.sources import scripts
from composerefactor.errors import InputError, Location, UsageError


class Survey(Struct, frozen=True):
    """What was found: *entries*, the default first; *readers*; commands that name missing files."""

    entries: tuple[Invocation, ...]
    readers: tuple[OtherReader, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()


def find(files: FileReader, facts: FileFacts) -> list[Invocation]:
    """Return the entry points of a project: the default first, then commands, then names.

    *files* gives the project's files, *facts* what their Compose files contain. Never raises for
    what a file holds: what cannot be read as a command is none.
    """
    return list(survey(files, facts).entries)


def survey(files: FileReader, facts: FileFacts) -> Survey:
    """Return the entry points of a project, other readers of its files, and unresolved commands.

    Commands of a directory that is a project of its own are left to that project, unless they use
    files outside it or a command above goes there.
    """
    listing = Listing(files)
    found = commands(listing)
    foreign = _foreign(found, listing)
    entries: list[Invocation] = []
    unresolved: list[Unresolved] = []
    for call in found:
        inside = next((one for one in foreign if call.script.path.startswith(f"{one}/")), None)
        for result in entry_points(call, listing):
            if isinstance(result, Invocation):
                if inside is None or not all(
                    file.startswith(f"{inside}/") for file in result.files
                ):
                    entries.append(result)
            elif inside is None:
                unresolved.append(result)
    names = [
        entry
        for directory in _directories(entries, listing, facts)
        for entry in guessed(directory, listing, facts, entries)
    ]
    named_by: dict[str, set[str]] = {}
    for entry in entries:
        for why in entry.evidence:
            named_by.setdefault(why.path, set()).update(entry.files)
    other = (
        *readers.from_calls(found, listing),
        *readers.from_text(listing, named_by, facts.has_include),
    )
    return Survey(
        _ordered(merged([*names, *entries])),
        tuple(dict.fromkeys(other)),
        tuple({one.reason: one for one in reversed(unresolved)}.values())[::-1],
    )


def commands(listing: Listing) -> list[ShellCall]:
    """Return the commands in the files of *listing* that may read Compose files."""
    return [call for script in scripts(listing) for call in calls(script)]


def project_directories(files: FileReader) -> list[str]:
    """Return the directories that hold a default Compose file, ``.`` included where it has one."""
    listing = Listing(files)
    return sorted(one for one in listing.directories if listing.default_file(one) is not None)


def _foreign(found: Iterable[ShellCall], listing: Listing) -> list[str]:
    """Return the subdirectories that are projects of their own and that no command goes to."""
    if listing.default_file(".") is None:
        return []
    entered = set[str]()
    for call in found:
        for move in (*call.moves, *_make_directories(call.words)):
            entered.update(
                posixpath.normpath(posixpath.join(start, move))
                for start in call.script.directories[:1]
                if not _under(call.script.path, move)
            )
    return sorted(
        one
        for one in listing.directories
        if one != "." and one not in entered and listing.default_file(one) is not None
    )


def _under(path: str, directory: str) -> bool:
    return path.startswith(f"{posixpath.normpath(directory)}/")


def _make_directories(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return what ``make -C`` names."""
    if words[0] not in {"make", "gmake", "$(MAKE)"} and "MAKE" not in words[0]:
        return ()
    return tuple(after for word, after in pairwise(words) if word in {"-C", "--directory"})


def _directories(entries: Iterable[Invocation], listing: Listing, facts: FileFacts) -> list[str]:
    """Return the project directory and those of files that commands name, sorted.

    Without a default file in the project directory, those with one that belongs there count, too.
    """
    named = {posixpath.dirname(file) or "." for entry in entries for file in entry.files}
    if listing.default_file(".") is None:
        named |= rooted(listing, facts)
    return sorted(({"."} | named) & listing.directories)


def rooted(listing: Listing, facts: FileFacts) -> set[str]:
    """Return the subdirectories with a Compose file whose project directory is that of *listing*.

    Files that others include or extend do not count.
    """
    return {
        posixpath.dirname(path)
        for path in listing.paths
        if "/" in path
        and path.endswith((".yml", ".yaml"))
        and facts.is_compose(path)
        and facts.home(path) == "."
        and not facts.referenced_by(path)
    }


def merged(entries: Iterable[Invocation]) -> list[Invocation]:
    """Return *entries* without doubles; evidence is collected, and a fact beats an assumption."""
    kept: dict[tuple[object, ...], Invocation] = {}
    for entry in entries:
        # With -f the model follows the first file's directory, wherever the command runs.
        place = entry.directory if entry.implicit else posixpath.dirname(entry.base) or "."
        key = (place, entry.files, entry.project_directory, entry.env_files, entry.profiles)
        before = kept.get(key)
        if before is None:
            kept[key] = entry
            continue
        sure = [one for one in (before, entry) if not one.assumed] or [before, entry]
        evidence = [why for one in sure for why in one.evidence]
        kept[key] = replace(
            before,
            directory=before.directory if not before.assumed else sure[0].directory,
            project_name=before.project_name
            if before.project_name == entry.project_name
            else before.project_name or entry.project_name,
            implicit=before.implicit or entry.implicit,
            assumed=before.assumed and entry.assumed,
            evidence=tuple(dict.fromkeys(evidence)),
        )
    return list(kept.values())


def _ordered(entries: list[Invocation]) -> tuple[Invocation, ...]:
    return tuple(sorted(entries, key=_rank))


def _rank(entry: Invocation) -> tuple[object, ...]:
    default = Evidence("default file") in entry.evidence
    implicit = Evidence("used when no -f is given") in entry.evidence
    commanded = any(why.path for why in entry.evidence)
    return (
        entry.directory != "." and entry.implicit,
        not default,
        not implicit,
        entry.assumed,
        not commanded,
        len(entry.files),
        entry.files,
        entry.profiles,
        entry.env_files,
    )


def from_options(
    files: FileReader,
    *,
    file: Sequence[str] = (),
    entry: Sequence[str] = (),
    env_file: Sequence[str] = (),
    environ: Mapping[str, str],
) -> list[Invocation] | None:
    """Return the entry points that options and environment name, or None where they name none.

    *file* is the ``-f`` list of one entry point, each item of *entry* the comma-separated files of
    another; paths are relative to the project directory. Without both, ``COMPOSE_FILE`` of
    *environ* is taken, split at ``COMPOSE_PATH_SEPARATOR`` or ``:``. *env_file* holds for all, else
    ``COMPOSE_ENV_FILES`` does.

    Raises InputError for a file that does not exist, UsageError for an entry without files.
    """
    named: list[tuple[str, list[str]]] = [("-f", list(file))] if file else []
    for text in entry:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            raise UsageError(
                f"--entry {text!r} names no file", remedy="give its files: --entry a.yml,b.yml"
            )
        named.append(("--entry", parts))
    if not named and environ.get("COMPOSE_FILE"):
        separator = environ.get("COMPOSE_PATH_SEPARATOR") or ":"
        parts = list(split_files(environ["COMPOSE_FILE"], separator))
        named.append(("COMPOSE_FILE", parts))
    if not named:
        return None
    listed = frozenset(files.paths())
    env_files = list(env_file) or [
        part for part in environ.get("COMPOSE_ENV_FILES", "").split(",") if part
    ]
    return merged(
        Invocation(
            files=tuple(_existing(path, source, files, listed) for path in parts),
            env_files=tuple(_existing(path, "--env-file", files, listed) for path in env_files),
            project_name=environ.get("COMPOSE_PROJECT_NAME") or None,
            profiles=tuple(
                sorted({one for one in environ.get("COMPOSE_PROFILES", "").split(",") if one})
            ),
            evidence=(Evidence(f"named by {source}"),),
        )
        for source, parts in named
        if parts
    )


def with_env_files(
    entries: Iterable[Invocation], files: FileReader, env_file: Sequence[str]
) -> list[Invocation]:
    """Return *entries*, those that name no env file themselves with the files *env_file*.

    Raises InputError for a file that does not exist.
    """
    listed = frozenset(files.paths())
    named = tuple(_existing(path, "--env-file", files, listed) for path in env_file)
    return merged(replace(entry, env_files=entry.env_files or named) for entry in entries)


def _existing(path: str, source: str, files: FileReader, listed: frozenset[str]) -> str:
    normal = join(".", path)
    if normal not in listed and files.read(normal) is None:
        raise InputError(
            f"no such file in the project ({source})",
            location=Location(path),
            remedy="paths are relative to the project directory",
        )
    return normal
