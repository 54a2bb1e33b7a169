"""Write a `.dockerignore` where a build context has none and the image copies all of it.

Without one, `COPY . .` puts `.env`, the history in `.git` and local dependencies such as
`node_modules` into the image, and every build sends them. The file excludes what no image needs,
and the dependencies and caches of the languages in the context. What the Dockerfile names is not
excluded.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join, normpath

from composerefactor.compose.paths import is_outside
from composerefactor.compose.project import Project
from composerefactor.compose.services import start_models
from composerefactor.edit.operations import WriteFile
from composerefactor.errors import enumerated
from composerefactor.images.dockerfiles import read_dockerfile
from composerefactor.refactoring.contract import Change, NoOptions, fixer

_ALWAYS = (".git", ".env", ".env.local", "*.log", ".DS_Store", ".idea", ".vscode")
_BY_FILE = {
    "package.json": ("node_modules", "coverage"),
    "requirements.txt": ("**/__pycache__", ".venv", "venv", ".pytest_cache", ".mypy_cache"),
    "pyproject.toml": ("**/__pycache__", ".venv", "venv", ".pytest_cache", ".mypy_cache"),
}
"""By file of the context: what the programs of its language write there."""


@fixer(
    NoOptions,
    selected_only=True,
    purpose="security",
    cause="the image contains .git, .env and all else in the directory",
)
def add_dockerignore(project: Project, _options: NoOptions) -> Iterator[Change]:
    """Yield a change for each build context that an image copies as a whole."""
    services: dict[str, list[str]] = {}
    dockerfiles: dict[str, str] = {}
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
                dockerfiles[context] = dockerfiles.get(context, "") + text
    for context, names in services.items():
        path = normpath(join(context, ".dockerignore"))
        if project.exists(path) or not _copies_all(dockerfiles[context]):
            continue
        yield Change(
            f"Add {path} for the image of {enumerated(names)}",
            project.files[project.root_files[0]].location_of("services", names[0]),
            [
                WriteFile(
                    path,
                    "".join(f"{line}\n" for line in _lines(project, context, dockerfiles[context])),
                )
            ],
            evidence="the image copies the whole build context",
        )


def _copies_all(text: str) -> bool:
    """Return whether one of the Dockerfiles in *text* copies the whole build context."""
    return any(
        instruction.name in {"COPY", "ADD"}
        and "from" not in instruction.flags
        and not {".", "./", "/", "*"}.isdisjoint(
            (instruction.words or tuple(instruction.text.split()))[:-1]
        )
        for stage in read_dockerfile(text).stages
        for instruction in stage.instructions
    )


def _lines(project: Project, context: str, dockerfiles: str) -> list[str]:
    """Return what to exclude from *context*, without what its *dockerfiles* name."""
    patterns = list(_ALWAYS)
    for name, more in _BY_FILE.items():
        if project.exists(normpath(join(context, name))):
            patterns += more
    words = dockerfiles.replace("/", " ").split()
    return [p for p in dict.fromkeys(patterns) if p.strip("*/") not in words]
