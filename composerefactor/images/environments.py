"""What a Compose file is for: production, staging, development or tests.

The settings file decides. Otherwise the first of these does: the name of the file or of its
directory, its header comment, a service that emulates a cloud service or that is built for
development only (Laravel Sail), the values of ``NODE_ENV``, ``APP_ENV`` ..., and ``build.target``,
each if nearly all services agree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Literal, TypeAlias

from msgspec import Struct

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.paths import directory_of, is_below, is_inside
from composerefactor.compose.project import EnvironmentKind, Project
from composerefactor.compose.services import Service, services_in, start_models
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog, catalog_of, service_placement
from composerefactor.yaml.comments import full_line_comments
from composerefactor.yaml.values import merged_entries

Kind: TypeAlias = EnvironmentKind | Literal["demo"]
"""What a word says that a file is for. ``demo`` only tells files apart."""

NAMES: dict[Kind, frozenset[str]] = {
    "test": frozenset({"ci", "e2e", "integration", "test", "testing", "tests"}),
    "development": frozenset(
        {"debug", "dev", "devcontainer", "devel", "develop", "development", "local"}
    ),
    "staging": frozenset({"preprod", "preproduction", "qa", "stage", "staging", "uat"}),
    "production": frozenset({"live", "prod", "production"}),
    "demo": frozenset({"demo", "preview"}),
}
"""What environments are called in names of files, in variables, profiles and build targets."""

PURPOSES: dict[EnvironmentKind, str] = {
    "test": "tests",
    "development": "development",
    "staging": "staging",
    "production": "production",
}
"""What the file of an environment is for, for messages."""

SHORT_LIVED: frozenset[EnvironmentKind] = frozenset({"development", "test"})
"""The environments whose containers are started and removed again, with their data."""

MODE_VARIABLE = re.compile(
    r"(?:\w+_)?ENV(?:IRONMENT)?(?:_NAME)?|(?:[A-Z]+_)+MODE|DJANGO_SETTINGS_MODULE"
    r"|SPRING_PROFILES_ACTIVE",
    re.ASCII,
)
"""The name of a variable that tells a program in which environment it runs."""

_WORDS: dict[Kind, str] = {
    "test": r"(?:ci|e2e|end-to-end|integration|testing|tests?)",
    "development": r"(?:dev|development|debugging|developers)",
    "staging": r"staging",
    "production": r"production",
    "demo": r"demo",
}
_HEADERS = {
    kind: rf"(?i)(?:^|\bfor (?:\w+ )?|\bwhen )({words})\b"
    rf"|\b({words}) (?:compose|config(?:uration)?|deployment|docker|env(?:ironment)?|mode|only"
    r"|server|setup|stack)\b"
    for kind, words in _WORDS.items()
}
_OF_ANOTHER_FILE = r"(?i)\b(?:not?|never|instead|see)\b|don't|\.ya?ml\b"
_HEADER_LINES = 12


class FileEnvironment(Struct, frozen=True):
    """The environment of a Compose file.

    Attributes:
        kind: The environment.
        reason: How we know, for messages.
        is_named: False if only values such as that of ``NODE_ENV`` say so: with other values the
            same file would be for another environment.
        location: Where the content of the file says so; None if it does not.
    """

    kind: EnvironmentKind
    reason: str
    is_named: bool = True
    location: Location | None = None


class _Evidence(Struct, frozen=True):
    """What the content of a file says that it is for, the *word* for it, and how we know."""

    kind: Kind
    word: str
    reason: str
    is_named: bool = True
    location: Location | None = None


def environment_of(project: Project, path: str) -> FileEnvironment | None:
    """Return the environment of the Compose file at *path* of *project*; None if it is unknown."""
    configured = project.environments.get(path)
    if configured is not None:
        return FileEnvironment(configured, "the settings")
    file = project.files.get(path)
    evidence = _named(path) or _of_directory_for_tests(project.directory)
    if evidence is None and file is not None:
        evidence = _described(file, catalog_of(project))
    if evidence is None or evidence.kind == "demo":
        return None
    return FileEnvironment(
        evidence.kind, evidence.reason, evidence.is_named, location=evidence.location
    )


def kind_of(word: str) -> Kind | None:
    """Return the environment that *word*, in lower case, is a name of."""
    return next((kind for kind, names in NAMES.items() if word in names), None)


def word_in(file: ComposeFile) -> str:
    """Return what the content of *file* calls its environment, in lower case, or ``""``.

    Unlike :func:`environment_of`, it also believes the default of a variable.
    """
    evidence = _in_header(file) or _in_values(file, defaults=True)
    return evidence.word if evidence else ""


def word_in_header(file: ComposeFile) -> str:
    """Return what the header comment of *file* calls its environment, in lower case, or ``""``."""
    evidence = _in_header(file)
    return evidence.word if evidence else ""


def short_lived_reason(project: Project, path: str) -> str | None:
    """Return why containers of the file at *path* run only for development or tests, or None.

    Without another environment, what only developers start is a reason as well. Such a file can
    still be the one from which files for production are made.
    """
    key = (short_lived_reason, path)
    if key not in project.read_once:
        project.read_once[key] = _short_lived_reason(project, path)
    reason: str | None = project.read_once[key]
    return reason


def _short_lived_reason(project: Project, path: str) -> str | None:
    environment = environment_of(project, path)
    if environment is None:
        file = project.files.get(path)
        if file is not None and _only_builds(file):
            return f"{path} only builds images"
        if file is not None:
            reason = _catches_mail(file) or _runs_mounted_source(file)
            reason = reason or _lacks_its_application(project, file)
        else:
            reason = ""
        reason = reason or title_of_readme(project)
        return f"{path} is for development or tests ({reason})" if reason else None
    if environment.kind not in SHORT_LIVED:
        return None
    return f"{path} is for {PURPOSES[environment.kind]} ({environment.reason})"


_OF_IMAGES = frozenset({"build", "image", "platform", "pull_policy"})


def _only_builds(file: ComposeFile) -> bool:
    """Return whether *file* defines nothing but images, several of them, that are built.

    Such a file is for `docker compose build`; another one starts the containers.
    """
    bodies = [merged_entries(body) for body in file.services.values()]
    return len(bodies) > 1 and all(
        "build" in each and _OF_IMAGES.issuperset(each) for each in bodies
    )


_FOR_DEVELOPERS = (
    r"(?:dev|development|testing|test) (?:bed|environment|harness|setup|stack)\b"
    r"(?! (?:file|variable))"
)
_TITLE = rf"(?i)#[^\n]*?\b({_FOR_DEVELOPERS})"
_NO_DESCRIPTION = r"(?:an?|for|in|of|on|our|production|the|this|to|up|with|your)\b"
_ABOUT_IT = rf"(?i)(?:an? |the )?(?:(?!{_NO_DESCRIPTION})[\w.+/-]+ ){{0,4}}({_FOR_DEVELOPERS})"
_HTML_TAG = r"<[^>\n]*>"


def title_of_readme(project: Project) -> str:
    """Return what the README says if it calls the project one for developers, else ``""``.

    That is its title, or the sentence about the project below it: "PHP development environment".
    """
    has_title = False
    for line in (project.text("README.md") or "").splitlines()[:_README_LINES]:
        text = re.sub(_HTML_TAG, "", line).strip(" *_>")
        is_heading = text.startswith("#") or "<h1" in line
        if is_heading and has_title:
            break
        pattern = _TITLE if text.startswith("#") else _ABOUT_IT
        if found := re.match(pattern, text):
            return f"README.md: {found[1]}"
        has_title = has_title or is_heading
    return ""


_README_LINES = 20
MANIFESTS = frozenset(
    {"build.gradle", "build.gradle.kts", "Cargo.toml", "composer.json", "Gemfile", "go.mod"}
    | {"manage.py", "mix.exs", "package.json", "pom.xml", "pyproject.toml", "requirements.txt"}
)
"""Files of the source code of an application."""


def _lacks_its_application(project: Project, file: ComposeFile) -> str:
    """Return that the application beside *file* does not run with it, as a reason, or ``""``.

    The file has only data stores, with published ports, and no other one is beside it.
    """
    directory = directory_of(file.path)
    names = map(posixpath.basename, project.files_in(directory))
    manifest = next((name for name in names if name in MANIFESTS), "")
    if not manifest or project.compose_files_in(directory) != [file.path]:
        return ""
    catalog, services = catalog_of(project), services_in(file).values()
    has_only_stores = all(
        service_placement(each, catalog).counts_as == "data stores" for each in services
    )
    if not (has_only_stores and any(each.ports for each in services)):
        return ""
    return f"the application of {manifest} runs outside of it"


_MAIL_CATCHERS = frozenset(
    {"fake-smtp-server", "inbucket", "mailcatcher", "maildev", "mailhog", "mailpit", "smtp4dev"}
)
"""Images that show the mail that they get, and send none."""


def _catches_mail(file: ComposeFile) -> str:
    """Return the service of *file* that keeps mail from being sent, as a reason, or ``""``."""
    for name, service in services_in(file).items():
        parsed = parse_image(service.image.value) if service.image else None
        repository = parsed.repository.rsplit("/", 1)[-1].lower() if parsed else ""
        if repository in _MAIL_CATCHERS and not service.profiles:
            return f"{name} catches all mail"
    return ""


def _runs_mounted_source(file: ComposeFile) -> str:
    """Return that each service of *file* that is built runs mounted source, as a reason, or ``""``.

    With a restart policy it runs longer, as on servers to which the source is copied.
    """
    built = [service for service in services_in(file).values() if service.build is not None]
    runs_on = any(
        service.restart is not None and service.restart.value in {"always", "unless-stopped"}
        for service in built
    )
    if not built or runs_on or not all(map(_mounts_its_source, built)):
        return ""
    return f"{built[0].name} runs mounted source"


def _mounts_its_source(service: Service) -> bool:
    """Return whether *service* mounts its build context, or the directory in which it works."""
    context = service.build.value.directory if service.build else None
    works_in = [node.known_text or "" for node in service.values("working_dir")]
    for mount in (each.value for each in service.volumes):
        if mount.kind == "bind" and mount.source and is_inside(mount.source):
            if context is not None and is_below(context, mount.source):
                return True
            if any(is_below(path, mount.target) for path in works_in):
                return True
    return False


def development_profile_reason(project: Project, service: str) -> str | None:
    """Return why *service* runs only for development or tests by its profiles, or None.

    A start command in which it has no profile is enough for it to run elsewhere.
    """
    started = [model.services.get(service) for model in start_models(project)]
    by_command = [[p.value for p in each.profiles] for each in started if each is not None]
    profiles = [*chain.from_iterable(by_command)]
    names = frozenset[str]().union(*(NAMES[kind] for kind in SHORT_LIVED))
    if not profiles or not all(by_command) or not names.issuperset(profiles):
        return None
    return f"only the profile {' or '.join(dict.fromkeys(profiles))} starts {service}"


def _named(path: str) -> _Evidence | None:
    """Return the environment that the name of the file, or of a directory above it, contains."""
    *directories, name = path.split("/")
    stem = posixpath.splitext(name)[0].lower()
    words = re.split(r"[._-]+", stem)
    for kind, names in NAMES.items():
        if word := next((word for word in words if word in names), ""):
            return _Evidence(kind, word, "its name")
    for directory in reversed(directories):
        word = directory.lower().lstrip(".")
        if kind_in_path := kind_of(word):
            return _Evidence(kind_in_path, word, f"its directory {directory}")
    return None


_FOR_TESTS = frozenset({"cypress", "e2e", "playwright", "testing", "tests"})
"""Words in the names of directories that contain tests alone; a ``test-app`` may be anything."""


def _of_directory_for_tests(directory: str) -> _Evidence | None:
    """Return that the project is for tests if *directory* of the repository is, or one above it."""
    for name in reversed(directory.split("/")):
        word = next((word for word in name_words(name) if word in _FOR_TESTS), name.lower())
        if word in _FOR_TESTS | NAMES["test"]:
            return _Evidence("test", word, f"the directory {name}")
    return None


@lru_cache(maxsize=64)
def _described(file: ComposeFile, catalog: Catalog) -> _Evidence | None:
    """Return the environment that the content of *file* shows."""
    return _in_header(file) or _emulated(file, catalog) or _built_by_sail(file) or _in_values(file)


def _in_header(file: ComposeFile) -> _Evidence | None:
    """Return the environment that the comments at the beginning of *file* name, if it is one."""
    lines = []
    for line in file.source.text.splitlines()[:_HEADER_LINES]:
        if line.strip() and not line.lstrip().startswith("#") and line.strip() != "---":
            break
        lines += [text.strip("# \t-=*") for text in full_line_comments(line)]
    named: dict[Kind, _Evidence] = {}
    for line in lines:
        kinds = [
            k for k, words in _WORDS.items() if re.search(rf"\b{words}\b", line, re.IGNORECASE)
        ]
        match = re.search(_HEADERS[kinds[0]], line) if len(kinds) == 1 else None
        if match and not re.search(_OF_ANOTHER_FILE, line):
            word = (match[1] or match[2]).lower()
            named.setdefault(kinds[0], _Evidence(kinds[0], word, "its header comment"))
    return _only_one(named)


def _only_one(evidence: Mapping[Kind, _Evidence]) -> _Evidence | None:
    """Return *evidence*, by environment, if it names a single one."""
    return next(iter(evidence.values())) if len(evidence) == 1 else None


_MOCKS = frozenset({"mock", "mocks", "mockserver", "wiremock"})
"""Words in the name of a service, or of its image, that stands in for another one."""


def _emulated(file: ComposeFile, catalog: Catalog) -> _Evidence | None:
    """Return development if a service of *file* emulates a cloud service, or is a mock."""
    for name, service in services_in(file).items():
        image = parse_image(service.image.value) if service.image else None
        repository = posixpath.basename(image.repository) if image else ""
        if not service.profiles and _MOCKS.intersection(
            (*name_words(name), *name_words(repository))
        ):
            return _Evidence("development", "development", f"{name} is a mock")
        directory = service.build.value.directory if service.build else None
        is_built = "emulator" in name_words(posixpath.basename(directory or ""))
        is_known = service.image and catalog.category(service.image.value) == "emulator"
        if is_built or is_known:
            return _Evidence("development", "development", f"{name} emulates a cloud service")
    return None


_SAIL = r"(?:^|/)vendor/laravel/sail/"
"""Laravel documentation, Sail: Laravel's "default Docker development environment"."""


