"""The directory for modules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.project import load_project
from composerefactor.discovery.files import TreeFacts
from composerefactor.planning.opening import listing_of
from composerefactor.refactoring.modules.naming import modules_directory
from composerefactor.workspace.files import ProjectFiles
from support.commandline import write

SERVICE = "services:\n  NAME:\n    image: nginx\n"
DirectoryOf = Callable[..., str]


@pytest.fixture
def directory_of(tmp_path: Path) -> DirectoryOf:
    """Return the directory for the modules of a project: path -> text."""

    def run(files: dict[str, str], root_file: str = "docker-compose.yml") -> str:
        write(tmp_path, files)
        reader = ProjectFiles(tmp_path)
        library = Library(reader)
        project = load_project([Invocation((root_file,))], library)
        project.compose_files_in = TreeFacts(listing_of(reader), library).compose_files_in
        return modules_directory(project, root_file, "docker-compose")

    return run


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({}, "docker-compose"),
        ({"compose/db.yml": SERVICE}, "compose"),
        ({"docker/compose/db.yaml": SERVICE}, "docker/compose"),
        ({"deploy/docker-compose/db.yml": SERVICE}, "deploy/docker-compose"),
        ({"compose/db.yml": SERVICE, "docker-compose/services/api.yml": SERVICE}, "compose"),
        ({"compose/db.yml": SERVICE, "docker-compose/api.yml": SERVICE}, "docker-compose"),
        ({"compose/django/Dockerfile": "FROM x\n", "compose/x.yml": "a: b\n"}, "docker-compose"),
        ({"services/db/docker-compose.yml": SERVICE}, "docker-compose"),
    ],
)
def test_directory(directory_of: DirectoryOf, others: dict[str, str], expected: str) -> None:
    assert directory_of({"docker-compose.yml": SERVICE, **others}) == expected


def test_several_included_files(directory_of: DirectoryOf) -> None:
    names = ("parts/a.yml", "parts/b.yml", "other/c.yml")
    files = {name: SERVICE.replace("NAME", name[-5]) for name in names}
    root = "include:\n" + "".join(f"  - {name}\n" for name in names)
    assert directory_of({"docker-compose.yml": root, **files}) == "parts"
    nested = {f"app/{path}": text for path, text in {"docker-compose.yml": root, **files}.items()}
    assert directory_of(nested, "app/docker-compose.yml") == "parts"


@pytest.mark.parametrize(("parent", "expected"), [("", "."), ("parts/", "parts")])
def test_files_of_services_that_are_included(
    directory_of: DirectoryOf, parent: str, expected: str
) -> None:
    names = (f"{parent}services/a.yml", f"{parent}services/b.yml")
    files = {name: SERVICE.replace("NAME", name[-5]) for name in names}
    root = "include:\n" + "".join(f"  - {name}\n" for name in names)
    assert directory_of({"docker-compose.yml": root, **files}) == expected


def test_modules_of_an_earlier_split_come_first(directory_of: DirectoryOf) -> None:
    module = "docker-compose/services/docker-compose.a.yml"
    root = f"include:\n  - {module}\n"
    files = {"docker-compose.yml": root, module: SERVICE, "compose/db.yml": SERVICE}
    assert directory_of(files) == "docker-compose"
