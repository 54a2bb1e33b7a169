"""Questions on one image, answered from the image catalog.

Which health check fits a service (:func:`choose_check`), whether a command starts the server of
the image, where the image stores data, and how far a service with it can be hardened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from itertools import chain, pairwise
from posixpath import normpath

from msgspec import Struct, convert
from msgspec.structs import replace

from composerefactor.compose.image_references import (
    equivalent_repositories,
    parse_image,
    repository_of,
)
from composerefactor.compose.interpolation import expand, expand_known
from composerefactor.compose.resources import is_mounted, overlap
from composerefactor.compose.services import Service, StartModel
from composerefactor.compose.sizes import MIB, parse_size
from composerefactor.errors import Location
from composerefactor.images.catalog import (
    Catalog,
    NamePatterns,
    Placement,
    read_json,
    service_placement,
)
from composerefactor.images.entries import (
    CatalogEntry,
    Command,
    DataPath,
    Evidence,
    ImageUse,
    MemoryNeed,
    RefusedMount,
    RemovedOption,
    StopNeed,
    Tag,
    Times,
    Truth,
    in_range,
    parse_tag,
)

_PORT_PLACEHOLDER = r"\bPORT\b"
_TRAILING_PORT = r"(?a)(?:.*:)?(\d+)(?:/tcp)?"


class HealthCheckChoice(Struct, frozen=True):
    """The health check for a use of an image.

    Attributes:
        test: Its command.
        times: Its times.
        note: A remark for the reader, or ``""``.
    """

    test: Command
    times: Times
    note: str = ""


class NoHealthCheck(Struct, frozen=True):
    """No health check fits a use of an image.

    Attributes:
        reason: Why there is none.
        remedy: What the user can do about it, or ``""``.
    """

    reason: str
    remedy: str = ""


def choose_check(
    entry: CatalogEntry, use: ImageUse, published: Iterable[str] = ()
) -> HealthCheckChoice | NoHealthCheck:
    """Return the health check of *entry* for *use*, or the reason why none fits.

    *published* are the published container ports. The first variant whose condition is true is
    used, otherwise the health check of the entry itself. A condition that cannot be decided leads
    to :class:`NoHealthCheck`, never to a guess.
    """
    port = moved_port(entry, use, published)
    if port is None:
        names = " or ".join(entry.listens.variables)
        return NoHealthCheck(f"{entry.id} listens on the port of {names}, which is unknown")
    use = replace(use, port=port)
    required = [condition.holds(use) for condition in entry.requires]
    if required and Truth.YES not in required:
        unknowns = _join_with_and(c.unknowns(use) for c in entry.requires)
        return NoHealthCheck(
            f"cannot tell whether a health check of {entry.id} can pass: {unknowns} is unknown"
            if Truth.UNKNOWN in required
            else f"a health check of {entry.id} cannot pass with this configuration",
            entry.needs,
        )
    for variant in entry.variants:
        match variant.when.holds(use):
            case Truth.YES:
                return _check_for_port(entry, variant.test, use, variant.note)
            case Truth.UNKNOWN if not variant.refines:
                return NoHealthCheck(
                    f"the right health check for {entry.id} depends on "
                    f"{variant.when.unknowns(use)}, which is unknown"
                )
    return _check_for_port(entry, entry.healthcheck.test if entry.healthcheck else None, use, "")


def moved_port(entry: CatalogEntry, use: ImageUse, published: Iterable[str]) -> str | None:
    """Return the port on which *use* listens instead of the main port of *entry*, or ``""``.

    An option of the command decides, then a variable. Otherwise *published*, the published
    container ports, do so if the main port is not among them and the entry lists the ports to look
    for. A published port with a variable is known by its default. Returns None if the value of the
    variable is unknown.
    """
    main = entry.main_port
    if not main:
        return ""
    ports = {expand_known(port, {}) or port: port for port in published}
    words = [part for word in use.command for part in word.split()]
    for option in entry.listens.options:
        for word, following in pairwise([*words, ""]):
            name, equals, value = word.partition("=")
            port_match = re.fullmatch(_TRAILING_PORT, value if equals else following)
            if fnmatchcase(name.lower(), option.lower()) and port_match:
                port = ports.get(port_match[1], port_match[1])
                return "" if port == main else port
    for variable in entry.listens.variables:
        if variable in use.environment:
            port_match = re.fullmatch(_TRAILING_PORT, use.environment[variable] or "")
            return ("" if port_match[1] == main else port_match[1]) if port_match else None
    if entry.listens.published and ports:
        usual = (main, *map(str, entry.listens.published))
        port = next((ports[p] for p in usual if p in ports), next(iter(ports.values())))
        return "" if port == main else port
    return ""


def _check_for_port(
    entry: CatalogEntry, test: Command | None, use: ImageUse, note: str
) -> HealthCheckChoice | NoHealthCheck:
    """Return *test* with the main port of *entry* replaced by that of *use*, or why it is not."""
    if test is None:
        reason = note or "no program in the image can run a health check"
        return NoHealthCheck(f"{entry.id}: {reason}", entry.needs)
    if use.port:
        main = re.compile(rf"(?<!\d){re.escape(entry.main_port)}(?!\d)")
        port = use.port.replace("\\", r"\\")  # a backslash would begin a reference to a group
        moved = tuple(re.sub(_PORT_PLACEHOLDER, port, main.sub(port, word)) for word in test)
        if moved == test and entry.listens.options:
            return NoHealthCheck(
                f"{entry.id} is configured to listen on port {use.port} instead of "
                f"{entry.main_port}"
            )
        test = moved
    return HealthCheckChoice(test, entry.times, note)


def _join_with_and(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(text for text in texts if text))


_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh"})
_SERVER_COMMANDS = frozenset(
    {
        *("server", "serve", "start", "start-dev", "run", "agent", "standalone", "gateway", "web"),
        *("start-single-node", "all-in-one", "daemon", "mongod", "mongos", "kc.sh", "tini"),
    }
)
_MAINTENANCE_COMMANDS = re.compile(
    r"""(?<![\w.])(?:
        pg_dump(?:all)?|pg_basebackup|pg_restore|pg_isready|psql|mongodump|mongorestore|mongosh
        |mongo(?=\s+(?!--))|mysqldump|mariadb-dump|(?:mysql|mariadb)(?=\s+-)|mysqladmin|mariadb-admin
        |redis-cli|valkey-cli|cqlsh|nodetool|clickhouse[- ]client|cypher-shell|influx(?=\s)|etcdctl
        |rabbitmqctl|rabbitmqadmin|crond?|curl|rs\.initiate|kafka-(?:topics|configs|acls)(?:\.sh)?
        |tail\s+-[fF]|sleep\s+(?:inf|\d{4,})
    )(?![\w.])|backup|init-""",
    re.VERBOSE,
)

_INSTALLATION = r"\b(?:apk|apt|apt-get|dnf|yum|pip3?|npm)\s[^;&|]*\b(?:add|install|update)\b[^;&|]*"
"""A command that installs packages, whose names are those of programs."""

_CLIENT_TASKS = re.compile(
    r"""(?<![\w.-])(?:
        ollama\s+(?:pull|push|create|cp|rm|run|list)|n8n\s+(?:import|export)|kong\s+migrations
        |vault\s+(?:operator|kv|secrets|auth|policy|login|write|read|status)|grafana[- ]cli
        |consul\s+(?:kv|acl|operator)|gitea\s+(?:admin|migrate)|mlflow\s+db
        |airflow\s+(?:db|users|connections|variables)|superset\s+(?:db|init|fab)
        |elasticsearch-(?:certutil|keystore|users|plugin|setup-passwords|reset-password)
        |kibana-(?:encryption-keys|keystore|setup)|kc\.sh\s+(?:import|export|build)
    )(?![\w.-])""",
    re.VERBOSE,
)
"""What the program of a server does for a moment, often as the client of another one."""


def starts_server(entry: CatalogEntry, command: tuple[str, ...]) -> bool:
    """Return whether *command* starts the server of *entry*.

    *command* contains the words of entrypoint and command. Without words, the image's own command
    runs; options alone are options of the server. The text of a shell must name the server, not
    only for a task such as ``ollama pull``, and no tool for backups or initialization.
    """
    if not command:
        return True
    first = command[0].rpartition("/")[2]
    text = re.sub(_INSTALLATION, "", " ".join(command))
    if command[0].startswith("-") or first in _SERVER_COMMANDS or "entrypoint" in first:
        return True
    if _MAINTENANCE_COMMANDS.search(text):
        return False
    names = {entry.id.split("-")[0], *(n.rpartition("/")[2].split("-")[0] for n in entry.names)}
    if _CLIENT_TASKS.search(text):
        return any(name in _CLIENT_TASKS.sub("", text) for name in names)
    if first in _SHELLS:
        return any(name in text for name in names)
    programs = [word.rpartition("/")[2] for word in command]
    return any(name in program for name in names for program in programs) or any(
        word in variant.when.command for variant in entry.variants for word in command
    )


def runs_server(service: Service, entry: CatalogEntry | None) -> bool:
    """Return whether *service* starts the server of its image *entry*; True if that is unknown."""
    words = (value.value for value in (service.entrypoint, service.command) if value)
    return entry is None or starts_server(entry, tuple(chain.from_iterable(words)))


def data_paths(
    image: str, catalog: Catalog, environment: Mapping[str, str | None] | None = None
) -> list[DataPath] | None:
    """Return the paths at which *image* stores data.

    Paths whose loss costs little are excluded. An image that is not in *catalog* has no paths.
    Returns None if the path depends on the version and the tag does not name one.

    Args:
        image: The image.
        catalog: The image catalog.
        environment: The variables of the container, which may name another path; that of the image
            counts if it is above.
    """
    entry = catalog.match(image)
    if entry is None:
        return []
    reference = parse_image(image)
    tag = parse_tag(reference.tag or "")
    paths = []
    for path in entry.data:
        is_in_range = in_range(tag, path.versions) if path.versions else True
        if is_in_range is None or (path.versions and reference.digest and not reference.tag):
            return None
        is_unused = any((environment or {}).get(name, "") != "" for name in path.unless)
        if is_in_range and not path.optional and not is_unused:
            chosen = normpath((environment or {}).get(path.variable) or path.path)
            is_elsewhere = chosen.startswith("/") and not overlap(chosen, path.path)
            other = replace(path, path=chosen, own_volume=False)
            paths.append(other if is_elsewhere else path)
    return paths


def lasting_paths(paths: Iterable[DataPath], place: Placement) -> list[DataPath]:
    """Return those of *paths* at which a service needs a volume; *place* is its category.

    These are all paths of a data store, and those of another image that are to be kept.
    """
    is_store = place.counts_as == "data stores" and place.category != "emulator"
    return [path for path in paths if not path.optional and (is_store or path.kept)]


def may_configure_data(service: Service, place: Placement) -> bool:
    """Return whether a configuration file of *service* may name another data directory (Loki).

    *place* is the category of the service.
    """
    is_configured = any(_CONFIGURATION.search(each.value.target) for each in service.volumes)
    return is_configured and place.category in {"logging", "tracing"}


def unsteady_data(service: Service, paths: Iterable[DataPath]) -> str:
    """Return the data path that a new container of *service* does not find again, or ``""``.

    The server looks for its data by host name. Unless the file sets that, each new container has
    another one.
    """
    is_set = service.hostname is not None or any(map(_NODE_NAME.search, service.settings))
    return "" if is_set else next((path.path for path in paths if path.by_host), "")


_NODE_NAME = re.compile(r"NODE_?NAME$")
_PATH_IN_TEXT = re.compile(
    r"(?:https?://[^/\s]+|(?<![\w./:$}-])|(?<=(?<!\S)-[A-Za-z]))(/[\w.{},-]+(?:/[\w.{},-]+)*)"
)
"""A path that is a word, the value of an option, or directly after its letter: ``-D/data``."""
_OTHER_CONTENT = re.compile(
    r"conf|cnf|\.ya?ml|\.toml|\.ini|cert|tls|ssl|\bkey|secret|passw|backup|dump|log(?!_dirs)|init"
    r"|script|\.sh|plugin|import|snapshot|tmp|temp|wal|archive",
    re.IGNORECASE,
)


def is_for_data(target: str) -> bool:
    """Return whether the mount point *target* is not one for settings, logs, certificates ..."""
    return _OTHER_CONTENT.search(target) is None


_CONFIGURATION = re.compile(r"\.(?:conf|cnf|ya?ml|toml|ini|xml|hcl)$|conf\.d\b", re.IGNORECASE)


def has_no_own_data(model: StartModel, service: Service, entry: CatalogEntry | None) -> bool:
    """Return whether *service* stores nothing at the data directory of its image *entry*.

    It runs another program than the server, its command turns persistence off, or does not turn it
    on, or it keeps its data elsewhere.
    """
    return (
        not runs_server(service, entry)
        or _needs_no_data(service, entry)
        or _disables_persistence(service)
        or not _enables_persistence(service, entry)
        or _keeps_data_elsewhere(model, service)
    )


def _keeps_data_elsewhere(model: StartModel, service: Service) -> bool:
    """Return whether a setting of *service* names a directory that is mounted.

    The server then most likely keeps its data there, not at the path of the image: ``PGDATA``,
    ``--datadir``, ``path.data``, the directories of ``minio server``. Settings and mounts that are
    about configuration, logs, certificates or backups do not count, nor do read-only mounts. A
    configuration file that is mounted may name the directory, too.
    """
    targets = [
        volume.value.target.rstrip("/")
        for volume in service.volumes
        if not volume.value.read_only and is_for_data(volume.value.target)
    ]
    if not targets:
        return False
    if any(_CONFIGURATION.search(volume.value.target) for volume in service.volumes):
        return True
    for text in _setting_texts(model, service):
        for match in _PATH_IN_TEXT.finditer(text):
            option = next(reversed(text[: match.start()].split()), "")
            if _OTHER_CONTENT.search(f"{option}{match[1]}"):
                continue
            path, brace, _ = match[1].partition("{")  # minio: /data{1...4}
            if any(
                target.startswith(path) if brace else is_mounted([target], path)
                for target in targets
            ):
                return True
    return False


def _known_image(image: str, catalog: Catalog) -> tuple[CatalogEntry | None, Tag]:
    """Return the entry and the tag of *image*; (None, a tag) for ``""`` and an unknown one."""
    return (catalog.match(image) if image else None), _known_tag(image)


def _known_tag(image: str) -> Tag:
    """Return the tag of *image*; with a digest alone it has no known version."""
    reference = parse_image(image)
    return parse_tag(reference.tag or ("" if reference.digest is None else "digest"))


def refused_mounts(
    service: Service, image: str, environment: Mapping[str, str | None], catalog: Catalog
) -> Iterator[tuple[Location, str, RefusedMount]]:
    """Yield the mounts of *service* with which the server of its image does not start.

    Each comes with its location and its mount point. An image whose version is unknown refuses
    nothing.

    Args:
        service: The service.
        image: Its image, or that from which its image is built; ``""`` if it is unknown.
        environment: The variables of the container.
        catalog: The image catalog.
    """
    entry, tag = _known_image(image, catalog)
    if entry is None:
        return
    for refused in entry.refuses:
        if refused.versions and not in_range(tag, refused.versions):
            continue
        if refused.unless and environment.get(refused.unless, "") != "":
            continue
        mounts = [(each.location, each.value.target) for each in service.volumes]
        mounts += [(each.location, each.value.partition(":")[0]) for each in service.tmpfs]
        for location, target in mounts:
            if normpath(target) == refused.path:
                yield location, target, refused


def removed_options(service: Service, catalog: Catalog) -> Iterator[tuple[str, RemovedOption]]:
    """Yield the options of *service* that the server of its image no longer supports.

    The first item of each pair is the option as written. An image whose version is unknown is
    assumed to support all of them.
    """
    image = service.image.at.known_text if service.image and service.build is None else None
    entry, tag = _known_image(image or "", catalog)
    if entry is None or not runs_server(service, entry):
        return
    texts = (" ".join(each.value) for each in (service.entrypoint, service.command) if each)
    for word in " ".join(texts).split():
        option = word.partition("=")[0]
        for removed in entry.removed:
            if option.replace("_", "-") == removed.option and in_range(tag, removed.versions):
                yield option, removed


def _disables_persistence(service: Service) -> bool:
    """Return whether the command of *service* turns persistence off.

    That is ``--save ""`` for Redis; Redis Sentinel has no data.
    """
    command = service.value("command")
    words = " ".join(item.written or "" for item in command.items) if command else ""
    if words.startswith("redis-sentinel") or "--sentinel" in words:
        return True
    return '--save ""' in f"{words} " or "--save ''" in f"{words} " or "--save  " in f"{words} "


def _enables_persistence(service: Service, entry: CatalogEntry | None) -> bool:
    """Return whether *service* stores data; some images do so only with an option (NATS)."""
    needed = [path.only for path in entry.data] if entry is not None else []
    if not needed or not all(needed):
        return True
    words = service.command.value if service.command else ()
    return any(word.partition("=")[0] in only for only in needed for word in words)


def _needs_no_data(service: Service, entry: CatalogEntry | None) -> bool:
    """Return whether an option of *service* makes its data needless, or says another place.

    *entry* is that of its image.
    """
    options = {name for path in (entry.data if entry else ()) for name in path.unless}
    words = service.command.value if service.command else ()
    return any(word in options or word.partition("=")[0] in options for word in words)


class Hardening(Struct, frozen=True, kw_only=True):
    """How far services with certain images can be hardened.

    Attributes:
        names: Shell patterns for repositories.
        tag: A version range for the tag, ``""`` for all.
        capabilities: The capabilities that the image needs when all others are dropped.
        writable: The directories that the image writes to besides its volumes. None if unknown.
        unless: Mount points that make the image write to other directories.
        configuration: Mount points that may make it write to other directories.
        source: Where this was read.
        verified: The kind of evidence.
    """

    names: tuple[str, ...]
    tag: str = ""
    capabilities: tuple[str, ...]
    writable: tuple[str, ...] | None = None
    unless: tuple[str, ...] = ()
    configuration: tuple[str, ...] = ()
    source: str
    verified: Evidence


def hardening(image: str) -> Hardening | None:
    """Return the hardening facts of *image*, a reference from a Compose file, or None.

    Entries with a version range come first; none of them fits an image whose version is unknown.
    """
    tag = _known_tag(image)
    return next(
        (
            entry
            for entry in _hardening_entries()
            if _matches_any(entry.names, image) and (not entry.tag or in_range(tag, entry.tag))
        ),
        None,
    )


def file_capabilities(image: str) -> tuple[str, ...]:
    """Return the capabilities in the file of the program of *image*: it must have them to start."""
    entries = read_json("hardening.json")["files"]
    found = (each["capabilities"] for each in entries if _matches_any(tuple(each["names"]), image))
    return tuple(next(found, ()))


def gains_privileges(image: str) -> bool:
    """Return whether *image* is listed as incompatible with ``no-new-privileges``."""
    return any(_matches_any(names, image) for names in _privilege_gaining_patterns())


def _matches_any(patterns: tuple[str, ...], image: str) -> bool:
    name = repository_of(image)
    return any(map(NamePatterns(patterns).match, equivalent_repositories(name) if name else ()))


@cache
def _privilege_gaining_patterns() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(entry["names"]) for entry in read_json("hardening.json")["gains"])


@cache
def _hardening_entries() -> tuple[Hardening, ...]:
    return tuple(convert(read_json("hardening.json")["images"], list[Hardening]))


_SETTING_PATTERNS = {
    "xmx": r"-Xmx",  # Java
    "max_heap_size": r"MAX_HEAP_SIZE=",  # Cassandra
    "memory_limit_mb": r"\w*MEMORY_LIMIT_MB=",  # SQL Server, in MiB
    "space": r"max-?old-?space-?size[=\s]",  # Node, in MiB
    "maxmemory": r"maxmemory[=\s]+",  # Redis
    "innodb": r"innodb[-_]buffer[-_]pool[-_]size[=\s]",  # MySQL
    "shared_buffers": r"shared_buffers\s*=\s*",  # PostgreSQL
    "wiredtiger": r"wiredTigerCacheSizeGB[=\s]",  # MongoDB, in GiB
}
"""Patterns of settings of sizes, by a part of the setting that is rare in other texts."""

_SETTINGS = re.compile(
    rf"(?:{'|'.join(_SETTING_PATTERNS.values())})\s*(?P<size>[0-9]+(?:\.[0-9]+)?\s*(?:[bkmgt]i?b?)?)\b",
    re.IGNORECASE,
)
_UNKNOWN_SIZE = re.compile(
    r"(?:-Xmx|max-?old-?space-?size=|MAX_HEAP_SIZE=)(?!\s*\d)", re.IGNORECASE
)
"""A setting whose size a variable without a value says."""
_HEADROOM = 1.5
"""The configured part is the largest part of a program's memory, never all of it."""
_SEARCH_HEAPS = ("ES_JAVA_OPTS=", "OPENSEARCH_JAVA_OPTS=")
_SEARCH_HEADROOM = 2.0
"""Elasticsearch and OpenSearch: "no more than 50% of the total memory available" is for the heap
(Elasticsearch documentation, JVM settings)."""

