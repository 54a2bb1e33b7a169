"""A plan whose root files stand in a directory of their own afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import Project
from composerefactor.edits.drafts import Draft, Slice
from composerefactor.entrypoints.files import DEFAULT_NAMES, FileReader
from composerefactor.moving.entries import renamed, started
from composerefactor.moving.references import References, references
from composerefactor.moving.relocation import Relocation
from composerefactor.transform import Plan


@dataclass(frozen=True)
class Move:
    """The roots of *project* on their way, with the commands that name them."""

    project: Project
    relocation: Relocation
    references: References

    @classmethod
    def of(cls, project: Project, files: FileReader, found: Relocation) -> Move:
        """Return the move; raises RefusedError for a command that cannot be written anew."""
        if project.read is None or not found.files:
            return cls(project, found, References())
        told = references(files, project.read, found, lambda e: started(e, found))
        return cls(project, found, told)

    def after(self, plan: Plan) -> Plan:
        """Return *plan* with the move made after it."""
        files = self.relocation.files
        if not files:
            return plan
        drafts = {draft.path: draft for draft in plan.drafts}
        moved = [replace(self._whole(drafts, old), path=new) for old, new in files.items()]
        others = [draft for draft in plan.drafts if draft.path not in files]
        gone = [Draft(old, deleted=True) for old in files]
        return replace(
            plan,
            drafts=(*moved, *others, *gone, *self.references.drafts),
            relocated=files,
            entries=self.entries(),
            mentions=self.references.mentions,
            notes=(*plan.notes, *self._notes()),
        )

    def entries(self) -> dict[EntryPoint, EntryPoint]:
        """Return the new command of each entry point that needs another one."""
        return renamed(self.project.entries, self.relocation)

    def _whole(self, drafts: dict[str, Draft], path: str) -> Draft:
        if path in drafts:
            return drafts[path]
        source = self.project.files[path].source
        return Draft(path, (Slice(source, 0, len(source.text)),), source.has_bom)

    def _notes(self) -> Iterator[str]:
        default = [name for name in self.relocation.files if name in DEFAULT_NAMES]
        if default:
            yield (
                f"`docker compose` alone finds no file any more; an override of {default[0]} that "
                "is not in the repository has to be named with -f, too"
            )
