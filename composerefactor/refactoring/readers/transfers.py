"""Uploads and downloads of a root file: steps of CI jobs, and URLs of raw files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
    value_of,
)
from composerefactor.refactoring.readers._copies import MAX_FILES, alone
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, walk

_FILE = re.compile(
    r"\.(?:github|gitea|forgejo)/(?:workflows|actions)/.*\.ya?ml|\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml"
)
_INPUTS = ("source", "sources", "path", "files", "file", "artifacts", "asset_path", "local_path")
_WORKSPACE = r"\$\{\{\s*github\.workspace\s*\}\}/?"
_SEPARATORS = r"[,\s]+"
_ACTION = r"(?i)scp|ssh|rsync|upload|release|deploy|s3|artifact|copy"


@reader("Upload steps", reads=".github/workflows/*.yml, .gitlab-ci.yml", include="told")
def upload_steps(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Steps of workflows that copy, upload or publish a root file carry it away alone.

    These are inputs of actions such as `appleboy/scp-action`, `actions/upload-artifact` and
    `softprops/action-gh-release`, and `artifacts` of GitLab, that list the root file and not its
    modules.
    """
    for file in around.files(_FILE):
        if file.root is None or not split.is_named_in(file.text):
            continue
        for node in walk(file.root):
            if not isinstance(node, MappingNode):
                continue
            uses = value_of(node, "uses")
            if isinstance(uses, ScalarNode) and re.search(_ACTION, uses.value):
                given = value_of(node, "with")
                inputs = [value_of(given, name) for name in _INPUTS]
                yield from _carried(file, uses.value.partition("@")[0], inputs, split)
            artifacts = value_of(node, "artifacts", "paths")
            if artifacts is not None:
                yield from _carried(file, "the job's artifacts", [artifacts], split, "keep")


def _carried(
    file: ReaderFile,
    who: str,
    inputs: list[Node | None],
    split: PlannedSplit,
    verb: str = "carries",
) -> Iterator[Outcome]:
    named: list[tuple[str, Location, str]] = []
    for node in inputs:
        items = node.items if isinstance(node, SequenceNode) else [node]
        for item in items:
            if not isinstance(item, ScalarNode):
                continue
            source = file.source
            for word in filter(None, re.split(_SEPARATORS, re.sub(_WORKSPACE, "", item.value))):
                path = posixpath.normpath(word.removeprefix("./").strip("'\""))
                offset = file.text.find(word, item.start, item.end)
                location = source.location(max(offset, item.start))
                named.append((path, location, f"{who} {verb} {{}}"))
    everything = {path for path, _, _ in named if not path.startswith("!")}
    yield from alone(split, named, everything, "add {} to the list")


_PROSE = (".md", ".markdown", ".mdx", ".rst", ".adoc", ".txt", ".html")
_OWNER = r"(?P<repository>[\w.-]{1,100}/[\w.-]{1,100})"
_PATH = r"(?P<path>[\w./${}@-]{1,400}\.ya?ml)\b"
_RAW = re.compile(
    rf"https?://(?:raw\.githubusercontent\.com/{_OWNER}/(?:refs/(?:heads|tags)/)?"
    rf"|github\.com/{_OWNER}/raw/(?:refs/(?:heads|tags)/)?"
    rf"|cdn\.jsdelivr\.net/gh/{_OWNER}(?=@|/)@?"
    rf"|[\w.-]{{3,100}}/{_OWNER}/(?:-/)?raw/(?:branch/|tag/)?){_PATH}".replace(
        "(?P<repository>", "("
    )
)
_RELEASE = (
    rf"https?://github\.com/{_OWNER}/releases/(?:latest/download|download/[^/\s]{{1,80}})/"
    r"(?P<path>[\w.-]{1,200}\.ya?ml)\b"
)


@reader("Downloads", reads="documentation, scripts, CI files", include="told")
def raw_urls(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Documentation and scripts that download a root file by its URL get it alone.

    These are URLs of raw files on GitHub, GitLab, Gitea and jsDelivr, and of files of a release.
    Only URLs of this repository count, as git knows its remotes; without a remote, all do whose
    path is that of the root file.
    """
    places = sorted(split.modules | split.paths, key=len, reverse=True)
    prose = [path for path in around.listing.paths if path.lower().endswith(_PROSE)]
    for path in sorted({*around.scripts, *prose[:MAX_FILES]}):
        file = around.file(path)
        text = file.text if file is not None else ""
        if "://" not in text or not split.is_named_in(text):
            continue
        found: list[tuple[str, Location, str]] = []
        for number, line in enumerate(text.split("\n"), start=1):
            for repository, written in _urls(line[:4_000]):
                if around.repositories and repository.lower() not in around.repositories:
                    continue
                place = next((p for p in places if _is_path_of(written, p)), None)
                if place is not None:
                    found.append((place, Location(around.path(path), number), "downloads {}"))
        yield from alone(
            split,
            found,
            {place for place, _, _ in found},
            "download {} too, or clone the repository",
        )


def _urls(line: str) -> Iterator[tuple[str, str]]:
    for match in _RAW.finditer(line):
        repository = next((group for group in match.groups()[:-1] if group), "")
        yield repository, match["path"]
    for match in re.finditer(_RELEASE, line):
        yield match["repository"], f"release/{match['path']}"


def _is_path_of(written: str, place: str) -> bool:
    """Return whether *written*, a branch and a path, is that of *place*."""
    if written.startswith("release/"):
        return written == f"release/{posixpath.basename(place)}"
    branch, slash, path = written.partition("/")
    return bool(branch and slash) and path == place
