"""How much of a project is written more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.project import Project
from composerefactor.factoring.differences import comparisons


class Repetition(Struct, frozen=True):
    """*services* that each of several *files* defines whole.

    Their *definitions* have *lines*, of which *repeated* stand in an earlier file in the same
    service already. *differences* are the settings that are not the same in all files.
    """

    files: tuple[str, ...]
    services: tuple[str, ...]
    definitions: int
    lines: int
    repeated: int
    differences: int


def repetitions(project: Project) -> Iterator[Repetition]:
    """Yield what base files of *project* with services in common repeat."""
    for comparison in comparisons(project):
        definitions = lines = repeated = 0
        for name in comparison.common:
            seen: Counter[str] = Counter()
            for path in comparison.services[name]:
                own = Counter(_lines(project.files[path], name))
                definitions += 1
                lines += own.total()
                repeated += (own & seen).total()
                seen |= own
        differences = sum(d.service in comparison.common for d in comparison.differences)
        common = tuple(comparison.common)
        yield Repetition(comparison.files, common, definitions, lines, repeated, differences)


def _lines(file: ComposeFile, service: str) -> list[str]:
    """Return the lines of *service* in *file*, without comments and blank ones."""
    region = file.regions_in("services").get(service)
    if region is None:
        return []
    text = file.source.text[region.key : region.end]
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
