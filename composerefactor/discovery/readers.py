"""Programs other than Docker Compose v2 or later that read Compose files.

None of them supports ``include``. Those that copy, watch or update the files are in
:mod:`composerefactor.refactoring.readers`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from msgspec import Struct

from composerefactor.compose.invocation import Evidence, Invocation
from composerefactor.compose.paths import path_from
from composerefactor.discovery.files import Listing
from composerefactor.discovery.resolve import resolve_call
from composerefactor.discovery.shell import ComposeCall, ShellCall

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
