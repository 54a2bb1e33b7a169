"""How a project is started: the arguments that decide which model the engine resolves."""

from __future__ import annotations

from msgspec import Struct


class Evidence(Struct, frozen=True):
    """Why an entry point is believed to be one.

    *reason* says it in words, *path* and *line* where it is written.
    """

    reason: str
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        if not self.path:
            return self.reason
        return f"{self.path}:{self.line}" if self.line else self.path


class Invocation(Struct, frozen=True):
    """One way to start the project. All paths are POSIX and relative to the project root.

    *files* is the ``-f`` list in order. *directory* is the working directory of the command.
    *project_directory* is what ``--project-directory`` names, or None. *implicit* is True where
    the command gives no ``-f`` and the engine finds the files itself. *assumed* is True where only
    names suggest that the files are used together. *evidence* makes no difference: two with the
    rest alike are equal.
    """

    files: tuple[str, ...]
    directory: str = "."
    project_directory: str | None = None
    env_files: tuple[str, ...] = ()
    project_name: str | None = None
    profiles: tuple[str, ...] = ()
    implicit: bool = False
    assumed: bool = False
    evidence: tuple[Evidence, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Invocation) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        return (
            self.files,
            self.directory,
            self.project_directory,
            self.env_files,
            self.project_name,
            self.profiles,
            self.implicit,
            self.assumed,
        )

    @property
    def base(self) -> str:
        """The first file: its directory is the project directory unless one is named."""
        return self.files[0]

    @property
    def title(self) -> str:
        """The files as shown to a person."""
        return " + ".join(self.files)

    @property
    def command(self) -> str:
        """The files, and the options that tell this entry point from others of the same files."""
        options = [f"--env-file {f}" for f in self.env_files]
        options += [f"--profile {p}" for p in self.profiles]
        if self.project_directory:
            options.append(f"--project-directory {self.project_directory}")
        return " ".join([self.title, *options])
