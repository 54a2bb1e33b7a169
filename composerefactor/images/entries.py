"""The types of a catalog entry.

First come tags and version ranges, then conditions on the use of an image, then the entry itself.
The types from :class:`Condition` on have the keys of images.yml: ``msgspec.convert`` makes an entry
of an item, and the JSON schema of the settings file has their docstrings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fnmatch import fnmatchcase
from math import inf
from typing import Literal, TypeAlias, TypeVar

from msgspec import UNSET, Struct, UnsetType, convert, field, to_builtins
from msgspec.structs import force_setattr

from composerefactor.compose.resources import is_mounted
from composerefactor.compose.sizes import parse_size
from composerefactor.confidence import Confidence

_VERSION = r"(?a)(?:^|(?<=[-_]))v?(?P<numbers>\d+(?:\.(?:\d+|x))*)"
_POSTGRES = r"(?a)(?:^|[-_])pg(?P<numbers>\d+(?:\.\d+)*)(?![\w.])"
"""Images of PostgreSQL with an extension: their tags name both versions, ``0.8.0-pg18``."""

_RELEASE_DATE = r"(?a)release\.(\d{4})-(\d\d)-(\d\d).*"
_RANGE = r"(?a)(?P<operator><=|>=|<|>|=)?\s*(?P<version>v?\d+(?:\.(?:\d+|x))*)"
_NEWEST = frozenset(
    {"", "latest", "stable", "lts", "main", "master", "edge", "current", "mainline"}
)
_DISTRIBUTIONS = {
    "alpine": ("alpine",),
    "debian": (
        "debian", "slim", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie",
    ),
    "ubuntu": ("ubuntu", "bionic", "focal", "jammy", "noble"),
    "ubi": ("ubi", "ubi8", "ubi9", "rhel"),
    "distroless": ("distroless", "chiseled", "scratch", "nonroot"),
    "busybox": ("busybox",),
    "windows": ("windowsservercore", "nanoserver"),
}  # fmt: skip
DEFAULT_FLAVOUR = "default"
"""The flavor of a tag that names no distribution."""


class Tag(Struct, frozen=True):
    """A parsed tag.

    Attributes:
        text: The tag in lower case.
        version: The version, or None if the tag names none. A tag floats, so missing parts count
            as the newest: ``3.6`` is ``(3, 6, inf)``.
        flavours: The other words of the tag, and the distributions that they mean.
    """

    text: str
    version: tuple[float, ...] | None
    flavours: frozenset[str]


def parse_tag(text: str) -> Tag:
    """Parse the tag *text*; ``""`` and ``latest`` are the newest version."""
    text = text.lower()
    version_match = re.search(_POSTGRES, text) or re.search(_VERSION, text)
    if released := re.fullmatch(_RELEASE_DATE, text):
        version: tuple[float, ...] | None = tuple(map(int, released.groups()))
        rest = ""
    elif version_match:
        version = (*_parse_numbers(version_match["numbers"]), inf)
        rest = text[: version_match.start()] + text[version_match.end() :]
    else:
        version, rest = None, text
    words = {word for word in re.split(r"[-_.+]", rest) if word}
    words |= {word.rstrip("0123456789") for word in words} - {""}
    named = {name for name, words_of in _DISTRIBUTIONS.items() if words.intersection(words_of)}
    only_flavour = bool(named) and words <= named.union(*(_DISTRIBUTIONS[n] for n in named))
    if version is None and (text in _NEWEST or only_flavour):
        version = (inf,)
    return Tag(text, version, frozenset(words | (named or {DEFAULT_FLAVOUR})))


def in_range(tag: Tag, versions: str) -> bool | None:
    """Return whether the version of *tag* is in *versions*, or None if the tag names no version.

    *versions* are comparisons that must all be true, ``>=3.6, <4``; one without an operator,
    ``1.x`` or ``1``, is true for all versions that begin with it. Raises ValueError for anything
    else.
    """
    parts = [_parse_comparison(part) for part in versions.split(",")]
    if tag.version is None:
        return None
    return all(_satisfies(tag.version, operator, numbers) for operator, numbers in parts)


def _check_range(versions: str) -> None:
    """Raise ValueError if *versions* is neither a version range nor empty."""
    for part in versions.split(",") if versions else ():
        _parse_comparison(part)


def _parse_comparison(text: str) -> tuple[str, tuple[float, ...]]:
    """Return the operator and the numbers of ``>=3.6``; raises ValueError if it is invalid."""
    match = re.fullmatch(_RANGE, text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is not a version range such as '<18' or '>=3.6, <4'")
    return match["operator"] or "=", _parse_numbers(match["version"].removeprefix("v"))


def _satisfies(version: tuple[float, ...], operator: str, numbers: tuple[float, ...]) -> bool:
    match operator:
        case "<":
            return version < numbers
        case "<=":
            return version < numbers or version[: len(numbers)] == numbers
        case ">=":
            return version >= numbers
        case ">":
            return version > numbers and version[: len(numbers)] != numbers
        case _:
            return version[: len(numbers)] == numbers


def _parse_numbers(text: str) -> tuple[float, ...]:
    return tuple(int(part) for part in text.split(".") if part != "x")


class Truth(Enum):
    """The truth of a condition; UNKNOWN if it depends on values that are not in the project."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ImageUse(Struct, frozen=True):
    """How a service uses an image.

    Attributes:
        repository: The repository as the catalog lists it.
        tag: The tag, or None if it is unknown.
        environment: Each variable of the container and its value, None for an unknown value.
        unread: The env files that are missing, so that their variables are unknown.
        command: The words of entrypoint and command, empty for the image's own.
        port: The port that replaces the main one, or ``""``.
    """

    repository: str
    tag: Tag | None
    environment: Mapping[str, str | None] = {}
    unread: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    port: str = ""


