"""What a check found, and how one run after a change is judged against the one before."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.patterns import regex
from composerefactor.verify.circumstances import Kind
from composerefactor.verify.engine import Result
from composerefactor.verify.models import compare, describe, hashes
from composerefactor.verify.runner import Run, Runner

_NAMED_SERVICE = regex(r'service "([^"]+)"|services\.([\w-]+)|service ([\w.-]+) ')


class Finding(Struct, frozen=True):
    """Something that is not as before; *path* begins at the model's top, *words* hide secrets.

    *was* and *now* say whether there is a value at all; *rejects* is True where the engine resolves
    nothing any more.
    """

    entry: EntryPoint
    circumstance: str
    service: str | None
    words: str
    path: tuple[str, ...] = ()
    kind: Kind = "model"
    was: bool = True
    now: bool = True
    rejects: bool = False


class NotCovered(Struct, frozen=True):
    """A circumstance that proves nothing; *words* are the engine's."""

    entry: EntryPoint
    circumstance: str
    words: str


class Verdict(Struct, frozen=True):
    """What a check found.

    *differences* has each place once an entry point, in the first circumstance that shows it.
    *covered* counts the circumstances that were compared, *recreated* names the services whose
    containers ``up`` would recreate. *runs* and *seconds* include the originals where this check
    was the first. *incomplete* are entry points that the engine rejects for what they lack, and
    that were compared without its checks of that.
    """

    differences: list[Finding] = []
    covered: int = 0
    not_covered: list[NotCovered] = []
    assumptions: list[str] = []
    runs: int = 0
    seconds: float = 0.0
    recreated: dict[EntryPoint, list[str]] = {}
    incomplete: tuple[EntryPoint, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was compared and everything compared is equal."""
        return not self.differences and self.covered > 0

    def with_lenient(self, other: Verdict, entries: Collection[EntryPoint]) -> Verdict:
        """Return this verdict with that of *other* on *entries*, which the engine rejects.

        *other* is of a prover that leaves out the engine's checks of what belongs together.
        """
        own = [found for found in self.not_covered if found.entry not in entries]
        return replace(
            self,
            differences=[*self.differences, *other.differences],
            covered=self.covered + other.covered,
            not_covered=[*own, *(n for n in other.not_covered if n.entry in entries)],
            assumptions=list(dict.fromkeys([*self.assumptions, *other.assumptions])),
            runs=self.runs + other.runs,
            seconds=self.seconds + other.seconds,
        )


def services_named(words: str) -> list[str]:
    """Return the services that an engine's error names, in its order."""
    found = (match[1] or match[2] or match[3] for match in _NAMED_SERVICE.finditer(words))
    return list(dict.fromkeys(found))


def judge(run: Run, after: Result, runner: Runner, moved: Collection[str]) -> list[Finding]:
    """Return what *after* has that the original *run*, which was accepted, has not."""
    name, kind = run.circumstance.name, run.circumstance.kind
    if not after.ok:
        words = f"the engine rejects it: {runner.words(after)}"
        services: list[str | None] = [*services_named(after.error)] or [None]
        return [
            Finding(run.entry, name, service, words, kind=kind, rejects=True)
            for service in services
        ]
    if kind == "hash":
        return [
            Finding(
                run.entry,
                name,
                service,
                f"service {service}: its container would be recreated",
                ("services", service),
                kind,
            )
            for service in recreated(run, after)
        ]
    return [
        Finding(
            run.entry,
            name,
            found.service,
            runner.stage.hide(describe(found)),
            found.path,
            kind,
            found.was,
            found.now,
        )
        for found in compare(run.result.stdout, after.stdout, moved=moved)
    ]


def recreated(run: Run, after: Result) -> list[str]:
    """Return the services with another hash; those that came or went are the model's matter."""
    before, now = hashes(run.result.stdout), hashes(after.stdout)
    return [name for name, value in before.items() if now.get(name, value) != value]
