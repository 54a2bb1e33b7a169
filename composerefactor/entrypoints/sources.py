"""Which files of a project hold commands, and who reads them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from composerefactor.entrypoints import declared, documents, makefiles, structured
from composerefactor.entrypoints.files import Listing
from composerefactor.entrypoints.script import Script, directory_of
from composerefactor.patterns import regex

_Reader = Callable[[str, str], list[Script]]

_MENTIONS = regex(r"[ck]ompose|stack\s{1,20}deploy|\bbake\b", re.IGNORECASE)
_SCRIPT_PLACES = frozenset({"bin", "script", "scripts", "hack", "tools", "ci", "cmd", ".husky"})
_SHEBANG = regex(r"#!.{0,80}\b(?:ba|da|k|z|a)?sh\b")
_MAX_SOURCES = 1_000


def scripts(listing: Listing) -> Iterator[Script]:
    """Yield the scripts of all files that are known to hold commands, in the order of paths."""
    read = 0
    for path in listing.paths:
        reader = reader_for(path)
        if reader is None:
            continue
        text = listing.read(path)
        read += 1
        if read > _MAX_SOURCES:
            return
        if text is None or not _MENTIONS.search(text):
            continue
        if reader is documents.shell_script and not _is_shell(path, text):
            continue
        yield from reader(path, text)


def _is_shell(path: str, text: str) -> bool:
    """Return whether a script is one by its name or, without a suffix, by its first line."""
    return "." in posixpath.basename(path) or bool(_SHEBANG.match(text))


def reader_for(path: str) -> _Reader | None:
    """Return what reads the commands in *path*, judged by its name; None for other files."""
    name = posixpath.basename(path).lower()
    for pattern, reader in _BY_NAME:
        if pattern.fullmatch(name):
            return reader
    for pattern, reader in _BY_PATH:
        if pattern.fullmatch(path):
            return reader
    if "." not in name and (
        directory_of(path) == "." or posixpath.basename(directory_of(path)) in _SCRIPT_PLACES
    ):
        return documents.shell_script
    return None


def _local_yaml(path: str, text: str) -> list[Script]:
    return structured.yaml_scripts(path, text, directory_of(path))


def _root_yaml(path: str, text: str) -> list[Script]:
    return structured.yaml_scripts(path, text)


_PIPELINES = (
    r"(?:\.(?:gitlab-ci|travis|drone|woodpecker)|(?:bitbucket|azure)-pipelines.*|appveyor"
    r"|buildspec.*|cloudbuild.*|lefthook)\.ya?ml"
)

_BY_NAME: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (regex(pattern), reader)
    for pattern, reader in (
        (r"(?:gnu)?makefile(?:\.[\w-]+)?|.+\.mk|.+\.make", makefiles.makefile),
        (r"\.?justfile|.+\.just", makefiles.justfile),
        (r"taskfile(?:\.[\w.-]+)?\.ya?ml", _local_yaml),
        (r"package\.json|composer\.json", structured.package_scripts),
        (r".+\.(?:sh|bash|zsh|ksh|bat|cmd|ps1)|\.envrc", documents.shell_script),
        (r"jenkinsfile(?:\.[\w-]+)?|.+\.jenkinsfile", documents.jenkinsfile),
        (r"procfile(?:\.[\w-]+)?", makefiles.procfile),
        (r".+\.service", makefiles.unit),
        (r"\.?devcontainer\.json", declared.devcontainer),
        (r"\.?env(?:\.[\w-]+)*|[\w-]+\.env(?:\.[\w-]+)*", declared.dotenv),
        (r"readme.*\.(?:md|markdown)", documents.markdown),
        (_PIPELINES, _root_yaml),
    )
)

_BY_PATH: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (regex(pattern), reader)
    for pattern, reader in (
        (r"\.(?:github|gitea|forgejo)/(?:workflows|actions)/.*\.ya?ml", _root_yaml),
        (
            r"\.(?:gitlab|circleci|buildkite|woodpecker|semaphore|azure-pipelines)/.*\.ya?ml",
            _root_yaml,
        ),
        (r"\.vscode/tasks\.json", _root_yaml),
        (r"(?!(?i:changelog|history|changes|news))[^/]*\.md", documents.markdown),
        (r"(?:docs?|documentation)/.*(?i:(?<!changelog)\.md)", documents.markdown),
    )
)