_STEPS = (64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)
"""The sizes in MiB to which a requirement is rounded up; above them, multiples of 4 GiB."""


def memory_of(model: StartModel, service: Service, catalog: Catalog) -> MemoryNeed | None:
    """Return the memory that the server of an image needs; None if *catalog* does not know it.

    None as well if *service* runs another program of the image, or builds another image on it. It
    is not bounded if a setting says how much it takes, but not here: by a configuration file that
    is mounted, or by a variable without a value.
    """
    image = service.image
    entry = catalog.match(image.value) if image and service.build is None else None
    if entry is None or entry.memory is None or not runs_server(service, entry):
        return None
    texts = [*_setting_texts(model, service), *(each.value.target for each in service.volumes)]
    if any(part in text for part in entry.memory.unless for text in texts) or any(
        map(_UNKNOWN_SIZE.search, texts)
    ):
        return replace(entry.memory, bounded=False)
    return entry.memory


def stop_need(service: Service, catalog: Catalog) -> StopNeed | None:
    """Return the time that the server of an image needs to stop; None if it needs no long one.

    None as well if *catalog* does not know it, and if *service* runs another program of the image,
    or builds another image on it.
    """
    image = service.image.value if service.image and service.build is None else ""
    entry = catalog.match(image) if image else None
    if entry is None or entry.stops is None or not runs_server(service, entry):
        return None
    words = (value.value for value in (service.entrypoint, service.command) if value)
    use = ImageUse(
        repository=catalog.known_name(image) or "",
        tag=_known_tag(image),
        command=tuple(chain.from_iterable(words)),
    )
    when = entry.stops.when
    return entry.stops if when is None or when.holds(use) is Truth.YES else None


