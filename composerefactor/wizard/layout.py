"""Decisions on a split: which service goes to which module, and where the modules are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from msgspec.structs import replace

from composerefactor.catalog.placement import place
from composerefactor.compose.merged import merged_get, scalar_text
from composerefactor.errors import Location
from composerefactor.modules.naming import Family, kebab, variant
from composerefactor.proposal.opening import Opened
from composerefactor.proposal.propose import Proposal
from composerefactor.request.split import Groups, SplitRequest
from composerefactor.splitting.options import SplitOptions
from composerefactor.wizard import screens
from composerefactor.wizard.context import Context, worked
from composerefactor.wizard.items import ENVIRONMENTS
from composerefactor.wizard.questions import Choose, Fill, Option, Pick
from composerefactor.wizard.session import Flow
from composerefactor.wizard.work import Lay

_TEXTS = {
    "strategy": (
        "How do the root files take the modules?",
        (
            Option("include", "They include them (text moves as it is)"),
            Option("extends", "They hold stubs that extend their services"),
        ),
    ),
    "granularity": (
        "How many services stand in a file?",
        (
            Option("auto", "One; of infrastructure one category"),
            Option("service", "One"),
            Option("category", "One category"),
        ),
    ),
    "anchors": (
        "What becomes of an x- block that several modules take by <<?",
        (
            Option("copy", "A copy in each; every line stays as it is"),
            Option("extends", "A service that they extend, where that is exactly the same"),
        ),
    ),
}


def layout_chosen(context: Context, opened: Opened, request: SplitRequest) -> Flow[SplitRequest]:
    """Show the layout and change it until it is right."""
    while True:
        work = Lay(context.where, context.stage, request)
        proposal: Proposal = yield from worked(context, work)
        now = request.options(opened.settings)
        body = screens.layout(proposal, context.style)
        options = _options(proposal, now, request)
        wanted = yield Choose("layout", "Is this layout right?", tuple(options), body)
        if wanted == "accept":
            return request
        if wanted == "services":
            request = yield from _moved(proposal, now, request)
        elif wanted == "environments":
            request = yield from _named(proposal, now, request)
        elif wanted == "into":
            text = "Directory of the modules:"
            into = yield Fill("into", text, now.into or _family(proposal), check=_path_check)
            request = replace(request, into=into)
        elif wanted == "roots":
            text = "Directory of the root files; commands that name them are written anew:"
            roots = yield Fill("roots", text, request.roots or _family(proposal), check=_path_check)
            request = replace(request, roots=roots)
        elif wanted == "reset":
            request = SplitRequest()
        else:
            text, choices = _TEXTS[wanted]
            default = {"strategy": now.strategy, "anchors": now.anchors}.get(
                wanted, now.granularity
            )
            value = yield Choose(wanted, text, choices, default=default)
            request = replace(request, **{wanted: value})


def _options(proposal: Proposal, now: SplitOptions, request: SplitRequest) -> Iterable[Option]:
    yield Option("accept", "Yes, go on")
    if proposal.plan.services:
        yield Option("services", "Put services into another module")
    if _roots_with_environment(proposal):
        yield Option("environments", "Say what the environments are called")
    yield Option("granularity", f"Services a file: {now.granularity}")
    yield Option("strategy", f"Strategy: {now.strategy}")
    yield Option("into", f"Directory: {now.into or _family(proposal)}")
    if request.roots or any("/" not in path for path in proposal.project.bases):
        yield Option("roots", f"Root files: {request.roots or 'stay where they are'}")
    if any(part[1].startswith("x-") for part in proposal.plan.moved) or now.anchors != "copy":
        yield Option("anchors", f"Shared x- blocks: {now.anchors}")
    if request != SplitRequest():
        yield Option("reset", "As it was proposed at first")


def _family(proposal: Proposal) -> str:
    bases = proposal.project.bases
    return Family.of(bases[0]).prefix if bases else "docker-compose"


def _modules(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """Return the services by module; environment files are not where a service is at home."""
    return {
        path: services
        for path, services in proposal.plan.services.items()
        if posixpath.basename(posixpath.dirname(path)) != ENVIRONMENTS
    }


def _roots_with_environment(proposal: Proposal) -> dict[str, str]:
    """Return what is called what, by root, where several roots share services."""
    has = any(
        posixpath.basename(posixpath.dirname(path)) == ENVIRONMENTS
        for path in proposal.plan.services
    )
    names = {path: variant(path) for path in proposal.project.bases} if has else {}
    return {path: "default" if name == "main" else name for path, name in names.items()}


def _moved(proposal: Proposal, now: SplitOptions, request: SplitRequest) -> Flow[SplitRequest]:
    """Ask which services go together, and where to."""
    modules = _modules(proposal)
    at = {name: path for path, services in modules.items() for name in services}
    kinds = {name: _kind(proposal, name, now) for name in at}
    width = max(map(len, at), default=0)
    options = tuple(
        Option(name, f"{name:<{width}}  {posixpath.basename(at[name])}", group=kinds[name])
        for name in sorted(at, key=lambda name: list(kinds.values()).index(kinds[name]))
    )
    services = yield Pick("services", "Which services?", options)
    if not services:
        return request
    targets = [Option(path, path) for path in modules]
    new = Option("new", "A new module for them")
    own = Option("path", "A file whose path I give")
    target = yield Choose("module", f"Where do {', '.join(services)} go?", (new, own, *targets))
    if target == "path":
        default = posixpath.join(
            now.into or _family(proposal), "services", _file(proposal, services)
        )
        path = yield Fill("path", "Path of the module:", default, check=_module_check)
        paths: dict[str, str] = {**dict(request.modules), **dict.fromkeys(services, str(path))}
        return replace(request, modules=tuple(paths.items()), groups=_without(now, services))
    name = _short(target)
    members = (*modules.get(target, ()), *services)
    if target == "new":
        name = yield Fill("group", "Name of the module:", kebab(services[0]), check=_name_check)
        members = services
    groups = (*_without(now, members), (name, tuple(dict.fromkeys(members))))
    kept = tuple(pair for pair in request.modules if pair[0] not in members)
    return replace(request, groups=groups, modules=kept)


def _kind(proposal: Proposal, service: str, now: SplitOptions) -> str:
    """Return what *service* counts as, by its image or its name."""
    bodies = (file.services.get(service) for file in proposal.project.files.values())
    body = next((body for body in bodies if body is not None), None)
    image = scalar_text(merged_get(body, "image")) if body is not None else None
    return place(service, image, now.catalog).counts_as


def _without(now: SplitOptions, services: Iterable[str]) -> Groups:
    """Return the groups as they are, *services* taken out."""
    gone = set(services)
    groups = {
        name: tuple(s for s in members if s not in gone) for name, members in now.groups.items()
    }
    return tuple((name, members) for name, members in groups.items() if members)


def _named(proposal: Proposal, now: SplitOptions, request: SplitRequest) -> Flow[SplitRequest]:
    """Ask what the environment of each root is called."""
    named = dict(request.environments)
    roots = {p: now.variants.get(p, name) for p, name in _roots_with_environment(proposal).items()}
    options = tuple(Option(path, f"{path}: {name}") for path, name in roots.items())
    path = yield Choose("environment of", "Of which file?", options)
    text = f"What is the environment of {path} called?"
    named[path] = yield Fill("environment", text, roots[path], check=_name_check)
    return replace(request, environments=tuple(named.items()))


def _short(path: str) -> str:
    return variant(path) if posixpath.basename(path) != path else path


def _file(proposal: Proposal, services: Iterable[str]) -> str:
    bases = proposal.project.bases
    return Family.of(bases[0] if bases else "docker-compose.yml").file(kebab(next(iter(services))))


def _name_check(text: str) -> str:
    return "" if text.strip() and "=" not in text and "," not in text else "a name is needed"


def _path_check(text: str) -> str:
    outside = posixpath.isabs(text) or posixpath.normpath(text or ".").startswith("..")
    return f"{Location(text)} is outside of the project" if outside else ""


def _module_check(text: str) -> str:
    if not text.endswith((".yml", ".yaml")):
        return "the name of a module ends with .yml"
    return _path_check(text)
