"""What a user asks of ``fix``, as a value: planned from it, and written as arguments.

The command line and the wizard both make one, so that the two do the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from msgspec import Struct

from composerefactor.errors import UsageError
from composerefactor.proposal.mended import Chosen
from composerefactor.registry import mendings
from composerefactor.request.options import check_names, configured_values, option_values
from composerefactor.settings.settings import Settings
from composerefactor.transform import Mending


class FixRequest(Struct, frozen=True):
    """The options of ``fix``: *select* is None, *unsafe* False where the settings are to say.

    *values* has options of transforms as ``--set`` takes them: ``("NAME.OPTION", "VALUE")``.
    """

    select: tuple[str, ...] | None = None
    skip: tuple[str, ...] = ()
    unsafe: bool = False
    values: tuple[tuple[str, str], ...] = ()

    def chosen(self, settings: Settings) -> list[Chosen]:
        """Return the transforms to run with their options, in order.

        Raises UsageError for names that no transform has and options that it does not take,
        InputError where *settings* have them.
        """
        known = {each.name: each for each in mendings()}
        check_names(settings, known)
        _check(self.select or (), known)
        _check(self.skip, known)
        wanted = set(settings.fix.select if self.select is None else self.select)
        unwanted = {*self.skip, *settings.fix.skip}
        configured = configured_values(settings, known)
        given = option_values([f"{name}={value}" for name, value in self.values], known)
        chosen = []
        for name, each in known.items():
            if name in unwanted or (name not in wanted if wanted else each.selected_only):
                continue
            options = {**configured.get(name, {}), **given.get(name, {})}
            if any(f.name == "catalog" for f in fields(each.options)):
                options["catalog"] = settings.catalog
            chosen.append(
                Chosen(
                    each,
                    each.options(**options),
                    unsafe=self.unsafe or bool(settings.fix.unsafe),
                    asked=name in wanted,
                    ignored=settings.ignore.get(name, {}),
                )
            )
        return chosen

    def arguments(self) -> list[str]:
        """Return the command line's options that say the same."""
        words = [] if self.select is None else ["--select", ",".join(self.select)]
        words += ["--skip", ",".join(self.skip)] if self.skip else []
        words += ["--unsafe"] if self.unsafe else []
        return words + [w for name, value in self.values for w in ("--set", f"{name}={value}")]


def _check(names: Sequence[str], known: Mapping[str, Mending[Any]]) -> None:
    for name in sorted(set(names) - known.keys()):
        raise UsageError(
            f"no transform is called {name!r}", remedy="there are: " + ", ".join(known)
        )
