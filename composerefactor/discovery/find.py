"""All start commands of a project, and the other programs that read its Compose files.

:func:`survey` finds them in the project, :func:`from_options` takes them from options of the
command line and from the environment.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.discovery import readers
from composerefactor.discovery.command_files import comment_calls, scripts
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.guess import guess_invocations
from composerefactor.discovery.readers import OtherReader
from composerefactor.discovery.resolve import UnresolvedCall, resolve_call, split_files
from composerefactor.discovery.shell import ShellCall, calls
from composerefactor.errors import InputError, Location, UsageError


class Survey(Struct, frozen=True):
    """The result of the discovery.

    Attributes:
        entries: The start commands, the default first.
        readers: Other programs that read the Compose files.
        unresolved: Commands whose Compose files are missing.
    """

    entries: tuple[Invocation, ...]
    readers: tuple[OtherReader, ...] = ()
    unresolved: tuple[UnresolvedCall, ...] = ()


def survey(listing: Listing, facts: TreeFacts) -> Survey:
    """Return the start commands of a project, other readers of its files, and unresolved commands.

    *listing* reads the project, *facts* describes its Compose files. The content of a file never
    raises an error: what cannot be parsed as a command is ignored. Commands in a subdirectory that
    is an independent project are ignored, unless they use files outside it or a command outside it
    changes to that directory.
    """
    shell_calls = commands(listing)
    explained = comment_calls(listing, facts)
    independent = _independent_projects(shell_calls, listing)
    results = list(_resolved(shell_calls, independent, listing))
    # A comment may name files of other projects, so that missing ones are not reported.
    results_of_comments = _resolved(explained, independent, listing)
    entries = [e for e in (*results, *results_of_comments) if isinstance(e, Invocation)]
    unresolved = [result for result in results if isinstance(result, UnresolvedCall)]
    guesses = [
        entry
        for directory in _directories(entries, listing, facts)
        for entry in guess_invocations(directory, listing, facts, entries)
    ]
    named_by: dict[str, set[str]] = {}
    for entry in entries:
        for reason in entry.evidence:
            named_by.setdefault(reason.path, set()).update(entry.files)
    other_readers = [
        *readers.from_calls((*shell_calls, *explained), listing),
        *readers.from_text(listing, named_by, facts.has_include),
    ]
    started = {file for entry in (*guesses, *entries) for file in entry.files}
    other_readers += readers.from_content(listing, started)
    started = {file for entry in entries for file in entry.files}
    read = {reader.path for reader in other_readers}
    other_readers += readers.for_swarm(listing, facts, started, read)
    return Survey(
        _ordered(merge_duplicates([*guesses, *entries])),
        tuple(dict.fromkeys(other_readers)),
        tuple({call.reason: call for call in reversed(unresolved)}.values())[::-1],
    )


def _resolved(
    shell_calls: Iterable[ShellCall], independent: Sequence[str], listing: Listing
) -> Iterator[Invocation | UnresolvedCall]:
    """Yield what *shell_calls* start, without what concerns only a directory of *independent*."""
    for call in shell_calls:
        inside = next((path for path in independent if _is_below(call.script.path, path)), None)
        for result in resolve_call(call, listing):
            files = result.files if isinstance(result, Invocation) else ()
            if inside is None or not all(_is_below(file, inside) for file in files):
                yield result


def commands(listing: Listing) -> list[ShellCall]:
    """Return the commands in the files of *listing* that may read Compose files."""
    return [call for script in scripts(listing) for call in calls(script)]


def project_directories(listing: Listing) -> list[str]:
    """Return the directories with a default Compose file, sorted; ``.`` may be one of them."""
    return sorted(
        directory
        for directory in listing.directories
        if listing.default_file(directory) is not None
    )


def _independent_projects(shell_calls: Iterable[ShellCall], listing: Listing) -> list[str]:
    """Return the subdirectories that are independent projects.

    They have a default file, as the project directory has, and no command changes to them.
    """
    if listing.default_file(".") is None:
        return []
    entered = set[str]()
    for call in shell_calls:
        for move in (*call.moves, *_make_directories(call.words)):
            entered.update(
                path_from(start, move)
                for start in call.script.directories[:1]
                if not _is_below(call.script.path, move)
            )
    return sorted(
        directory
        for directory in listing.directories
        if directory != "."
        and directory not in entered
        and listing.default_file(directory) is not None
    )


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(f"{posixpath.normpath(directory)}/")


def _make_directories(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the directories of ``make -C``."""
    if words[0] not in {"make", "gmake", "$(MAKE)"} and "MAKE" not in words[0]:
        return ()
    return tuple(after for word, after in pairwise(words) if word in {"-C", "--directory"})


