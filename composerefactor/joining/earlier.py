"""Texts of a file from before it was divided, and whether they say the same as the joined one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from composerefactor.compose.file import ComposeFile
from composerefactor.edits.drafts import Draft, Slice
from composerefactor.errors import InputError
from composerefactor.factoring.kinds import meaning
from composerefactor.factoring.parts import same
from composerefactor.source import Source
from composerefactor.yamltree.comments import comments, lone_comments
from composerefactor.yamltree.values import to_python


@dataclass(frozen=True, slots=True)
class Earlier:
    """The *content* of a file at an earlier time; *name* is the revision as people write it."""

    name: str
    content: bytes = field(repr=False)

    def file(self, path: str) -> ComposeFile | None:
        """Return it as the Compose file *path*, or None where it is none."""
        try:
            file = ComposeFile.parse(Source.decode(path, self.content))
        except InputError:
            return None
        return file if file.services and file.sections is not None else None


def former(path: str, draft: Draft, texts: Iterable[Earlier]) -> tuple[Earlier, ComposeFile] | None:
    """Return the one of *texts* that has most of the services of *draft*, the first of equals.

    None where none has at least half of them.
    """
    try:
        names = ComposeFile.parse(Source.decode(path, draft.content() or b"")).services.keys()
    except InputError:
        return None
    best: tuple[Earlier, ComposeFile] | None = None
    most = 0
    for earlier in texts:
        file = earlier.file(path)
        count = len(names & file.services.keys()) if file else 0
        if file is not None and count > most and count * 2 >= len(names):
            best, most = (earlier, file), count
    return best


def restored(drafts: Mapping[str, Draft], earlier: Mapping[str, ComposeFile]) -> list[Draft] | None:
    """Return the *earlier* texts as drafts, if together they say what *drafts* say.

    Each has to give the same values, and all comments of the drafts have to stand in one of them.
    """
    if drafts.keys() != earlier.keys():
        return None
    lost: set[str] = set()
    kept: set[str] = set()
    for path, draft in drafts.items():
        try:
            now = ComposeFile.parse(Source.decode(path, draft.content() or b""))
        except InputError:
            return None
        if not _is_same(now, earlier[path]):
            return None
        lost |= remarks(now)
        kept |= remarks(earlier[path])
    if lost - kept:
        return None
    return [
        Draft(path, (Slice(file.source, 0, len(file.source.text)),), file.source.has_bom)
        for path, file in earlier.items()
    ]


def _is_same(one: ComposeFile, other: ComposeFile) -> bool:
    ours, theirs = _values(one), _values(other)
    return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)


def _values(file: ComposeFile) -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = {}
    for name, section in (file.sections or {}).items():
        if name.startswith("x-"):
            continue
        if section.entries is None:
            found[name, ""] = to_python(section.region.entry.value, file.source)
        for key, region in (section.entries or {}).items():
            value = to_python(region.entry.value, file.source)
            found[name, key] = meaning(value, ()) if name == "services" else value
    return found


def remarks(file: ComposeFile) -> set[str]:
    """Return the comments of *file*, each from its ``#`` on."""
    regions = [section.region for section in (file.sections or {}).values()]
    found: set[str] = set()
    for region in regions:
        found.update(comments(file.source, region.entry, region.lead, region.end))
    if regions:
        found.update(lone_comments(file.source.text[: regions[0].lead]))
        found.update(lone_comments(file.source.text[regions[-1].end :]))
    return found