USUAL_SIZES = {
    "applications": "1.0/1G",
    "frontends": "0.5/512M",
    "data_stores": "1.0/1G",
    "caches": "0.5/512M",
    "heavy": "1.0/2G",
    "models": "1.0/4G",
    "proxies": "0.5/128M",
    "infrastructure": "0.5/512M",
}
"""CPUs and memory by kind of service: guesses, for services of which nothing else is known."""

_KINDS = {
    "cache": "caches",
    "search": "heavy",
    "vector-db": "heavy",
    "queue": "heavy",
    "ai": "models",
    "logging": "data_stores",
}
"""The kind of a category, where it is not its group."""

DATA_CATEGORIES = frozenset({"database", "cache", "queue", "search", "vector-db"})
"""Categories of servers whose clients are the services of the project."""

PAGE_WORDS = frozenset({"frontend", "ui", "webapp", "spa"})
"""Words in the name of an application that serves pages."""

_MODEL_WORDS = frozenset({"ai", "ml", "llm", "inference", "embedding", "embeddings"})
"""Words in the name of an application that runs AI models."""


def usual_kind(service: Service, catalog: Catalog, *, is_known: bool) -> str:
    """Return the kind of *service* in :data:`USUAL_SIZES`.

    With *is_known*, the catalog knows the needs of its image.
    """
    place = service_placement(service, catalog)
    if place.category == "proxy" and is_known:
        return "proxies"
    words = re.split(r"[^a-z]+", service.name.lower())
    if place.counts_as == "applications" and PAGE_WORDS.intersection(words):
        return "frontends"
    if place.counts_as == "applications" and _MODEL_WORDS.intersection(words):
        return "models"
    return _KINDS.get(place.category, place.counts_as.replace(" ", "_"))


