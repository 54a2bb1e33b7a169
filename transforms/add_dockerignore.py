"""Write a `.dockerignore` where an image copies directories, and their build context has none.

`COPY . .` puts `.env`, the history in `.git` and local dependencies such as `node_modules` into the
image, and `COPY src/ .` what Python writes there. The builder gets what the image copies, and an
old one (before Docker 23) the whole context. The file excludes what no image needs, and the
dependencies and caches of the languages in these directories. What the Dockerfile names is not
excluded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import join, normpath

from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.compose.services import start_models
from composerefactor.edit.operations import WriteFile
from composerefactor.errors import Location, enumerated
from composerefactor.images.dockerfiles import WHOLE_CONTEXT, copied_sources, read_dockerfile
from composerefactor.refactoring.contract import Change, NoOptions, Unneeded, fixer

_ALWAYS = (
    "**/.git",
    "**/.env",
    "**/.env.local",
    "**/.env.*.local",
    "**/*.log",
    "**/.DS_Store",
    "**/.idea",
    "**/.vscode",
)
"""In the form in which `docker init` writes them: also below the context."""

_OF_NODE = ("**/node_modules", "coverage")
_OF_PYTHON = ("**/__pycache__", "**/.venv", "**/venv", "**/.pytest_cache", "**/.mypy_cache")
_MOUNTED = r"--mount=(?!\S*\bfrom=)\S*\b(?:source|src)=([^,\s]+)"
"""What a RUN instruction reads of the build context."""

_BY_FILE = {
    "package.json": _OF_NODE,
    **dict.fromkeys(("requirements.txt", "pyproject.toml", "Pipfile", "setup.py"), _OF_PYTHON),
}
"""By file of a directory: what the programs of its language write there."""


@fixer(
    NoOptions,
    selected_only=True,
    purpose="security",
    cause="local files such as .env, .git and caches get into the image",
)
def add_dockerignore(project: Project, _options: NoOptions) -> Iterator[Change | Unneeded]:
    """Yield a change for each build context of which an image copies such directories."""
    services: dict[str, list[str]] = {}
    dockerfiles: dict[str, dict[str, str]] = {}
    missing: dict[str, Location] = {}
    for model in start_models(project):
        for service in model.services.values():
            build = service.build.value if service.build else None
            context = build.directory if build else None
            if build is None or context is None or build.inline is not None or is_outside(context):
                continue
            path = normpath(join(context, build.dockerfile))
            text = project.text(path)
            if text is not None:
                is_ignored = project.exists(f"{path}.dockerignore")
                if not is_ignored and service.name not in services.get(context, []):
                    services.setdefault(context, []).append(service.name)
                dockerfiles.setdefault(context, {})[path] = text
            else:
                missing.setdefault(path, service.location)
    for context, names in services.items():
        path = normpath(join(context, ".dockerignore"))
        sources = [s for text in dockerfiles[context].values() for s in _sources(text)]
        copied = _copied_directories(project, context, sources)
        patterns = _patterns(project, context, copied)
        if project.exists(path) or not patterns:
            at = project.files[project.root_files[0]].location_of("services", names[0])
            reason = "exists" if project.exists(path) else "has nothing to exclude"
            yield Unneeded(f"{path} {reason}", at)
            continue
        mounted = [m for text in dockerfiles[context].values() for m in re.findall(_MOUNTED, text)]
        named = {part for source in (*sources, *mounted) for part in source.split("/")}
        lines = [pattern for pattern in patterns if pattern.strip("*/") not in named]
        what = "the whole build context" if "." in copied else enumerated(copied)
        yield Change(
            f"Add {path} for the image of {enumerated(names)}",
            project.files[project.root_files[0]].location_of("services", names[0]),
            [WriteFile(path, "".join(f"{line}\n" for line in lines))],
            evidence=f"the image copies {what}",
        )
    for path, location in missing.items():
        yield Unneeded(f"{path} does not exist, so that it is unknown what it copies", location)


def _sources(dockerfile: str) -> Iterator[str]:
    """Yield what the text of a *dockerfile* copies from its build context."""
    for stage in read_dockerfile(dockerfile).stages:
        for instruction in stage.instructions:
            yield from copied_sources(instruction)


def _copied_directories(project: Project, context: str, sources: Sequence[str]) -> list[str]:
    """Return the directories of *context* among *sources*; ``.`` is all of it."""
    copied: dict[str, None] = {}
    for source in sources:
        name = "." if source in WHOLE_CONTEXT else normpath(source.lstrip("/"))
        is_directory = source.endswith("/") or project.has_directory(join(context, name))
        if source in WHOLE_CONTEXT or (is_directory and not is_outside(name)):
            copied[name] = None
    return list(copied)


def _patterns(project: Project, context: str, copied: Sequence[str]) -> list[str]:
    """Return what to exclude from *context* with the directories *copied*; [] if nothing is there.

    Python writes its caches beside each source, so a file of the context speaks for all of them.
    """
    found: list[str] = []
    for name, patterns in _BY_FILE.items():
        directories = [".", *copied] if patterns is _OF_PYTHON else copied
        if any(project.exists(normpath(join(context, each, name))) for each in directories):
            found += patterns
    has_secrets = any(project.exists(normpath(join(context, each, ".env"))) for each in copied)
    is_needed = "." in copied or (copied and (found or has_secrets))
    return list(dict.fromkeys([*_ALWAYS, *found])) if is_needed else []
