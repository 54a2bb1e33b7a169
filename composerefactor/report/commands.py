"""An entry point as the command that a person types."""

from __future__ import annotations

import posixpath
import shlex

from composerefactor.compose.entrypoint import EntryPoint


def written(entry: EntryPoint) -> str:
    """Return the command that starts *entry*, without a subcommand."""

    def named(option: str, path: str) -> list[str]:
        return [option, posixpath.relpath(path, entry.directory)]

    words = ["docker", "compose"]
    if entry.project_directory is not None:
        words += named("--project-directory", entry.project_directory)
    if not entry.implicit:
        words += [word for file in entry.files for word in named("-f", file)]
    words += [word for file in entry.env_files for word in named("--env-file", file)]
    words += ["-p", entry.project_name] if entry.project_name else []
    words += [word for profile in entry.profiles for word in ("--profile", profile)]
    place = "" if entry.directory == "." else f"cd {shlex.quote(entry.directory)} && "
    return place + shlex.join(words)
