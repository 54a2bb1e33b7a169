"""Entry points that the user names: ``-f``, ``--entry``, ``COMPOSE_FILE``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint, Evidence
from composerefactor.entrypoints.files import FileReader, join
from composerefactor.entrypoints.find import merged
from composerefactor.entrypoints.places import split_files
from composerefactor.errors import InputError, Location, UsageError


def from_options(
    files: FileReader,
    *,
    file: Sequence[str] = (),
    entry: Sequence[str] = (),
    env_file: Sequence[str] = (),
    environ: Mapping[str, str],
) -> list[EntryPoint] | None:
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
        EntryPoint(
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
    entries: Iterable[EntryPoint], files: FileReader, env_file: Sequence[str]
) -> list[EntryPoint]:
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
