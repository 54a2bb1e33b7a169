"""What the wizard needs done between two questions, as values; :mod:`workshop` does it.

*stage* numbers the runs that follow one another in a session: each begins on what those before it
have written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.errors import ComposerefactorError
from composerefactor.proposal.mended import Mend, Mended
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.propose import Proposal
from composerefactor.request.fix import FixRequest
from composerefactor.request.split import SplitRequest
from composerefactor.wizard.items import Item

Request: TypeAlias = SplitRequest | FixRequest


class Where(Struct, frozen=True):
    """The project, as the command line's options name it."""

    path: Path = Path()
    file: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    env_file: tuple[str, ...] = ()


class Open(Struct, frozen=True):
    """Open the project, which asks no engine; gives :class:`Opened`."""

    where: Where
    stage: int


class Examine(Struct, frozen=True):
    """Find what is wrong and what could be done; gives :class:`Examined`."""

    where: Where
    stage: int


class Examined(Struct, frozen=True):
    """What could be done.

    *rejected* has the engine's words on what it rejects, *mended* everything that the transforms
    that work in place would do, *environments* what telling environments apart would. *division* is
    a split without proof; where there is none, *undivided* says why.
    """

    opened: Opened
    rejected: Mapping[EntryPoint, str]
    mended: Mended
    environments: Mended
    division: Proposal | None = None
    undivided: str = ""


class Lay(Struct, frozen=True):
    """Plan a split without proof; gives a :class:`Proposal`."""

    where: Where
    stage: int
    request: SplitRequest


class Propose(Struct, frozen=True):
    """Plan and prove *request* without the changes *leave*; gives :class:`Proposed`.

    *expected* has the ids of changes that the user wants to be among it.
    """

    where: Where
    stage: int
    request: Request
    leave: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()


class Proposed(Struct, frozen=True):
    """A proposal with its changes one by one.

    *leave* has the ids that were left out and are those of changes, *lost* what is not possible
    without them, in words. *dirty* names files that git could not bring back, with the reason;
    those in *own* are as an earlier stage has written them. *left* are the changes that are left.
    """

    proposal: Proposal
    items: tuple[Item, ...]
    leave: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()
    dirty: Mapping[str, str] = {}
    own: frozenset[str] = frozenset()
    left: tuple[Mend, ...] = ()


class Write(Struct, frozen=True):
    """Write what *propose* has proposed; gives the number of files."""

    propose: Propose


class SavePatch(Struct, frozen=True):
    """Save the patch of what *propose* has proposed in the file *path*; gives its full path."""

    propose: Propose
    path: str


class KeepSettings(Struct, frozen=True):
    """Add the *sections* to the settings file; gives what must be added by hand, ``""`` if none."""

    where: Where
    sections: tuple[tuple[str, str], ...]


Work: TypeAlias = Open | Examine | Lay | Propose | Write | SavePatch | KeepSettings


class Say(Struct, frozen=True):
    """Show *lines*; *exact* for those that are to be copied, which stay as long as they are."""

    lines: tuple[str, ...]
    exact: bool = False


class Failed(Struct, frozen=True):
    """Work that could not be done."""

    error: ComposerefactorError