SHARED_MEMORY = "shm_size"


class ConfiguredMemory(Struct, frozen=True):
    """The memory that the settings of a service claim.

    Attributes:
        bytes: The sum of the settings.
        required: What the service needs with them, rounded up; a container has more in its memory.
        settings: The settings, such as ``-Xmx1g``.
        is_literal: False if a variable sets one of them, so that it may be changed elsewhere.
    """

    bytes: int
    required: int
    settings: str
    is_literal: bool


def configured_memory(model: StartModel, service: Service) -> ConfiguredMemory | None:
    """Return the memory that *service* is configured to use, None if no setting says it.

    The settings are found in the environment and the command: a Java heap, the cache of a
    database. Shared memory (:data:`SHARED_MEMORY`) counts as well; alone it is only a lower bound.
    """
    sizes: dict[str, int] = {}
    headroom = _HEADROOM
    for text in _setting_texts(model, service):
        lower = text.lower()
        if not any(pattern in lower for pattern in _SETTING_PATTERNS):
            continue
        for match in _SETTINGS.finditer(text):
            sizes[match[0].strip()] = _setting_bytes(match[0], match["size"])
            if text.startswith(_SEARCH_HEAPS):
                headroom = _SEARCH_HEADROOM
    written = "\n".join(_written_texts(service))
    is_literal = all(setting in written for setting in sizes)
    if service.shm_size and service.shm_size.value:
        sizes[SHARED_MEMORY] = service.shm_size.value
    if not sizes:
        return None
    total = sum(sizes.values())
    required = _round_up(int(total * headroom))
    return ConfiguredMemory(total, required, ", ".join(sizes), is_literal)


def _setting_bytes(setting: str, size: str) -> int:
    lower = setting.lower()
    if lower.startswith("wiredtiger"):
        return parse_size(f"{size}g") or 0
    if "space" in lower or "limit_mb" in lower:
        return parse_size(f"{size}m") or 0
    return parse_size(size) or 0


def _round_up(size: int) -> int:
    for step in _STEPS:
        if size <= step * MIB:
            return step * MIB
    step = 4096 * MIB
    return -(-size // step) * step


def _written_texts(service: Service) -> Iterator[str]:
    """Yield the texts of :func:`_setting_texts` with their variables as written."""
    yield from (f"{setting.name}={setting.value}" for setting in service.settings.values())
    for words in (service.entrypoint, service.command):
        if words is not None:
            yield " ".join(item.written or "" for item in words.at.items)


def _setting_texts(model: StartModel, service: Service) -> Iterator[str]:
    for setting in service.settings.values():
        yield f"{setting.name}={expand(setting.value or '', model.variables)}"
    for words in (service.entrypoint, service.command):
        if words is not None:
            yield " ".join(words.value)
