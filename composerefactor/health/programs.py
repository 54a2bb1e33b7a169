"""Which programs the image of a Dockerfile holds, and how that is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from composerefactor.catalog.catalog import NamePatterns
from composerefactor.catalog.facts import Evidence
from composerefactor.catalog.index import read_json
from composerefactor.catalog.reference import repository, same_image
from composerefactor.catalog.tags import parse_tag
from composerefactor.compose.image import parse_image
from composerefactor.health.dockerfile import Chain, Instruction
from composerefactor.patterns import regex

_APK = regex(r"\bapk\s+(?:--?\S+\s+)*add\b([^;&|]*)")
_APT = regex(r"\b(?:apt-get|apt|aptitude)\s+(?:-\S+(?:\s+[\w:]+=\S+)?\s+)*install\b([^;&|]*)")
_RPM = regex(r"\b(?:microdnf|dnf|yum|tdnf)\s+(?:-\S+\s+)*install\b([^;&|]*)")
_PACKAGES = {
    "curl": ("curl",),
    "wget": ("wget",),
    "bash": ("bash",),
    "netcat-openbsd": ("nc",),
    "netcat-traditional": ("nc",),
    "netcat": ("nc",),
    "nodejs": ("node",),
    "python3": ("python3",),
    "python3-minimal": ("python3",),
    "ruby": ("ruby",),
    "grep": ("grep",),
}
_REMOVES = regex(r"\b(?:apk\s+del|(?:apt-get|apt)\s+(?:-\S+\s+)*(?:purge|remove))\b([^;&|]*)")


_BRINGS = frozenset({"RUN", "COPY", "ADD"})
_SCRIPT = regex(r"\.sh\b|\bmake\b|\|\s*(?:ba)?sh\b|ansible|/nix/")
_INSTALLS = regex(r"\b(?:apk|apt|apt-get|yum|dnf|microdnf)\b")


class Base(Struct, frozen=True):
    """What is known about a base image: the programs that it *has*, and how sure that is."""

    has: tuple[str, ...]
    verified: Evidence


class Programs(Struct, frozen=True):
    """The programs that are known to be in an image, each with how that is known."""

    found: Mapping[str, str] = {}
    verified: Evidence = "unverified"
    is_complete: bool = False

    def __contains__(self, program: str) -> bool:
        return program in self.found


def programs(chain: Chain) -> Programs:
    """Return what the image of *chain* holds: its base, what is installed, what it runs.

    *is_complete* tells whether the base is known.
    """
    base = base_image(chain.base)
    found: dict[str, str] = {}
    if base is not None:
        found = dict.fromkeys(base.has, f"base image {chain.base}")
    for each in chain.instructions:
        if each.name == "RUN":
            _run(f"{each.text}\n{each.heredoc}", each.line, found)
    return Programs(found, base.verified if base else "dockerfile", base is not None)


def lacking(chain: Chain, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the programs of *wanted* that the image of *chain* is known not to hold.

    That is so where the base image is known for sure, and nothing that is done to it may bring
    them: no instruction names the program, runs a script, copies from another image or installs
    what a variable says.
    """
    known = programs(chain)
    if not known.is_complete or known.verified not in {"dockerfile", "docs"}:
        return ()
    if any(_may_bring_anything(each) for each in chain.instructions):
        return ()
    texts = [f"{i.text} {i.heredoc}" for i in chain.instructions if i.name in _BRINGS]
    return tuple(
        program
        for program in wanted
        if program not in known and not any(program in text for text in texts)
    )


def _may_bring_anything(each: Instruction) -> bool:
    if each.name in {"COPY", "ADD"}:
        return "from" in each.flags
    if each.name != "RUN":
        return False
    text = f"{each.text} {each.heredoc}"
    return bool(_SCRIPT.search(text) or (_INSTALLS.search(text) and "$" in text))


def base_image(image: str) -> Base | None:
    """Return what is known about the base image *image*, or None."""
    entry = _first(image, "bases")
    if entry is None:
        return None
    groups = _bases()["groups"]
    has = [program for item in entry["has"] for program in groups.get(item, [item])]
    return Base(tuple(has), entry["verified"])


def default_command(image: str) -> str:
    """Return the command line that the base image *image* runs by itself, or ``""``."""
    entry = _first(image, "servers")
    return "" if entry is None else str(entry["runs"])


def _first(image: str, part: str) -> Mapping[str, Any] | None:
    """Return the first entry of *part* of bases.yml that fits *image*."""
    candidates = list(same_image(repository(image) or image))
    flavours = parse_tag(parse_image(image).tag or "").flavours
    for names, entry in _by_names(part):
        if any(map(names.match, candidates)) and (
            "flavours" not in entry or not flavours.isdisjoint(entry["flavours"])
        ):
            return entry
    return None


@cache
def _by_names(part: str) -> list[tuple[NamePatterns, Mapping[str, Any]]]:
    return [(NamePatterns(entry["names"]), entry) for entry in _bases()[part]]


@cache
def _bases() -> Mapping[str, Any]:
    values: Mapping[str, Any] = read_json("bases.json")
    return values


def _run(text: str, line: int, found: dict[str, str]) -> None:
    """Add what the commands of one RUN install, and take away what they remove."""
    how = f"installed in line {line} of its Dockerfile"
    for manager, implied in ((_APK, "wget nc sh grep"), (_APT, "bash sh grep"), (_RPM, "bash sh")):
        for match in manager.finditer(text):
            for program in implied.split():
                found.setdefault(program, how)
            for package in match[1].split():
                for program in _PACKAGES.get(re.split(r"[=~<>:]", package)[0], ()):
                    found.setdefault(program, how)
    for match in _REMOVES.finditer(text):
        for package in match[1].split():
            for program in _PACKAGES.get(package, ()):
                found.pop(program, None)
