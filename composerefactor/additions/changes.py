"""Changes that add one attribute to the services that lack it."""

from __future__ import annotations

from collections.abc import Sequence

from composerefactor.additions.sites import Blocked, Site
from composerefactor.compose.order import DEPLOY_ORDER, SERVICE_ORDER
from composerefactor.edits.operations import AddKey, Edit
from composerefactor.edits.render import Value
from composerefactor.transform import Change, Effect, Refusal


def addition(
    site: Site, value: Value, title: str, evidence: str = "", *, more: Sequence[Edit] = ()
) -> Change:
    """Return the change that adds *value* at *site*; *title* says what the services lack.

    *more* are edits that it needs as well, as that of an anchor.
    """
    key, *below = site.keys
    for name in reversed(below):
        value = {name: value}
    order = DEPLOY_ORDER if site.path[-1:] == ("deploy",) else SERVICE_ORDER
    return Change(
        title=f"{listed(site.services)}: {title}{_where(site)}",
        location=site.location,
        edits=[*more, AddKey(site.file.path, site.path, key, value, order)],
        effects=effects(site),
        evidence=evidence,
    )


def effects(site: Site) -> list[Effect]:
    """Return what an addition at *site* changes in the model."""
    whole = ("deploy", *site.keys) if site.path[-1:] == ("deploy",) else site.keys
    found = [Effect(("services", name, *whole), "adds") for name in site.services]
    if site.path[0] != "services":  # top-level x-* are part of the model
        found.append(Effect((*map(str, site.path), *site.keys), "adds"))
    return found


def refusal(blocked: Blocked, what: str) -> Refusal:
    """Return *blocked* in words; *what* is missing."""
    return Refusal(
        f"{blocked.service}: {what}: {blocked.reason}", blocked.location, "write it by hand"
    )


def listed(names: Sequence[str]) -> str:
    """Return *names* as a person lists them."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _where(site: Site) -> str:
    return f" (one edit, in {site.block})" if site.is_shared else ""
