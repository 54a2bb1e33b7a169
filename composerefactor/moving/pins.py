"""What keeps the project's name and its paths when its first file stands in another directory.

Two things can: the files themselves, with a name and paths that are written anew, or the commands,
with ``--project-directory``. Commands are shorter with the first; see
:mod:`composerefactor.moving.obstacles` for what calls for the second.
"""

from __future__ import annotations

from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.file import SECTION_ORDER, ComposeFile
from composerefactor.compose.project import project_directory
from composerefactor.edits.drafts import Draft
from composerefactor.edits.operations import AddKey
from composerefactor.edits.splices import edited
from composerefactor.joining.relocate import following, root
from composerefactor.moving.relocation import Relocation
from composerefactor.source import Source


def started(entry: EntryPoint, found: Relocation, *, in_files: bool) -> EntryPoint:
    """Return *entry* as the command that gives the same model after the move.

    Unless the pins are *in_files* it names the project directory, which is that of the first file
    otherwise; with it stay the project's name, all paths, and the ``.env`` that is read (observed:
    v2.24.1 to v5.6.1).
    """
    if not found.moves(entry):
        return entry
    pinned = entry.project_directory
    if entry.base in found.files and not in_files:
        pinned = project_directory(entry)
    files = tuple(map(found.path, entry.files))
    return replace(entry, files=files, project_directory=pinned, implicit=False)


def pinned(file: ComposeFile, found: Relocation, name: str) -> Draft:
    """Return the root *file* with the *name* of the project, and paths from where *found* has it.

    No name is written where *name* is empty, or the file has one. Raises RefusedError or
    CannotJoinError for a text that cannot be changed so.
    """
    source = file.source
    if name and "name" not in file.root_keys:
        is_ordered = "version" in file.root_keys
        order = SECTION_ORDER if is_ordered else ()
        above = "" if is_ordered else file.root.entries[0].name or ""
        text = edited(file, [AddKey(file.path, (), "name", name, order=order, above=above)])
        file = ComposeFile.parse(Source(file.path, text, source.has_bom))
    pieces = root(file, ".", found.directory, found.files).cut(0, len(file.source.text))
    return Draft(file.path, tuple(pieces), source.has_bom)


def followed(file: ComposeFile, found: Relocation) -> Draft:
    """Return the root *file* with the new paths of the roots that it extends.

    The paths in those are seen from the new place then, though commands name the project directory.
    """
    pieces = following(file, ".", ".", found.files).cut(0, len(file.source.text))
    return Draft(file.path, tuple(pieces), file.source.has_bom)
