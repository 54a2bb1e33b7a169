"""Docker Compose accepts generated projects; otherwise, tests with them would show little."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from composerefactor.compose.files import ComposeFile
from composerefactor.yaml.source import Source
from support.composetext import ComposeProject, compose_projects
from support.engine import config
from support.examples import examples


@settings(
    max_examples=examples(10, 60),
    phases=[Phase.generate],  # shrinking would run Docker Compose a thousand times
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(project=compose_projects())
def test_docker_compose_accepts_it(engine: Path, project: ComposeProject) -> None:
    with tempfile.TemporaryDirectory() as name:
        for path, text in project.files.items():
            target = Path(name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        run = config(engine, Path(name), "--services")
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split()) == sorted(project.services)


@given(project=compose_projects(max_services=5))
def test_its_services_are_found(project: ComposeProject) -> None:
    for path, text in project.files.items():
        if path.endswith(".yml"):
            file = ComposeFile.parse(Source(path, text))
            assert set(file.services) <= set(project.services)
            assert file.sections is not None
            assert file.sections["services"].entries is not None
