"""Compose files for Docker Swarm: ``docker stack deploy`` reads them, and rejects ``include``.

A command that deploys a file is found by :mod:`~composerefactor.discovery.readers`. Here are the
files that say so themselves, in their header, name or content, and those of which a README says it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from composerefactor.compose.files import DEFAULT_NAMES, OVERRIDE_NAMES
from composerefactor.compose.invocation import Evidence
from composerefactor.compose.paths import directory_of, path_from
from composerefactor.discovery.files import Listing, TreeFacts
from composerefactor.discovery.readers import STACK_DEPLOY, OtherReader
from composerefactor.yaml.comments import comment_lines
from composerefactor.yaml.nodes import Node, value_of
from composerefactor.yaml.values import item_nodes, merged_entries, merged_get, scalar_text

_YAML_SUFFIXES = (".yml", ".yaml")
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


def from_compose_files(
    listing: Listing, facts: TreeFacts, started: Collection[str], read: Collection[str]
) -> Iterator[OtherReader]:
    """Yield the Compose files for Docker Swarm, except those that are *read* by others anyway.

    *started* are the files that commands start with Docker Compose. They, and files that Docker
    Compose finds by itself, are for Docker Swarm only if their own header says so.
    """
    by_readme = dict(_named_by_readmes(listing))
    for path in listing.paths:
        if path in read or not path.endswith(_YAML_SUFFIXES):
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
