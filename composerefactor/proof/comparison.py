"""Comparing two outputs of ``docker compose config``, and the result of a proof.

Outputs are parsed and compared by meaning, not as text. Messages never contain secret values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.attributes import SERVICE, TOP, find_attribute
from composerefactor.compose.files import SECTION_NOUNS
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL, MASK
from composerefactor.compose.short_forms import key_value_pairs, long_form
from composerefactor.errors import InputError, shortened
from composerefactor.proof.config_output import blocks, sections
from composerefactor.proof.engine import Result
from composerefactor.proof.scenarios import Kind
from composerefactor.proof.staging import Run, Runner
from composerefactor.yaml.parser import parse
from composerefactor.yaml.source import Source
from composerefactor.yaml.values import to_python

_MAX_SHOWN = 80
_ABSENT = object()


class Difference(Struct, frozen=True):
    """One place at which two resolved configurations differ.

    Attributes:
        path: The place, from the top of the configuration; list positions are decimal numbers.
        before: The old value.
        after: The new value.
        was: False if there is no old value.
        now: False if there is no new value.
    """

    path: tuple[str, ...]
    before: Any
    after: Any
    was: bool = True
    now: bool = True

    @property
    def service(self) -> str | None:
        """The service that differs; None for a difference outside ``services``."""
        return self.path[1] if len(self.path) > 1 and self.path[0] == "services" else None

    @property
    def key(self) -> str:
        """The last name in the path, by which a value is known to be secret; ``""`` if none."""
        return next((part for part in reversed(self.path) if not part.isdecimal()), "")


def _unequal_entries(before: str, after: str) -> tuple[str, str]:
    """Return two texts of one section without the entries that are equal."""
    (title, _, old_text), (new_title, _, new_text) = before.partition("\n"), after.partition("\n")
    old, new = blocks(old_text, 2), blocks(new_text, 2)
    if title != new_title or old is None or new is None:
        return before, after
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return _section(title, old, names), _section(title, new, names)


def _section(title: str, entries: Mapping[str, str], names: Collection[str]) -> str:
    text = "".join(entries.get(name, "") for name in names)
    return f"{title}\n{text}" if text else f"{title} {{}}\n"


def compare(before: bytes, after: bytes, *, moved: Collection[str] = ()) -> list[Difference]:
    """Return the differences in meaning between two outputs of ``config``.

    Key/value attributes are compared as maps, in whichever form they are printed; lists in order.

    Args:
        before: The old output.
        after: The new output.
        moved: Top-level ``x-*`` sections that may change or be missing. All other old ones must be
            equal; new ones are not a difference.
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
    for name in unequal:
        if name in old and name in new:
            old[name], new[name] = _unequal_entries(old[name], new[name])
    try:
        was, now = _parse_sections(old, unequal), _parse_sections(new, unequal)
    except InputError:
        return [Difference((name,), None, None) for name in unequal]
    return _section_differences(was, now)


def parse_config(output: bytes) -> dict[str, Any]:
    """Return an output of ``config`` as plain values, including top-level ``x-*`` sections.

    Raises:
        InputError: The output is not YAML.
    """
    texts = sections(output)
    return _parse_sections(texts, list(texts))


def config_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return the differences between two configurations, as :func:`parse_config` returns them.

    An empty section equals a missing one. Lists are compared in order.
    """
    was = {name: part for name, part in before.items() if part}
    now = {name: part for name, part in after.items() if part}
    return _section_differences(was, now)


def _section_differences(was: dict[str, Any], now: dict[str, Any]) -> list[Difference]:
    """Return the differences between two files by section; adds the sections that one lacks.

    So each element of a removed section is reported.
    """
    for name in SECTION_NOUNS.keys() & {*was, *now}:
        was.setdefault(name, {})
        now.setdefault(name, {})
    return list(_differences((), was, now))


def hashes(output: bytes) -> dict[str, str]:
    """Return the configuration hash of each service from the output of ``config --hash '*'``."""
    lines = output.decode("utf-8", "replace").splitlines()
    pairs = [line.split() for line in lines]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}  # noqa: PLR2004


def describe(difference: Difference) -> str:
    """Return the message for *difference*, with secret values masked."""
    section = difference.path[0] if difference.path else ""
    subject = " ".join((SECTION_NOUNS.get(section, section), *difference.path[1:2]))
    place = ".".join(difference.path[2:])
    key = difference.key
    before, after = _masked_text(difference.before, key), _masked_text(difference.after, key)
    whole = f"{subject}: {place}" if place else subject
    if not difference.now:
        return f"{whole} was removed (it was {before})" if place else f"{whole} was removed"
    if not difference.was:
        return f"{whole} was added: {after}" if place else f"{whole} was added"
    if before == after:
        return f"{whole} has a different value"
    return f"{whole} was {before}, is {after}"


def _parse_sections(texts: Mapping[str, str], names: list[str]) -> dict[str, Any]:
    text = "".join(texts[name] for name in names if name in texts)
    tree = parse(Source.decode("the output of Docker Compose", text.encode()))
    value = {} if tree.root is None else to_python(tree.root, tree.source)
    return _normalized(value, ()) if isinstance(value, dict) else {}


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return *value*, a configuration or a part of one, with *change* applied to all its texts."""
    if isinstance(value, dict):
        return {name: with_texts(part, change) for name, part in value.items()}
    if isinstance(value, list):
        return [with_texts(part, change) for part in value]
    return change(value) if isinstance(value, str) else value


