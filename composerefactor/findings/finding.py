"""One thing that is wrong or risky at one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from composerefactor.errors import Location
from composerefactor.findings.severity import Severity

_LENGTH = 16


class Finding(Struct, frozen=True):
    """What *rule* found: *message* in words without secrets, at *location*.

    *transform* names what mends it, *service* whom it is about. *subject* tells it from others of
    the same rule and service (a port, a variable): it is part of the fingerprint, which holds
    neither the line nor the words of the message. *remedy* says what to do where no transform does.
    """

    rule: str
    severity: Severity
    message: str
    location: Location
    transform: str | None = None
    service: str | None = None
    subject: str = ""
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What stays the same when lines move and words change."""
        return self.rule, self.location.path, self.service or "", self.subject


def fingerprints(findings: Iterable[Finding]) -> list[str]:
    """Return a fingerprint for each of *findings*; equal ones are counted in the order of lines.

    They are independent of line numbers: a baseline holds when text is added above a finding.
    """
    import hashlib  # noqa: PLC0415 - see cli/__init__.py

    listed = list(findings)
    numbers: Counter[tuple[str, str, str, str]] = Counter()
    found = [""] * len(listed)
    for at in sorted(range(len(listed)), key=lambda n: listed[n].location.line):
        key = listed[at].key
        text = "\0".join((*key, str(numbers[key])))
        numbers[key] += 1
        found[at] = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_LENGTH]
    return found
