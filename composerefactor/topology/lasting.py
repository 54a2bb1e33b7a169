"""Whether a service is meant to run on, or to do its work and end."""

from __future__ import annotations

import re

from composerefactor.topology.naming import words
from composerefactor.topology.oneshot import one_shot
from composerefactor.topology.stack import Stack

_ENDING = frozenset(
    {
        *("migrate", "migrates", "migration", "migrations", "migrator", "seed", "seeder", "init"),
        *("setup", "bootstrap", "provision", "provisioner", "installer", "permissions", "fixtures"),
        *("test", "tests", "testing", "e2e", "lint", "linter", "backup", "restore", "cli", "job"),
        *("builder", "certbot", "cypress", "playwright", "k6", "mc", "createbuckets", "importer"),
        *("load", "loader", "pull", "puller", "download", "downloader", "run", "prepare"),
    }
)
_BY_HAND = frozenset({"test", "tests", "testing", "e2e", "cli", "ci", "debug", "manual", "oneoff"})
_BY_HAND_TOO = frozenset({"migrate", "migration", "migrations", "seed", "init", "setup", "job"})


def why_it_may_end(stack: Stack, name: str) -> str | None:
    """Return why the service *name* may be one that ends by itself, or None.

    More careful than :func:`~composerefactor.topology.oneshot.one_shot`: a name or a profile alone
    is enough, for where a wrong guess would start something again and again.
    """
    found = one_shot(stack, name)
    if found is not None:
        return found.reasons[0][0]
    called = _ENDING & _parts(name)
    if called:
        return f"its name, {name}"
    for profile, _ in stack.services[name].names("profiles"):
        if (_BY_HAND | _BY_HAND_TOO) & _parts(profile):
            return f"its profile, {profile}"
    return None


def _parts(name: str) -> set[str]:
    """Return the words of *name*, those with a number in them as well: ``e2e``."""
    return {*words(name), *re.split(r"[^a-z0-9]+", name.lower())}
