"""Baselines: JSON files with the fingerprints of known findings, which are not reported again."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from composerefactor.analysis.findings import Finding
from composerefactor.errors import InputError, Location

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
    except ValueError as error:
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


def without_known(findings: Sequence[Finding], known: frozenset[str]) -> list[Finding]:
    """Return the findings that are not in the baseline with the fingerprints *known*."""
    if not known:
        return list(findings)
    marked = zip(fingerprints(findings), findings, strict=True)
    return [each for mark, each in marked if mark not in known]
