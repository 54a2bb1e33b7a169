"""Documentation and scripts that download a root file by its URL get it alone.

These are URLs of raw files on GitHub, GitLab, Gitea and jsDelivr, and of files of a release. Only
URLs of this repository count, as git knows its remotes; without a remote, all do whose path is that
of the root file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import MAX_FILES, alone

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
_RELEASE = re.compile(
    rf"https?://github\.com/{_OWNER}/releases/(?:latest/download|download/[^/\s]{{1,80}})/"
    r"(?P<path>[\w.-]{1,200}\.ya?ml)\b"
)


@reader("Downloads", reads="documentation, scripts, CI files", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each URL of a file which is split."""
    places = sorted(split.modules | {each.path for each in split.splits}, key=len, reverse=True)
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
    for match in _RELEASE.finditer(line):
        yield match["repository"], f"release/{match['path']}"


def _is_path_of(written: str, place: str) -> bool:
    """Return whether *written*, a branch and a path, is that of *place*."""
    if written.startswith("release/"):
        return written == f"release/{posixpath.basename(place)}"
    branch, slash, path = written.partition("/")
    return bool(branch and slash) and path == place
