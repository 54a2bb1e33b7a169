"""A baseline: the findings of old code, which are not reported again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from composerefactor.errors import InputError, Location
from composerefactor.findings.finding import Finding, fingerprints

VERSION = 1
_REMEDY = "write it anew with --write-baseline"


def baseline_text(findings: Sequence[Finding]) -> str:
    """Return a baseline that holds *findings*: JSON, a line each, sorted so that it compares."""
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
    """Return the fingerprints in the baseline *text*; raises InputError for what is none."""
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise InputError(
            "the baseline is no JSON", location=Location(path, line), remedy=_REMEDY
        ) from None
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise InputError(
            f"no baseline of version {VERSION}", location=Location(path), remedy=_REMEDY
        )
    listed = values.get("findings")
    if not isinstance(listed, list):
        raise InputError("no list of findings", location=Location(path), remedy=_REMEDY)
    return frozenset(str(each.get("id")) for each in listed if isinstance(each, dict))


def without_known(findings: Sequence[Finding], known: frozenset[str]) -> list[Finding]:
    """Return those of *findings* that a baseline with the fingerprints *known* does not hold."""
    if not known:
        return list(findings)
    marked = zip(fingerprints(findings), findings, strict=True)
    return [each for mark, each in marked if mark not in known]