def _normalized(value: Any, path: tuple[str, ...]) -> Any:
    """Return *value* with key/value attributes as maps of text, in whichever form they are."""
    if not isinstance(value, dict | list):
        return value
    in_service = len(path) > 2 and path[0] in {"services", "jobs"}  # noqa: PLR2004
    attribute = find_attribute(SERVICE, path[2:]) if in_service else find_attribute(TOP, path)
    has_pairs = attribute is not None and attribute.has_pairs
    is_unique = attribute is not None and attribute.merge != "appended"
    if has_pairs and is_unique:
        pairs = _pairs(value)
        if pairs is not None:
            return pairs
    if isinstance(value, dict):
        return {name: _normalized(part, (*path, name)) for name, part in value.items()}
    items = [_normalized(part, (*path, str(n))) for n, part in enumerate(value)]
    # A key of extra_hosts may be there several times. Their order has no meaning to Docker
    # Compose, and does not affect the hash.
    return sorted(items, key=str) if has_pairs else items


def _pairs(value: Any) -> dict[str, str | None] | None:
    if isinstance(value, list):
        pairs = key_value_pairs(value)
        return pairs if isinstance(pairs, dict) else None
    if isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values()):
        return {name: _optional_text(part) for name, part in value.items()}
    return None


def _optional_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _canonical_text(value)


def _canonical_text(value: Any) -> str:
    """Return *value* as text, since ``1 == True`` in Python, but not as text."""
    return json.dumps(value, sort_keys=True, default=str)


def _differences(path: tuple[str, ...], before: Any, after: Any) -> Iterator[Difference]:
    """Yield the differences at and below *path*."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            below = (*path, name)
            old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
            if new is _ABSENT:
                yield Difference(below, old, None, now=False)
            elif old is _ABSENT:
                yield Difference(below, None, new, was=False)
            else:
                yield from _differences(below, old, new)
    elif _canonical_text(before) != _canonical_text(after):
        if isinstance(before, list) and isinstance(after, list):
            yield from _list_differences(path, before, after)
        else:
            yield Difference(path, before, after)


def _list_differences(
    path: tuple[str, ...], before: list[Any], after: list[Any]
) -> Iterator[Difference]:
    """Yield the differences between two lists, item by item."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes 150 ms, and only a difference needs it

    diff = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    levels = [
        (level.path(output_format="list"), level, kind)
        for kind, group in diff.items()
        for level in group
    ]
    if not levels:
        yield Difference(path, before, after)
    masked = GENERAL.value(before), GENERAL.value(after)
    for below, level, kind in sorted(levels, key=lambda item: str(item[0])):
        old, new = level.t1, level.t2
        if path and long_form(old, path[-1]) == long_form(new, path[-1]):
            continue  # v2.24.7 prints an included port that is merged in the other form (observed)
        if len(below) == 1:  # whether a word of a command is secret depends on the word before it
            old, new = (
                _masked_word(masked[0], below[0], old),
                _masked_word(masked[1], below[0], new),
            )
        yield Difference(
            (*path, *map(str, below)),
            None if kind.endswith("_added") else old,
            None if kind.endswith("_removed") else new,
            was=not kind.endswith("_added"),
            now=not kind.endswith("_removed"),
        )


def _masked_word(masked: list[Any], n: int, value: Any) -> Any:
    return MASK if n < len(masked) and masked[n] == MASK else value


def _masked_text(value: Any, key: str) -> str:
    text = json.dumps(GENERAL.value(value, key), ensure_ascii=False, default=str)
    return shortened(text, _MAX_SHOWN)


_NAMED_SERVICE = r'service "([^"]+)"|services\.([\w-]+)|service ([\w.-]+) '


class ProofFinding(Struct, frozen=True):
    """A difference that a proof has found.

    Attributes:
        entry: The start command.
        scenario: The name of the scenario.
        service: The service that differs; None for a difference outside ``services``.
        message: The difference, without secret values.
        path: The place, from the top of the resolved configuration.
        kind: The output that differs; see :class:`~composerefactor.proof.scenarios.Scenario`.
        was: False if there is no old value.
        now: False if there is no new value.
        rejects: True if Docker Compose rejects the changed project.
    """

    entry: Invocation
    scenario: str
    service: str | None
    message: str
    path: tuple[str, ...] = ()
    kind: Kind = "model"
    was: bool = True
    now: bool = True
    rejects: bool = False


