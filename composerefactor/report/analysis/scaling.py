"""The sections about several containers of a service, and about what Docker Compose cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from composerefactor.analysis.analysis import Analysis
from composerefactor.analysis.facts.architecture import Architecture, InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.compose.hosts import name_words, urls
from composerefactor.compose.interpolation import expand
from composerefactor.compose.one_off import reason_it_may_exit
from composerefactor.errors import enumerated, first_of
from composerefactor.images.catalog import without_instance
from composerefactor.images.connections import HostMention
from composerefactor.images.entries import Scaling
from composerefactor.images.scaling import Obstacle, obstacles
from composerefactor.report.analysis.model import Row, Section, Table, TextBlock, merged
from composerefactor.report.analysis.operation import command_of
from composerefactor.report.text import counted, fix_command

_NONE = "-"
_MOST_NAMED = 6
_DNS = (
    "Docker's DNS",
    "gives the addresses of all containers in random order; an open connection stays with one",
    "https://github.com/moby/moby/blob/master/daemon/libnetwork/resolver.go",
)


def scaling(architecture: Architecture) -> Section:
    """Return the section with what can have several containers, how, and who balances the load."""

    def rows(entry: InvocationFacts) -> Iterator[Row]:
        for each in _scalable(entry):
            found = [*_obstacles(entry, each)]
            yield (
                each.name,
                "after a change" if found else "yes",
                _joined([obstacle.text for obstacle in found]) or _NONE,
                ", ".join(_balancers(entry, each)) or _NONE,
            )

    columns = ("Service", "Several containers", "In the way", "Requests come through")
    all_columns, all_rows = merged(architecture, columns, rows)
    names: dict[Row, list[str]] = {}
    for name, *others in all_rows:
        names.setdefault(tuple(others), []).append(name)
    together = tuple((", ".join(of_one), *others) for others, of_one in names.items())
    balancers = tuple(dict.fromkeys(row for e in architecture.entries for row in _balancing(e)))
    stores = tuple(dict.fromkeys(row for e in architecture.entries for row in _availability(e)))
    parts = (
        Table(all_columns, together),
        Table(("In the way", "What to do"), tuple(_remedies(architecture)), "What is in the way"),
        TextBlock(tuple(_commands(architecture)), "Commands", code=True),
        Table(("Balanced by", "How", "Source"), balancers, "Who balances the load"),
        Table(
            ("Data store", "On several servers", "Source"),
            stores,
            "High availability of data stores",
        ),
    )
    intro = (
        "The files do not say whether a service keeps state in its memory, such as sessions. A "
        "data store needs replication of its own: several containers of it would not share data."
    )
    empty = "There is no application and no data store."
    is_empty = not all_rows and not stores
    return Section("scaling", "Scaling and availability", parts, intro * (not is_empty), empty)


_MOST_PLACES = 3


def _joined(texts: Iterable[str]) -> str:
    """Return *texts* with what they have in common once: ``host ports 80, 443``."""
    names: dict[str, list[str]] = {}
    for text in texts:
        noun, _, name = text.rpartition(" ")
        is_known = noun in {"host port", "shared volume", "shared directory", "container name"}
        names.setdefault(noun if is_known else "", []).append(name if is_known else text)
    plural = {"shared directory": "shared directories"}
    return ", ".join(
        f"{plural.get(noun, noun + 's')} {first_of(of_one, _MOST_PLACES)}"
        if noun and len(of_one) > 1
        else " ".join(filter(None, (noun, ", ".join(of_one))))
        for noun, of_one in names.items()
    )


def _scalable(entry: InvocationFacts) -> Iterator[ServiceFacts]:
    """Yield the applications and proxies of *entry* that keep running."""
    for each in entry.running:
        if each.counts_as == "applications" or each.category == "proxy":
            yield each


def _obstacles(entry: InvocationFacts, service: ServiceFacts) -> Iterator[Obstacle]:
    return obstacles(entry.model, entry.model.services[service.name])


def _remedies(architecture: Architecture) -> list[Row]:
    """Return what to do about what is in the way, once for all that needs the same."""
    found: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for entry in architecture.entries:
        for service in _scalable(entry):
            for each in _obstacles(entry, service):
                if each.text in seen:
                    continue
                seen.add(each.text)
                remedy = each.remedy
                if each.kind == "port" and service.category == "proxy":
                    remedy = "a load balancer in front of several hosts"
                elif each.kind == "port" and _proxies(entry, service):
                    remedy = "a range of ports: clients come through the proxy"
                found.setdefault(remedy, {})[each.text] = None
    return [(_joined(texts), remedy) for remedy, texts in found.items()]


def _callers(entry: InvocationFacts, service: ServiceFacts) -> list[ServiceFacts]:
    names = [edge.caller for edge in entry.edges if edge.callee == service.name]
    return [caller for name in names if (caller := entry.service(name)) is not None]


def _proxies(entry: InvocationFacts, service: ServiceFacts) -> list[str]:
    """Return the proxies in front of *service*."""
    return [each.name for each in _callers(entry, service) if each.category == "proxy"]


def _balancers(entry: InvocationFacts, service: ServiceFacts) -> list[str]:
    """Return the proxies in front of *service*, else the DNS of its clients, else nothing."""
    has_clients = any(each.counts_as == "applications" for each in _callers(entry, service))
    return _proxies(entry, service) or [_DNS[0]] * has_clients


def _balancing(entry: InvocationFacts) -> Iterator[Row]:
    """Yield how the proxies in front of services, and the DNS, spread the requests."""
    names = dict.fromkeys(name for each in _scalable(entry) for name in _balancers(entry, each))
    for name in names:
        service = entry.service(name)
        known = _known(entry, service) if service is not None else None
        if known is not None:
            yield name, known.how, known.source
        elif service is None:
            yield _DNS


def _known(entry: InvocationFacts, service: ServiceFacts) -> Scaling | None:
    """Return what the image catalog knows of several containers of *service*, or None."""
    known = entry.catalog.match(service.image) if service.image else None
    return known.scaling if known is not None else None


def _availability(entry: InvocationFacts) -> Iterator[Row]:
    """Yield how each data store that has one server could have several."""
    servers: dict[tuple[str, str], list[ServiceFacts]] = {}
    for each in entry.services:
        if each.counts_as == "data stores" and not each.one_off:
            servers.setdefault((without_instance(each.name), each.image), []).append(each)
    for nodes in servers.values():
        known = _known(entry, nodes[0])
        if known is not None and len(nodes) == 1:
            yield nodes[0].name, known.how, known.source


def _commands(architecture: Architecture) -> Iterator[str]:
    """Yield how to run several containers of the services that run permanently."""
    main = _lasting(architecture)
    if main is None or architecture.is_for_swarm(main):
        return
    names = _fixable(main)
    for name in names:
        service = main.service(name)
        if service is not None and not any(_obstacles(main, service)):
            up = f"{command_of(main)} up --detach --scale {name}=2"
            yield f"{up}  # until the next up without it"
            break
    if names:
        fix = fix_command("scale-services")
        yield f"{fix} --set scale-services.services={','.join(names[:_MOST_NAMED])}"


_MAIL = frozenset({"mail", "smtp", "postfix"})
"""Words in the names of servers that pass mail on: one is enough."""


def _fixable(main: InvocationFacts) -> list[str]:
    """Return the applications of *main* that can have several containers as they are, or by fix.

    They have clients, or fetch their work themselves; others may only watch files. The numbered
    nodes of a cluster are several already.
    """
    return [
        each.name
        for each in _scalable(main)
        if each.category != "proxy"
        and _MAIL.isdisjoint(name_words(each.name))
        and without_instance(each.name) == each.name
        and not reason_it_may_exit(main.model, each.name)
        and (each.ports or _callers(main, each) or "worker" in each.purpose)
        and {obstacle.kind for obstacle in _obstacles(main, each)}
        <= ({"name", "port"} if _proxies(main, each) else {"name"})
    ]


def beyond(analysis: Analysis) -> Section:
    """Return the section with what Docker Compose cannot do for the main start command.

    That is the first one that is not for development or tests.
    """
    architecture, title = analysis.architecture, "Beyond Docker Compose"
    main = _lasting(architecture)
    if main is None:
        return Section("beyond", title, empty="The project is for development or tests.")
    if architecture.is_for_swarm(main):
        return Section("beyond", title)
    running = _running(main)
    lines = (
        *_one_host(main, running),
        *_fixed_number(main),
        *_gaps(main, running),
        *_plain_connections(main),
        *_front(main, running),
        *_experiments(main, running),
        *_in_swarm(main, running),
        *_in_kubernetes(main, running),
    )
    intro = f"What it cannot do for `{main.title}`, and what would."
    return Section("beyond", title, (TextBlock(lines),), intro if lines else "")


_FEWEST = 2


def _lasting(architecture: Architecture) -> InvocationFacts | None:
    """Return the main start command, or the first other one that is not for development."""
    entries = (architecture.main, *architecture.certain)
    return next(
        (
            each
            for each in entries
            if each is not None and not architecture.is_short_lived(each.invocation.root_file)
        ),
        None,
    )


def _running(main: InvocationFacts) -> list[ServiceFacts]:
    """Return the services of *main* that keep running.

    Those that need a profile count only if most services do.
    """
    default = [each for each in main.running if not each.profiles]
    return default if 2 * len(default) >= len(main.running) else [*main.running]


def _one_host(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    if len(running) >= _FEWEST:
        names = {each.name for each in running}
        data = sum(
            volume.kind == "volume"
            and volume.backup == "yes"
            and any(mount.service in names for mount in volume.mounts)
            for volume in main.volumes
        )
        lost = f" Only a backup brings back {counted(data, 'volume')} of data." if data else ""
        yield f"One host: all {len(running)} services stop with it.{lost}"


def _fixed_number(main: InvocationFacts) -> Iterator[str]:
    names = _fixable(main)
    if names:
        yield (
            "Auto-scaling: the number of containers is fixed (`--scale`, `deploy.replicas`). "
            f"{first_of(names, _MOST_NAMED)} could follow the load (see Scaling)."
        )


def _gaps(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    replicas = {each.service: each.replicas for each in main.resources}
    names = [each.name for each in _published(running) if replicas.get(each.name, 1) == 1]
    if names:
        yield (
            "Updates without a gap: `up` stops the old container before the new one starts. "
            f"Nothing answers meanwhile for {first_of(names, _MOST_NAMED)}."
        )


def _published(running: Iterable[ServiceFacts]) -> list[ServiceFacts]:
    """Return the applications and proxies that are published to other machines."""
    return [
        each
        for each in running
        if (each.counts_as == "applications" or each.category == "proxy")
        and any(p.is_open and p.published and p.protocol == "tcp" for p in each.ports)
    ]


_SAFE_SCHEMES = frozenset({"https", "rediss", "amqps", "wss", "ldaps", "mqtts", "grpcs", "smtps"})
_SAFE_VALUE = r"(?i)sslmode=(?:require|verify)|\b(?:ssl|tls)=(?:true|1|required)\b|\bSASL_SSL\b"
_SAFE_WORDS = frozenset({"ssl", "tls", "mtls", "sslmode", "cert", "certs", "truststore"})
_OFF = frozenset({"0", "false", "no", "off", "disable", "disabled", "none", "prefer"})


def _plain_connections(main: InvocationFacts) -> Iterator[str]:
    """Yield which connections between services carry a password without encryption."""
    pairs: dict[str, bool] = {}
    # Of an env file that several services share, each uses only a part.
    declared = {(edge.caller, edge.callee) for edge in main.edges if edge.is_declared}
    encrypted = {each.name for each in main.services if _uses_tls(each)}
    for mention in main.mentions:
        callee = main.hosts.service(mention.caller, mention.mention.host)
        is_used = not mention.is_shared or (mention.caller, callee) in declared
        names = {mention.caller, callee}
        if callee is not None and len(names) > 1 and is_used and encrypted.isdisjoint(names):
            pair = f"{mention.caller} -> {callee}"
            pairs[pair] = pairs.get(pair, False) or _sends_password(main, mention, callee)
    plain = [pair for pair, sends in pairs.items() if sends]
    if plain:
        yield (
            "Encryption and identity between services: a password goes in plain text over "
            f"{len(plain)} of {len(pairs)} connections ({first_of(plain, _MOST_NAMED)}). TLS is "
            "to be set up in each server, or mutual TLS by a service mesh (Linkerd, Istio, Consul)."
        )
    elif pairs:
        yield (
            "Encryption and identity between services: only the network protects "
            f"{counted(len(pairs), 'connection')}. Mutual TLS needs a service mesh (Linkerd, "
            "Istio, Consul)."
        )


def _uses_tls(service: ServiceFacts) -> bool:
    """Return whether variables of *service* set TLS up, for whatever it is, and none turns it off.

    ``REDIS_TLS_CA`` has a default in projects with ``REDIS_TLS_ENABLED: false``.
    """
    if any(re.search(_SAFE_VALUE, each.shown or "") for each in service.variables):
        return True
    values = {
        (each.shown or "").lower()
        for each in service.variables
        if not _SAFE_WORDS.isdisjoint(name_words(each.name))
    }
    return bool(values - {""}) and values.isdisjoint(_OFF)


def _sends_password(main: InvocationFacts, mention: HostMention, callee: str) -> bool:
    """Return whether the caller of *mention* logs in to *callee* without TLS, by the files."""
    server, client = main.service(callee), main.service(mention.caller)
    setting = main.model.services[mention.caller].settings.get(mention.variable)
    if server is None or client is None or setting is None:
        return False
    value = expand(setting.value or "", main.model.variables)
    if mention.mention.scheme in _SAFE_SCHEMES or re.search(_SAFE_VALUE, value):
        return False
    if any(url.password for url in (*urls(value), *urls(setting.value or ""))):
        return True
    if server.counts_as != "data stores":
        return False
    *prefix, _ = name_words(mention.variable) or ("",)
    secrets = [name_words(each.name) for each in client.variables if each.is_secret]
    return any(
        (prefix and list(secret[: len(prefix)]) == prefix)
        or not set(secret).isdisjoint(name_words(callee))
        for secret in secrets
    )


_TLS_PORTS = frozenset({"443", "8443"})


def _front(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    published = _published(running)
    has_tls = any(
        not _TLS_PORTS.isdisjoint({port.published, port.target})
        for each in published
        for port in each.ports
    )
    names = first_of([each.name for each in published], _MOST_NAMED)
    parts = [
        *([] if has_tls else ["No port 443 is published: terminate TLS in front."]),
        *([_CDN] if main.builds else []),
    ]
    if published and parts:
        yield f"In front: clients connect to {names} directly. {' '.join(parts)}"


_CDN = "A CDN, caching of responses and a web application firewall belong there."
_FLAGS = "Feature flags belong to the application."
_FLAG_SERVERS = frozenset({"flagd", "unleash", "flagsmith", "flipt", "growthbook", "featbit"})


def _serves_flags(service: ServiceFacts) -> bool:
    words = {*name_words(service.name), *name_words(service.image)}
    return not words.isdisjoint(_FLAG_SERVERS)


def _experiments(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    proxies = {name for s in _scalable(main) for name in _balancers(main, s)}
    names = [each.name for each in running if each.name in proxies and main.builds]
    servers = [each.name for each in running if _serves_flags(each)]
    flags = f"{enumerated(servers)} serves feature flags." if servers else _FLAGS
    web = [each for each in _published(running) if each.counts_as == "applications"]
    if names:
        yield (
            f"{flags} For an A/B test or a canary, {enumerated(names)} can send a part of the "
            "requests to a second service."
        )
    elif web and main.builds and not servers:
        yield (
            "Feature flags, A/B tests and canaries belong to the application: no proxy of the "
            "project divides the requests."
        )


_IGNORED_BY_SWARM = (
    *("build", "container_name", "restart", "security_opt", "network_mode", "privileged"),
    *("devices", "links", "external_links", "ipc", "pid", "shm_size", "userns_mode", "domainname"),
    *("cgroup_parent", "mac_address", "expose"),
)
_REJECTED_BY_SWARM = (
    *("profiles", "extends", "mem_limit", "mem_reservation", "cpus", "scale", "platform"),
    *("pull_policy", "group_add", "runtime", "gpus", "volumes_from", "pids_limit", "develop"),
    *("annotations", "cgroup", "uts", "label_file", "provider", "models"),
)
"""Attributes of a service that ``docker stack deploy`` ignores or rejects (seen: Docker 28.2.2)."""


def _in_swarm(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    services = [main.model.services[each.name] for each in running]
    used = {name for s in services for definition in s.definitions for name in definition.entries}
    rejected = [name for name in _REJECTED_BY_SWARM if name in used]
    if any(node.is_mapping for service in services for node in service.values("depends_on")):
        rejected.append("conditions of depends_on")
    top = {key for file in main.model.files for key in file.root_keys}
    rejected += [f"the top-level {key}" for key in ("name", "include") if key in top]
    ignored = [name for name in _IGNORED_BY_SWARM if name in used]
    if len(running) < _FEWEST:
        return
    parts = [
        *([f"rejects {enumerated(rejected)}"] if rejected else []),
        *([f"ignores {enumerated(ignored)}"] if ignored else []),
    ]
    differs = f" it {' and '.join(parts)}." if parts else ""
    built = [each.name for each in running if each.build is not None]
    names = first_of(built, _MOST_NAMED)
    images = f" The images of {names} go through a registry." if built else ""
    yield (
        "Several hosts, with Docker Swarm (`docker stack deploy`):"
        f"{differs or ' it takes this file.'}{images}"
    )


def _in_kubernetes(main: InvocationFacts, running: list[ServiceFacts]) -> Iterator[str]:
    """Yield what kompose leaves out: `depends_on` and paths of the host (its conversion matrix)."""
    if len(running) < _FEWEST:
        return
    mounted = {m.source for each in running for m in each.mounts if m.kind == "bind" and m.source}
    parts = [
        *([f"{counted(len(mounted), 'mount')} from the host"] if mounted else []),
        *(["the order of depends_on"] if any(edge.condition for edge in main.edges) else []),
    ]
    by_hand = f" By hand: {' and '.join(parts)}." if parts else ""
    yield f"Several hosts, with Kubernetes: `kompose convert` writes the first manifests.{by_hand}"
