"""What brings files to machines, images and containers: Ansible, Terraform, Docker, CI jobs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.compose.files import ComposeFile
from composerefactor.compose.paths import path_from
from composerefactor.compose.short_forms import volumes
from composerefactor.discovery.script import ancestors
from composerefactor.errors import InputError, Location
from composerefactor.images.dockerfiles import instructions
from composerefactor.refactoring.reader import (
    Outcome,
    PlannedSplit,
    ReaderFile,
    Surroundings,
    reader,
    text_of,
    value_of,
)
from composerefactor.refactoring.readers._patterns import MAX_FILES, alone, files_that_name
from composerefactor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode, resolve, walk

_PLAYBOOK_FILE = re.compile(r".*\.ya?ml")
_COPY_MODULE = (
    r"(?:ansible\.(?:builtin|legacy|posix)\.)?(?P<name>copy|template|synchronize|win_copy)"
)
_MENTION = r"\b(?:copy|template|synchronize|win_copy|docker_compose_v2)\s*:"
_INLINE = r"(?:^|\s)src=(['\"]?)([^\s'\"]+)\1"
_PLACES = ("", "files", "templates", "../files", "../templates", "..", ".")
_PLAYBOOK = r"\{\{\s*(?:playbook_dir|role_path)\s*\}\}/?"


@reader("Ansible", reads="playbooks and roles", include="told")
def ansible(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Ansible copies a root file to a host, or runs Docker Compose in a directory of it.

    `copy`, `template` and `synchronize` of the root file without its modules are pointed
    out. `docker_compose_v2` runs Docker Compose, so that it follows where all files are in place.
    """
    for file in files_that_name(around, split, _PLAYBOOK_FILE):
        if file.place in split.paths or not re.search(_MENTION, file.text):
            continue
        named: list[tuple[str, Location, str]] = []
        everything: set[str] = set()
        root = file.tree.root if file.tree else None
        for node in walk(root) if isinstance(root, SequenceNode | MappingNode) else ():
            if not isinstance(node, MappingNode):
                continue
            for entry in node.entries:
                if not re.fullmatch(_COPY_MODULE, entry.name or ""):
                    continue
                for written, at in _task_sources(resolve(entry.value), node):
                    place = _task_place(around, file.place, written)
                    everything.add(place or written)
                    if place is not None:
                        named.append((place, file.location(at), "copies {} to the host"))
        yield from alone(split, named, everything, "copy {} too")


def _task_sources(value: object, task: MappingNode) -> Iterator[tuple[str, int]]:
    """Yield the sources of a task, with those of its loop, and their offsets."""
    if isinstance(value, ScalarNode) and (match := re.search(_INLINE, value.value)):
        yield match[2], value.start
    src = value_of(value, "src") if isinstance(value, MappingNode) else None
    if isinstance(src, ScalarNode) and "{{ item" in src.value:
        loop = value_of(task, "loop") or value_of(task, "with_items")
        for item in loop.items if isinstance(loop, SequenceNode) else ():
            node = value_of(item, "src") if isinstance(item, MappingNode) else resolve(item)
            if isinstance(node, ScalarNode):
                before, after = src.value.split("{{ item", 1)[0], src.value.rpartition("}}")[2]
                yield f"{before}{node.value}{after}", node.start
    elif isinstance(src, ScalarNode):
        yield src.value, src.start


def _task_place(around: Surroundings, path: str, written: str) -> str | None:
    """Return the file or directory of the project that *written* in the file *path* means."""
    name = re.sub(_PLAYBOOK, "", written)
    if "{{" in name or name.startswith(("/", "~")):
        return None
    directory = posixpath.dirname(path)
    for place in _PLACES:
        found = path_from(directory, place, name)
        if around.listing.exists(found) or found in around.listing.directories:
            return found
    return None


_TERRAFORM = re.compile(r".*\.(?:tf|tofu|pkr\.hcl)")
_READ_FILE = (
    r"\b(?:(?:file|filebase64|templatefile|filemd5|filesha256)\s*\(\s*|source\s*=\s*(?:file\()?)"
    r"\"(?:\$\{path\.(?:module|root|cwd)\}/)?(?P<path>[^\"$]{1,300})\""
)


