"""Move credentials that stand in Compose files as text to `.env`, or to secrets.

Passwords, tokens and keys in `environment` and build arguments, and passwords in connection URLs,
are replaced by `${NAME:?set it in .env}`; the values go to `.env`, their names to `.env.example`.
The resolved project stays the same. A password that a database is started with and that others log
in with becomes one variable. `.env` is kept out of git: `.gitignore` gets a line where it has none,
and a `.env` that git has is refused. Commands with `--env-file` get the variables in that file.

With `to=secrets` a credential that the image reads from a file, as the catalogue knows, becomes a
secret instead; others still go to `.env`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from composerefactor.compose.dotenv import assignment
from composerefactor.compose.env_files import env_files, example, names_in, readers, values_in
from composerefactor.compose.project import Project
from composerefactor.compose.services import StartModel, start_models
from composerefactor.edit.operations import AddLines, Edit, Replace
from composerefactor.errors import Location
from composerefactor.images.credentials import LiteralCredential, literals
from composerefactor.refactoring.contract import Change, Effect, Refusal, fixer, option
from composerefactor.transforms._attribute import listed
from composerefactor.transforms._secrets import (
    Credential,
    FileSecret,
    Names,
    credentials,
    edits,
    effects,
    file_secret,
    ignore,
)


@dataclass(frozen=True, slots=True)
class Options:
    """Where credentials go."""

    to: str = option(
        "env",
        help="Where credentials go: variables in .env, or secrets where the image reads files.",
        choices=("env", "secrets"),
    )


@fixer(Options, after=("add-missing-services",), unsafe=True)
def move_secrets(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each credential, or for several that stand in one value."""
    every = start_models(project)
    found = credentials(literals(every))
    if options.to == "secrets":
        secrets = [each for c in found if (each := file_secret(project, c)) is not None]
        for together in _of_services(secrets):
            yield _as_secrets(project, together)
        found = [each for each in found if each not in {s.credential for s in secrets}]
    yield from _to_env_files(project, every, found)


def _as_secrets(project: Project, found: list[FileSecret]) -> Change:
    names = listed([_subject(each.credential) for each in found])
    return Change(
        title=f"{names}: moves to {listed([each.path for each in found])}, as a secret",
        location=_at([each.credential for each in found]),
        edits=list(edits(project, found)),
        effects=list(dict.fromkeys(effects(found))),
        evidence="the image reads it from a file",
    )


def _of_services(found: list[FileSecret]) -> Iterator[list[FileSecret]]:
    """Yield *found*, those in one list that are of the same services."""
    groups: list[list[FileSecret]] = []
    for each in found:
        services = set(each.credential.services)
        touching = [g for g in groups if any(services & set(s.credential.services) for s in g)]
        groups = [group for group in groups if group not in touching]
        groups.append([*(other for group in touching for other in group), each])
    yield from groups


def _to_env_files(
    project: Project, every: list[StartModel], found: list[Credential]
) -> Iterator[Change | Refusal]:
    paths = env_files(project, {path for each in found for path in each.files})
    refused = {path: why for path in paths if (why := _why_not(project, path))}
    names = Names(project, every, values_in(project, paths))
    mover = _Mover(project, every)
    told: set[str] = set()
    for group in _together(found):
        needed = env_files(project, {path for each in group for path in each.files})
        bad = [path for path in needed if path in refused]
        if bad:
            if bad[0] not in told:
                told.add(bad[0])
                reason, remedy = refused[bad[0]]
                yield Refusal(reason, _at(group), remedy)
            continue
        if any(assignment("X", each.value) is None for each in group):
            title = f"{_subject(group[0])} holds characters that no env file can hold"
            yield Refusal(title, _at(group), "put it into a file, and name that as a secret")
            continue
        for each in group:
            each.variable = names.name(each)
        yield mover.change(group, needed)


