"""How a project is started: the arguments that decide what Docker Compose resolves."""

from __future__ import annotations

from msgspec import Struct


class Evidence(Struct, frozen=True):
    """Why a start command is believed to be one.

    Attributes:
        reason: The reason, as text for messages.
        path: The file that contains the command, or ``""``.
        line: The line number, from 1; 0 if there is none.
    """

    reason: str
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        if not self.path:
            return self.reason
        return f"{self.path}:{self.line}" if self.line else self.path


class Invocation(Struct, frozen=True):
    """A start command: one way to start the project.

    All paths are POSIX and relative to the project root. Invocations that differ only in
    *evidence* are equal.

    Attributes:
        files: The files of ``-f`` in order.
        directory: The working directory of the command.
        project_directory: The argument of ``--project-directory``, or None.
        env_files: The arguments of ``--env-file`` in order.
        project_name: The argument of ``--project-name``, or None.
        profiles: The arguments of ``--profile`` in order.
        implicit: True if the command has no ``-f`` and Docker Compose finds the files itself.
        assumed: True if only file names suggest that the files are used together.
        evidence: Where the command was found.
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
    def root_file(self) -> str:
        """The first root file. Its directory is the project directory by default."""
        return self.files[0]

    @property
    def title(self) -> str:
        """The files as text for messages, such as ``compose.yaml + compose.prod.yaml``."""
        return " + ".join(self.files)

    @property
    def command(self) -> str:
        """The files, and the options that distinguish start commands with the same files."""
        options = [f"--env-file {f}" for f in self.env_files]
        options += [f"--profile {p}" for p in self.profiles]
        if self.project_directory:
            options.append(f"--project-directory {self.project_directory}")
        return " ".join([self.title, *options])
