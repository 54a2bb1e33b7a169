"""Which services come together in a module, where the user does not say.

The owner of a file has grouped its services already: by blocks that they share, by names, by
banners, by profiles. :func:`plan_groups` follows that, and the categories of the image catalog for
the rest. A group is neither so small that its file helps nobody, nor as large as the file was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from textwrap import shorten

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.definitions import text_of
from composerefactor.compose.dependencies import unions
from composerefactor.compose.files import ComposeFile
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.references import extends_target
from composerefactor.compose.remarks import ServiceSection, service_sections
from composerefactor.compose.services import StartModel, services_in
from composerefactor.images.catalog import DEFAULT_PLACEMENT, Placement, without_instance
from composerefactor.images.connections import connections
from composerefactor.refactoring.modules.anchors import AnchorIndex
from composerefactor.refactoring.modules.naming import (
    INFRASTRUCTURE,
    SERVICES,
    LayoutOptions,
    ServiceGroup,
    Tie,
    kebab,
)
from composerefactor.refactoring.modules.service_names import (
    APPLICATIONS,
    COLLECTORS,
    DATA,
    DATABASES,
    INITIALIZES,
    MONITORING,
    OTHER,
    OTHER_DATA,
    ROLES,
    area_of,
    block_name,
    category_name,
    common_name,
    common_words,
    domain_of,
    first_words,
    heads_of,
    is_selection,
    last_word,
    module_directory,
    natural_key,
    range_name,
    role_of,
    stem_of,
)
from composerefactor.yaml.values import merged_entries

MOST_SERVICES = 10
"""A module has no more services than this, unless ``extends`` or the user ties them."""

FEWEST_LINES = 15
"""A module has about as many lines, unless nothing else is like it."""

FEWEST_LINES_OF_ALIKE = 10
"""So many lines are enough for several services that are alike by name or category."""

FEWEST_LINES_OF_CLUSTERS = 60
"""Services that need others are joined with them as long as they have fewer lines."""

MOST_COMPARED = 100
"""Of more units than this, the connections are not compared."""

LONG_SERVICE = 30
"""Services of about as many lines have a file each where nothing else divides them."""

SHORT_SERVICE = 20
"""A list of services of fewer lines that nothing divides stays one; of more, each has a file."""

FEWEST_ALIKE = 3
"""So many services whose names begin or end with the same word are a group."""

MANY_SERVICES = 4
"""So many services are a group also where each has few lines."""

MOST_PROFILES = 2
"""A service with more profiles is used by all of these."""

LONG_BLOCK = 8
"""A block without an image ties services only if it has more lines: copies of it would cost."""

_APPLICATION = "app"
"""A profile or block of this name is not to be taken for :data:`APPLICATIONS`."""

MODELS = "ai"
"""The name of a module with models and their servers; a short one is an application as others."""

LIST = "are a list of short ones that nothing divides"
"""What services have in common that are better left in one file."""

_BY_NAME = "belong together by name"

_WHY_TOGETHER = {
    INFRASTRUCTURE: "are infrastructure",
    APPLICATIONS: "are mostly applications",
    DATA: "are mostly data stores",
}
"""What services of several categories have in common, by the name of their module."""

_JOINT = " + "
"""Joins the keys of two domains that become one."""

_REST = " rest"
"""How the key of a domain ends that has what a division left."""


class _Domain(Struct):
    """Units of services that belong together: ``key`` says by what, ``why`` in words."""

    key: str
    name: str
    why: str
    units: list[tuple[str, ...]]

    @property
    def services(self) -> list[str]:
        """The services of all units."""
        return [name for unit in self.units for name in unit]


def service_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    place: Callable[[str], Placement],
    options: LayoutOptions,
    ties: Sequence[Tie] = (),
    lines: Mapping[str, int] | None = None,
) -> list[ServiceGroup]:
    """Return the services *names* of *file* in groups, one for each module.

    *place* returns the category of a service. What the user says in *options* comes first; services
    that ``extends`` ties follow. Groups of *ties* are joined, unless the user says otherwise.
    *lines* are how many lines of a service move; without it, all do.
    """
    order = list(names)
    rank = {name: n for n, name in enumerate(order)}
    chosen: dict[str, str] = {name: path for name, path in options.modules.items() if name in rank}
    for group_name, listed in options.groups.items():
        chosen |= {name: group_name for name in listed if name in rank and name not in chosen}
    groups: list[ServiceGroup] = []
    by_choice: dict[str, list[str]] = {}
    free: list[str] = []
    services: tuple[str, ...]
    for tied in tied_groups(file, order):
        choice = next((chosen[name] for name in tied if name in chosen), None)
        (by_choice.setdefault(choice, []) if choice else free).extend(tied)
    for choice, members in by_choice.items():
        services = tuple(sorted(members, key=rank.__getitem__))
        path = next((options.modules[n] for n in services if n in options.modules), "")
        directory = place(services[0]).directory
        groups.append(ServiceGroup(services, kebab(choice), directory, "as you say", path))
    free.sort(key=rank.__getitem__)
    if options.granularity == "auto":
        planned = plan_groups(file, anchors, free, place, lines)
        groups += _joined_by(file, ties, planned, rank, place)
    elif options.granularity == "service":
        for tied in tied_groups(file, free):
            name = common_name(tied, free)
            groups.append(ServiceGroup(tuple(tied), name, place(tied[0]).directory))
    else:
        by_category: dict[Placement, list[str]] = {}
        for tied in tied_groups(file, free):
            by_category.setdefault(place(tied[0]), []).extend(tied)
        for placement, members in by_category.items():
            services = tuple(sorted(members, key=rank.__getitem__))
            why = f"are of the category {placement.category}"
            name = kebab(placement.category)
            groups.append(ServiceGroup(services, name, placement.directory, why))
    return sorted(groups, key=lambda group: rank[group.services[0]])


def plan_groups(
    file: ComposeFile,
    anchors: AnchorIndex,
    names: Iterable[str],
    place: Callable[[str], Placement],
    lines: Mapping[str, int] | None = None,
) -> list[ServiceGroup]:
    """Return the services *names* of *file* in groups, one for each module.

    Services that share a block, that are siblings by name, that are below one banner, that have
    the same profiles or are of one category come together, in this order. *place* returns the
    category of a service, *lines* are how many lines of a service move if not all do.
    """
    return _Planner(file, anchors, list(names), place, lines or {}).groups()


def _joined_by(
    file: ComposeFile,
    ties: Iterable[Tie],
    groups: list[ServiceGroup],
    rank: Mapping[str, int],
    place: Callable[[str], Placement],
) -> list[ServiceGroup]:
    """Return *groups* with those of each of *ties* as one.

    It has the name of the block of *file* that all use if that says what runs, or else of the
    largest, unless that is a category, to which not all may belong. *rank* is the order of the
    services, *place* returns the category of one.
    """
    for tie in ties:
        parts = [group for group in groups if tie.services.issuperset(group.services)]
        if len(parts) > 1:
            every = (name for group in parts for name in group.services)
            services = tuple(sorted(every, key=rank.__getitem__))
            largest = max(parts, key=lambda group: len(group.services))
            category = domain_of(place(largest.services[0]))
            is_general = largest.name in {category, APPLICATIONS, SERVICES, INFRASTRUCTURE}
            name = category_name(services, place) if is_general else largest.name
            is_family = tie.block.startswith("x-") and says_what_runs(file, tie.block)
            name = (block_name(tie.block) if is_family else "") or name
            why = f"share {tie.block}" if tie.block.startswith("x-") else f"refer to {tie.block}"
            joined = ServiceGroup(services, name, module_directory(services, place), why)
            groups = [*(group for group in groups if group not in parts), joined]
    return groups


def tied_groups(file: ComposeFile, names: Iterable[str]) -> list[list[str]]:
    """Return the services *names* of *file* in groups that must stay in one file each.

    ``extends`` without a file finds only services of its own file (Compose specification).
    """
    order = list(names)
    links: list[set[str]] = [{name} for name in order]
    for name in order:
        target = extends_target(file.services[name])
        if target and target[0] is None and target[1] in file.services:
            links.append({name, target[1] or ""} & set(order))
    rank = {name: n for n, name in enumerate(order)}
    groups = [sorted(group, key=rank.__getitem__) for group in unions(links)]
    return sorted(groups, key=lambda group: rank[group[0]])


def says_what_runs(file: ComposeFile, block: str) -> bool:
    """Return whether *block* of *file* has an image or a build: its services are alike, then."""
    section = (file.sections or {}).get(block)
    body = section.region.entry.value if section else file.services[block]
    return not merged_entries(body).keys().isdisjoint({"image", "build"})


def most_services(total: int) -> int:
    """Return how many of *total* services may be in one module."""
    return min(MOST_SERVICES, max(4, total * 2 // 3))


class _Planner:
    """Groups the services *order* of *file*."""

    def __init__(
        self,
        file: ComposeFile,
        anchors: AnchorIndex,
        order: list[str],
        place: Callable[[str], Placement],
        lines: Mapping[str, int],
    ) -> None:
        self.file, self.anchors, self.order = file, anchors, order
        self.rank = {name: n for n, name in enumerate(order)}
        self.limit = most_services(len(file.services))
        regions = file.regions_in("services")
        text = file.source.text
        whole = {n: text.count("\n", regions[n].lead, regions[n].end) for n in order}
        self.lines = whole | {n: lines[n] for n in order if n in lines}
        self.shared = lines.keys()
        self.is_whole_file = not lines and len(order) == len(file.services)
        models = [name for name in order if place(name).category == MODELS]
        is_group = len(models) > 1 or sum(self.lines[name] for name in models) >= FEWEST_LINES
        self.place = place if is_group else partial(_as_application, place)

    def groups(self) -> list[ServiceGroup]:
        """Return the groups, in the order of their first services."""
        domains = self._with_relatives(self._domains())
        domains = [part for domain in domains for part in self._divided(domain)]
        domains = self._without_small(self._without_equal_names(domains))
        if len(domains) == 1:  # the same file with another name helps nobody
            domains = self._one_by_one(domains[0]) or domains
        if any(len(d.services) > MOST_SERVICES and len(d.units) > 1 for d in domains):
            name = max(domains, key=lambda d: len(d.services)).name
            return [ServiceGroup(tuple(self.order), name, SERVICES, LIST)]
        groups = self._with_own_names(list(self._named(domains)))
        return sorted(groups, key=lambda group: self.rank[group.services[0]])

    # --- what belongs together -----------------------------------------------------------------

    @cached_property
    def below_banner(self) -> dict[str, ServiceSection]:
        """The section of each service that is below a banner."""
        sections = service_sections(self.file)
        return {name: section for section in sections for name in section.services}

    @cached_property
    def section_of(self) -> dict[str, ServiceSection]:
        """The section of each service, where the banners group most of the services."""
        found = self.below_banner
        covered = [found[name].start for name in self.order if name in found]
        return found if len(set(covered)) > 1 and 2 * len(covered) >= len(self.order) else {}

    @cached_property
    def family_of(self) -> dict[str, tuple[str, str]]:
        """The shared service-level block of each service: its key, and the name for a module."""
        users: dict[str, list[str]] = {}
        for name in self.order:
            for block in self.anchors.merged_blocks(name):
                users.setdefault(block, []).append(name)
        found: dict[str, tuple[str, str]] = {}
        sizes = {block: self._block_lines(block) for block in users}
        tells = {block: says_what_runs(self.file, block) for block in users}
        telling = [block for block in users if tells[block] or sizes[block] > LONG_BLOCK]
        for block in sorted(telling, key=lambda b: -sizes[b]):
            members = [name for name in users[block] if name not in found]
            if len(members) > 1 and 2 * len(users[block]) <= len(self.order):
                name = block_name(block) if tells[block] else ""
                found |= dict.fromkeys(members, (block, name))
        return found

    def _block_lines(self, block: str) -> int:
        """Return how many lines the block *block* has: an ``x-`` section or a service."""
        section = (self.file.sections or {}).get(block)
        if section is None:
            return self.lines.get(block, 0)
        return self.file.source.text.count("\n", section.region.key, section.region.end)

    def _units(self) -> list[tuple[str, ...]]:
        """Return services that stay together: tied by ``extends``, siblings, and equal names."""
        tied_by_extends = tied_groups(self.file, self.order)
        tied = {name: tuple(group) for group in tied_by_extends for name in group}
        stems: dict[tuple[str, str], set[str]] = {}
        for name in self.order:
            section = self.section_of.get(name)
            stem = stem_of(name)
            stems.setdefault((section.title if section else "", stem), set()).add(name)
        siblings = [*map(set, tied_by_extends), *stems.values()]
        links = [*siblings, *self._products()]
        for (title, stem), names in stems.items():
            above = (stems.get((title, prefix), set()) for prefix in heads_of(stem))
            found = next(filter(None, above), set())
            head = stem.rpartition("-")[0] if stem.endswith(INITIALIZES) else ""
            if not found and head not in ROLES and self._first_word(head):
                # `minio-init` prepares `minio-server`
                below = [each for (other, _), each in stems.items() if other == title]
                found = {n for each in below for n in each if stem_of(n).startswith(f"{head}-")}
            links.append(names | found)
        groups: list[tuple[str, ...]] = []
        for group in unions(links):
            if self._fits(group):
                groups.append(self._ordered(group))
                continue
            for part in unions(names for names in siblings if names <= group):
                ordered = self._ordered(part)
                fits = self._fits(part)
                groups += [ordered] if fits else dict.fromkeys(tied[name] for name in ordered)
        return sorted(groups, key=lambda unit: self.rank[unit[0]])

    def _fits(self, names: Collection[str]) -> bool:
        """Return whether the services *names* fit in a module.

        Equal nodes that are the whole file stay together: parts of them help nobody.
        """
        is_all = len(names) == len(self.file.services)
        return len(names) <= (MOST_SERVICES if is_all else self.limit)

    def _ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(names, key=self.rank.__getitem__))

    def _products(self) -> Iterator[set[str]]:
        """Yield the services of each product that has applications and a data store of its own.

        The names of all begin with one word, as ``crm-api``, ``crm-jobs``, ``crm-redis`` and
        ``crmdb``. A word in the image of a data store says what that is; a word of most services
        says nothing.
        """
        members: dict[tuple[str, str], set[str]] = {}
        for name in self.order:
            section = self.section_of.get(name)
            word = self._first_word(name)
            owner = self._first_word(word.removesuffix("db"))
            word = owner if owner in self._first_word_counts else word
            members.setdefault((section.title if section else "", word), set()).add(name)
        for (_, word), names in members.items():
            stores = [name for name in names if self._category(name) == DATA]
            applications = [name for name in names if self.place(name) == DEFAULT_PLACEMENT]
            is_product = bool(word and stores and applications) and not any(
                word in self._image_name(store) for store in stores
            )
            if is_product and FEWEST_ALIKE <= len(names) <= self.limit:
                yield names

    def _image_name(self, name: str) -> str:
        """Return the last part of the image of the service *name*, with its tag."""
        return text_of(services_in(self.file)[name].image).rpartition("/")[2]

    def _domains(self) -> list[_Domain]:
        """Return the units by what they have in common."""
        domains: dict[str, _Domain] = {}
        units = self._units()
        users = Counter(p for name in self.order for p in self._profiles(name))
        for unit in units:
            store = self._store_of(unit)
            first = store or unit[0]
            section = next((self.section_of[n] for n in unit if n in self.section_of), None)
            family = self.family_of.get(first)
            telling = self._telling_profiles(first)
            rarest = min(telling, key=lambda p: users[p], default="")
            if section is not None:
                name = section.name or self._category(first)
                key, why = f"section {section.title}", _below(section)
            elif family is not None:
                key, name, why = f"family {family[0]}", family[1], f"share {family[0]}"
            elif len(unit) > 1 and not store:
                key, name, why = f"unit {first}", "", _BY_NAME
            elif 1 < users[rarest] <= len(self.order) // 2:
                name = kebab(rarest) if len(rarest) > 1 else self._category(first)
                key, why = f"profile {rarest}", f"have the profile {rarest}"
            else:
                name = self._category(first)
                key, why = f"category {name}", f"are {self._category_text(first)}"
            domain = domains.setdefault(key, _Domain(key, name, why, []))
            domain.units.append(unit)
        return list(domains.values())

    def _store_of(self, unit: tuple[str, ...]) -> str:
        """Return the data store in *unit* if all else is its console, exporter or initialization.

        They are among the data stores then, as the store would be alone. ``""`` for other units.
        """
        store = min(unit, key=len)
        is_store = self._category(store) == DATA and all(
            kebab(name).startswith(f"{kebab(store)}-")
            and (kebab(name).endswith(INITIALIZES) or self.place(name) != DEFAULT_PLACEMENT)
            for name in unit
            if name != store
        )
        return store if is_store else ""

    def _with_relatives(self, domains: list[_Domain]) -> list[_Domain]:
        """Return *domains* with services of a category moved to siblings with the same first word.

        A word with which more than two thirds of the services begin is too common to group by.
        """
        siblings: dict[tuple[str, str], _Domain] = {}
        for domain in domains:
            if domain.key.startswith("unit"):
                first = domain.services[0]
                siblings[self._directory(domain.services), self._first_word(first)] = domain
        for domain in domains:
            for unit in list(domain.units) if domain.key.startswith("category") else ():
                word = self._first_word(unit[0])
                other = siblings.get((self._directory(unit), word)) if word else None
                count = len(other.services) + len(unit) if other else 0
                if other and count <= self.limit and 2 * count <= len(self.order):
                    other.units = sorted([*other.units, unit], key=lambda u: self.rank[u[0]])
                    domain.units.remove(unit)
        return [domain for domain in domains if domain.units]

    def _first_word(self, name: str) -> str:
        """Return the first word of *name*; ``""`` where two thirds of the services have it."""
        word = kebab(name).partition("-")[0]
        return word if 3 * self._first_word_counts[word] <= 2 * len(self.order) else ""

    @cached_property
    def _first_word_counts(self) -> Counter[str]:
        """How many services begin with a word."""
        return Counter(kebab(name).partition("-")[0] for name in self.order)

    def _profiles(self, name: str) -> tuple[str, ...]:
        profiles = services_in(self.file)[name].profiles
        return tuple(sorted(profile.value for profile in profiles if profile.value))

    def _telling_profiles(self, name: str) -> tuple[str, ...]:
        """Return the profiles that may say what the service *name* is; none where it has many.

        ``all`` and ``no-redis`` say with which others it runs. What has many profiles is used by
        all of these, and belongs to none.
        """
        profiles = [each for each in self._profiles(name) if not is_selection(each)]
        return tuple(profiles) if len(profiles) <= MOST_PROFILES else ()

    def _directory(self, services: Iterable[str]) -> str:
        """Return the directory of a module with *services*."""
        return module_directory(services, self.place)

    def _category(self, name: str) -> str:
        """Return the domain of the service *name* by its category."""
        return domain_of(self.place(name))

    def _category_text(self, name: str) -> str:
        """Return what services of the category of the service *name* are, for the user."""
        placement = self.place(name)
        is_named = placement.counts_as == "data stores" or placement == DEFAULT_PLACEMENT
        return placement.counts_as if is_named else f"of the category {domain_of(placement)}"

    # --- neither too large nor too small -------------------------------------------------------

    def _divided(self, domain: _Domain) -> list[_Domain]:
        """Return *domain* in parts that are small enough for one file."""
        if len(domain.services) <= self.limit or len(domain.units) == 1:
            return [domain]
        parts = max(self._divisions(domain), key=self._services_that_fit)
        if 2 * self._services_that_fit(parts) < len(domain.services):
            # Groups around a service are found in no name, so names of most services come first.
            parts = max(parts, self._by_connections(domain), key=self._services_that_fit)
        if len(parts) > 1:
            return [smaller for part in parts for smaller in self._divided(part)]
        if self._is_list_of_short_services(domain):
            return [domain]
        if one_by_one := self._one_by_one(domain, SHORT_SERVICE):
            return one_by_one
        count = math.ceil(len(domain.services) / self.limit)
        size = math.ceil(len(domain.services) / count)
        chunks: list[list[tuple[str, ...]]] = [[]]
        # In this order a name like `a-to-f` says what is in between.
        for unit in sorted(domain.units, key=lambda unit: natural_key(unit[0])):
            if chunks[-1] and sum(map(len, chunks[-1])) + len(unit) > size:
                chunks.append([])
            chunks[-1].append(unit)
        return [
            _Domain(f"{domain.key} {n}", range_name(c), domain.why, c) for n, c in enumerate(chunks)
        ]

    def _is_list_of_short_services(self, domain: _Domain) -> bool:
        """Return whether *domain*, which nothing divides, is most of the file, and short.

        Nobody would look for a service in one of two ranges of the alphabet.
        """
        count = len(domain.services)
        is_most = 3 * count >= 2 * len(self.file.services)
        lines = sum(self.lines[name] for name in domain.services)
        is_short = lines < min(SHORT_SERVICE * count, FEWEST_LINES * max(count, 2 * MOST_SERVICES))
        fits = count <= MOST_SERVICES or self.is_whole_file
        return is_most and is_short and fits

    def _one_by_one(self, domain: _Domain, long: int = LONG_SERVICE) -> list[_Domain]:
        """Return the units of *domain* as domains; none where a file each would not help.

        That is where they have fewer than *long* lines, or are many, or differ in a number only.
        """
        lines = [sum(self.lines[name] for name in unit) for unit in domain.units]
        stems = {stem_of(unit[0]) for unit in domain.units}
        are_few = 1 < len(stems) == len(lines) <= 2 * MOST_SERVICES
        are_long = min(lines) >= FEWEST_LINES_OF_ALIKE and sum(lines) >= long * len(lines)
        if not (are_few and are_long):
            return []
        return [_Domain(f"{domain.key} {u[0]}", "", domain.why, [u]) for u in domain.units]

    def _services_that_fit(self, parts: Sequence[_Domain]) -> int:
        """Return how many services are in a group, or in a remainder that fits in a file.

        Where *parts* is one, there are none. A group that is too large has something in common, and
        is divided by the next criterion.
        """
        return sum(
            len(part.services)
            for part in (parts if len(parts) > 1 else ())
            if not part.key.endswith(_REST) or len(part.services) <= self.limit
        )

    def _divisions(self, domain: _Domain) -> Iterator[list[_Domain]]:
        """Yield ways to divide *domain*, the best one first."""
        banners = {section.title: section for section in self.below_banner.values()}
        yield self._by(
            domain,
            lambda unit: self.below_banner[unit[0]].title if unit[0] in self.below_banner else "",
            lambda title: _below(banners[title]),
            lambda title: banners[title].name or domain.name,
        )
        names = {block: name for block, name in self.family_of.values() if name}
        families = {unit: self.family_of.get(unit[0], ("", ""))[0] for unit in domain.units}
        yield self._by(
            domain,
            lambda unit: families[unit] if families[unit] in names else "",
            "share {}".format,
            names.__getitem__,
        )
        yield self._by_category(domain)
        yield self._by(
            domain,
            lambda unit: "exporters" if self._collects_metrics(unit[0]) else "",
            lambda _: "collect metrics",
        )
        yield self._by_first_words(domain)
        roles = Counter(role_of(name) for name in domain.services)
        says_nothing = {"service"} if roles["service"] > self.limit else set()
        yield self._by(
            domain,
            lambda unit: "" if (role := role_of(unit[0])) in says_nothing else role,
            "end with “{}”".format,
            ROLES.__getitem__,
        )
        last_words = Counter(last_word(unit[0]) for unit in domain.units)
        yield self._by(
            domain,
            lambda unit: word if last_words[word := last_word(unit[0])] >= FEWEST_ALIKE else "",
            "end with “{}”".format,
        )
        yield self._by_area(domain)

    def _by_connections(self, domain: _Domain) -> list[_Domain]:
        """Return the parts of *domain* of services that need each other."""
        center_of = self._centers(domain.units)
        return self._by(
            domain, lambda unit: center_of.get(unit, ""), "work together with {}".format
        )

    def _by_first_words(self, domain: _Domain) -> list[_Domain]:
        """Return the parts of *domain* by the first word in which the names differ."""
        common = common_words(domain.services)
        parts = self._by(
            domain, lambda unit: first_words(unit[0], common + 1), "begin with “{}”".format
        )
        for part in parts:
            name = common_name(part.services, self.order)
            if not part.key.endswith(_REST) and name not in map(kebab, part.services):
                part.name = name
        return parts

    def _by_category(self, domain: _Domain) -> list[_Domain]:
        """Return the parts of *domain* by category.

        ``data`` beside ``database`` would say nothing: databases are called so, and the data stores
        of which only one is of a category have another name.
        """
        parts = self._by(
            domain,
            lambda unit: self.place(self._store_of(unit) or unit[0]).category,
            "are of the category {}".format,
            lambda category: DATABASES if category == "database" else kebab(category),
        )
        has_databases = any(part.name == DATABASES for part in parts)
        for part in parts:
            if has_databases and part.name == DATA:
                part.name = OTHER_DATA
        return parts

    def _by_area(self, domain: _Domain) -> list[_Domain]:
        """Return the parts of *domain* by what applications are about; databases are one.

        Where the names begin with a word of their own, those of the parts do, too.
        """
        words = first_words(domain.services[0], common_words(domain.services))
        prefix = f"{words}-" if words and self._first_word(domain.services[0]) else ""
        parts = self._by(
            domain,
            lambda unit: self._area(unit) or (DATABASES if role_of(unit[0]) == "db" else ""),
            "are {} by name".format,
            lambda area: prefix + area,
        )
        for part in parts:
            if not part.key.endswith(_REST):  # more than a category: no stranger joins them
                part.key = f"area {part.key}"
        return parts

    def _area(self, unit: tuple[str, ...]) -> str:
        """Return what the applications in *unit* are about, ``""`` if no name says it."""
        if self.place(unit[0]) != DEFAULT_PLACEMENT:
            return ""
        return area_of(unit[0], text_of(services_in(self.file)[unit[0]].image))

    def _collects_metrics(self, name: str) -> bool:
        """Return whether the service *name* collects what others of its category store and show."""
        plain = without_instance(kebab(name))
        return self._category(name) == MONITORING and plain.endswith(COLLECTORS)

    def _centers(self, units: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
        """Return for each of *units* the service around which the units are that need each other.

        Units come together as long as they have more connections than chance would give them
        (Newman's modularity, greedily), or few lines. The center has the most.
        """
        if len(units) > MOST_COMPARED:
            return {}
        unit_of = {name: n for n, unit in enumerate(units) for name in unit}
        pairs = [(a, b) for a, b in self.connected if a in unit_of and b in unit_of]
        between = _links((unit_of[a], unit_of[b]) for a, b in pairs)
        total = between.total()
        sizes = Counter(unit_of.values())
        lines = Counter({n: sum(self.lines[name] for name in u) for n, u in enumerate(units)})
        degrees = Counter(n for pair in between.elements() for n in pair)
        cluster_of = list(range(len(units)))

        def gain(pair: tuple[int, int]) -> float:
            return between[pair] - degrees[pair[0]] * degrees[pair[1]] / (2 * total)

        def may_join(pair: tuple[int, int]) -> bool:
            is_small = min(lines[n] for n in pair) < FEWEST_LINES_OF_CLUSTERS
            return sum(sizes[n] for n in pair) <= self.limit and (is_small or gain(pair) > 0)

        while candidates := [pair for pair in sorted(between) if may_join(pair)]:
            kept, gone = max(candidates, key=gain)
            cluster_of = [kept if n == gone else n for n in cluster_of]
            for counts in (sizes, lines, degrees):
                counts[kept] += counts.pop(gone)
            between = _links((cluster_of[x], cluster_of[y]) for x, y in between.elements())
        inside = [(a, b) for a, b in pairs if cluster_of[unit_of[a]] == cluster_of[unit_of[b]]]
        uses = Counter(name for pair in inside for name in pair)
        members: dict[int, list[str]] = {}
        for name, n in unit_of.items():
            members.setdefault(cluster_of[n], []).append(name)
        center = {n: max(names, key=uses.__getitem__) for n, names in members.items()}
        return {unit: center[cluster_of[n]] for n, unit in enumerate(units)}

    @cached_property
    def connected(self) -> list[tuple[str, str]]:
        """The pairs of services of which one needs the other."""
        file = self.file
        model = StartModel(Invocation((file.path,)), (file,), (), services_in(file), {})
        return [(each.caller, each.callee) for each in connections(model)]

    def _by(
        self,
        domain: _Domain,
        key: Callable[[tuple[str, ...]], str],
        why: Callable[[str], str],
        name_of: Callable[[str], str] = kebab,
    ) -> list[_Domain]:
        """Return the parts of *domain* by *key*; those with one unit stay together as the rest.

        *why* returns what the units with a key have in common, *name_of* the name of their module.
        """
        found: dict[str, list[tuple[str, ...]]] = {}
        for unit in domain.units:
            found.setdefault(key(unit), []).append(unit)
        parts, rest = [], []
        for name, units in found.items():
            services = [n for unit in units for n in unit]
            is_long = sum(self.lines[n] for n in services) >= FEWEST_LINES
            is_long = is_long or len(services) >= MANY_SERVICES
            if name and is_long and 1 < len(services) < len(domain.services):
                parts.append(_Domain(f"{domain.key} {name}", name_of(name), why(name), units))
            else:
                rest += units
        if rest:
            parts.append(_Domain(f"{domain.key}{_REST}", domain.name, domain.why, rest))
        return parts

    def _without_equal_names(self, domains: list[_Domain]) -> list[_Domain]:
        """Return *domains* with those of one name joined, as long as they fit in one file.

        ``apps`` beside ``app``, a profile or a block, has another name.
        """
        if any(domain.name == _APPLICATION for domain in domains):
            for domain in domains:
                domain.name = SERVICES if domain.name == APPLICATIONS else domain.name
        found: dict[str, _Domain] = {}
        for n, domain in enumerate(domains):
            key = domain.name or str(n)
            other = found.get(key)
            if other and len(other.services) + len(domain.services) <= self.limit:
                other.units += domain.units
            else:
                found[key if other is None else f"{key} {n}"] = domain
        return list(found.values())

    def _without_small(self, domains: list[_Domain]) -> list[_Domain]:
        """Return *domains* with those of few lines joined to the ones most like them."""
        result = list(domains)
        while True:
            candidates = [
                (one, other)
                for one in result
                if self._is_small(one)
                for other in result
                if other is not one
            ]
            pairs = [pair for pair in candidates if self._may_join(*pair)]
            pairs = pairs or [pair for pair in candidates if self._may_join(*pair, anywhere=True)]
            if not pairs:
                return result
            one, other = min(pairs, key=self._distance)
            joined = self._joined(one, other)
            result = [joined if d is other else d for d in result if d is not one]

    def _is_small(self, domain: _Domain) -> bool:
        """Return whether *domain* has too few lines for a file of its own.

        One that several root files have is looked for by its name, not in a file of unrelated ones.
        """
        key = domain.key
        is_alike = key.startswith(("unit", "category")) and _JOINT not in key
        is_alike = is_alike and len(domain.services) > 1
        is_known = is_alike or not self.shared.isdisjoint(domain.services)
        fewest = FEWEST_LINES_OF_ALIKE if is_known else FEWEST_LINES
        return len(domain.services) < MANY_SERVICES and self._lines_of(domain) < fewest

    def _distance(self, pair: tuple[_Domain, _Domain]) -> tuple[bool, bool, bool, int]:
        """Return a sort key: it is smaller, the more the two domains of *pair* are alike."""
        domain, other = pair
        own, others = self.place(domain.services[0]), self.place(other.services[0])
        return (
            not self._is_namesake(domain, other),
            domain_of(own) != domain_of(others),
            own.counts_as != others.counts_as,
            self._lines_of(other),
        )

    def _is_namesake(self, domain: _Domain, other: _Domain) -> bool:
        """Return whether all names in both domains begin with the same uncommon word."""
        words = {self._first_word(name) for name in (*domain.services, *other.services)}
        return len(words) == 1 and words != {""}

    def _may_join(self, domain: _Domain, other: _Domain, *, anywhere: bool = False) -> bool:
        """Return whether the small *domain* may be in one file with *other*.

        Services that belong together by more than a category stay among themselves, unless they
        have few lines, too. A file with nearly all services would be the root file again. With
        *anywhere*, a domain of very few lines may also join a long one of applications.
        """
        count = len(domain.services) + len(other.services)
        if count > self.limit or 3 * count > 2 * len(self.file.services):
            return False
        is_alike = self._directory(domain.services) == module_directory(other.services, self.place)
        is_open = other.key.startswith("category") or self._is_small(other)
        if anywhere:
            is_tiny = self._lines_of(domain) < FEWEST_LINES_OF_ALIKE
            is_tiny = is_tiny and self.shared.isdisjoint(domain.services)
            has_applications = self._category(other.services[0]) == APPLICATIONS
            is_alike = is_tiny and has_applications and not self._is_small(other)
        return (is_alike and is_open) or self._is_namesake(domain, other)

    def _joined(self, one: _Domain, other: _Domain) -> _Domain:
        """Return two domains as one, which is called after what both have in common."""
        units = sorted([*one.units, *other.units], key=lambda unit: self.rank[unit[0]])
        services = [name for unit in units for name in unit]
        name = category_name(services, self.place)
        why = _WHY_TOGETHER.get(name, "are in no group of their own")
        larger = max(one, other, key=self._lines_of)
        is_most = 3 * self._lines_of(larger) >= 2 * (self._lines_of(one) + self._lines_of(other))
        has_own_name = larger.name not in {"", self._category(larger.services[0])}
        if has_own_name and (is_most or larger.key.startswith("section")):
            name = larger.name
        if self._is_namesake(one, other):
            name, why = "", _BY_NAME
        if name == SERVICES and 2 * len(services) <= len(self.order):
            name = OTHER  # beside modules of services that have something in common
        return _Domain(f"{one.key}{_JOINT}{other.key}", name, why, units)

    def _lines_of(self, domain: _Domain) -> int:
        lines = sum(self.lines[name] for name in domain.services)
        blocks = {self.family_of[n][0] for n in domain.services if n in self.family_of}
        return lines + sum(map(self._block_lines, blocks))

    # --- names -----------------------------------------------------------------------------------

    def _named(self, domains: Iterable[_Domain]) -> Iterator[ServiceGroup]:
        for domain in domains:
            services = sorted(domain.services, key=self.rank.__getitem__)
            directory = self._directory(services)
            if len(services) == 1:
                yield ServiceGroup((services[0],), kebab(services[0]), directory)
                continue
            is_alike = domain.name == APPLICATIONS and common_words(services) > 1
            if is_alike or not domain.name:
                name = common_name(services, self.order)
                why = _BY_NAME if is_alike else domain.why
                yield ServiceGroup(tuple(services), name, directory, why)
            else:
                other = self._area_of_most(services) if domain.name == APPLICATIONS else ""
                yield ServiceGroup(
                    tuple(services), domain.name, directory, domain.why, other_name=other
                )

    def _area_of_most(self, services: Sequence[str]) -> str:
        """Return what at least half of *services* are about, ``""`` if that is nothing."""
        areas = Counter(self._area((name,)) for name in services)
        area, count = areas.most_common(1)[0]
        return area if 2 * count >= len(services) else ""

    def _with_own_names(self, groups: Sequence[ServiceGroup]) -> list[ServiceGroup]:
        """Return *groups* with those of infrastructure renamed that have the name of services."""
        taken = {group.name for group in groups if group.directory == SERVICES}
        return [
            replace(group, name=category_name(group.services, self.place))
            if group.directory == INFRASTRUCTURE and group.name in taken
            else group
            for group in groups
        ]


def _as_application(place: Callable[[str], Placement], name: str) -> Placement:
    """Return what *place* returns for the service *name*, but for models that of applications."""
    placement = place(name)
    return DEFAULT_PLACEMENT if placement.category == MODELS else placement


def _below(section: ServiceSection) -> str:
    """Return what the services below the banner of *section* have in common, for the user."""
    title = shorten(section.title.partition("(")[0], 40, placeholder=" ...")
    return f"are under the banner “{title}”"


def _links(pairs: Iterable[tuple[int, int]]) -> Counter[tuple[int, int]]:
    """Return how many of *pairs* are between two numbers, whichever is first."""
    return Counter((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])