def _why_not(project: Project, path: str) -> tuple[str, str] | None:
    """Return why no secret is written to *path*, and what to do."""
    if path.startswith(("../", "/", "~")):
        return f"credentials stay: {path}, which has the variables, is outside of the project", ""
    if project.is_tracked(path):
        return (
            f"credentials stay: git has {path}, so they would be committed",
            f"take it out of git first (git rm --cached {path}), then run again",
        )
    return None


def _together(found: list[Credential]) -> Iterator[list[Credential]]:
    """Yield *found*, those in one list that stand in the same text: one edit replaces it."""
    groups: list[list[Credential]] = []
    for each in found:
        nodes = {id(literal.node) for literal in each.literals}
        touching = [
            group
            for group in groups
            if nodes & {id(literal.node) for other in group for literal in other.literals}
        ]
        groups = [group for group in groups if group not in touching]
        groups.append([*(other for group in touching for other in group), each])
    yield from groups


class _Mover(Struct, frozen=True):
    """Makes the edits for a project."""

    project: Project
    every: list[StartModel]

    def change(self, group: list[Credential], needed: list[str]) -> Change:
        """Return the change that moves *group* to the env files in *needed*."""
        made: list[Edit] = [*_replacements(group)]
        differs = [
            Effect(place, "changes", resolved=False)
            for each in group
            for literal in each.literals
            for place in _places(literal)
        ]
        notes: list[str] = []
        for path in needed:
            made += self.lines(group, path)
            for each in group:
                also = sorted(
                    {
                        name
                        for name, service in readers(self.project, self.every, path)
                        if each.variable not in service.pairs("environment")
                    }
                )
                differs += [
                    Effect(("services", name, "environment", each.variable), "adds")
                    for name in also
                ]
                if also:
                    notes.append(f"{listed(also)} reads all of {path} and gets it too")
        return Change(
            title=f"{' and '.join(_subject(each) for each in group)}: moves to {listed(needed)}",
            location=_at(group),
            edits=made,
            effects=list(dict.fromkeys(differs)),
            evidence="; ".join(dict.fromkeys(notes)),
            variables={each.variable: each.value for each in group},
        )

    def lines(self, group: list[Credential], path: str) -> Iterator[Edit]:
        """Yield the lines for *group* in the env file at *path* and beside it."""
        known = names_in(self.project, path)
        sample = example(self.project, path, self.every)
        shown = names_in(self.project, sample) if sample else set()
        for each in group:
            if each.variable not in known:
                line = assignment(each.variable, each.value)
                yield AddLines(path, f"{line}\n", private=True)
            if sample and each.variable not in shown:
                yield AddLines(sample, f"{each.variable}=\n")
        if (ignored := ignore(self.project, path)) is not None:
            yield ignored


def _replacements(group: list[Credential]) -> Iterator[Replace]:
    """Yield one edit for each text in which a credential of *group* stands."""
    by_node: dict[int, list[tuple[LiteralCredential, str]]] = {}
    for each in group:
        for literal in each.literals:
            by_node.setdefault(id(literal.node), []).append((literal, each.variable))
    for found in by_node.values():
        found.sort(key=lambda pair: -pair[0].start)
        literal = found[0][0]
        text = literal.node.value
        for part, variable in found:
            text = f"{text[: part.start]}${{{variable}:?set it in .env}}{text[part.end :]}"
        yield Replace(literal.file.path, literal.path, text)


def _places(literal: LiteralCredential) -> Iterator[tuple[str, ...]]:
    """Yield the places of the model that have *literal*, and its own in a block for several."""
    yield from dict.fromkeys(use.place for use in literal.uses)
    if literal.path[0] != "services":
        yield tuple(map(str, literal.path))


def _subject(credential: Credential) -> str:
    first = credential.literals[0]
    return f"{first.key} of {listed(credential.services)}"


def _at(group: list[Credential]) -> Location:
    first = group[0].literals[0]
    return first.file.source.location(first.node.start)
