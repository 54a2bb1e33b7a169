"""What the names and categories of services say, and what several of them are called together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import takewhile

from composerefactor.images.catalog import DEFAULT_PLACEMENT, Placement, without_instance
from composerefactor.refactoring.modules.naming import INFRASTRUCTURE, SERVICES, kebab

ROLES = {
    "api": "apis",
    "worker": "workers",
    "service": "services",
    "handler": "handlers",
    "gateway": "gateways",
    "frontend": "frontends",
    "ui": "ui",
    "web": "web",
    "job": "jobs",
    "db": "databases",
}
"""What names end with that say what a service does, and the name for a module of them."""

_NOT_IN_NAME = (
    r"^(?:(?:default|common|base|shared)s?(?:-|$))+"
    r"|(?:-(?:default|common|base|env|environment|image|config|template)s?)+$"
)


_SAYING_NOTHING = {
    "",
    "config",
    "default",
    "env",
    "environment",
    "image",
    "service",
    "template",
    "services",
}
"""What may be left of the name of a block, and does not say what its services are."""


def block_name(block: str) -> str:
    """Return the name for a module after an ``x-`` block; ``""`` where it means nothing."""
    name = kebab(block.removeprefix("x-"))
    plain = re.sub(_NOT_IN_NAME, "", name)
    return "" if plain in _SAYING_NOTHING else plain


def common_name(group: Sequence[str], services: Iterable[str]) -> str:
    """Return what the names of all services in *group* begin with.

    Whole words count: ``snuba-api`` and ``snuba-errors`` give ``snuba``, and so does ``snubadb``
    with them. Where not all names have a first word in common, or another of *services* has that
    name, it is the name of a service with which most names begin, or else that of the first one.
    """
    others = {kebab(name) for name in services if name not in group}
    for plain in (lambda name: without_instance(kebab(name)), stem_of):
        names = list(map(plain, group))
        first = {name.partition("-")[0] for name in names}
        names = [own if (own := name.removesuffix("db")) in first else name for name in names]
        head = min(names, key=len)
        if all(name.startswith(head) for name in names) and head in map(kebab, group):
            return head
        columns = zip(*(name.split("-") for name in names), strict=False)
        equal_columns = takewhile(lambda words: len(set(words)) == 1, columns)
        common = "-".join(words[0] for words in equal_columns)
        if common and common not in others:
            return common
    every = list(map(kebab, group))
    begin_with = {head: sum(f"{name}-".startswith(f"{head}-") for name in every) for head in every}
    return next(
        (head for head, count in begin_with.items() if 3 * count >= 2 * len(every)), every[0]
    )


def stem_of(name: str) -> str:
    """Return *name* without its numbers and its role in a cluster.

    ``node1-db`` and ``node2-db`` give ``node-db``. A name without letters stays as it is.
    """
    plain = without_instance(kebab(name))
    words = [re.sub(r"\d+", "", word) for word in plain.split("-")]
    return "-".join(filter(None, words)) or plain


def range_name(units: Sequence[tuple[str, ...]]) -> str:
    """Return a name for a part of a list: its first and its last service."""
    first, last = kebab(units[0][0]).split("-"), kebab(units[-1][-1]).split("-")
    if first == last:
        return "-".join(first)
    same = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    )
    return "-".join([*first, "to", *last[min(same, len(last) - 1) :]])


def natural_key(name: str) -> list[str | int]:
    """Return *name* in parts that sort as people do: ``node-2`` is before ``node-10``."""
    parts = re.split(r"(\d+)", kebab(name), flags=re.ASCII)
    return [int(part) if n % 2 else part for n, part in enumerate(parts)]


def role_of(name: str) -> str:
    """Return the word at the end of *name* that says what the service does; ``""`` for none."""
    last = kebab(name).rpartition("-")[2]
    return next((role for role in ROLES if last.endswith(role)), "")


def last_word(name: str) -> str:
    """Return the last word of *name*; ``""`` where it has only one, or where it says nothing."""
    first, _, last = stem_of(name).rpartition("-")
    return last if first and last != "service" else ""


def heads_of(stem: str) -> Iterator[str]:
    """Yield the shorter names that *stem* may belong to, the longest first."""
    if stem.endswith("db"):
        yield stem.removesuffix("db").rstrip("-")
    words = stem.split("-")
    for count in range(len(words) - 1, 0, -1):
        yield "-".join(words[:count])


def common_words(services: Sequence[str]) -> int:
    """Return the number of words with which the names of all *services* begin."""
    words = [kebab(service).split("-") for service in services]
    return len(list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))))


def first_words(name: str, count: int) -> str:
    """Return the first *count* words of *name*."""
    return "-".join(kebab(name).split("-")[:count])


FRONTENDS = "frontends"
"""The area of what people see in a browser. ``admin-api`` does not belong to it."""

_AREAS = {
    "downloads": "aria2 autobrr deluge gluetun jdownloader metube nzbget qbit qbittorrent rtorrent "
    "rutorrent sabnzbd torrent transmission",
    "arr": "bazarr cleanuparr flaresolverr jackett lidarr mylar nzbhydra nzbhydra2 prefetcharr "
    "prowlarr radarr readarr recyclarr sonarr unpackerr whisparr",
    "media": "audiobookshelf emby immich jellyfin jellyseerr kavita komga navidrome ombi overseerr "
    "photoprism plex seerr tautulli tdarr wizarr",
    "mail": "antispam antivirus clamav clamd dovecot imap mailserver olefy postfix rainloop "
    "roundcube rspamd smtp sogo webmail",
    "identity": "account auth authentication authorization iam identity login member oauth "
    "permission profile role session sso tenant user",
    "payments": "bank billing card currency donation exchange invoice invoicing ledger payment "
    "pricing subscription transaction transfer treasury wallet",
    "accounting": "accounting ap ar budget consolidation expense finance gl tax",
    "orders": "basket cart checkout coupon delivery discount fulfillment order ordering promotion "
    "quote shipment shipping",
    "catalog": "catalog catalogue category product rating recommendation review",
    "inventory": "bom inventory procurement purchase stock supplier warehouse",
    "staff": "attendance employee hr leave payroll timekeeping workforce",
    "messaging": "chat conversation email mail mailer message messaging notification notifier push "
    "realtime sms",
    "support": "complaint faq feedback helpdesk support ticket ticketing",
    "analytics": "analysis analytics audit insight report reporting statistics stats tracking",
    "ai": "agent ai embedding inference llm ml model nlp rag",
    "content": "article asset blog cms comment content document feed file image media news post "
    "storage upload video",
    "workers": "batch beat cron job migrate migration migrator processor queue scheduler worker",
    FRONTENDS: "admin client dashboard frontend landing marketing portal site storefront ui web "
    "webapp website",
}
"""The words of each area. If a name has words of two areas, the earlier word counts."""

_AREA_OF = {word: area for area, words in _AREAS.items() for word in words.split()}


def area_of(name: str, image: str = "") -> str:
    """Return the area of the service *name*, from its name or *image*; ``""`` if neither says it.

    ``payment-service``, ``payments_api`` and ``paymentservice`` are all in ``payments``.
    """
    repository = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    area = next((_AREA_OF[word] for text in (name, repository) for word in _words(text)), "")
    return "" if area == FRONTENDS and name.endswith(("service", "api")) else area


def _words(text: str) -> Iterator[str]:
    """Yield the words of *text* that say an area, in the singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    for word in re.split(r"[^a-z0-9]+", spaced.lower()):
        plain = word.removesuffix("service").removesuffix("server")
        yield from [each for each in (word, plain, plain.removesuffix("s")) if each in _AREA_OF][:1]