class NotCovered(Struct, frozen=True):
    """A scenario that was not compared.

    Attributes:
        entry: The start command.
        scenario: The name of the scenario.
        message: The reason: the message of Docker Compose, or that the scenario was not tried.
    """

    entry: Invocation
    scenario: str
    message: str


class ProofResult(Struct, frozen=True):
    """The result of a proof.

    Attributes:
        differences: The differences: each once per start command, for the first scenario with it.
        covered: The number of scenarios that were compared.
        not_covered: The scenarios that were not compared.
        assumptions: What was supplied to make the original project load.
        recreated: The services whose containers ``up`` would recreate, by start command.
        probed: The start commands for which a probe has the same effect as before.
    """

    differences: list[ProofFinding] = []
    covered: int = 0
    not_covered: list[NotCovered] = []
    assumptions: list[str] = []
    recreated: dict[Invocation, list[str]] = {}
    probed: frozenset[Invocation] = frozenset()

    @property
    def ok(self) -> bool:
        """True if something was compared and no difference was found."""
        return not self.differences and self.covered > 0

    @property
    def recreated_names(self) -> list[str]:
        """The services whose containers ``up`` would recreate in any start command, sorted."""
        return sorted({name for names in self.recreated.values() for name in names})

    def with_lenient(self, other: ProofResult, entries: Collection[Invocation]) -> ProofResult:
        """Return this result combined with *other*, which covers *entries*.

        Docker Compose rejects *entries*; *other* is the result of a prover that disables its
        consistency checks.
        """
        own = [scenario for scenario in self.not_covered if scenario.entry not in entries]
        return replace(
            self,
            differences=[*self.differences, *other.differences],
            covered=self.covered + other.covered,
            not_covered=[*own, *(n for n in other.not_covered if n.entry in entries)],
            assumptions=list(dict.fromkeys([*self.assumptions, *other.assumptions])),
        )


def services_named(message: str) -> list[str]:
    """Return the services that an error message of Docker Compose names, in order."""
    names = (match[1] or match[2] or match[3] for match in re.finditer(_NAMED_SERVICE, message))
    return list(dict.fromkeys(names))


def compare_run(
    run: Run, after: Result, runner: Runner, moved: Collection[str]
) -> list[ProofFinding]:
    """Return the differences between the original *run*, which was successful, and *after*.

    Args:
        run: The run of the original.
        after: The result of the same scenario after the change.
        runner: Where both ran; it knows how to write paths for users.
        moved: Top-level ``x-*`` sections that may change.
    """
    name, kind = run.scenario.name, run.scenario.kind
    if not after.ok:
        message = f"Docker Compose rejects it: {runner.error_message(after)}"
        services: list[str | None] = [*services_named(after.error)] or [None]
        return [
            ProofFinding(run.entry, name, service, message, kind=kind, rejects=True)
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
            for service in recreated_services(run, after)
        ]
    return [
        ProofFinding(
            run.entry,
            name,
            difference.service,
            runner.stage.hide(describe(difference)),
            difference.path,
            kind,
            difference.was,
            difference.now,
        )
        for difference in compare(run.result.stdout, after.stdout, moved=moved)
    ]


_NOT_HASHED = frozenset({"build", "pull_policy", "scale"})
_LAST_HASHED = {"depends_on": (2, 24, 7), "profiles": (2, 29, 7)}


def is_hashed(path: Sequence[str], release: tuple[int, int, int]) -> bool:
    """Return whether the configuration hash of a service covers a place.

    The source is ``pkg/compose/hash.go`` of docker/compose (observed: v2.24.1 to v5.6.1).

    Args:
        path: The place, from the top of the service.
        release: The version of Docker Compose.
    """
    attribute = path[0]
    if attribute in _LAST_HASHED:
        return release <= _LAST_HASHED[attribute]
    is_left_out = attribute in _NOT_HASHED or attribute.startswith("x-")
    return not is_left_out and tuple(path[:2]) != ("deploy", "replicas")


def changes_hash(finding: ProofFinding, release: tuple[int, int, int]) -> bool:
    """Return whether *finding* changes the configuration hash of a service that stays.

    Args:
        finding: A difference between resolved configurations.
        release: The version of Docker Compose.
    """
    path = finding.path
    is_attribute = finding.kind == "model" and path[:1] == ("services",) and len(path) > 2  # noqa: PLR2004
    return is_attribute and is_hashed(path[2:], release)


def recreated_services(run: Run, after: Result) -> list[str]:
    """Return the services whose hash changed; added and removed services are not included."""
    before, now = hashes(run.result.stdout), hashes(after.stdout)
    return [name for name, value in before.items() if now.get(name, value) != value]
