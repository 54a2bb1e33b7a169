"""Credentials of both states, kept out of every text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from composerefactor.compose.envfile import assignments
from composerefactor.credentials.names import is_common, is_credential
from composerefactor.proposal.opening import Opened
from composerefactor.review.opening import content_of
from composerefactor.review.reviewed import Compared
from composerefactor.verify.masking import MASK
from composerefactor.verify.sidebyside import SideBySide

_SHORT = 5
"""Characters of a credential that other texts may hold by chance."""


def credentials(old: Opened | None, new: Opened | None, found: SideBySide) -> list[str]:
    """Return the credentials of both states, the longest first: they may stand in other texts too.

    What unrelated texts may hold by chance is left out.
    """
    pairs: list[tuple[str, Any]] = []
    for opened in (old, new):
        for path in sorted(opened.project.inputs) if opened else ():
            if opened and (".env" in path or path in opened.project.env_files):
                text = (content_of(opened, path) or b"").decode("utf-8", "replace")
                pairs += [(each.name, each.value) for each in assignments(text)]
    for resolved in (*found.old.values(), *found.new.values()):
        for service in (resolved.model.get("services") or {}).values():
            pairs += (service.get("environment") or {}).items()
    values = {v for n, v in pairs if isinstance(v, str) and is_credential(n, v)}
    return sorted((v for v in values if _is_telling(v)), key=len, reverse=True)


def _is_telling(value: str) -> bool:
    """Return whether *value*, a credential, stands in no text by chance."""
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return "$" not in value and (not is_common(value) or (mixed and len(value) > _SHORT))


def scrubbed(compared: Compared, secrets: Sequence[str]) -> Compared:
    """Return *compared* without *secrets*, wherever they stand."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(part) for name, part in value.items()}
        if isinstance(value, list):
            return [clean(part) for part in value]
        for secret in secrets if isinstance(value, str) else ():
            value = value.replace(secret, MASK)
        return value

    return replace(
        compared,
        changes=tuple(replace(c, words=clean(c.words)) for c in compared.changes),
        evidence=tuple(
            replace(d, before=clean(d.before), after=clean(d.after)) for d in compared.evidence
        ),
    )
