"""An analysis as JSON, and the JSON schema of that document.

:class:`AnalysisDocument` is the document; :func:`schema` makes its schema of the types of the facts
and their docstrings. The schema ships as ``schema.json`` (see ``scripts/analysis_schema.py``). The
number in the document's ``schema`` is raised when a key is renamed or removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, to_builtins

from composerefactor.analysis.analysis import Analysis, Rating
from composerefactor.analysis.facts.architecture import Repetition, StartCommandFacts
from composerefactor.analysis.facts.observability import Observation, observations
from composerefactor.analysis.findings import Finding, Severity, fingerprints
from composerefactor.analysis.rule import RuleInfo
from composerefactor.errors import Location
from composerefactor.images.environments import FileEnvironment
from composerefactor.planning.settings import schemas
from composerefactor.refactoring.reader import State
from composerefactor.report.differences import ComparisonDocument, comparison_document

SCHEMA_FILE = "schema.json"


class FindingDocument(Struct, frozen=True):
    """A finding.

    Attributes:
        id: The fingerprint.
        rule: The id of the rule.
        severity: How bad it is.
        message: One sentence.
        location: The file and line.
        service: The affected service.
        subject: What distinguishes it from other findings of the same rule and service.
        transform: The fix for it.
        remedy: What to do by hand.
        skipped: Why the transform of its rule does not fix it.
        reason: Why it is suppressed, None if it is not.
    """

    id: str
    rule: str
    severity: Severity
    message: str
    location: Location
    service: str | None
    subject: str
    transform: str | None
    remedy: str
    skipped: str
    reason: str | None


class UnreadDocument(Struct, frozen=True):
    """A start command that cannot be read.

    Attributes:
        files: Its files.
        message: Why it cannot be read.
        location: Where the problem is.
    """

    files: tuple[str, ...]
    message: str
    location: Location | None


class ReaderDocument(Struct, frozen=True):
    """Another program that reads the files.

    Attributes:
        reader: The name of the reader.
        state: What a split does with it: followed, fine, named or whole.
        location: The file and line.
    """

    reader: str
    state: State
    location: Location


class ObservabilityDocument(Struct, frozen=True):
    """Who observes the services of a start command.

    Attributes:
        start_command: The start command, as its files.
        observations: Its logs, metrics, traces, alerts and dashboards.
    """

    start_command: str
    observations: tuple[Observation, ...]


class AnalysisDocument(Struct, frozen=True):
    """An analysis of a project.

    Attributes:
        schema: The version of this form.
        project: The name of the project directory.
        rating: The rating of the project; null if Docker Compose rejects it.
        ratings: The rating of each area; empty if Docker Compose rejects the project.
        strengths: What the project does well, in sentences.
        main: The start command to show first, as its files.
        start_commands: The facts of each start command.
        observability: Who observes the services of each start command.
        unread: The start commands that cannot be read.
        environments: What differs between files that define the same services.
        repetitions: How much these files repeat.
        file_environments: What each Compose file is for, where that is known.
        findings: The findings that are not suppressed.
        suppressed: The findings that the settings or a comment suppress.
        known: The findings in the baseline.
        rules: The rules that were checked.
        readers: Other programs that read the files.
        unresolved: What the text alone does not show, in sentences.
    """

    schema: Literal[2]
    project: str
    rating: Rating | None
    ratings: tuple[Rating, ...]
    strengths: tuple[str, ...]
    main: str | None
    start_commands: tuple[StartCommandFacts, ...]
    observability: tuple[ObservabilityDocument, ...]
    unread: tuple[UnreadDocument, ...]
    environments: tuple[ComparisonDocument, ...]
    repetitions: tuple[Repetition, ...]
    file_environments: Mapping[str, FileEnvironment]
    findings: tuple[FindingDocument, ...]
    suppressed: tuple[FindingDocument, ...]
    known: tuple[FindingDocument, ...]
    rules: tuple[RuleInfo, ...]
    readers: tuple[ReaderDocument, ...]
    unresolved: tuple[str, ...]


_OWN = frozenset({"rule", "transform", "severity"})
"""The keys whose values are words of the tool, even if a password is the same word."""


def analysis_document(analysis: Analysis) -> dict[str, Any]:
    """Return *analysis* as plain values that follow :func:`schema`; secrets are masked."""
    facts = analysis.architecture
    document = AnalysisDocument(
        schema=2,
        project=facts.name,
        rating=analysis.rating,
        ratings=analysis.ratings,
        strengths=analysis.strengths,
        main=facts.main.title if facts.main else None,
        start_commands=tuple(
            StartCommandFacts(
                *(getattr(each, name) for name in StartCommandFacts.__struct_fields__)
            )
            for each in facts.entries
        ),
        observability=tuple(
            ObservabilityDocument(each.title, observations(facts.project, each))
            for each in facts.entries
        ),
        unread=tuple(
            UnreadDocument(entry.files, error.message, error.location)
            for entry, error in facts.unread.items()
        ),
        environments=tuple(map(comparison_document, facts.comparisons)),
        repetitions=facts.repetitions,
        file_environments=facts.file_environments,
        findings=_findings([(each, None) for each in analysis.findings]),
        suppressed=_findings([(s.finding, s.reason) for s in analysis.suppressed]),
        known=_findings([(each, None) for each in analysis.known]),
        rules=tuple(analysis.rules.values()),
        readers=tuple(
            ReaderDocument(each.reader, each.state, each.location) for each in analysis.readers
        ),
        unresolved=facts.unresolved,
    )
    masked: dict[str, Any] = facts.masking.document(to_builtins(document), _OWN)
    return masked


def _findings(with_reasons: list[tuple[Finding, str | None]]) -> tuple[FindingDocument, ...]:
    """Return the findings, each with the reason for which it is suppressed."""
    ids = fingerprints(each for each, _ in with_reasons)
    return tuple(
        FindingDocument(
            fingerprint,
            each.rule,
            each.severity,
            each.message,
            each.location,
            each.service,
            each.subject,
            each.transform,
            each.remedy,
            each.skipped,
            reason,
        )
        for fingerprint, (each, reason) in zip(ids, with_reasons, strict=True)
    )


def schema() -> dict[str, Any]:
    """Return the JSON schema of the document."""
    (document,), definitions = schemas([AnalysisDocument])
    for definition in definitions.values():
        if "properties" in definition:  # All keys are written, also those with a default.
            definition["required"] = list(definition["properties"])
            definition["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "composerefactor analyze --format json",
        **document,
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the text of ``schema.json``."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
