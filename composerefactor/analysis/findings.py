"""What rules have found, and baselines.

Baselines are JSON files with the fingerprints of known findings, which are not reported again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import total_ordering
from typing import Any

from msgspec import Struct

from composerefactor.errors import InputError, Location


@total_ordering
class Severity(Enum):
    """How bad a finding is: from informational to what breaks or exposes something."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """The number of lower severities."""
        return list(Severity).index(self)

    def __lt__(self, other: Severity) -> bool:
        """Return whether *other* is worse."""
        return self.rank < other.rank


class Finding(Struct, frozen=True):
    """A problem that a rule found.

    Attributes:
        rule: The id of the rule.
        severity: How bad it is.
        message: One sentence without secrets.
        location: The file and line.
        transform: The fix for it, None if there is none.
        service: The affected service, None if the finding is not about one service.
        subject: What distinguishes it from other findings of the same rule and service (a port, a
            variable). It is part of the fingerprint; the line and the message are not.
        remedy: What to do by hand, if no transform fixes it.
        skipped: Why the transform of its rule does not fix it; ``""`` if the finding is fixed, or
            if the rule has no transform.
        is_guess: True if the fix is a guess: `fix` makes it only with ``--confidence guess``.
        is_safe: True if the fix is safe: `fix` makes it without ``--unsafe``.
    """

    rule: str
    severity: Severity
    message: str
    location: Location
    transform: str | None = None
    service: str | None = None
    subject: str = ""
    remedy: str = ""
    skipped: str = ""
    is_guess: bool = False
    is_safe: bool = False

    @property
    def skip_note(self) -> str:
        """A sentence without a period that `fix` skips it, with the reason; else ``""``."""
        return f"composerefactor fix skips it: {self.skipped}" if self.skipped else ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What identifies it even if lines move and the message changes."""
        return self.rule, self.location.path, self.service or "", self.subject


VERSION = 1
_REMEDY = "write it again with --write-baseline"
_FINGERPRINT_LENGTH = 16


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """Return a fingerprint for each of *findings*.

    Findings with the same key are numbered in the order of their lines. Line numbers are not part
    of a fingerprint: a baseline stays valid if text is added above a finding.
    """
    listed = list(findings)
    seen: Counter[tuple[str, str, str, str]] = Counter()
    marks = [""] * len(listed)
    for index in sorted(range(len(listed)), key=lambda n: listed[n].location.line):
        key = listed[index].key
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        marks[index] = digest[:_FINGERPRINT_LENGTH]
    return marks


def baseline_text(findings: Sequence[Finding]) -> str:
    """Return a baseline with *findings*: JSON, sorted and with one line per finding, for diffs."""
    marked = zip(fingerprints(findings), findings, strict=True)
    rows = sorted(
        (each.rule, each.location.path, each.service or "", each.subject, mark)
        for mark, each in marked
    )
    lines = ",\n".join(
        "    "
        + json.dumps(
            {"rule": rule, "path": path, "service": service, "subject": subject, "id": mark},
            ensure_ascii=False,
        )
        for rule, path, service, subject, mark in rows
    )
    body = f"[\n{lines}\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {body}\n}}\n'


def read_baseline(text: str, path: str) -> frozenset[str]:
    """Return the fingerprints in the baseline *text*; raises InputError if it is not a baseline."""
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise InputError(
            "the baseline is not valid JSON", location=Location(path, line), remedy=_REMEDY
        ) from None
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise InputError(
            f"not a baseline of version {VERSION}", location=Location(path), remedy=_REMEDY
        )
    listed = values.get("findings")
    if not isinstance(listed, list):
        raise InputError(
            "the baseline has no list of findings", location=Location(path), remedy=_REMEDY
        )
    return frozenset(str(each.get("id")) for each in listed if isinstance(each, dict))


def split_known(
    findings: Sequence[Finding], fingerprints_known: frozenset[str]
) -> tuple[list[Finding], list[Finding]]:
    """Return the new findings, and those in the baseline with *fingerprints_known*."""
    if not fingerprints_known:
        return list(findings), []
    new: list[Finding] = []
    known: list[Finding] = []
    for mark, finding in zip(fingerprints(findings), findings, strict=True):
        (known if mark in fingerprints_known else new).append(finding)
    return new, known
