"""What ``config`` prints, compared as the engine means it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.secrets import MASK, mask_value
from composerefactor.errors import InputError
from composerefactor.proof.engine import Result
from composerefactor.proof.scenarios import Kind
from composerefactor.proof.staging import Run, Runner
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_SECTION = re.compile(r"^(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s#'\"-][^:\n]*):(?=\s|$)", re.MULTILINE)
_KEY_VALUE = frozenset({"environment", "labels", "annotations", "sysctls", "additional_contexts"})
_MAX_SHOWN = 80
_NOUNS = {
    "services": "service",
    "networks": "network",
    "volumes": "volume",
    "secrets": "secret",
    "configs": "config",
    "models": "model",
}
_ABSENT = object()


class Difference(Struct, frozen=True):
    """One place at which two models differ; *was* and *now* say whether there is a value at all.

    *path* begins at the top of the model; positions in lists are decimal numbers.
    """

    path: tuple[str, ...]
    before: Any
    after: Any
    was: bool = True
    now: bool = True

    @property
    def service(self) -> str | None:
        """The service that it is about."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None


def sections(output: bytes) -> dict[str, str]:
    """Return the top-level sections of what ``config`` printed, each as its text.

    What stands before the first one is dropped: engines of v2.24 may print warnings there.
    """
    text = output.decode("utf-8", "replace")
    starts = [match for match in _SECTION.finditer(text) if not match[0].startswith("time=")]
    places = [*(match.start() for match in starts), len(text)]
    return {
        match[1].strip("\"'"): text[place:end]
        for match, (place, end) in zip(starts, pairwise(places), strict=True)
    }


def compare(before: bytes, after: bytes, *, moved: Collection[str] = ()) -> list[Difference]:
    """Return where two outputs of ``config`` differ in meaning.

    Top-level ``x-*`` have to be what they were unless *moved* names them; new ones are no
    difference. Key/value attributes are compared as maps in whichever form they are printed; lists
    in order.
    """
    old, new = sections(before), sections(after)
    names = [
        name
        for name in dict.fromkeys([*old, *new])
        if not name.startswith("x-") or (name in old and name not in moved)
    ]
    unequal = [name for name in names if old.get(name) != new.get(name)]
    if not unequal:
        return []
    try:
        was, now = _parsed(old, unequal), _parsed(new, unequal)
    except InputError:
        return [Difference((name,), None, None) for name in unequal]
    for name in _NOUNS.keys() & {*was, *now}:  # so that each is named where none is left
        was.setdefault(name, {})
        now.setdefault(name, {})
    return list(_unequal((), was, now))


def model(output: bytes) -> dict[str, Any]:
    """Return what ``config`` printed as plain values, top-level ``x-*`` included.

    Raises InputError for output that is no YAML.
    """
    found = sections(output)
    return _parsed(found, list(found))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return where two models, as :func:`model` gives them, differ.

    An empty section is none. Lists are compared in order.
    """
    was = {name: part for name, part in before.items() if part}
    now = {name: part for name, part in after.items() if part}
    for name in _NOUNS.keys() & {*was, *now}:
        was.setdefault(name, {})
        now.setdefault(name, {})
    return list(_unequal((), was, now))


def hashes(output: bytes) -> dict[str, str]:
    """Return each service's configuration hash from what ``config --hash '*'`` printed."""
    lines = output.decode("utf-8", "replace").splitlines()
    words = [line.split() for line in lines]
    return {pair[0]: pair[1] for pair in words if len(pair) == 2}  # noqa: PLR2004


def describe(difference: Difference) -> str:
    """Return *difference* in words, with secret values masked."""
    section = difference.path[0] if difference.path else ""
    subject = " ".join((_NOUNS.get(section, section), *difference.path[1:2]))
    place = ".".join(difference.path[2:])
    key = next((part for part in reversed(difference.path) if not part.isdecimal()), "")
    before, after = _shown(difference.before, key), _shown(difference.after, key)
    whole = f"{subject}: {place}" if place else subject
    if not difference.now:
        return f"{whole} is gone, was {before}" if place else f"{whole} is gone"
    if not difference.was:
        return f"{whole} is new: {after}" if place else f"{whole} is new"
    if before == after:
        return f"{whole} has another value"
    return f"{whole} was {before}, is {after}"


def _parsed(found: Mapping[str, str], names: list[str]) -> dict[str, Any]:
    text = "".join(found[name] for name in names if name in found)
    tree = parse(Source.decode("the engine's output", text.encode()))
    value = {} if tree.root is None else to_python(tree.root, tree.source)
    return _normalised(value, ()) if isinstance(value, dict) else {}