_SELECTIONS = {"all", "everything", "full", "no", "not", "without"}
"""Words of profiles that say with which others a service runs."""


def is_selection(profile: str) -> bool:
    """Return whether the profile says which services run, not what they are."""
    return not _SELECTIONS.isdisjoint(kebab(profile).split("-"))


COLLECTORS = ("exporter", "cadvisor", "pushgateway", "statsd", "telegraf")
"""How the names of services that collect metrics end."""

INITIALIZES = ("-init", "-setup", "-migrate", "-migrations")
"""How the names of services end that prepare another one."""

DATA = "data"
"""The name of a module with data stores of several categories."""

DATABASES, OTHER_DATA = "databases", "data-services"
"""The names of modules with databases, and with other data stores, where these are apart."""

OTHER = "other"
"""The name of a module with a few services that have nothing in common."""

APPLICATIONS = DEFAULT_PLACEMENT.category
"""The name of a module with applications of no other category."""

MONITORING = "monitoring"
"""The name of a module with services that watch the others, of several categories."""

_WATCHING = {"monitoring", "logging", "tracing"}


def domain_of(placement: Placement) -> str:
    """Return the domain of a category: all data stores are one, and all that watches the others."""
    if placement.counts_as == "data stores":
        return DATA
    return MONITORING if placement.category in _WATCHING else placement.category


def main_domain(services: Collection[str], place: Callable[[str], Placement]) -> str:
    """Return the domain of infrastructure of at least two thirds of *services*; else ``""``."""
    found = Counter((place(name).directory, domain_of(place(name))) for name in services)
    (directory, domain), count = next(iter(found.most_common(1)), (("", ""), 0))
    return domain if directory == INFRASTRUCTURE and 3 * count >= 2 * len(services) else ""


def module_directory(services: Iterable[str], place: Callable[[str], Placement]) -> str:
    """Return the directory of a module: that of infrastructure if most of *services* are.

    A module with an application is one of services. *place* returns the category of a service.
    """
    places = [place(name) for name in services]
    found = [placement.directory for placement in places].count(INFRASTRUCTURE)
    has_applications = any(placement.counts_as == "applications" for placement in places)
    is_infrastructure = 2 * found > len(places) and not has_applications
    return INFRASTRUCTURE if is_infrastructure else SERVICES


def category_name(services: Sequence[str], place: Callable[[str], Placement]) -> str:
    """Return the name of a module with *services* of one category, or of several.

    *place* returns the category of a service.
    """
    counts = Counter(domain_of(place(name)) for name in services)
    category, count = counts.most_common(1)[0]
    if len(counts) == 1:
        return category
    directory = module_directory(services, place)
    says_most = category == APPLICATIONS or (category == DATA and APPLICATIONS not in counts)
    is_most = says_most and 3 * count >= 2 * len(services)
    return category if is_most and directory == SERVICES else directory
