"""What a run does to files: a value that is complete before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from msgspec import Struct
from msgspec.structs import force_setattr

_ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class FileChange:
    """The content of one file before and after; None where the file does not exist.

    *path* is POSIX, in normal form, and relative to the project root; ValueError for others.
    """

    path: str
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if not self.path or any(part in {"", ".", ".."} for part in parts) or "\0" in self.path:
            msg = f"not a path below the project root in normal form: {self.path!r}"
            raise ValueError(msg)

    @property
    def is_created(self) -> bool:
        """True where there was no such file."""
        return self.before is None and self.after is not None

    @property
    def is_changed(self) -> bool:
        """True where the file exists before and after."""
        return self.before is not None and self.after is not None

    @property
    def is_deleted(self) -> bool:
        """True where the file is gone afterwards."""
        return self.before is not None and self.after is None

    @property
    def id(self) -> str:
        """A short name of this very change: it depends on path and content, on nothing else."""
        import hashlib  # noqa: PLC0415 - see cli/__init__.py

        digest = hashlib.sha256(self.path.encode("utf-8", "surrogateescape"))
        for content in (self.before, self.after):
            digest.update(b"\0-" if content is None else b"\0%d:" % len(content))
            digest.update(content or b"")
        return digest.hexdigest()[:_ID_LENGTH]


class Changeset(Struct, frozen=True):
    """File changes ordered by path, without those that change nothing.

    Two changes of one file, and a change below a path that another change takes for a file, raise
    ValueError: such a set has no order in which all or nothing of it can be written.
    """

    changes: tuple[FileChange, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(
            (change for change in self.changes if change.before != change.after),
            key=lambda change: change.path,
        )
        paths = {change.path for change in ordered}
        if len(paths) != len(ordered):
            msg = "two changes of one file"
            raise ValueError(msg)
        for path in paths:
            for parent in PurePosixPath(path).parents:
                if str(parent) in paths:
                    msg = f"{parent} is a file in one change and the directory of {path} in another"
                    raise ValueError(msg)
        force_setattr(self, "changes", tuple(ordered))

    @property
    def is_empty(self) -> bool:
        """True where nothing changes."""
        return not self.changes

    @property
    def created(self) -> tuple[FileChange, ...]:
        """The changes that create a file."""
        return tuple(change for change in self.changes if change.is_created)

    @property
    def changed(self) -> tuple[FileChange, ...]:
        """The changes of files that exist before and after."""
        return tuple(change for change in self.changes if change.is_changed)

    @property
    def deleted(self) -> tuple[FileChange, ...]:
        """The changes that delete a file."""
        return tuple(change for change in self.changes if change.is_deleted)

    def as_mapping(self) -> dict[str, bytes | None]:
        """Return the new content by path; None where the file is deleted."""
        return {change.path: change.after for change in self.changes}

    def text_lines(self) -> tuple[int, int]:
        """Return how many lines that are not blank the files have before and after."""
        before = sum(_text_lines(change.before) for change in self.changes)
        return before, sum(_text_lines(change.after) for change in self.changes)


def _text_lines(content: bytes | None) -> int:
    return sum(1 for line in (content or b"").splitlines() if line.strip())