class Condition(Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on the use of an image; all attributes that are set must be true.

    Attributes:
        names: Repositories, of which one must be used.
        tag: A version range for the tag, such as <18, or >=3.6, <4, or 1.x.
        flavours: Words, of which one must be in the tag (``default``: no distribution is named).
        environment: Variables and a pattern for the value: ``*`` for any, null for unset.
        command: Patterns, each for some word of the command.
        moved: Whether the service listens on another port than the main one.
    """

    names: tuple[str, ...] = ()
    tag: str = ""
    flavours: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = {}
    command: tuple[str, ...] = ()
    moved: bool | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid version range."""
        _check_range(self.tag)

    def holds(self, use: ImageUse) -> Truth:
        """Return whether the condition is true for *use*."""
        parts = [
            *self._image(use),
            *(self._variable(use, n, p) for n, p in self.environment.items()),
        ]
        parts += [_truth(any(fnmatchcase(w, p) for w in use.command)) for p in self.command]
        if self.moved is not None:
            parts.append(_truth(bool(use.port) == self.moved))
        if Truth.NO in parts:
            return Truth.NO
        return Truth.UNKNOWN if Truth.UNKNOWN in parts else Truth.YES

    def _image(self, use: ImageUse) -> list[Truth]:
        parts = [_truth(use.repository in self.names)] if self.names else []
        if not self.tag and not self.flavours:
            return parts
        if use.tag is None:
            return [*parts, Truth.UNKNOWN]
        if self.tag:
            parts.append(_truth(in_range(use.tag, self.tag)))
        if self.flavours:
            parts.append(_truth(not use.tag.flavours.isdisjoint(self.flavours)))
        return parts

    @staticmethod
    def _variable(use: ImageUse, name: str, pattern: str | None) -> Truth:
        if name not in use.environment:
            if use.unread:
                return Truth.UNKNOWN
            return _truth(pattern is None)
        value = use.environment[name]
        if pattern is None:
            return _truth(value == "")
        if pattern == "*":
            return _truth(value != "")
        return Truth.UNKNOWN if value is None else _truth(fnmatchcase(value, pattern))

    def unknowns(self, use: ImageUse) -> str:
        """Return in words which facts on *use* are missing to decide, or ``""``."""
        missing: list[str] = []
        if Truth.UNKNOWN in self._image(use):
            missing.append("the tag of the image")
        for name, pattern in self.environment.items():
            if self._variable(use, name, pattern) is Truth.UNKNOWN:
                files = ", ".join(use.unread)
                reason = "" if name in use.environment else f" ({files} is missing)"
                missing.append(f"the variable {name}{reason}")
        return " and ".join(missing)


def _truth(value: bool | None) -> Truth:  # noqa: FBT001 - converts a truth value
    if value is None:
        return Truth.UNKNOWN
    return Truth.YES if value else Truth.NO


Evidence: TypeAlias = Literal[
    "run", "dockerfile", "docs", "issue", "practice", "project", "unverified"
]
Command: TypeAlias = tuple[str, ...]
Profile: TypeAlias = Literal["fast", "normal", "slow", "very_slow"]


_CONFIDENCE: Mapping[Evidence, Confidence] = {
    "run": "verified",
    "dockerfile": "verified",
    "docs": "verified",
    "project": "verified",
    "issue": "likely",
    "practice": "likely",
    "unverified": "guess",
}


def confidence(evidence: Evidence) -> Confidence:
    """Return the confidence in a fact with this kind of *evidence*."""
    return _CONFIDENCE[evidence]


class DataPath(Struct, frozen=True, forbid_unknown_fields=True):
    """A path in the container at which the image stores state.

    Attributes:
        path: The path.
        versions: The version range that uses it, ``"<18"``; ``""`` for all versions.
        optional: Whether losing the data costs little.
        by_host: Whether the data is found again only under the same host name.
        variable: The variable that names another path, or ``""``.
        only: Words of the command; the image stores data only if one of them is there.
        unless: Variables and options of the command; with one of them the image stores its data in
            another system, or reads it from a file at each start.
        kept: Whether it needs a volume although the image is not a data store.
        links: Other paths in the container that lead to it.
        own_volume: Whether the image declares a volume there, which is anonymous even where a
            volume is mounted above it.
        note: A remark for the reader, or ``""``.
    """

    path: str
    versions: str = ""
    optional: bool = False
    by_host: bool = False
    variable: str = ""
    only: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    kept: bool = False
    links: tuple[str, ...] = ()
    own_volume: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid version range."""
        _check_range(self.versions)

    def is_mounted(self, targets: Iterable[str]) -> bool:
        """Return whether one of the mount points *targets* is the path, or above or below it."""
        targets = list(targets)
        return any(is_mounted(targets, path) for path in (self.path, *self.links))


class RefusedMount(Struct, frozen=True, forbid_unknown_fields=True):
    """A path in the container at which the image refuses a mount: its server does not start.

    Attributes:
        path: The path.
        versions: The version range that refuses it, ``">=18"``; ``""`` for all versions.
        unless: The variable with which a mount there is fine, or ``""``.
        remedy: What to do instead.
    """

    path: str
    remedy: str
    versions: str = ""
    unless: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid version range."""
        _check_range(self.versions)


class RemovedOption(Struct, frozen=True, forbid_unknown_fields=True):
    """An option that the server of an image no longer supports, and does not start with.

    Attributes:
        option: The option, such as ``--journal``.
        versions: The version range without it, ``">=6.1"``.
        remedy: What to do instead.
    """

    option: str
    versions: str
    remedy: str

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid version range."""
        _check_range(self.versions)


class Secret(Struct, frozen=True, forbid_unknown_fields=True):
    """A variable of an image that is a credential.

    Attributes:
        env: The name of the variable.
        file: Whether the image can read the credential from a file.
        file_name: The name of the variable that contains the path of the file; ``NAME_FILE`` if it
            is not given.
        after: What is before the password in the value, such as the ``/`` in ``user/password``, or
            ``""``.
        versions: The version range that uses it; ``""`` for all versions.
        change: What changes it later, for one that the first start stores with the data, or ``""``.
        note: A remark for the reader, or ``""``.
    """

    env: str
    file: bool = False
    file_name: str = ""
    after: str = ""
    versions: str = ""
    change: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Set the default of *file_name*; raise ValueError for an invalid version range."""
        _check_range(self.versions)
        force_setattr(self, "file_name", self.file_name or f"{self.env}_FILE")


class Times(Struct, frozen=True):
    """The times of a health check, as durations of Compose files."""

    interval: str
    timeout: str
    retries: int
    start_period: str


DEFAULT_TIMES = {"interval": "30s", "timeout": "30s", "retries": "3"}
"""The times of a check that sets none (Docker documentation)."""

_FEWEST_ALIKE = 3

T = TypeVar("T")


def most_usual(values: Sequence[T]) -> T | None:
    """Return what at least half of *values*, and at least three, are; None if there is none."""
    common = Counter(values).most_common(1)
    is_usual = common and common[0][1] >= _FEWEST_ALIKE and 2 * common[0][1] >= len(values)
    return common[0][0] if is_usual else None


PROFILES: Mapping[Profile, Times] = {
    "fast": Times("10s", "5s", 5, "10s"),
    "normal": Times("15s", "5s", 5, "30s"),
    "slow": Times("30s", "10s", 5, "60s"),
    "very_slow": Times("30s", "10s", 10, "180s"),
}


class ImageHealthCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """A health check, with the times of a profile or with its own.

    Attributes:
        test: The command as in a Compose file: CMD or CMD-SHELL first, $$ for a dollar.
        profile: The times that are not given here.
        interval: A duration, such as 30s or 1m30s.
        timeout: A duration, such as 30s or 1m30s.
        retries: How many failures make the container unhealthy.
        start_period: A duration, such as 30s or 1m30s.
    """

    test: Command
    profile: Profile = "normal"
    interval: str | UnsetType = UNSET
    timeout: str | UnsetType = UNSET
    retries: int | UnsetType = UNSET
    start_period: str | UnsetType = UNSET

    @property
    def times(self) -> Times:
        """All times."""
        return convert({**to_builtins(PROFILES[self.profile]), **to_builtins(self)}, Times)


class Listens(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings that change the main port of an image.

    Attributes:
        options: Options of its command.
        variables: Variables with the port, or with an address that ends with it.
        published: The ports on which it may listen by default. If the main port is not published,
            the server listens on the first of these that is.
    """

    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    published: tuple[int | str, ...] = ()


class HealthCheckVariant(Struct, frozen=True, forbid_unknown_fields=True):
    """A health check for special uses of an image; the first one with a true condition is used.

    Attributes:
        when: The condition under which it applies.
        test: The command, or null if no command can check the image then.
        note: A remark for the reader, or ``""``.
        refines: Whether the following variant, or the check of the entry, works as well, so that
            an undecided condition is no obstacle.
    """

    when: Condition
    test: Command | None
    note: str = ""
    refines: bool = False


class MemoryNeed(Struct, frozen=True, forbid_unknown_fields=True):
    """The memory that an image needs.

    Attributes:
        floor: The least memory that it works with, such as 512M or 2G.
        bounded: Whether it stays within a limit by itself. Otherwise it is killed when it reaches
            one, unless its own settings say how much it takes.
        unless: Parts of its command, of variable names or of mount points that show that it takes
            more memory, so that it is not bounded.
        source: Where this was read.
    """

    floor: str
    bounded: bool = True
    unless: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a floor that is not a size."""
        if parse_size(self.floor) is None:
            raise ValueError(f"{self.floor!r} is not a size such as 512M")

    @property
    def bytes(self) -> int:
        """The floor in bytes."""
        return parse_size(self.floor) or 0


class Scaling(Struct, frozen=True, forbid_unknown_fields=True):
    """How several containers work together.

    Attributes:
        how: How a data store runs on several servers, or how a proxy passes requests on to several
            containers of a service.
        source: Where this was read.
    """

    how: str
    source: str


class StartNeeds(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings without which the server of an image stops.

    Attributes:
        any_of: Variables of which one must have a value on the first start, also as a file
            (``NAME_FILE``); ``NAME=value`` if only this value counts.
        together: Variables of which all must have a value, or none.
        options: Options of the command that need a value.
        besides: Repositories of the entry for which this is not known.
        versions: Version ranges of which one must be true; none for all versions.
        source: Where this was read, or seen.
    """

    any_of: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid version range."""
        for versions in self.versions:
            _check_range(versions)

    def applies_to(self, repository: str, tag: Tag) -> bool:
        """Return whether the needs are known for the image *repository* with *tag*."""
        is_version = not self.versions or any(in_range(tag, each) for each in self.versions)
        return is_version and repository not in self.besides


class FirstUser(Struct, frozen=True, forbid_unknown_fields=True):
    """How a person logs in to the program of an image for the first time.

    Without any of *variables*, *default* and *command* the first visitor creates the user.

    Attributes:
        port: The container port of the page.
        variables: The variables that set the name and the password of the first user.
        default: The user without these variables, in words.
        command: The command in the container that shows the password.
        source: Where this was read.
    """

    port: int
    variables: tuple[str, ...] = ()
    default: str = ""
    command: str = ""
    source: str = ""


class StopNeed(Struct, frozen=True, forbid_unknown_fields=True):
    """The time that the server of an image needs to stop, if it is more than Docker's 10 seconds.

    Attributes:
        time: The time, such as 90s.
        reason: Why it needs the time, as a sentence for the Compose file.
        when: The condition under which it needs it; null for always.
        source: Where this was read.
        verified: The kind of evidence for it.
    """

    time: str
    reason: str
    when: Condition | None = None
    source: str = ""
    verified: Evidence = "project"

    def __post_init__(self) -> None:
        """Raise ValueError for a time that is not a number of seconds, minutes or hours."""
        if not re.fullmatch(r"[1-9][0-9]*[smh]", self.time):
            raise ValueError(f"{self.time!r} is not a time such as 90s")


class Alternative(Struct, frozen=True, forbid_unknown_fields=True):
    """A health check that only a person can choose.

    Attributes:
        purpose: What it is for; ``for`` in images.yml.
        test: The command.
    """

    purpose: str = field(name="for")
    test: Command


class CatalogEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The facts on one image.

    Attributes:
        id: The id of an entry to change, or a new id for a new entry.
        names: The image names without tag that behave the same way.
        tools: Words of the tags with which the image is a command-line tool instead of the server,
            such as ``cli``: no fact of the entry is true of them.
        category: The name of the category.
        ports: Container ports (``443/udp``, ``4510-4559``), the main one first.
        data: The paths at which the image stores state.
        refuses: The paths at which a mount keeps its server from starting.
        removed: The options that its server no longer supports, and does not start with.
        secrets: The variables that are credentials.
        variables: What its own variables are, by name, in a few words.
        builtin: Whether the image has its own HEALTHCHECK.
        healthcheck: The health check; null if no command in the image can check it, unless a
            variant applies.
        profile: The times of the variants if there is no health check.
        listens: The settings that change the main port.
        passes: When the health check passes, as a sentence; ``""`` if its command shows it.
        requires: Conditions of which one must be true for any check to pass.
        needs: What the user can do if none is true, or if no check can run.
        variants: Health checks for special uses; the first one that applies is used.
        alternatives: Health checks that only a person can choose.
        has: Programs, and whether they are in the image.
        memory: The memory that it needs; null if that is unknown.
        scaling: How several containers work together; null if that is unknown.
        starts: The settings without which it does not start; null if that is unknown.
        first_user: How a person logs in first; null if that is unknown.
        stops: The time that it needs to stop; null if that is unknown, or not long.
        notes: Remarks for the reader of a plan.
        source: Where the facts were read.
        verified: The kind of evidence for the facts.
    """

    id: str
    names: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    category: str = "application"
    ports: tuple[int | str, ...] = ()
    data: tuple[DataPath, ...] = ()
    refuses: tuple[RefusedMount, ...] = ()
    removed: tuple[RemovedOption, ...] = ()
    secrets: tuple[Secret, ...] = ()
    variables: Mapping[str, str] = {}
    builtin: bool = False
    healthcheck: ImageHealthCheck | None = None
    profile: Profile = "normal"
    listens: Listens = field(default_factory=Listens)
    passes: str = ""
    requires: tuple[Condition, ...] = ()
    needs: str = ""
    variants: tuple[HealthCheckVariant, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    has: Mapping[str, bool | str] = {}
    memory: MemoryNeed | None = None
    scaling: Scaling | None = None
    starts: StartNeeds | None = None
    first_user: FirstUser | None = None
    stops: StopNeed | None = None
    notes: str = ""
    source: str = ""
    verified: Evidence = "project"

    @property
    def evidence(self) -> str:
        """The entry and where its facts were read, as the evidence for a change."""
        is_sourced = self.source and self.source != "unverified"
        return f"{self.id} in the image catalog" + (f", from {self.source}" if is_sourced else "")

    @property
    def main_port(self) -> str:
        """The first container port, ``""`` if there is none."""
        return str(self.ports[0]) if self.ports else ""

    @property
    def times(self) -> Times:
        """The times of the health check and of the variants."""
        return self.healthcheck.times if self.healthcheck else PROFILES[self.profile]