@reader("Terraform", reads="*.tf", include="told")
def terraform(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Terraform, OpenTofu and Packer read a root file into a resource, or copy it to a host.

    `file(...)`, `templatefile(...)` and the `source` of a provisioner carry the root file alone;
    each without its modules in the same file is pointed out.
    """
    for file in files_that_name(around, split, _TERRAFORM):
        named: list[tuple[str, Location, str]] = []
        for match in re.finditer(_READ_FILE, file.text):
            line_start = file.source.line_start(match.start())
            if file.text[line_start : match.start()].lstrip().startswith(("#", "//")):
                continue
            written = posixpath.join(posixpath.dirname(file.place), match["path"])
            place = posixpath.normpath(written)
            named.append((place, file.location(match.start()), "carries {}"))
        everything = {place for place, _, _ in named}
        yield from alone(split, named, everything, "carry {} too")


_VAGRANTFILE = re.compile(r"(?:.*/)?Vagrantfile(?:\.[\w.]+)?")
_STARTED = r"[\"']/vagrant/(?P<path>[^\"'\n]{1,300})[\"']"
_COPIED = r"\bsource\s*(?::|=>)\s*[\"'](?P<path>[^\"'#\n]{1,300})[\"']"


@reader("Vagrant", reads="Vagrantfile", include="told")
def vagrant(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Vagrant starts Docker Compose in its machine, or copies a root file there.

    The provisioner `docker_compose` runs in the directory of the `Vagrantfile`, which the machine
    sees as `/vagrant`, so that it follows. A provisioner that copies the root file without its
    modules is pointed out.
    """
    for file in files_that_name(around, split, _VAGRANTFILE):
        directory = posixpath.dirname(file.place)
        copied: list[tuple[str, Location, str]] = []
        for start in file.source.line_starts:
            line = file.source.line(start)
            if line.lstrip().startswith("#"):
                continue
            for match in re.finditer(_STARTED, line) if "docker_compose" in line else ():
                path = path_from(directory, match["path"])
                if path in split.paths:
                    yield Outcome("fine", file.location(start), f"starts {path}")
            for match in re.finditer(_COPIED, line):
                path = path_from(directory, match["path"])
                copied.append((path, file.location(start), "copies {}"))
        yield from alone(split, copied, {path for path, _, _ in copied}, "copy {} too")


_DOCKERFILE = re.compile(
    r"(?:.*/)?(?:[Dd]ockerfile(?:\.[\w.-]+)?|[\w.-]+\.[Dd]ockerfile|Containerfile)"
)


@reader("Dockerfiles", reads="Dockerfile", include="told")
def dockerfile_copy(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """A Dockerfile that copies a root file into an image carries it away alone.

    `COPY` and `ADD` of the root file without its modules, or of a directory that does not contain
    them, are pointed out. Paths are relative to the build context: the directory of the Dockerfile,
    or one above it.
    """
    for file in files_that_name(around, split, _DOCKERFILE):
        named: list[tuple[str, Location, str]] = []
        everything: set[str] = set()
        for each in instructions(file.text):
            if each.name not in {"COPY", "ADD"} or "from" in each.flags:
                continue
            words = each.words if each.words is not None else tuple(each.text.split())
            for word in words[:-1]:
                if "<<" in word or "$" in word:
                    continue
                for directory in ancestors(file.place, nearest_first=True):
                    path = path_from(directory, word.lstrip("/"))
                    if around.listing.exists(path) or path in around.listing.directories:
                        everything.add(path)
                        location = Location(file.path, each.line)
                        named.append((path, location, "copies {} to an image"))
                        break
        yield from alone(split, named, everything, "copy {} too")


@reader("Containers", reads="the volumes of services", include="no")
def mounted_files(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """A container that mounts a root file reads it itself, without its modules.

    A script in it that looks for services, secrets or variables no longer finds those that moved.
    """
    for place in sorted(split.files):
        file = around.file(place) if place.endswith((".yml", ".yaml")) else None
        if file is None or not split.is_named_in(file.text):
            continue
        for service, node, source in _mounts(file):
            directories = {posixpath.dirname(place), *map(posixpath.dirname, split.paths)}
            found = {path_from(each, source) for each in directories}
            root = next(iter(sorted(found & split.paths)), None)
            if root is not None:
                yield Outcome(
                    "named",
                    file.location(node),
                    f"{service} mounts {root}, which no longer defines what has moved",
                    "check what reads it there, or mount the modules too",
                    breaks=False,
                )


def _mounts(file: ReaderFile) -> Iterator[tuple[str, Node, str]]:
    """Yield the service, the place and the path of each mount of *file* from a path."""
    try:
        compose = ComposeFile.parse(file.source)
    except InputError:
        return
    for name, body in compose.services.items():
        for volume in volumes(body):
            if volume.text.kind == "bind" and volume.text.source:
                yield name, volume.source_node or volume.node, volume.text.source


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
        for node in file.mappings:
            uses = text_of(node, "uses")
            if re.search(_ACTION, uses):
                inputs = [value_of(node, "with", name) for name in _INPUTS]
                yield from _carried(file, uses.partition("@")[0], inputs, split)
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
