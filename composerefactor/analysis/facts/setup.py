"""What a person does once: the first users of programs, sample data, settings for updates.

The commands are those that the project's own files show: a service or a target whose name says
that it fills in data, a script of `package.json`, the programs of Django, Laravel and Rails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.compose.hosts import name_words
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.compose.project import Project
from composerefactor.images.entries import FirstUser
from composerefactor.images.health.servers import read_json

_FILLS = frozenset({"seed", "seeder", "seeds", "fixtures", "demodata", "sampledata"})
"""Words in the name of a service that fills in data."""

_SCRIPT = r"(?:db:|prisma:|database:)?seed(?::\w+)?|(?:create|make)[-:]?(?:super)?(?:admin|user)"
"""Scripts of `package.json`, and targets of a Makefile."""

_LOCKS = (("pnpm-lock.yaml", "pnpm run"), ("yarn.lock", "yarn"), ("bun.lock", "bun run"))


class FirstLogin(Struct, frozen=True):
    """How a person logs in to a service for the first time.

    Attributes:
        service: The service.
        user: What is known of its image.
        variables: Those of the variables for the first user that the service sets.
    """

    service: ServiceFacts
    user: FirstUser
    variables: tuple[str, ...]


def first_logins(entry: InvocationFacts) -> Iterator[FirstLogin]:
    """Yield how people log in to the services of *entry* with images that are known."""
    for service in entry.services:
        image = entry.catalog.match(service.image) if service.image and not service.build else None
        if image is None or image.first_user is None or service.profiles:
            continue
        names = {each.name for each in service.variables}
        wanted = image.first_user.variables
        yield FirstLogin(service, image.first_user, tuple(n for n in wanted if n in names))


class Filling(Struct, frozen=True):
    """A command that creates users or sample data.

    Attributes:
        command: The command in the container of *service*, or on the host without one.
        service: The service, ``""`` without one.
        profile: The profile with which the service runs once; ``""`` for one that runs already.
    """

    command: str
    service: str = ""
    profile: str = ""


def fillings(project: Project, entry: InvocationFacts) -> Iterator[Filling]:
    """Yield the commands of *project* that create users or sample data for *entry*."""
    contexts: dict[str, str] = {}
    for service in sorted(entry.services, key=lambda each: not each.ports):
        if not _FILLS.isdisjoint(name_words(service.name)):
            yield Filling("", service.name, next(iter(service.profiles), ""))
        build = service.build
        if build is not None and build.context is not None and not service.one_off:
            contexts.setdefault(build.context, service.name)
    for context, name in contexts.items():
        for command in _commands(project, context):
            yield Filling(command, name)
    makefile = project.text("Makefile") or ""
    for match in re.finditer(rf"(?m)^({_SCRIPT})\s*:(?!=)", makefile):
        yield Filling(f"make {match[1]}")


def _commands(project: Project, context: str) -> Iterator[str]:
    """Yield the commands of the program whose source is in the directory *context*."""

    def text(name: str) -> str:
        return project.text(path_from(context, name)) or ""

    if "django" in text("manage.py").lower():
        yield "python manage.py createsuperuser"
    if text("db/seeds.rb").strip() and text("bin/rails"):
        yield "bin/rails db:seed"
    if text("artisan") and text("database/seeders/DatabaseSeeder.php"):
        yield "php artisan db:seed"
    runner = next((run for lock, run in _LOCKS if text(lock)), "npm run")
    scripts = read_json(text, "package.json").get("scripts")
    for script in scripts if isinstance(scripts, dict) else ():
        if re.fullmatch(_SCRIPT, script):
            yield f"{runner} {script}"


BOTS = frozenset({"Dependabot", "Renovate", "updatecli"})
"""Programs that propose new versions of images, by the titles of their readers."""


class Updates(Struct, frozen=True):
    """How a bot proposes new versions of images.

    Attributes:
        path: The file with its settings, ``""`` without any.
        name: The bot that does it for Compose files, ``""`` if none does.
        missing: The directories with images that Dependabot does not look into, by ecosystem.
    """

    path: str
    name: str
    missing: dict[str, list[str]] = {}


_RENOVATE = (
    *("renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json"),
    *(".github/renovate.json", ".github/renovate.json5", ".gitlab/renovate.json"),
)
_DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")


def updates(project: Project, entries: tuple[InvocationFacts, ...]) -> Updates | None:
    """Return how new versions of the images of *project* are proposed; None without images."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        for service in entry.services:
            if service.build is None and service.image:
                places = found.setdefault("docker-compose", {})
                places.update(dict.fromkeys(map(_directory, service.files)))
            elif service.build is not None and service.build.exists and service.build.stages:
                path = _directory(service.build.dockerfile)
                found.setdefault("docker", {})[path] = None
    if not found:
        return None
    path = next(filter(project.exists, _RENOVATE), "")
    if path:
        return Updates(path, "Renovate")
    path = next(filter(project.exists, _DEPENDABOT), "")
    text = project.text(path) or "" if path else ""
    missing = {
        ecosystem: [*places]
        for ecosystem, places in sorted(found.items())
        if not re.search(
            rf"package-ecosystem:\s*[\"']?{ecosystem}[\"']?\s*(?:#.*)?$", text, re.MULTILINE
        )
    }
    return Updates(path, "" if missing else "Dependabot", missing)


def _directory(path: str) -> str:
    directory = directory_of(path)
    return "/" if directory == "." else f"/{directory}"
