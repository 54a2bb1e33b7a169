"""Runs the probes of :mod:`composerefactor.verify.probes` and compares what comes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.errors import InputError
from composerefactor.verify.circumstances import Circumstance
from composerefactor.verify.engine import Result
from composerefactor.verify.models import compare, model
from composerefactor.verify.probes import PROBES, Probe, Weakness, render
from composerefactor.verify.runner import Run, Runner
from composerefactor.verify.verdict import services_named

_MAX_RETRIES = 3


class Trials:
    """Merges a probe of each kind over each entry point; the originals are run once."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._runs: list[Run] | None = None

    def baseline(self, runs: Iterable[Run]) -> list[Run]:
        """Return a run of the original for each kind of probe that it accepts.

        *runs* are those of the originals without a probe; each entry point's first model counts.
        """
        if self._runs is None:
            bases: dict[EntryPoint, Run] = {}
            for run in runs:
                certain = not run.entry.assumed
                if certain and run.circumstance.kind == "model" and run.result.ok:
                    bases.setdefault(run.entry, run)
            tried = self.runner.side_by_side(
                [
                    lambda base=base, probe=probe: self._tried(base, probe)  # type: ignore[misc]
                    for base in bases.values()
                    for probe in PROBES
                    if self.runner.engine.release >= probe.since
                ]
            )
            self._runs = [run for run in tried if run is not None]
        return self._runs

    def weaknesses(self, probed: Sequence[Run], after: Sequence[Result]) -> list[Weakness]:
        """Return where the results *after* a change are not those of *probed*."""
        found: dict[Weakness, None] = {}
        for run, result in zip(probed, after, strict=True):
            name = run.circumstance.name
            if not result.ok:
                words = f"{name} is rejected: {self.runner.words(result)}"
                for service in services_named(result.error) or [None]:  # type: ignore[list-item]
                    found[Weakness(run.entry, service, words)] = None
                continue
            for difference in compare(run.result.stdout, result.stdout):
                if difference.path[0].startswith("x-"):
                    continue  # no override file needs them; the check itself looks after them
                place = ".".join(difference.path[2:3] or difference.path)
                words = f"{name} has another effect on {place}"
                found[Weakness(run.entry, difference.service, words)] = None
        return list(found)

    def _tried(self, base: Run, probe: Probe) -> Run | None:
        """Return the run of *base* with *probe*, without the services that cannot take it."""
        try:
            services = probe.services(model(base.result.stdout))
        except InputError:
            return None
        for _ in range(_MAX_RETRIES):
            if not services:
                return None
            path = self.runner.stage.scratch(render(services))
            circumstance = Circumstance(
                probe.name, profiles=base.circumstance.profiles, probe=str(path)
            )
            result = self.runner.run(base.entry, circumstance, base.env)
            if result.ok:
                return Run(base.entry, circumstance, base.env, result)
            unfit = [name for name in services_named(result.error) if name in services]
            if not unfit:
                return None
            for name in unfit:
                del services[name]
        return None
