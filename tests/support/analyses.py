"""Analyses of projects in memory."""

from __future__ import annotations

from collections.abc import Mapping

from composerefactor.analysis.analysis import Analysis, analyse
from composerefactor.analysis.facts.architecture import Architecture, survey
from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.discovery.files import Listing, TreeFacts, files_with
from support.memory import Memory

MAIN = "compose.yaml"


def surveyed(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    entries: tuple[tuple[str, ...], ...] = ((MAIN,),),
    assumed: tuple[tuple[str, ...], ...] = (),
    tracked: tuple[str, ...] = (),
) -> Architecture:
    """Return the facts of a project with *text* in compose.yaml and further *files*.

    *entries* are the file lists by which it is started, *assumed* those of which that is only
    assumed, *tracked* the files that git has.
    """
    memory = Memory({MAIN: text, **(files or {})})
    found = [Invocation(names, implicit=names == (MAIN,)) for names in entries]
    found += [Invocation(names, assumed=True) for names in assumed]
    library = Library(memory, repairable=True)
    project = load_project(found, library)
    listing = Listing(lambda: memory.files, lambda path: memory.files[path].decode())
    project.files_in = listing.names_in
    project.files_with = lambda texts: files_with(listing, texts)
    project.all_undefined = lambda: TreeFacts(listing, library).all_undefined
    directories = {path.rpartition("/")[0] for path in memory.files} | {"."}
    project.has_directory = lambda path: any(f"{d}/".startswith(f"{path}/") for d in directories)
    project.is_tracked = lambda path: path in tracked
    return survey(project, "shop")


def analysed(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    entries: tuple[tuple[str, ...], ...] = ((MAIN,),),
    assumed: tuple[tuple[str, ...], ...] = (),
    tracked: tuple[str, ...] = (),
) -> Analysis:
    """Return the analysis of a project; see :func:`surveyed`."""
    return analyse(surveyed(text, files, entries=entries, assumed=assumed, tracked=tracked))
