"""The services, what each is for, the connections between them, and their networks."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from composerefactor.analysis.facts.builds import BuildFacts
from composerefactor.analysis.facts.volumes import Mount
from composerefactor.compose.hosts import name_words
from composerefactor.compose.image_references import parse_image
from composerefactor.compose.interpolation import expand
from composerefactor.compose.masking import Masking
from composerefactor.compose.one_off import one_off
from composerefactor.compose.ports import PublishedPort
from composerefactor.compose.resources import DEFAULT_NETWORK, networks_of, used_subnets
from composerefactor.compose.secrets import is_secret_name
from composerefactor.compose.service_values import Resource
from composerefactor.compose.services import Service, StartModel
from composerefactor.errors import Location
from composerefactor.images.catalog import Catalog, Placement, service_placement
from composerefactor.images.connections import Connection, HostMention, HostNames, connections
from composerefactor.images.health.usage import Usage

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
    """An environment variable of a service's container.

    Attributes:
        name: The name.
        shown: The value without secrets, None if the shell or an env file outside the project
            sets it.
        origin: ``environment`` or the path of the env file.
        is_secret: Whether the name is that of a secret.
        location: Where it is set.
    """

    name: str
    shown: str | None
    origin: str
    is_secret: bool
    location: Location


class ServiceFacts(Struct, frozen=True):
    """A service of a start command. Texts are ``""`` if the file does not set them.

    Attributes:
        name: The name.
        location: Where it is defined.
        image: The image, with variables replaced as far as they are known.
        written_image: The image as the file has it.
        image_location: Where the image is set.
        build: How the image is built, None if it is pulled.
        category: The category in the image catalog.
        counts_as: The heading of that category.
        purpose: What it is for, in words.
        status: ``ready``, ``build`` or ``blocked``.
        status_message: The reason for that status.
        ports: The published ports.
        exposed: The ports that the container exposes.
        mounts: The mounts.
        networks: The names of its networks, None if it is not on a network of the project.
        network_mode: The network mode.
        profiles: The profiles.
        restart: The restart policy.
        user: The user.
        container_name: The fixed name of its container.
        one_off: Why it is expected to end by itself, ``""`` if it keeps running.
        privileged: Whether it runs privileged.
        read_only: Whether its root file system is read-only.
        has_logging: Whether it configures logging.
        variables: The environment variables of its container.
        missing_env_files: Its env files that do not exist.
        files: The files that define it.
        links: The services that it links to.
        env_files: Its env files.
        is_provider: Whether a provider runs it instead of a container.
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
    status_message: str
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
            return f"build {self.build.context or 'outside this project'}"
        return self.image or "-"


def service_facts(
    model: StartModel,
    service: Service,
    use: Usage,
    build: BuildFacts | None,
    ports: tuple[PublishedPort, ...],
    mounts: tuple[Mount, ...],
    catalog: Catalog,
    masking: Masking,
) -> ServiceFacts:
    """Return the facts of *service* of *model*.

    *use* describes how it uses its image; *build*, *ports* and *mounts* become part of the facts.
    """
    location = service.location
    image = expand(use.image, model.variables) if use.image else None
    placed = service_placement(service, catalog, image)
    one_off_reasons = one_off(model, service.name)
    is_provider = service.value("provider") is not None
    status, status_message = _status(service, use, build, is_provider=is_provider)
    networks = networks_of(model, service.name)
    return ServiceFacts(
        service.name,
        location,
        masking.image(use.image or ""),
        masking.image(service.image.at.written or "" if service.image else ""),
        service.image.location if service.image else None,
        build,
        placed.category,
        placed.counts_as,
        _purpose(service.name, placed, build, is_one_off=one_off_reasons is not None),
        status,
        status_message,
        ports,
        use.exposed,
        mounts,
        tuple(networks) if networks is not None else None,
        service.network_mode.value if service.network_mode else "",
        tuple(profile.value for profile in service.profiles),
        _restart(service),
        service.user.value if service.user else "",
        service.container_name.value if service.container_name else "",
        "" if one_off_reasons is None else masking.text(one_off_reasons.reasons[0][0]),
        service.privileged is not None and service.privileged.value,
        service.read_only is not None and service.read_only.value,
        service.logging is not None,
        tuple(_variables(model, service, masking)),
        use.unread,
        tuple(dict.fromkeys(d.file.path for d in service.definitions)),
        tuple(link.value for link in service.links),
        tuple(service.env_files),
        is_provider,
    )


def _status(
    service: Service, use: Usage, build: BuildFacts | None, *, is_provider: bool
) -> tuple[str, str]:
    """Return the status, and a message with the reason."""
    if build is not None:
        return _build_status(build)
    if use.image is None and not is_provider:
        return "blocked", "it has neither image nor build"
    if use.image and "$" in use.image.replace("$$", ""):
        return "blocked", "its image needs a variable that is not set"
    if service.pull_policy is not None and service.pull_policy.value == "build":
        return "build", "needs a build"
    return "ready", "ready"


