"""Programs other than Docker Compose v2 or later that read Compose files.

None of them supports ``include``. Those that copy, watch or update the files are in
:mod:`composerefactor.refactoring.readers`.

A command that deploys a file with ``docker stack deploy`` names it. Other files for Docker Swarm
say so themselves, in their header, name or content, or a README says it of them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from msgspec import Struct

from composerefactor.compose.files import DEFAULT_NAMES, OVERRIDE_NAMES, YAML_SUFFIXES
from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.resolve import resolve_call
from composerefactor.discovery.shell import ComposeCall, ShellCall
from composerefactor.yaml.comments import comment_lines
from composerefactor.yaml.nodes import Node, value_of
from composerefactor.yaml.values import item_nodes, merged_entries, merged_get, scalar_text

STACK_DEPLOY = "docker stack deploy"
"""The program that reads Compose files for Docker Swarm."""

PUBLISH = "docker compose publish"
"""The command that publishes a project. It supports ``extends`` only (observed: v5.6.1)."""

COOLIFY = "Coolify"
"""The platform that parses Compose files by itself (coollabsio/coolify#2859)."""

COMPOSE_1 = "docker-compose 1.x"
PODMAN_COMPOSE = "podman-compose"
BAKE = "docker buildx bake"
ENVSUBST = "envsubst"
KOMPOSE = "kompose"
TESTCONTAINERS = "Testcontainers"

_COOLIFY = r"(?m)^[^#\n]*(?:\bSERVICE_FQDN_[A-Z]|\bcoolify\.(?:managed|type|name)\b)"

_ENVSUBST = r"(?m)^#[^\n]*\benvsubst\b"

_STACK_FILE = frozenset({"-c", "--compose-file"})
_FILE = frozenset({"-f", "--file"})
_OLD_COMPOSE = (
    r"docker[-_]compose(?:==|~=|<=?)\s?['\"]?1\.|docker/compose:(?:\w{1,10}-)?1\.\d"
    r"|compose/releases/download/v?1\.\d|docker-compose-v1\b"
)
_TEST_CODE = r".*\.(?:java|kt|kts|groovy|scala|py|ts|js|mjs|go|cs|rb|rs)"
_TESTCONTAINERS = (
    r"(?:Docker)?ComposeContainer|DockerComposeEnvironment|NewDockerCompose|DockerCompose\("
    r"|WithStackFiles|UseCompose\("
)
_YAML_NAME = r"['\"]([^'\"\n]{1,200}\.ya?ml)['\"]"
_MAX_CODE_FILES = 400
_INSTALLING_FILE = (
    r"(?:.*/)?(?:[^/]*requirements[^/]*\.(?:txt|in)|Pipfile|pyproject\.toml|Jenkinsfile|[Mm]akefile"
    r"|[^/]*\.sh|\.gitlab-ci\.ya?ml|\.travis\.ya?ml|Dockerfile[^/]*|Vagrantfile)"
    r"|\.(?:github/workflows|circleci)/[^/]*\.ya?ml"
)


class OtherReader(Struct, frozen=True):
    """A program that reads a Compose file.

    Attributes:
        name: The name of the program.
        path: The Compose file.
        evidence: Where the use of the program was found, and what is said there.
    """

    name: str
    path: str
    evidence: Evidence

    @property
    def statement(self) -> str:
        """What shows the use, as a clause: ``up.sh:3 reads it with docker stack deploy``."""
        return f"{self.evidence} {self.evidence.reason}"


def from_calls(calls: Sequence[ShellCall], listing: Listing) -> Iterator[OtherReader]:
    """Yield the other readers that *calls* start, one for each Compose file that they name.

    A call of ``docker compose publish`` is one, too, for its first file.
    """
    for call in calls:
        if call.invocation is not None and call.invocation.subcommand == "publish":
            evidence = Evidence(f"reads it with {PUBLISH}", call.script.path, call.line)
            entries = [e for e in resolve_call(call, listing) if isinstance(e, Invocation)]
            yield from (OtherReader(PUBLISH, entry.root_file, evidence) for entry in entries)
            continue
        reader, named = _reader_and_files(call.words)
        invocation = call.invocation
        if (
            invocation is not None
            and invocation.program == "podman-compose"
            and _reads_project(invocation, call.words)
        ):
            reader, named = PODMAN_COMPOSE, list(invocation.files)
        if reader is None:
            continue
        evidence = Evidence(f"reads it with {reader}", call.script.path, call.line)
        files = {_find_file(file, call, listing) for file in named}
        if not named and reader not in {STACK_DEPLOY, ENVSUBST}:
            files.add(listing.default_file("."))
        for path in sorted(path for path in files if path is not None):
            yield OtherReader(reader, path, evidence)


def _reads_project(call: ComposeCall, words: Sequence[str]) -> bool:
    """Return whether *words*, parsed as *call*, read the project.

    They do not if they only print the name or the version. A call without a subcommand, such as
    ``podman-compose "$@"``, may do anything.
    """
    if call.subcommand:
        return call.reads_project
    return words[0] not in {"echo", "printf"} and words[-1] not in {"--version", "--help"}


def _reader_and_files(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the reader that *words* start, or None, and the files that they name."""
    for at, word in enumerate(words[:8]):
        program, rest = posixpath.basename(word), list(words[at + 1 :])
        if program == "docker" and "stack" in rest[:4] and {"deploy", "up"} & set(rest[:6]):
            return STACK_DEPLOY, _option_values(rest, _STACK_FILE)
        if program == "docker" and "bake" in rest[:3]:
            files = _option_values(rest, _FILE)
            read = [file for file in files if file.endswith(("yml", "yaml"))]
            return (BAKE, read) if read or not files else (None, [])
        if program == "kompose" and {"convert", "up", "down"} & set(rest):
            return KOMPOSE, _option_values(rest, _FILE)
        if program == "envsubst":
            inputs = [word for before, word in pairwise(["", *rest]) if not before.endswith(">")]
            return ENVSUBST, [word.lstrip("<") for word in inputs]
    return None, []


def _option_values(words: Sequence[str], options: frozenset[str]) -> list[str]:
    values: list[str] = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word in options and at + 1 < len(words):
            values.extend(words[at + 1].split(","))
        elif equals and name in options:
            values.extend(value.split(","))
    return values


def _find_file(file: str, call: ShellCall, listing: Listing) -> str | None:
    for directory in call.script.directories:
        for move in ("", *call.moves):
            path = path_from(path_from(directory, move), file)
            if listing.exists(path):
                return path
    return None


def from_text(
    listing: Listing, named_by: Mapping[str, AbstractSet[str]], has_include: Callable[[str], bool]
) -> Iterator[OtherReader]:
    """Yield uses of docker-compose 1.x and of Testcontainers.

    docker-compose 1.x is found by its version in files that install it; Testcontainers in test
    code. *named_by* maps the path of a script to the Compose files that its commands name: the
    installed version reads these, or else the default file. Files for which *has_include* is true
    are excluded, since docker-compose 1.x cannot read them.
    """
    default = listing.default_file(".")
    code_files = 0
    for path in listing.paths:
        is_code = re.fullmatch(_TEST_CODE, path) is not None
        if is_code and ("test" not in path.lower() or code_files >= _MAX_CODE_FILES):
            continue
        if not is_code and not re.fullmatch(_INSTALLING_FILE, path):
            continue
        code_files += is_code
        text = listing.read(path)
        if text is None:
            continue
        if is_code:
            yield from _testcontainers(path, text, listing)
        elif default is not None and (match := re.search(_OLD_COMPOSE, text)):
            line = text.count("\n", 0, match.start()) + 1
            evidence = Evidence(f"reads it with {COMPOSE_1}", path, line)
            for file in sorted(named_by.get(path, {default})):
                if not has_include(file):
                    yield OtherReader(COMPOSE_1, file, evidence)


def from_content(listing: Listing, started: Collection[str]) -> Iterator[OtherReader]:
    """Yield those of the *started* Compose files that are written for another program.

    They use the variables or labels of Coolify, or a comment above the services names envsubst.
    """
    for path in sorted(started):
        text = listing.read(path) or ""
        head = text.partition("\nservices:")[0]
        matches = re.search(_COOLIFY, text), re.search(_ENVSUBST, head)
        for name, match in zip((COOLIFY, ENVSUBST), matches, strict=True):
            if match:
                line = text.count("\n", 0, match.start()) + 1
                yield OtherReader(name, path, Evidence(f"is written for {name}", path, line))


def _testcontainers(path: str, text: str, listing: Listing) -> Iterator[OtherReader]:
    if "testcontainers" not in text.lower() or not re.search(_TESTCONTAINERS, text):
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for name in re.findall(_YAML_NAME, line[:2_000]):
            candidates = [name, path_from(posixpath.dirname(path), name)]
            file = next((candidate for candidate in candidates if listing.exists(candidate)), None)
            if file is not None:
                evidence = Evidence(f"reads it with {TESTCONTAINERS}", path, number)
                yield OtherReader(TESTCONTAINERS, file, evidence)


_README = r"(?i)(?:.*/)?readme[^/]{0,40}"
_COMPOSE_PATH = r"[\w./-]{1,120}\.ya?ml\b"
_MENTION = r"(?i)swarm|stack|\bglobal\b|overlay|placement"
_FOR_SWARM = (
    r"(?i)\b(?:for|in|on|to|onto|with|using|by|under|requires?|needs?)\s+(?:an?\s+|the\s+|use\s+)?"
    r"(?:docker[\s-]+)?swarm\b"
    r"|\bswarm(?:[\s-]+mode)?\s+(?:only|stacks?|deployments?|file|cluster|version)\b"
    r"|\bswarm\s+compose\s+file\b"
    r"|\bdocker\s+stack\s+(?:deploy|only|file)\b"
)
_ONLY = (
    r"(?i)(?<!not )\bonly\b.{0,40}\b(?:swarm|stack\s+deploy)\b"
    r"|\b(?:swarm|stack\s+deploy)\b.{0,20}\bonly\b"
)
_DOUBT = (
    r"(?i)\b(?:not|no|without|outside|except|also|both|either|optional(?:ly)?|works?|working|compatible"
    r"|supports?|can|may|might|if|unless|when|instead|see|like|as)\b|n['\u2019]t\b"
)
_OR_COMPOSE = r"(?i)[\s`]{0,3}(?:,|/|and\b|or\b)"
_STACK_NAME = (
    r"(?:.*[-_.])?swarm(?:[-_.].*)?|(?:docker[-_.])?stack(?:[-_.].*)?|docker[-_.](?:.*[-_.])?stack"
    r"|(?:docker-)?compose[-_.]stack(?:[-_.].*)?"
)
_NOT_IN_SWARM = frozenset({"build", "container_name", "profiles", "extends", "provider"})
"""Attributes that no service of a Swarm stack has: it ignores or rejects them (Docker docs)."""

_NODE = r"\s*node\.|\s*engine\.labels"
_SWARM_MODES = frozenset({"global", "global-job", "replicated-job"})


def for_swarm(
    listing: Listing, facts: TreeFacts, started: Collection[str], read: Collection[str]
) -> Iterator[OtherReader]:
    """Yield the Compose files for Docker Swarm, except those that are *read* by others anyway.

    *started* are the files that commands start with Docker Compose. They, and files that Docker
    Compose finds by itself, are for Docker Swarm only if their own header says so.
    """
    by_readme = dict(_named_by_readmes(listing))
    for path in listing.paths:
        if path in read or not path.endswith(YAML_SUFFIXES):
            continue
        if path not in by_readme and not re.search(_MENTION, f"{path} {listing.read(path) or ''}"):
            continue
        if not facts.is_compose(path):
            continue
        evidence = _from_header(path, facts)
        if evidence is None and path not in started and not _is_found_by_compose(path):
            evidence = by_readme.get(path) or _from_content(path, facts)
        if evidence is not None:
            yield OtherReader(STACK_DEPLOY, path, evidence)


def _is_found_by_compose(path: str) -> bool:
    return posixpath.basename(path) in {*DEFAULT_NAMES, *OVERRIDE_NAMES}


def _says_for_swarm(text: str) -> bool:
    """Return whether *text* says that a file is for Docker Swarm, and not for others as well."""
    match = re.search(_FOR_SWARM, text)
    if match is None:
        return False
    is_doubtful = re.search(_DOUBT, text[: match.start()]) or re.match(
        _OR_COMPOSE, text[match.end() :]
    )
    return not is_doubtful or bool(re.search(_ONLY, text))


def _from_header(path: str, facts: TreeFacts) -> Evidence | None:
    """Return the line of the header that says that the file is for Docker Swarm."""
    tree = facts.tree(path)
    for comment in comment_lines(tree) if tree is not None else ():
        if comment.in_header and _says_for_swarm(comment.text):
            return Evidence("says that it is for Docker Swarm", path, comment.number)
    return None


def _named_by_readmes(listing: Listing) -> Iterator[tuple[str, Evidence]]:
    """Yield the files of which a line of a README says that they are for Docker Swarm."""
    for readme in listing.paths:
        text = (listing.read(readme) or "") if re.fullmatch(_README, readme) else ""
        if "swarm" not in text.lower() and "docker stack" not in text.lower():
            continue
        for number, line in enumerate(text.split("\n"), start=1):
            names = set(re.findall(_COMPOSE_PATH, line[:2_000]))
            if len(names) != 1 or not _says_for_swarm(line[:2_000]):
                continue
            paths = (path_from(directory_of(readme), name) for name in names)
            for path in filter(listing.exists, paths):
                yield path, Evidence("says that it is for Docker Swarm", readme, number)


def _from_content(path: str, facts: TreeFacts) -> Evidence | None:
    """Return what in the name or content of *path* is of Docker Swarm.

    A file with attributes that Docker Swarm ignores is taken for one of Docker Compose.
    """
    tree = facts.tree(path)
    services = value_of(tree.root, "services") if tree is not None else None
    bodies = [entry.value for entry in merged_entries(services).values()]
    attributes = {name for body in bodies for name in merged_entries(body)}
    if tree is None or attributes & _NOT_IN_SWARM:
        return None
    if re.fullmatch(_STACK_NAME, posixpath.splitext(posixpath.basename(path).lower())[0]):
        return Evidence("has the name of a Docker Swarm stack", path)
    node = next(filter(None, map(_constraint, bodies)), None)
    if node is None and "restart" not in attributes:  # which Docker Swarm ignores
        node = next(filter(None, map(_swarm_mode, bodies)), None)
    if node is None:
        return None
    line = tree.source.line_number(node.start)
    return Evidence("sets what only Docker Swarm uses", path, line)


def _constraint(body: Node) -> Node | None:
    """Return the first constraint of the service *body* on the nodes of a swarm, or None."""
    placement = merged_get(merged_get(body, "deploy"), "placement")
    constraints = item_nodes(merged_get(placement, "constraints"))
    return next((node for node in constraints if re.match(_NODE, scalar_text(node) or "")), None)


def _swarm_mode(body: Node) -> Node | None:
    """Return the ``mode`` of the service *body* if only Docker Swarm supports it, or None."""
    mode = merged_get(merged_get(body, "deploy"), "mode")
    return mode if scalar_text(mode) in _SWARM_MODES else None
