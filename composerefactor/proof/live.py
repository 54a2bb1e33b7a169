"""Whether ``up`` with the tree at hand would make the containers of a running project anew.

The engine is asked in the project directory itself: a container's hash holds absolute paths, so a
copy elsewhere would have others.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.invocation import Invocation
from composerefactor.compose.secrets import mask_text
from composerefactor.errors import EngineError, InputError
from composerefactor.proof.comparison import hashes, model
from composerefactor.proof.containers import Container, Docker, reasons
from composerefactor.proof.engine import DEFAULT_TIMEOUT, Engine
from composerefactor.proof.probes import render
from composerefactor.proof.scenarios import ALL_PROFILES, OWN, Scenario, command

_NAMESPACES = ("network_mode", "ipc", "pid")


class InPlace(Struct, frozen=True):
    """The project directory itself in place of a staged copy; nothing is written to it."""

    root: Path
    empty_env_file: Path = Path(os.devnull)

    def place(self, path: str) -> Path:
        """Return where *path*, relative to the project directory, stands."""
        return Path(os.path.normpath(self.root / path))


class Tree(Struct, frozen=True):
    """What the engine makes of one entry point where it stands."""

    entry: Invocation
    model: Mapping[str, Any]
    hashes: Mapping[str, str]
    profiles: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """The name of the project."""
        return str(self.model.get("name") or "")


class ContainerResult(Struct, frozen=True):
    """What becomes of one container.

    *entry* is the way to start the project that it is compared with; *recreated* None where it is
    left alone since the tree has no such service. *reasons* say why in words.
    """

    container: Container
    entry: Invocation
    recreated: bool | None
    reasons: tuple[str, ...] = ()


class LiveResult(Struct, frozen=True):
    """The verdicts, what would be created beside them, and what could not be compared."""

    proofs: tuple[ContainerResult, ...]
    created: tuple[str, ...]
    projects: tuple[str, ...]
    not_compared: tuple[str, ...]

    @property
    def recreated(self) -> list[ContainerResult]:
        """The containers that would be made anew."""
        return [each for each in self.proofs if each.recreated]


def compare_live(
    engine: Engine,
    docker: Docker,
    root: Path,
    entries: Sequence[Invocation],
    environ: Mapping[str, str],
) -> LiveResult:
    """Compare the running containers with *entries* of the project in *root*.

    A container is compared with the entry point whose files made it, else with the first of its
    project. Raises EngineError where the engine rejects every entry point, or no daemon answers.
    """
    asker = _Asker(engine, root, environ)
    trees: list[Tree] = []
    failed: list[str] = []
    for entry in entries:
        try:
            trees.append(asker.tree(entry))
        except EngineError as error:
            failed.append(f"{entry.title}: {error.message}")
    if not trees:
        raise EngineError(f"the engine rejects the project: {'; '.join(failed)}")
    proofs: list[ContainerResult] = []
    created: dict[str, None] = {}
    projects = list(dict.fromkeys(tree.project for tree in trees))
    for project in projects:
        candidates = [tree for tree in trees if tree.project == project]
        found = docker.containers(project)
        used: dict[Invocation, Tree] = {}
        for container in found:
            tree = _tree_of(container, candidates, root)
            tree = used.setdefault(tree.entry, asker.with_namespaces(tree, found))
            proofs.append(_verdict(container, tree, docker, engine))
        names = {container.service for container in found}
        for tree in used.values():
            inactive = [n for n, s in _services(tree).items() if s.get("profiles")]
            missing = [n for n in _services(tree) if n not in names and n not in inactive]
            created |= dict.fromkeys(missing)
    return LiveResult(
        tuple(_with_shared(proofs, trees)), tuple(created), tuple(projects), tuple(failed)
    )


class _Asker:
    """Asks the engine for entry points where they stand."""

    def __init__(self, engine: Engine, root: Path, environ: Mapping[str, str]) -> None:
        self._engine, self._place = engine, InPlace(root)
        self._environment = {**environ, "HOME": os.environ.get("HOME", str(root))}

    def tree(self, entry: Invocation) -> Tree:
        """Return the model and the hashes of *entry*; raises EngineError where it is rejected."""
        for profiles in (ALL_PROFILES, entry.profiles):  # not all profiles go together
            with contextlib.suppress(EngineError, InputError):
                return self._tree(entry, profiles)
        return self._tree(entry, entry.profiles)

    def with_namespaces(self, tree: Tree, containers: Iterable[Container]) -> Tree:
        """Return *tree* with the hashes of services that share a namespace or volumes of another.

        Before it makes a container, the engine puts the other's container in the place of
        ``service:NAME`` (observed: v5.6.1), so that the hash of what runs holds its id.
        """
        ids: dict[str, str] = {}
        for container in containers:
            ids.setdefault(container.service, str(container.inspected.get("Id")))
        overrides = {
            name: replaced
            for name, service in _services(tree).items()
            if (replaced := _with_containers(service, ids))
        }
        if not overrides:
            return tree
        with tempfile.TemporaryDirectory(prefix="composerefactor-") as temporary:
            probe = Path(temporary, "override.yml")
            probe.write_text(render(overrides), encoding="utf-8")
            asked = Scenario(OWN, "hash", tree.profiles, probe=str(probe))
            found = hashes(self._run(tree.entry, asked))
        return replace(tree, hashes={**tree.hashes, **{n: found.get(n, "") for n in overrides}})

    def _tree(self, entry: Invocation, profiles: tuple[str, ...]) -> Tree:
        found = _unescaped(model(self._run(entry, Scenario(OWN, profiles=profiles))))
        hashed = hashes(self._run(entry, Scenario(OWN, "hash", profiles)))
        return Tree(entry, found, hashed, profiles)

    def _run(self, entry: Invocation, scenario: Scenario) -> bytes:
        args, cwd = command(entry, scenario, self._place)
        result = self._engine.run(args, cwd, self._environment, DEFAULT_TIMEOUT)
        if not result.ok:
            raise EngineError(mask_text(result.error))
        return result.stdout


def _with_containers(service: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return what *service* shares with others, with their containers for their names."""
    found: dict[str, Any] = {}
    for key in _NAMESPACES:
        value = str(service.get(key) or "")
        other = ids.get(value.removeprefix("service:"))
        if value.startswith("service:") and other:
            found[key] = f"container:{other}"
    return found