def _built_by_sail(file: ComposeFile) -> _Evidence | None:
    """Return development if a service of *file* is built by Laravel Sail."""
    for name, service in services_in(file).items():
        directory = service.build.value.directory if service.build else None
        if directory and re.search(_SAIL, f"{directory}/"):
            return _Evidence("development", "development", f"Laravel Sail builds {name}")
    return None


def _in_values(file: ComposeFile, *, defaults: bool = False) -> _Evidence | None:
    """Return the environment in which nearly all services of *file* that name one run.

    Variables have precedence over build targets. Values with a variable count only with *defaults*.
    """
    services = services_in(file).values()
    variables = [
        (name, pair.value or "", pair.location)
        for service in services
        for name, pair in service.environment.items()
        if MODE_VARIABLE.fullmatch(name) and (defaults or "$" not in (pair.at.written or ""))
    ]
    targets = [
        ("target", each.build.value.target, each.build.location) for each in services if each.build
    ]
    for values in (variables, targets):
        found: dict[Kind, _Evidence] = {}
        kinds: list[Kind] = []
        for name, value, location in values:
            word = value.rsplit(".", 1)[-1].lower()
            if kind := kind_of(word):
                kinds.append(kind)
                reason = f"{name}: {value}"
                evidence = _Evidence(kind, word, reason, is_named=False, location=location)
                found.setdefault(kind, evidence)
        if kinds:
            return _only_one(
                {k: each for k, each in found.items() if kinds.count(k) > _NEARLY_ALL * len(kinds)}
            )
    return None


_NEARLY_ALL = 0.8