def _normalised(value: Any, path: tuple[str, ...]) -> Any:
    """Return *value* with key/value attributes as maps of text, whichever way they are written."""
    key = path[-1] if path else ""
    is_data = any(part.startswith("x-") for part in path)
    if not is_data and (key in _KEY_VALUE or path[-2:] == ("build", "args")):
        pairs = _pairs(value)
        if pairs is not None:
            return pairs
    if isinstance(value, dict):
        return {name: _normalised(part, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        items = [_normalised(part, (*path, str(n))) for n, part in enumerate(value)]
        # Compose gives the order of extra_hosts no meaning; the hash does not see it.
        return sorted(items, key=str) if key == "extra_hosts" and not is_data else items
    return value


def _pairs(value: Any) -> dict[str, str | None] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        parts = (item.partition("=") for item in value)
        return {name: text if equals else None for name, equals, text in parts}
    if isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values()):
        return {name: _text(part) for name, part in value.items()}
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _canonical(value)


def _canonical(value: Any) -> str:
    """Return *value* as text; in Python ``1 == True``, as text they differ."""
    return json.dumps(value, sort_keys=True, default=str)


def _unequal(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    """Yield the differences below *path*; mappings are gone through here, the rest is explained."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            below = (*path, name)
            old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
            if new is _ABSENT:
                yield Difference(below, old, None, now=False)
            elif old is _ABSENT:
                yield Difference(below, None, new, was=False)
            else:
                yield from _unequal(below, old, new)
    elif _canonical(before) != _canonical(after):
        if isinstance(before, list) and isinstance(after, list):
            yield from _explained(path, before, after)
        else:
            yield Difference(path, before, after)


def _explained(path: tuple[str, ...], before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """Yield the differences between two lists, item by item."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - 150 ms, and equal models never need it

    found = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    levels = [
        (level.path(output_format="list"), level, kind)
        for kind, group in found.items()
        for level in group
    ]
    if not levels:
        yield Difference(path, before, after)
    masked = mask_value(before), mask_value(after)
    for below, level, kind in sorted(levels, key=lambda each: str(each[0])):
        old, new = level.t1, level.t2
        if len(below) == 1:  # a word of a command is secret by the word before it
            old, new = (
                _secret_word(masked[0], below[0], old),
                _secret_word(masked[1], below[0], new),
            )
        yield Difference(
            (*path, *map(str, below)),
            None if kind.endswith("_added") else old,
            None if kind.endswith("_removed") else new,
            was=not kind.endswith("_added"),
            now=not kind.endswith("_removed"),
        )


def _secret_word(masked: list[Any], n: int, value: Any) -> Any:
    return MASK if n < len(masked) and masked[n] == MASK else value


def _shown(value: Any, key: str) -> str:
    text = json.dumps(mask_value(value, key), ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


_NAMED_SERVICE = re.compile(r'service "([^"]+)"|services\.([\w-]+)|service ([\w.-]+) ')


class ProofFinding(Struct, frozen=True):
    """Something that is not as before; *path* begins at the model's top, *words* hide secrets.

    *was* and *now* say whether there is a value at all; *rejects* is True where the engine resolves
    nothing any more.
    """

    entry: Invocation
    scenario: str
    service: str | None
    words: str
    path: tuple[str, ...] = ()
    kind: Kind = "model"
    was: bool = True
    now: bool = True
    rejects: bool = False


class NotCovered(Struct, frozen=True):
    """A circumstance that proves nothing; *words* are the engine's."""

    entry: Invocation
    scenario: str
    words: str


class ProofResult(Struct, frozen=True):
    """What a check found.

    *differences* has each place once an entry point, in the first circumstance that shows it.
    *covered* counts the circumstances that were compared, *recreated* names the services whose
    containers ``up`` would recreate. *runs* and *seconds* include the originals where this check
    was the first. *incomplete* are entry points that the engine rejects for what they lack, and
    that were compared without its checks of that.
    """

    differences: list[ProofFinding] = []
    covered: int = 0
    not_covered: list[NotCovered] = []
    assumptions: list[str] = []
    runs: int = 0
    seconds: float = 0.0
    recreated: dict[Invocation, list[str]] = {}
    incomplete: tuple[Invocation, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was compared and everything compared is equal."""
        return not self.differences and self.covered > 0

    def with_lenient(self, other: ProofResult, entries: Collection[Invocation]) -> ProofResult:
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


def judge(run: Run, after: Result, runner: Runner, moved: Collection[str]) -> list[ProofFinding]:
    """Return what *after* has that the original *run*, which was accepted, has not."""
    name, kind = run.scenario.name, run.scenario.kind
    if not after.ok:
        words = f"the engine rejects it: {runner.words(after)}"
        services: list[str | None] = [*services_named(after.error)] or [None]
        return [
            ProofFinding(run.entry, name, service, words, kind=kind, rejects=True)
            for service in services
        ]
    if kind == "hash":
        return [
            ProofFinding(
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
        ProofFinding(
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