def _unescaped(value: Any) -> Any:
    """Return *value* with the dollar signs that ``config`` doubles as they are."""
    if isinstance(value, dict):
        return {name: _unescaped(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_unescaped(part) for part in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _tree_of(container: Container, candidates: Sequence[Tree], root: Path) -> Tree:
    files = {os.path.realpath(path) for path in container.files}
    for tree in candidates:
        if {os.path.realpath(root / path) for path in tree.entry.files} == files:
            return tree
    return candidates[0]


def _services(tree: Tree) -> Mapping[str, Mapping[str, Any]]:
    return tree.model.get("services") or {}


def _verdict(container: Container, tree: Tree, docker: Docker, engine: Engine) -> ContainerResult:
    service = _services(tree).get(container.service)
    if service is None:
        why = "the tree has no such service: it runs on until `up --remove-orphans`"
        return ContainerResult(container, tree.entry, None, (why,))
    image = docker.image(str(container.inspected.get("Image") or ""))
    found = reasons(container.inspected, image, service, tree.model)
    expected = tree.hashes.get(container.service)
    if service.get("volumes_from") and expected != container.label("config-hash") and not found:
        # The hash of what runs holds the other container, which no file can name.
        why = "nothing differs as far as it can be seen: with volumes_from the hash tells nothing"
        return ContainerResult(container, tree.entry, recreated=False, reasons=(why,))
    if expected != container.label("config-hash"):
        made_by = container.label("version")
        if not found:
            found.append("its configuration hash is another one")
        if made_by and made_by != engine.version:
            found.append(f"made by Docker Compose v{made_by}, compared by v{engine.version}")
        return ContainerResult(container, tree.entry, recreated=True, reasons=tuple(found))
    # With an equal hash the engine still looks at the image, the networks and the volumes.
    beside = [*_newer_image(container, service, tree, docker), *_beside_hash(found)]
    return ContainerResult(container, tree.entry, bool(beside), tuple(beside))


def _newer_image(
    container: Container, service: Mapping[str, Any], tree: Tree, docker: Docker
) -> Iterable[str]:
    reference = str(service.get("image") or f"{tree.project}-{container.service}")
    now = docker.image(reference)
    was = container.label("image") or str(container.inspected.get("Image") or "")
    if now is not None and now.get("Id") != was:
        yield f"the image {mask_text(reference)} on this machine is a newer one"


def _beside_hash(found: Iterable[str]) -> Iterable[str]:
    """Return those of the reasons that count although the hash is equal."""
    return [
        words
        for words in found
        if words.startswith(("not attached to network", "at ")) or " yet" in words
    ]


def _with_shared(
    proofs: Sequence[ContainerResult], trees: Sequence[Tree]
) -> Iterable[ContainerResult]:
    """Yield *proofs*, with containers that share a namespace or volumes of a recreated one."""
    models = {tree.entry: _services(tree) for tree in trees}
    anew = {(v.entry, v.container.service) for v in proofs if v.recreated}
    for proof in proofs:
        service = models[proof.entry].get(proof.container.service) or {}
        shared = [name for name in _shares_with(service) if (proof.entry, name) in anew]
        if shared and proof.recreated is False:
            words = f"it shares a namespace or volumes with {', '.join(shared)}"
            yield replace(proof, recreated=True, reasons=(words,))
        else:
            yield proof


def _shares_with(service: Mapping[str, Any]) -> Iterable[str]:
    for key in _NAMESPACES:
        value = str(service.get(key) or "")
        if value.startswith("service:"):
            yield value.removeprefix("service:")
    for value in service.get("volumes_from") or ():
        name = str(value).partition(":")[0]
        if name != "container":
            yield name