def _build_status(build: BuildFacts) -> tuple[str, str]:
    if build.context is None:
        return "build", "needs a build; the build context is outside this project"
    if not build.context_exists:
        return "blocked", f"its build context {build.context} does not exist"
    if not build.exists:
        return "blocked", f"{build.dockerfile} does not exist"
    return "build", "needs a build"


def _purpose(name: str, placed: Placement, build: BuildFacts | None, *, is_one_off: bool) -> str:
    runtime = _runtime(build)
    if is_one_off:
        noun = "one-off task"
    elif placed.category in _NOUNS:
        noun = _NOUNS[placed.category]
    else:
        words_of_name = set(name_words(name))
        noun = next((role for known, role in _ROLES if known & words_of_name), "application")
    return f"{noun} ({runtime})" if runtime else noun


def _runtime(build: BuildFacts | None) -> str:
    for base in (build.base, *reversed(build.stages)) if build else ():
        repository = parse_image(base.removesuffix(" (stage)")).name
        for key, runtime in _RUNTIMES.items():
            last = repository.rpartition("/")[2]
            if key in {repository, last} or (key == "dotnet" and "dotnet/" in repository):
                return runtime
    return ""


def _restart(service: Service) -> str:
    restart = service.restart or service.deploy.restart_condition
    return restart.value if restart else ""


def _variables(model: StartModel, service: Service, masking: Masking) -> list[ContainerVariable]:
    variables = []
    for name, setting in service.settings.items():
        value = setting.value
        shown = None if value is None else masking.named(name, expand(value, model.variables))
        origin = "environment" if setting.node else setting.location.path
        variables.append(
            ContainerVariable(name, shown, origin, is_secret_name(name), setting.location)
        )
    return variables


class NetworkFacts(Struct, frozen=True):
    """A network of a start command.

    Attributes:
        name: The key of the network.
        members: The services that are on it.
        location: Where it is declared, or the root file.
        driver: The driver, ``""`` for the default of Docker Compose.
        subnets: The subnets.
        internal: Whether it has no access to the outside.
        external: Whether it is created outside the project.
        declared: Whether a file declares it.
        full_name: The name that the file sets, ``""`` if it sets none.
    """

    name: str
    members: tuple[str, ...]
    location: Location
    driver: str = ""
    subnets: tuple[str, ...] = ()
    internal: bool = False
    external: bool = False
    declared: bool = True
    full_name: str = ""

    @property
    def implicit(self) -> bool:
        """True for ``default`` if no file declares it: Docker Compose creates it."""
        return self.name == DEFAULT_NETWORK and not self.declared


class Edge(Struct, frozen=True):
    """One service needs another.

    Attributes:
        caller: The service that needs the other.
        callee: The service that is needed.
        kinds: How that is known: ``depends_on`` and similar settings are read by Docker Compose;
            the others (``url``, ``address``, ``name``, ``label``) are found in texts.
        condition: The condition of ``depends_on``, ``""`` without one.
        location: The dependency that decides the condition, else the first place in the files.
        where: A description of each place, without secrets.
    """

    caller: str
    callee: str
    kinds: tuple[str, ...]
    condition: str
    location: Location
    where: tuple[str, ...] = ()

    @property
    def is_declared(self) -> bool:
        """True if Docker Compose knows about it."""
        return not {"url", "address", "name", "label"}.issuperset(self.kinds)


def networks(model: StartModel) -> tuple[NetworkFacts, ...]:
    """Return the networks of *model*: those declared, and those that services are on."""
    members: dict[str, list[str]] = {}
    for name in model.services:
        for network in networks_of(model, name) or ():
            members.setdefault(network, []).append(name)
    declared = model.resources("networks")
    subnets: dict[str, list[str]] = {}
    for used in used_subnets(model.files):
        subnets.setdefault(used.network, []).append(str(used.subnet))
    facts = []
    for name in dict.fromkeys([*declared, *members]):
        resource = declared.get(name) or Resource(Location(model.entry.root_file))
        facts.append(
            NetworkFacts(
                name,
                tuple(members.get(name, ())),
                resource.location,
                resource.driver,
                tuple(dict.fromkeys(subnets.get(name, ()))),
                internal=resource.internal,
                external=resource.external,
                declared=name in declared,
                full_name=resource.full_name,
            )
        )
    return tuple(facts)


def edges(model: StartModel, mentions: Iterable[HostMention], hosts: HostNames) -> tuple[Edge, ...]:
    """Return which service needs which in *model*, in the order of the files.

    *mentions* are the mentions of host names in the model, *hosts* says where they lead.
    """
    return tuple(_edge(model, each) for each in connections(model, mentions, hosts))


def _edge(model: StartModel, connection: Connection) -> Edge:
    dependency = model.services[connection.caller].depends_on.get(connection.callee)
    return Edge(
        connection.caller,
        connection.callee,
        tuple(dict.fromkeys(hint.kind for hint in connection.hints)),
        dependency.value.condition if dependency else "",
        dependency.location if dependency else connection.hints[0].location,
        tuple(dict.fromkeys(str(hint) for hint in connection.hints)),
    )