def _directories(entries: Iterable[Invocation], listing: Listing, facts: TreeFacts) -> list[str]:
    """Return the project directory and the directories of files that commands name, sorted.

    If the project directory has no default file, the directories of files that are used from it
    are included.
    """
    named = {directory_of(file) for entry in entries for file in entry.files}
    if listing.default_file(".") is None:
        named |= directories_used_from_root(listing, facts)
    return sorted(({"."} | named) & listing.directories)


def directories_used_from_root(listing: Listing, facts: TreeFacts) -> set[str]:
    """Return the subdirectories with a Compose file that is used from the root of *listing*.

    Files that others include or extend do not count.
    """
    return {
        posixpath.dirname(path)
        for path in listing.paths
        if "/" in path
        and path.endswith((".yml", ".yaml"))
        and facts.is_compose(path)
        and facts.project_directory(path) == "."
        and not facts.referenced_by(path)
    }


def merge_duplicates(entries: Iterable[Invocation]) -> list[Invocation]:
    """Return *entries* with equal ones merged: their evidence is combined.

    An entry that is not assumed takes precedence over one that is.
    """
    merged: dict[tuple[object, ...], Invocation] = {}
    for entry in entries:
        # With -f, paths are relative to the first file, wherever the command runs.
        place = entry.directory if entry.implicit else directory_of(entry.root_file)
        key = (place, entry.files, entry.project_directory, entry.env_files, entry.profiles)
        earlier = merged.get(key)
        if earlier is None:
            merged[key] = entry
            continue
        certain = [one for one in (earlier, entry) if not one.assumed] or [earlier, entry]
        evidence = [why for one in certain for why in one.evidence]
        merged[key] = replace(
            earlier,
            directory=earlier.directory if not earlier.assumed else certain[0].directory,
            project_name=earlier.project_name
            if earlier.project_name == entry.project_name
            else earlier.project_name or entry.project_name,
            implicit=earlier.implicit or entry.implicit,
            assumed=earlier.assumed and entry.assumed,
            evidence=tuple(dict.fromkeys(evidence)),
        )
    return list(merged.values())


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
    listing: Listing,
    *,
    file: Sequence[str] = (),
    entry: Sequence[str] = (),
    env_file: Sequence[str] = (),
    environ: Mapping[str, str],
) -> list[Invocation] | None:
    """Return the start commands that options and environment name, or None if they name none.

    *file* is the ``-f`` list of one start command, and each item of *entry* contains the
    comma-separated files of another; paths are relative to the project directory. Without both,
    ``COMPOSE_FILE`` of *environ* is used, split at ``COMPOSE_PATH_SEPARATOR`` or ``:``.
    *env_file*, or else ``COMPOSE_ENV_FILES``, applies to all.

    Raises InputError for a file that does not exist, UsageError for an entry without files.
    """
    named: list[tuple[str, list[str]]] = [("-f", list(file))] if file else []
    for text in entry:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            raise UsageError(
                f"--entry {text!r} names no file", remedy="list its files: --entry a.yml,b.yml"
            )
        named.append(("--entry", parts))
    if not named and environ.get("COMPOSE_FILE"):
        separator = environ.get("COMPOSE_PATH_SEPARATOR") or ":"
        parts = list(split_files(environ["COMPOSE_FILE"], separator))
        named.append(("COMPOSE_FILE", parts))
    if not named:
        return None
    env_files = list(env_file) or [
        part for part in environ.get("COMPOSE_ENV_FILES", "").split(",") if part
    ]
    return merge_duplicates(
        Invocation(
            files=tuple(_existing_path(path, source, listing) for path in parts),
            env_files=tuple(_existing_path(path, "--env-file", listing) for path in env_files),
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
    entries: Iterable[Invocation], listing: Listing, env_file: Sequence[str]
) -> list[Invocation]:
    """Return *entries*, with the files *env_file* for those that name no env file themselves.

    Raises InputError for a file that does not exist.
    """
    named = tuple(_existing_path(path, "--env-file", listing) for path in env_file)
    return merge_duplicates(replace(entry, env_files=entry.env_files or named) for entry in entries)


def _existing_path(path: str, source: str, listing: Listing) -> str:
    normal = path_from(".", path)
    if not listing.exists(normal) and listing.read(normal) is None:
        raise InputError(
            f"no such file in the project ({source})",
            location=Location(path),
            remedy="paths are relative to the project directory",
        )
    return normal
