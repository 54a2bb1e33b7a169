"""The inventory: what each service is, what it is for, and whether it can start as it stands."""

from __future__ import annotations

from msgspec import Struct

from composerefactor.analysis.facts.builds import BuildFacts
from composerefactor.analysis.facts.networks import PublishedPort
from composerefactor.analysis.facts.variables import Redaction
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.compose.hosts import words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.compose.one_off import one_off
from composerefactor.compose.resources import networks_of
from composerefactor.compose.secrets import is_secret_name
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog
from composerefactor.images.health.usage import Usage
from composerefactor.images.placement import Placement, place

_NOUNS = {
    "database": "database",
    "cache": "cache",
    "queue": "message queue",
    "search": "search engine",
    "vector-db": "vector database",
    "storage": "object storage",
    "emulator": "emulator of a cloud service",
    "auth": "identity and secrets",
    "ai": "model serving",
    "proxy": "proxy",
    "monitoring": "monitoring",
    "logging": "logs",
    "tracing": "tracing",
    "tools": "tool for operators",
}
_ROLES = (
    ({"frontend", "web", "ui", "client", "webapp", "dashboard", "portal", "site"}, "web frontend"),
    ({"worker", "workers", "celery", "consumer", "sidekiq", "jobs"}, "background worker"),
    ({"scheduler", "cron", "beat"}, "scheduler"),
    ({"gateway", "bff"}, "gateway"),
    ({"api", "backend", "server", "service", "graphql"}, "API"),
    ({"bot"}, "bot"),
)
_RUNTIMES = {
    "node": "Node.js",
    "python": "Python",
    "golang": "Go",
    "rust": "Rust",
    "php": "PHP",
    "ruby": "Ruby",
    "openjdk": "Java",
    "eclipse-temurin": "Java",
    "amazoncorretto": "Java",
    "maven": "Java",
    "gradle": "Java",
    "dotnet": ".NET",
    "elixir": "Elixir",
    "oven/bun": "Bun",
    "denoland/deno": "Deno",
}


class ContainerVariable(Struct, frozen=True):
    """A variable of a service's container.

    *shown* is its value without secrets, None where the shell or an env file outside gives it.
    *origin* is ``environment`` or the path of the env file.
    """

    name: str
    shown: str | None
    origin: str
    is_secret: bool
    location: Location


class ServiceFacts(Struct, frozen=True):
    """A service.

    *image* has its variables replaced as far as they are known, *written_image* is the text of the
    file; both are ``""`` without one. *category* is that of the catalogue, *counts_as* its heading.
    *status* is ``ready``, ``build`` or ``blocked``, *status_words* says why. *one_off* is why it
    is believed to end by itself, ``""`` where it runs on. *networks* is None where it is on none of
    the project's.
    """

    name: str
    location: Location
    image: str
    written_image: str
    image_location: Location | None
    build: BuildFacts | None
    category: str
    counts_as: str
    purpose: str
    status: str
    status_words: str
    ports: tuple[PublishedPort, ...]
    exposed: tuple[str, ...]
    mounts: tuple[Mount, ...]
    networks: tuple[str, ...] | None
    network_mode: str
    profiles: tuple[str, ...]
    restart: str
    user: str
    container_name: str
    one_off: str
    privileged: bool
    read_only: bool
    has_logging: bool
    variables: tuple[ContainerVariable, ...]
    missing_env_files: tuple[str, ...]
    files: tuple[str, ...]
    links: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    is_provider: bool = False

    @property
    def source(self) -> str:
        """The image, or what it is built from."""
        if self.build is not None:
            return f"build {self.build.context or 'elsewhere'}"
        return self.image or "-"


