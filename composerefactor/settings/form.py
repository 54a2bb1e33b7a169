"""The form of ``.composerefactor.yml``."""

from __future__ import annotations

import json
from typing import Any, get_args

from composerefactor.catalog.facts import Evidence
from composerefactor.settings.shapes import Anything, ListOf, MapOf, Plain, Record

_TEXT = Plain(("string",))
_TEXTS = ListOf(_TEXT)
_FLAG = Plain(("boolean",))
_PORT = Plain(("integer", "string"))
_DURATION = Plain(("string",), "A duration, as 30s or 1m30s.")
_TEST = ListOf(_TEXT, "As a Compose file has it: CMD or CMD-SHELL first, $$ for a dollar.")
_TEST_OR_NONE = ListOf(
    _TEXT, "As a Compose file has it; null where nothing can do it.", or_null=True
)

_CONDITION = Record(
    {
        "names": _TEXTS,
        "tag": Plain(("string",), "Versions: <18, or >=3.6, <4, or 1.x."),
        "flavours": _TEXTS,
        "environment": MapOf(Plain(("string", "null"), "A pattern; null: not set.")),
        "command": _TEXTS,
        "moved": _FLAG,
    },
    "All that is given must hold.",
)

_TIMES = {
    "profile": Plain(("string",), choices=("fast", "normal", "slow", "very_slow")),
    "interval": _DURATION,
    "timeout": _DURATION,
    "retries": Plain(("integer",)),
    "start_period": _DURATION,
}

CATALOG_ENTRY = Record(
    {
        "id": Plain(("string",), "A known id changes that entry, any other adds one."),
        "names": ListOf(_TEXT, "Repositories of images, without tag."),
        "category": Plain(("string",), "One of the categories of services."),
        "ports": ListOf(_PORT, "Container ports, the main one first."),
        "data": ListOf(
            Record(
                {"path": _TEXT, "versions": _TEXT, "optional": _FLAG, "note": _TEXT},
                "A path that holds state.",
                ("path",),
            )
        ),
        "secrets": ListOf(
            Record(
                {
                    "env": _TEXT,
                    "file": _FLAG,
                    "file_name": _TEXT,
                    "versions": _TEXT,
                    "note": _TEXT,
                },
                "A variable that is a credential; file: the image reads NAME_FILE.",
                ("env",),
            )
        ),
        "file_env": _TEXTS,
        "healthcheck": Record({"test": _TEST, **_TIMES}, "", ("test",), or_null=True),
        "profile": _TIMES["profile"],
        "builtin": Plain(("boolean",), "The image has a HEALTHCHECK of its own."),
        "listens": Record({"options": _TEXTS, "published": ListOf(_PORT)}),
        "requires": ListOf(_CONDITION, "One of these must hold for any check."),
        "needs": _TEXT,
        "variants": ListOf(
            Record(
                {"when": _CONDITION, "test": _TEST_OR_NONE, "note": _TEXT, "refines": _FLAG},
                "Another check; the first whose condition holds is taken.",
                ("when", "test"),
            )
        ),
        "alternatives": ListOf(Record({"for": _TEXT, "test": _TEST}, "", ("for", "test"))),
        "has": MapOf(Plain(("boolean", "string")), "Programs that are in the image, or not."),
        "notes": _TEXT,
        "source": _TEXT,
        "verified": Plain(("string",), choices=get_args(Evidence)),
    },
    "What is known about an image.",
    ("id",),
)

FORM = Record(
    {
        "catalog": ListOf(CATALOG_ENTRY, "What this project knows about images."),
        "ignore": MapOf(
            MapOf(Plain(("string",), "Why.")),
            "By transform or rule, and service: to be left alone.",
        ),
        "split": Record(
            {
                "into": Plain(("string",), "Directory of the modules."),
                "granularity": Plain(("string",), choices=("auto", "service", "category")),
                "strategy": Plain(("string",), choices=("include", "extends")),
                "anchors": Plain(
                    ("string",), "What becomes of shared x- blocks.", ("copy", "extends")
                ),
                "groups": MapOf(_TEXTS, "Services for one module, by its name."),
                "modules": MapOf(_TEXT, "The file of a service's module."),
                "environments": MapOf(_TEXT, "What a root file's environment is called."),
                "stay": ListOf(_TEXT, "Services that stay in place."),
            },
            "Defaults of composerefactor split.",
        ),
        "fix": Record(
            {
                "select": ListOf(_TEXT, "The transforms to run."),
                "skip": ListOf(_TEXT, "The transforms to leave out."),
                "unsafe": Plain(("boolean",), "Also run those that change what runs."),
            },
            "Defaults of composerefactor fix.",
        ),
        "analyze": Record(
            {
                "skip": ListOf(_TEXT, "The rules to leave out."),
                "baseline": Plain(("string",), "The file with the findings that are known."),
                "fail_on": Plain(("string",), choices=("info", "low", "medium", "high")),
            },
            "Defaults of composerefactor analyze.",
        ),
        "transforms": MapOf(MapOf(Anything()), "Options of transforms, by name."),
    },
    "Settings of composerefactor for this project.",
)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": ".composerefactor.yml",
        **FORM.schema(),
    }


def schema_text() -> str:
    """Return the text of the schema as it ships."""
    return json.dumps(schema(), indent=2) + "\n"
