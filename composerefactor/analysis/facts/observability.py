"""Who observes the services of a start command: logs, metrics, traces, alerts, dashboards.

:func:`observations` returns a row for each of the five. It reads the programs of the image
catalog, their configuration where it is in the project, and the variables and logging drivers of
services. A program that is not known there is not counted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from composerefactor.analysis.facts.architecture import InvocationFacts
from composerefactor.analysis.facts.services import ServiceFacts
from composerefactor.compose.interpolation import expand
from composerefactor.compose.project import Project
from composerefactor.errors import enumerated, first_of
from composerefactor.images.health.usage import usage
from composerefactor.images.observability import (
    Configuration,
    Program,
    Signal,
    configuration,
    listed,
    mappings,
    on_host,
    option_value,
    program_of,
)

Kind: TypeAlias = Literal["logs", "metrics", "traces", "alerts", "dashboards"]

_MOST_NAMED = 6
_DEFAULT_DRIVERS = frozenset({"", "json-file", "local", "journald", "none"})
_READS_LOGS = {"alloy": "loki.source", "otel-collector": "filelog"}
"""What the configuration of a program contains if it reads logs, and not only other data there."""

_CONTAINER_LOGS = "/var/lib/docker"
_OTLP = r"(?i)(?:otel|otlp|jaeger|zipkin|tempo|trac(?:e|es|ing)|apm|skywalking|sw_agent|collector)"
_OUTSIDE = (
    r"OTEL_EXPORTER_(?:OTLP|JAEGER|ZIPKIN)_(?:TRACES_)?ENDPOINT|DD_AGENT_HOST|JAEGER_ENDPOINT"
)


class Observation(Struct, frozen=True):
    """How one kind of observation of a start command is done.

    Attributes:
        kind: What is observed.
        by: The programs or drivers that do it; none if nobody does.
        covered: What they observe: services, ``all containers``, ``the host``.
        uncovered: The services that they do not.
        retention: How long data is kept, ``""`` if there is none.
        next_step: What is missing, and what to do about it, ``""`` for nothing.
    """

    kind: Kind
    by: tuple[str, ...]
    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    retention: str
    next_step: str


class Observer(Struct, frozen=True):
    """A service that observes others.

    Attributes:
        service: The service.
        name: The name of its program.
        program: What is known of it.
        config: Its configuration.
        words: The words of its command.
        is_built: Whether the project builds its image, which may contain a configuration.
    """

    service: ServiceFacts
    name: str
    program: Program
    config: Configuration
    words: tuple[str, ...]
    is_built: bool

    @property
    def observes(self) -> bool:
        """Whether it is there for that: other databases may be those of an application."""
        return self.service.counts_as != "data stores"

    @property
    def is_unread(self) -> bool:
        """Whether it has a configuration that is not among the files of the project."""
        form = self.program.config.form if self.program.config else ""
        return not self.config.text and bool(self.config.file or self.is_built or not form)

    @property
    def shown(self) -> str:
        """Its name, with its profile."""
        profile = f" (profile {', '.join(self.service.profiles)})" if self.service.profiles else ""
        return self.service.name + profile


class Scrape(Struct, frozen=True):
    """What Prometheus, or a program with such a configuration, collects.

    Attributes:
        service: The service, ``""`` for a host that is no service.
        port: The port in its container, ``""`` for that of the scheme.
        path: The path of the request.
        job: The name in the configuration.
        host: The host as written.
    """

    service: str
    port: str
    path: str
    job: str
    host: str


def observers(project: Project, entry: InvocationFacts) -> list[Observer]:
    """Return the services of *entry* that observe others, in its order."""
    found = []
    for service in entry.running:
        model_service = entry.model.services[service.name]
        image = service.build.base if service.build else service.image
        known = program_of(image) if image else None
        if known is None:
            continue
        name, program = known
        if program.collects or program.stores or program.shows or program.alerts or program.covers:
            found.append(
                Observer(
                    service,
                    name,
                    program,
                    configuration(project, entry.model, model_service, program),
                    usage(project, entry.model, model_service).words,
                    service.build is not None,
                )
            )
    return found


def scrapes(entry: InvocationFacts, observer: Observer) -> list[Scrape]:
    """Return what *observer* of *entry* collects by its configuration.

    Only targets that it lists are read, and names that it asks DNS for.
    """
    name, config = observer.service.name, observer.config
    form = observer.program.config.form if observer.program.config else ""
    jobs: list[dict[str, Any]] = []
    if form == "prometheus":
        jobs = mappings(config.get("scrape_configs"))
    elif form == "collector":
        receivers = config.get("receivers")
        for key, value in receivers.items() if isinstance(receivers, dict) else ():
            if str(key).partition("/")[0] == "prometheus" and isinstance(value, dict):
                inner = value.get("config")
                jobs += mappings(inner.get("scrape_configs") if isinstance(inner, dict) else None)
    elif form == "alloy":
        targets = re.findall(r'__address__"?\s*=\s*"([^"]+)"', config.text)
        jobs = [{"static_configs": [{"targets": targets}]}]
    found = []
    for job in jobs:
        path, title = str(job.get("metrics_path") or "/metrics"), str(job.get("job_name") or "-")
        for target in _targets(job):
            host, _, port = target.partition(":")
            service = entry.hosts.service(name, host.removeprefix("tasks.")) or ""
            if host in {"localhost", "127.0.0.1"}:
                service = name
            found.append(Scrape(service, port, path, title, host))
    return found


def _targets(job: dict[str, Any]) -> Iterator[str]:
    for group in mappings(job.get("static_configs")):
        yield from map(str, listed(group.get("targets")))
    for group in mappings(job.get("dns_sd_configs")):
        for name in listed(group.get("names")):
            yield f"{name}:{group.get('port') or ''}"


def _discovers(observer: Observer) -> bool:
    """Return whether *observer* also asks Docker or files for targets."""
    jobs = mappings(observer.config.get("scrape_configs"))
    return any(
        str(key).endswith("_sd_configs") and key != "dns_sd_configs" for job in jobs for key in job
    )


def observations(project: Project, entry: InvocationFacts) -> tuple[Observation, ...]:
    """Return the logs, metrics, traces, alerts and dashboards of *entry*; none without services."""
    if not entry.running:
        return ()
    view = _View(project, entry)
    return view.logs(), view.metrics(), view.traces(), view.alerts(), view.dashboards()


class _View:
    """The services of a start command and their observers."""

    def __init__(self, project: Project, entry: InvocationFacts) -> None:
        self.project, self.entry, self.running = project, entry, entry.running
        self.observers = observers(project, entry)
        own = {each.service.name for each in self.observers if each.observes}
        self.observed = [
            each
            for each in entry.running
            if each.name not in own and each.counts_as != "infrastructure"
        ]
        self.applications = [each for each in self.observed if each.counts_as == "applications"]

    def of(self, *names: str) -> list[Observer]:
        """Return the observers whose programs are called *names*."""
        return [each for each in self.observers if each.name in names]

    def collecting(self, signal: Signal) -> list[Observer]:
        """Return the observers that collect *signal*, as far as their configuration says."""
        return [
            each
            for each in self.observers
            if signal in each.program.collects and _handles(each, signal)
        ]

    def storing(self, signal: Signal) -> list[Observer]:
        """Return the observers that store *signal*: only if others send it, for a database."""
        stores = [each for each in self.observers if signal in each.program.stores]
        return [
            each
            for each in stores
            if each.program.collects
            or each.observes
            or any(
                edge.callee == each.service.name
                and edge.caller in {o.service.name for o in self.observers}
                for edge in self.entry.edges
            )
        ]

    # ------------------------------------------------------------------ logs

    def logs(self) -> Observation:
        """Return who collects logs."""
        drivers = self._drivers()
        by = dict.fromkeys(f"the logging driver {name}" for name in drivers.values())
        covered = dict.fromkeys(drivers)
        reads_all = False
        for each in self.collecting("logs"):
            reach = self._log_reach(each)
            if reach or each.name not in {"otel-collector", "alloy"} or not by:
                by[each.shown] = None
            reads_all = reads_all or "all containers of the host" in reach
            covered |= dict.fromkeys(reach)
        stores = self.storing("logs")
        if by and stores:
            by |= dict.fromkeys(each.shown for each in stores)
        if reads_all:
            covered = {"all containers of the host": None}
        uncovered = (
            ()
            if reads_all or not by
            else tuple(s.name for s in self.observed if s.name not in covered)
        )
        here = self._local_retention(set(drivers))
        if not by:
            return Observation("logs", (), (), (), here, self._log_step(stores))
        retention = "; ".join(filter(None, map(self._retention, stores)))
        step = ""
        if uncovered and covered:
            step = f"only on this host: {first_of(uncovered, _MOST_NAMED)}"
        elif uncovered:
            names = enumerated(each.service.name for each in self.collecting("logs"))
            step = f"what {names} reads is not in the files: compare its configuration"
            uncovered = ()
        return Observation("logs", tuple(by), tuple(covered), uncovered, retention, step)

    def _drivers(self) -> dict[str, str]:
        """Return the logging drivers that send logs elsewhere, by service."""
        drivers: dict[str, str] = {}
        for each in self.running:
            logging = self.entry.model.services[each.name].logging
            driver = logging.value.driver if logging is not None else ""
            if "$" not in driver and driver not in _DEFAULT_DRIVERS:
                drivers[each.name] = driver
        return drivers

    def _log_reach(self, observer: Observer) -> list[str]:
        """Return what *observer* reads by its mounts, and who sends logs to it."""
        reach: dict[str, None] = {}
        for mount in observer.service.mounts:
            source = mount.source.rstrip("/")
            if mount.is_docker_socket or source.startswith(_CONTAINER_LOGS) or source == "/var/lib":
                word = _READS_LOGS.get(observer.name, "")
                if word in observer.config.text:
                    reach["all containers of the host"] = None
            elif source.startswith("/var/log"):
                reach["/var/log of the host"] = None
            elif mount.kind == "volume" and source:
                for other in self.running:
                    same = (m for m in other.mounts if m.kind == "volume" and m.source == source)
                    if other.name != observer.service.name and any(not m.read_only for m in same):
                        reach[other.name] = None
        senders = self._callers(observer, r"(?i)log|gelf|syslog|fluent|loki|seq|otel|otlp")
        return [*reach, *senders]

    def _callers(self, observer: Observer, pattern: str) -> list[str]:
        """Return the services that name *observer* in a variable or command like *pattern*."""
        name = observer.service.name
        own = {each.service.name for each in self.observers}
        found: dict[str, None] = {}
        for mention in self.entry.mentions:
            if mention.caller in own or mention.caller not in {s.name for s in self.running}:
                continue
            is_named = re.search(pattern, mention.variable) or mention.variable in {
                "command",
                "entrypoint",
            }
            if is_named and self.entry.hosts.service(mention.caller, mention.mention.host) == name:
                found[mention.caller] = None
        return list(found)

    def _local_retention(self, elsewhere: set[str]) -> str:
        """Return how long Docker keeps the logs on this host."""
        groups: dict[str, list[str]] = {}
        for each in self.running:
            if each.name in elsewhere:
                continue
            logging = self.entry.model.services[each.name].logging
            options = logging.value.options if logging is not None else {}
            driver = logging.value.driver if logging is not None else ""
            variables = self.entry.model.variables
            size = expand(options.get("max-size", ""), variables).strip("\"'")
            files = expand(options.get("max-file", ""), variables).strip("\"'") or "1"
            if driver == "local" and not size:
                text = "5 files of 20m each"
            elif driver in {"journald", "none"}:
                text = {"journald": "in the journal of the host", "none": "not at all"}[driver]
            else:
                text = (
                    f"{files} {'file' if files == '1' else 'files'} of {size} each" if size else ""
                )
            groups.setdefault(text or "without limit", []).append(each.name)
        most = max(groups, key=lambda text: len(groups[text]))
        others = [
            f"{text} for {first_of(names, _MOST_NAMED)}"
            for text, names in groups.items()
            if text != most
        ]
        return f"on this host, {'; '.join([most, *others])}"

    def _log_step(self, stores: list[Observer]) -> str:
        if stores:
            names = enumerated(each.service.name for each in stores)
            return f"no collector sends logs to {names}, and no service has a logging driver for it"
        unlimited = "without limit" in self._local_retention(set())
        first = "`composerefactor fix --unsafe --select add-logging` limits them; " * unlimited
        shown = self.of("grafana")
        where = f", in {shown[0].service.name}" if shown else ""
        return (
            f"{first}`docker compose logs` reads them until `down`; a collector such as Grafana "
            f"Alloy, with Loki, keeps and searches them{where}"
        )

    def _retention(self, observer: Observer) -> str:
        """Return how long *observer* keeps what it stores."""
        retention, name = observer.program.retention, observer.service.name
        if retention is None:
            return ""
        words = [f"{o} {v}" for o in retention.options if (v := option_value(observer.words, (o,)))]
        config = observer.config
        if observer.name == "prometheus":
            for key in ("time", "size"):
                value = config.get(f"storage.tsdb.retention.{key}")
                words += [f"storage.tsdb.retention.{key} {value}"] if value else []
        words += [f"{key} {value}" for key in retention.keys if (value := config.get(key))]
        if observer.name == "loki" and words and not _loki_deletes(config):
            return f"{name}: for ever, since compactor.retention_enabled is not true"
        if words:
            time = ", ".join(words)
        elif retention.keys and not config.text and (config.file or observer.is_built):
            time = "as its configuration says, which is not in the files read"
        else:
            time = f"{retention.default} (default)"
        if observer.name == "jaeger" and (config.path or self._has_storage(observer)):
            return f"{name}: as its storage is configured"
        return f"{name}: {time}{self._lost(observer)}"

    def _has_storage(self, observer: Observer) -> bool:
        words = " ".join(observer.words)
        settings = self.entry.model.services[observer.service.name].settings
        return "SPAN_STORAGE_TYPE" in settings or "--config" in words

    def _lost(self, observer: Observer) -> str:
        """Return that the data is in no volume; ``""`` if it is, or if its place is unknown."""
        known = self.entry.catalog.match(observer.service.image) if observer.service.image else None
        if known is None or observer.name not in {"prometheus", "influxdb"} or not known.data:
            return ""
        if option_value(observer.words, ("--storage.tsdb.path",)) not in {None, "/prometheus"}:
            return ""
        targets = [mount.target for mount in observer.service.mounts]
        is_mounted = any(path.is_mounted(targets) for path in known.data)
        return "" if is_mounted else ", and at most until `docker compose down`: no volume"

    # ------------------------------------------------------------------ metrics

    def metrics(self) -> Observation:
        """Return who collects metrics."""
        collectors = self.collecting("metrics")
        if not collectors:
            return Observation("metrics", (), (), (), "", self._metrics_step())
        covered: dict[str, None] = {}
        hosts: dict[str, None] = {}
        for each in collectors:
            self._add_covered(each, covered, hosts)
        unread = [each.service.name for each in collectors if each.is_unread]
        discovers = [each.service.name for each in collectors if _discovers(each)]
        own = {each.service.name for each in self.observers}
        uncovered = tuple(
            each.name
            for each in self.observed
            if each.name not in covered and not _is_exporter(each)
        )
        shown = [name for name in covered if name not in own and not self._is_exporter_name(name)]
        retention = "; ".join(filter(None, map(self._retention, self.storing("metrics"))))
        by = tuple(each.shown for each in collectors)
        step = self._scrape_step(uncovered)
        if unread:
            names = enumerated(unread)
            step = f"the configuration of {names} is not in the files read: compare its targets"
            uncovered = ()
        elif discovers:
            step = (
                f"{enumerated(discovers)} also asks for targets at run time: see its page /targets"
            )
            uncovered = ()
        return Observation("metrics", by, (*shown, *hosts), uncovered, retention, step)

    def _add_covered(
        self, collector: Observer, covered: dict[str, None], hosts: dict[str, None]
    ) -> None:
        """Add what *collector* gets metrics of to *covered*, and what is no service to *hosts*."""
        covers = {each.service.name: each.program.covers for each in self.observers}
        for scrape in scrapes(self.entry, collector):
            if not scrape.service:
                hosts[scrape.host] = None
            elif covers.get(scrape.service):
                hosts[_COVERS[covers[scrape.service]]] = None
            elif scrape.service != collector.service.name:
                covered[scrape.service] = None
                covered |= dict.fromkeys(self._exported(scrape.service))
        if collector.program.covers:
            hosts[_COVERS[collector.program.covers]] = None
        covered |= dict.fromkeys(
            self._callers(collector, r"(?i)otel|otlp|metric|statsd|prom|dd_agent")
        )

    def _is_exporter_name(self, name: str) -> bool:
        service = self.entry.service(name)
        return service is not None and _is_exporter(service)

    def _exported(self, name: str) -> list[str]:
        """Return the services of which the exporter *name* exports metrics."""
        service = self.entry.service(name)
        if service is None or not _is_exporter(service):
            return []
        edges = [each for each in self.entry.edges if each.caller == name]
        named = [e.callee for e in edges if {"url", "address", "name"}.intersection(e.kinds)]
        stores = {each.name for each in self.observed}
        return [each for each in named or [e.callee for e in edges] if each in stores]

    def _scrape_step(self, uncovered: Iterable[str]) -> str:
        """Return how the metrics of *uncovered* services get to a collector that is there."""
        steps: dict[str, list[str]] = {}
        for name in uncovered:
            service = self.entry.service(name)
            known = program_of(service.image) if service and service.image else None
            program = known[1] if known else None
            if program is not None and program.metrics is not None:
                port, path = program.metrics.port, program.metrics.path
                steps.setdefault(f"the target {name}:{port}{path}", [])
            elif program is not None and program.exporter:
                steps.setdefault(f"the image {program.exporter} for ", []).append(name)
            elif service is not None and service.counts_as == "applications":
                steps.setdefault("a page of metrics in ", []).append(name)
        texts = [head + first_of(names, _MOST_NAMED) for head, names in steps.items()]
        return f"missing: {'; '.join(texts)}" if texts else ""

    def _metrics_step(self) -> str:
        ready: list[str] = []
        exporters: list[str] = []
        for each in self.observed:
            known = program_of(each.image) if each.image and each.build is None else None
            if known and known[1].metrics:
                ready.append(f"{each.name}:{known[1].metrics.port}{known[1].metrics.path}")
            elif known and known[1].exporter:
                exporters.append(f"{each.name} by {known[1].exporter}")
        parts = ["`docker stats` shows current values only; Prometheus, with cAdvisor, stores them"]
        if ready:
            parts.append(f"it can read {first_of(ready, _MOST_NAMED)} at once")
        if exporters:
            parts.append(f"exporters: {first_of(exporters, _MOST_NAMED)}")
        return "; ".join(parts)

    # ------------------------------------------------------------------ traces

    def traces(self) -> Observation:
        """Return who collects traces."""
        collectors = self.collecting("traces")
        stores = self.storing("traces")
        covered: dict[str, None] = {}
        outside: dict[str, None] = {}
        for each in dict.fromkeys(o.service.name for o in (*collectors, *stores)):
            observer = next(o for o in self.observers if o.service.name == each)
            covered |= dict.fromkeys(self._callers(observer, _OTLP))
        for service in self.applications:
            for variable in service.variables:
                if re.fullmatch(_OUTSIDE, variable.name) and service.name not in covered:
                    host = _host_of(variable.shown or "")
                    if host:
                        own = self.entry.hosts.service(service.name, host)
                        outside[own or f"{host} (outside of the project)"] = None
                        covered[service.name] = None
        by = tuple(dict.fromkeys([*(each.shown for each in (*collectors, *stores)), *outside]))
        uncovered = tuple(each.name for each in self.applications if each.name not in covered)
        retention = "; ".join(filter(None, map(self._retention, stores)))
        if not by:
            return Observation("traces", (), (), (), "", self._trace_step())
        step = ""
        if not covered:
            step, uncovered = f"what sends traces to {enumerated(by)} is not in the files", ()
        elif uncovered:
            target = (collectors or stores)[0].service.name if collectors or stores else ""
            where = (
                f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{target}:4318"
                if target
                else "the same variable"
            )
            step = (
                f"{where} for {first_of(uncovered, _MOST_NAMED)}, if they contain an SDK of "
                "OpenTelemetry"
            )
        return Observation("traces", by, tuple(covered), uncovered, retention, step)

    def _trace_step(self) -> str:
        callers = {
            edge.caller
            for edge in self.entry.edges
            if {edge.caller, edge.callee} <= {each.name for each in self.applications}
        }
        if not callers:
            return "not needed: no application calls another one"
        names = first_of([each.name for each in self.applications], _MOST_NAMED)
        return (
            f"where a request through {names} takes its time is seen with an SDK of OpenTelemetry "
            "in each, OTEL_EXPORTER_OTLP_ENDPOINT, and a collector such as Jaeger"
        )

    # ------------------------------------------------------------------ alerts

    def alerts(self) -> Observation:
        """Return what sends notifications when something is wrong."""
        by: list[str] = []
        steps: list[str] = []
        managers = self.of("alertmanager")
        for each in self.of("prometheus", "vmalert"):
            rules = rule_files(self.project, self.entry, each)
            found = [path for rule in rules for path in rule.files]
            if found:
                by.append(f"{each.shown} by {first_of(found, _MOST_NAMED)}")
                if not alertmanagers(each):
                    steps.append(
                        f"{each.service.name} sends its alerts to nobody: its configuration has no "
                        "section alerting"
                    )
            elif each.config.text and not rules:
                steps.append(f"{each.config.file} has no rule_files")
        by += [each.shown for each in managers]
        for each in self.of("grafana"):
            folder = self._provisioned(each, "alerting")
            if folder:
                by.append(f"{each.shown} by {folder}")
        by += [
            f"{each.shown}, set in its pages" for each in self.of("uptime-kuma", "gatus", "graylog")
        ]
        unread = [each for each in self.of("prometheus") if each.is_unread]
        if unread and not by:
            where = unread[0].config.file or "the image"
            by.append(f"unknown, since {where} of {unread[0].service.name} is not read")
        elif not managers and self.of("prometheus"):
            steps.append("no alertmanager")
        return Observation("alerts", tuple(by), (), (), "", self._alert_step(steps, by))

    def _alert_step(self, found: list[str], by: list[str]) -> str:
        if by:
            return "; ".join(found)
        prometheus, grafana = self.of("prometheus"), self.of("grafana")
        first = f"{'; '.join(found)}: " if found else ""
        if grafana and (prometheus or self.storing("metrics")):
            return (
                f"{first}begin with `up == 0`, as an alert rule in {grafana[0].service.name} "
                "(/etc/grafana/provisioning/alerting), with a contact point"
            )
        if prometheus:
            return f"{first}begin with a file of rules that has `up == 0`, named in rule_files"
        checked = [
            each.name
            for each in self.running
            if (check := self.entry.health_of(each.name)) is not None and check.is_checked
        ]
        if not checked:
            return (
                "nobody is notified: with health checks (`composerefactor fix --unsafe --select "
                "add-healthchecks`) cron could send by mail what `docker ps --filter "
                "health=unhealthy` shows"
            )
        return (
            "nobody is notified; cron can send what this line prints by mail: "
            "`*/5 * * * * docker ps --filter health=unhealthy --format '{{.Names}} {{.Status}}'`"
        )

    # ------------------------------------------------------------------ dashboards

    def dashboards(self) -> Observation:
        """Return who shows the data."""
        shown = [each for each in self.observers if each.program.shows]
        steps = []
        by = []
        for each in shown:
            by.append(each.shown)
            if each.name != "grafana":
                continue
            sources = self._provisioned(each, "datasources")
            boards = self._provisioned(each, "dashboards")
            if boards:
                by[-1] += f" by {boards}"
            if each.is_built:
                continue
            if not boards:
                steps.append(
                    self._pages(each, "dashboards" if sources else "data sources and dashboards")
                )
            elif not sources:
                steps.append(self._pages(each, "data sources"))
        if not by:
            stores = [e.service.name for e in (*self.storing("metrics"), *self.storing("logs"))]
            step = (
                f"nothing shows the data of {enumerated(dict.fromkeys(stores))}; Grafana reads it "
                "as a data source"
                if stores
                else ""
            )
            return Observation("dashboards", (), (), (), "", step)
        return Observation("dashboards", tuple(by), (), (), "", "; ".join(steps))

    def _pages(self, grafana: Observer, what: str) -> str:
        name = grafana.service.name
        volume = next(
            (m.source for m in grafana.service.mounts if m.target == "/var/lib/grafana"), ""
        )
        where = f"are in {volume} alone" if volume else "are lost with the container: no volume"
        return (
            f"{what} set in the pages of {name} {where}; files mounted at "
            "/etc/grafana/provisioning would put them in git"
        )

    def _provisioned(self, grafana: Observer, kind: str) -> str:
        """Return the file or directory in the project by which Grafana gets *kind*, or ``""``."""
        service = self.entry.model.services[grafana.service.name]
        setting = service.settings.get("GF_PATHS_PROVISIONING")
        root = (setting.value if setting and setting.value else "") or "/etc/grafana/provisioning"
        directory = f"{root.rstrip('/')}/{kind}"
        for mount in grafana.service.mounts:
            is_file = mount.target.startswith(f"{directory}/")
            if mount.kind == "bind" and is_file:
                return mount.source
        for grant in service.configs:
            if grant.value.target.startswith(f"{directory}/"):
                return grant.value.source
        folder = on_host(self.entry.model, service, directory)
        if not folder:
            return ""
        is_there = self.project.exists(folder) or self.project.has_directory(folder)
        if kind == "alerting":  # a directory that need not be there
            return folder if is_there else ""
        parent = posixpath.dirname(folder)
        return folder if is_there or not self.project.has_directory(parent) else ""


_COVERS = {"containers": "all containers of the host", "host": "the host"}


def _is_exporter(service: ServiceFacts) -> bool:
    image = service.image.partition("@")[0].rpartition("/")[2]
    return "exporter" in image or "exporter" in service.name


def _handles(observer: Observer, signal: Signal) -> bool:
    """Return whether *observer* gets *signal*, as far as its configuration can be read."""
    form = observer.program.config.form if observer.program.config else ""
    if observer.name == "datadog" and signal == "logs":  # off by default
        variables = {each.name: each.shown for each in observer.service.variables}
        return variables.get("DD_LOGS_ENABLED") == "true"
    if form == "collector" and observer.config.text:
        pipelines = observer.config.get("service.pipelines")
        names = pipelines if isinstance(pipelines, dict) else {}
        return any(str(name).partition("/")[0] == signal for name in names)
    if form == "alloy" and observer.config.text:
        words = {
            "logs": r"loki\.|otelcol\.exporter\.loki",
            "metrics": r"prometheus\.",
            "traces": r"otelcol\.receiver",
        }
        return re.search(words[signal], observer.config.text) is not None
    return True


def _loki_deletes(config: Configuration) -> bool:
    return (
        config.get("compactor.retention_enabled") is True
        or config.get("table_manager.retention_deletes_enabled") is True
    )


def _host_of(value: str) -> str:
    match = re.fullmatch(r"(?:[a-z+]+://)?(?P<host>[A-Za-z0-9.-]+)(?::[0-9]+)?(?:/.*)?", value)
    return match["host"] if match else ""


class RuleFile(Struct, frozen=True):
    """An item of ``rule_files`` of Prometheus.

    Attributes:
        pattern: The item.
        path: Its path in the container.
        host: The path in the project, ``""`` if it is not mounted.
        files: The files in the project that it names.
    """

    pattern: str
    path: str
    host: str
    files: tuple[str, ...]


def rule_files(project: Project, entry: InvocationFacts, observer: Observer) -> list[RuleFile]:
    """Return the ``rule_files`` of *observer*, which runs Prometheus."""
    config, found = observer.config, []
    service = entry.model.services[observer.service.name]
    for item in map(str, listed(config.get("rule_files"))):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(config.path), item))
        host = on_host(entry.model, service, path)
        files: list[str] = []
        if host and "*" in posixpath.basename(host):
            directory, last = posixpath.split(host)
            pattern = re.escape(last).replace(r"\*", ".*")
            names = project.files_in(directory or ".")
            files = [n for n in names if re.fullmatch(pattern, posixpath.basename(n))]
        elif host and project.exists(host):
            files = [host]
        found.append(RuleFile(item, path, host, tuple(files)))
    return found


def alertmanagers(observer: Observer) -> list[str]:
    """Return the hosts to which *observer*, which runs Prometheus, sends alerts."""
    found: list[str] = []
    for manager in mappings(observer.config.get("alerting.alertmanagers")):
        found += [target.partition(":")[0] for target in _targets(manager)]
    return found