def service_facts(
    model: StartModel,
    service: Service,
    use: Usage,
    build: BuildFacts | None,
    ports: tuple[PublishedPort, ...],
    mounts: tuple[Mount, ...],
    catalog: Catalog,
    redaction: Redaction,
) -> ServiceFacts:
    """Return the facts on *service* of *model*."""
    own = [d for d in service.definitions if not d.inherited] or list(service.definitions)
    at = own[0].file.location_of("services", service.name)
    found_image = service.value("image")
    placed = place(service.name, expand(use.image, model.variables) if use.image else None, catalog)
    ends = one_off(model, service.name)
    provider = service.value("provider") is not None
    status, words_ = _status(service, use, build, provider=provider)
    found_networks = networks_of(model, service.name)
    return ServiceFacts(
        service.name,
        at,
        redaction.text(use.image or ""),
        redaction.text(service.text("image") or ""),
        found_image.location if found_image else None,
        build,
        placed.category,
        placed.counts_as,
        _purpose(service.name, placed, build, ends=ends is not None),
        status,
        words_,
        ports,
        use.exposed,
        mounts,
        tuple(found_networks) if found_networks is not None else None,
        expand(service.text("network_mode") or "", model.variables),
        tuple(dict.fromkeys(name for name, _ in service.names("profiles"))),
        _restart(model, service),
        expand(service.text("user") or "", model.variables),
        expand(service.text("container_name") or "", model.variables),
        "" if ends is None else redaction.text(ends.reasons[0][0]),
        service.text("privileged") == "true",
        service.text("read_only") == "true",
        service.value("logging") is not None,
        tuple(_variables(model, service, redaction)),
        use.unread,
        tuple(dict.fromkeys(d.file.path for d in service.definitions)),
        tuple(name for name, _ in service.names("links")),
        tuple(service.env_files),
        provider,
    )


def _status(
    service: Service, use: Usage, build: BuildFacts | None, *, provider: bool
) -> tuple[str, str]:
    """Return the status and the words for it."""
    if build is not None:
        return _build_status(build)
    if use.image is None and not provider:
        return "blocked", "it has neither image nor build"
    if use.image and "$" in use.image.replace("$$", ""):
        return "blocked", "its image needs a variable that nothing sets"
    if service.text("pull_policy") == "build":
        return "build", "needs a build"
    return "ready", "ready"


def _build_status(build: BuildFacts) -> tuple[str, str]:
    if build.context is None:
        return "build", "needs a build; its context is not in this project"
    if not build.context_is_there:
        return "blocked", f"its build context {build.context} is not here"
    if not build.is_there:
        return "blocked", f"{build.dockerfile} is not here"
    return "build", "needs a build"


def _purpose(name: str, placed: Placement, build: BuildFacts | None, *, ends: bool) -> str:
    runtime = _runtime(build)
    if ends:
        noun = "one-off task"
    elif placed.category in _NOUNS:
        noun = _NOUNS[placed.category]
    else:
        named = set(words(name))
        noun = next((role for known, role in _ROLES if known & named), "application")
    return f"{noun} ({runtime})" if runtime else noun


def _runtime(build: BuildFacts | None) -> str:
    for base in (build.base, *reversed(build.stages)) if build else ():
        repository = parse_image(base.removesuffix(" (stage)")).name
        for key, runtime in _RUNTIMES.items():
            last = repository.rpartition("/")[2]
            if key in {repository, last} or (key == "dotnet" and "dotnet/" in repository):
                return runtime
    return ""


def _restart(model: StartModel, service: Service) -> str:
    text = service.text("restart")
    if text is not None:
        return expand(text, model.variables)
    for found in reversed(service.values("deploy")):
        policy = merged_get(found.node, "restart_policy")
        if policy is not None:
            return scalar_text(merged_get(policy, "condition")) or "any"
    return ""


def _variables(
    model: StartModel, service: Service, redaction: Redaction
) -> list[ContainerVariable]:
    found = []
    for name, setting in service.settings.items():
        value = setting.value
        shown = None if value is None else redaction.named(name, expand(value, model.variables))
        origin = "environment" if setting.found else setting.location.path
        found.append(ContainerVariable(name, shown, origin, is_secret_name(name), setting.location))
    return found
