"""In which order services start, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from composerefactor.topology.order import cycles, dependencies, start_order
from composerefactor.topology.stack import Stack


class Dependencies(Struct, frozen=True):
    """*needs* has, by service, what the engine starts before it.

    *steps* are the services in start order: those of one step start side by side. *cycles* are
    paths from a service to itself; services of one are in no step.
    """

    needs: Mapping[str, tuple[str, ...]]
    steps: tuple[tuple[str, ...], ...]
    cycles: tuple[tuple[str, ...], ...]

    @property
    def leaves(self) -> tuple[str, ...]:
        """The services that no other needs."""
        needed = {name for names in self.needs.values() for name in names}
        return tuple(name for name in self.needs if name not in needed)

    def step_of(self, service: str) -> int | None:
        """Return the step, from 1, in which *service* starts; None for one in a cycle."""
        found = (n for n, step in enumerate(self.steps, 1) if service in step)
        return next(found, None)

    def tree(self) -> Iterator[tuple[int, str, bool]]:
        """Yield (depth, service, is repeated) as a tree, from those that nothing needs.

        What a service needs is below it; a branch that was shown before is not shown again.
        """
        shown: set[str] = set()
        for name in (*self.leaves, *(c[0] for c in self.cycles)):
            if name not in shown or name in self.leaves:
                yield from self._below(name, 0, shown, ())

    def _below(
        self, name: str, depth: int, shown: set[str], trail: tuple[str, ...]
    ) -> Iterator[tuple[int, str, bool]]:
        is_repeated = name in shown and bool(self.needs.get(name))
        yield depth, name, is_repeated or name in trail
        if is_repeated or name in trail:
            return
        shown.add(name)
        for each in self.needs.get(name, ()):
            yield from self._below(each, depth + 1, shown, (*trail, name))


def dependencies_of(stack: Stack) -> Dependencies:
    """Return who waits for whom in *stack*."""
    needs = dependencies(stack)
    return Dependencies(
        {name: tuple(needed) for name, needed in needs.items()},
        tuple(map(tuple, start_order(needs))),
        tuple(map(tuple, cycles(needs))),
    )
