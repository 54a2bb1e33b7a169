"""Remembering which single differences a change is meant to make, and that they were found.

A fix makes many changes at once, and users leave some of them out. Each of the others then makes
the same difference as before: the same new text at a place of the resolved configuration, for which
the same effects are declared. For each such place, the digest of the old text is remembered. If it
is put in place of the digest of the new text, and the total is that of the original, nothing else
is different. So the original need not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from composerefactor.proof.comparison import ProofFinding, changes_hash
from composerefactor.proof.config_output import Place, places
from composerefactor.proof.memory import DIGEST_SIZE, Memory, added, is_extension
from composerefactor.proof.scenarios import OWN
from composerefactor.proof.staging import Run, Runner

T = TypeVar("T")

MAX_PLACES = 1_000
"""The most differences between two configurations that are remembered: the memory is small."""


@dataclass(frozen=True, slots=True)
class Intention:
    """What a change is meant to do, as far as it decides which differences are intended.

    Attributes:
        text: All that decides it, as text.
        services: The services that may be recreated.
        places: Places that may be missing afterwards.
        at: Returns the part of *text* that decides about a place; ``""`` if no part does.
    """

    text: str
    services: tuple[str, ...]
    places: Collection[Place]
    at: Callable[[Place], str]


class Intended:
    """The differences that are remembered as intended.

    Args:
        runner: Runs Docker Compose.
        memory: Where they are remembered.
        intention: What decides whether a difference is intended.
    """

    def __init__(self, runner: Runner, memory: Memory, intention: Intention) -> None:
        self.runner, self.memory, self.intention = runner, memory, intention

    def remember(
        self,
        run: Run,
        after: bytes,
        findings: Sequence[ProofFinding],
        expected: Callable[[ProofFinding], bool],
    ) -> None:
        """Remember the intended differences between the original *run* and the output *after*.

        Args:
            run: The run.
            after: The output of the same scenario after the change.
            findings: The differences.
            expected: Returns whether one is intended.
        """
        question = self.runner.question(run.entry, run.scenario, run.env)
        if question is None:
            return
        old, new = (
            places(self.runner.stage.without_directory(o)) for o in (run.result.stdout, after)
        )
        at = AtPlaces((each.path, each) for each in findings)
        differing = [place for place in {**old, **new} if old.get(place) != new.get(place)]
        for place in differing if len(differing) <= MAX_PLACES else ():
            found = at(place)
            known = self._known(question, place, new)
            # Whether the hash follows from such a text is not known.
            is_unclear = not found and run.scenario.name == OWN
            if known is None or is_unclear or not all(map(expected, found)):
                continue
            text = old.get(place)
            digest = self.memory.place_digest(place, text) if text is not None else _NONE
            self.memory.remember(known, digest)
            if any(changes_hash(each, self.runner.engine.release) for each in found):
                self.memory.remember(self._hashed(known), _HASHED)

    def recreated(self, question: bytes, after: bytes, names: Collection[str]) -> set[str] | None:
        """Return the services that the intended differences recreate.

        Args:
            question: The question about the original.
            after: The output after the change.
            names: All names that ``x-*`` sections of the original may have.

        Returns:
            The services; None if there is another difference, or the original is not known.
        """
        memory = self.memory
        total, extensions = memory.recall(question), memory.extensions(question, names)
        if total is None or extensions is None:
            return None
        new = places(self.runner.stage.without_directory(after))
        digests = {place: memory.place_digest(place, text) for place, text in new.items()}
        services: set[str] = set()
        for place in {*new, *self.intention.places}:
            known = self._known(question, place, new)
            digest = memory.recall(known) if known is not None else None
            if known is None or digest is None:
                continue
            digests[place] = digest
            if memory.recall(self._hashed(known)):
                services.add(place[1])
        rest = added(digest for place, digest in digests.items() if not is_extension(place))
        is_equal = rest == total and all(
            digests.get((name,)) == digest for name, digest in extensions.items()
        )
        return services if is_equal else None

    def _known(self, question: bytes, place: Place, after: Mapping[Place, str]) -> bytes | None:
        """Return the question for the old text of *place*; None if it must not differ."""
        decisive = self.intention.at(place)
        if not decisive:
            return None
        text = after.get(place)
        new = self.memory.place_digest(place, text) if text is not None else _NONE
        return self.memory.digest(question, b"before", repr(place).encode(), new, decisive.encode())

    def _hashed(self, known: bytes) -> bytes:
        return self.memory.digest(known, _HASHED)


_NONE = bytes(DIGEST_SIZE)
_HASHED = b"hashed"


class AtPlaces(Generic[T]):
    """Values of paths, by the places that contain a path or lie in it.

    Args:
        values: The paths with their values.
    """

    def __init__(self, values: Iterable[tuple[Place, T]]) -> None:
        self._by_entry: dict[Place, list[tuple[Place, T]]] = {}
        self._of_sections: list[tuple[Place, T]] = []
        for path, value in values:
            if len(path) < 2:  # noqa: PLR2004
                self._of_sections.append((path, value))
            else:
                for place in (path[:1], path[:2]):
                    self._by_entry.setdefault(place, []).append((path, value))

    def __call__(self, place: Place) -> list[T]:
        """Return the values at *place*."""
        near = (*self._by_entry.get(place[:2], ()), *self._of_sections)
        return [value for path, value in near if _overlap(path, place)]


def _overlap(path: Sequence[str], place: Sequence[str]) -> bool:
    """Return whether one of two places contains the other one."""
    common = min(len(path), len(place))
    return tuple(path[:common]) == tuple(place[:common])
