"""The layout of a split: which service goes to which module, and where the files are."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.session import Choose, Context, Fill, Flow, Option, Pick, worked
from composerefactor.cli.wizard.work import ENVIRONMENTS, Lay
from composerefactor.compose.definitions import text_of
from composerefactor.compose.services import services_in
from composerefactor.errors import Location
from composerefactor.images.catalog import catalog_of, find_placement
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.planning.split_request import SplitRequest
from composerefactor.refactoring.modules.naming import Family, environment_name, kebab, name_in_path
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.report.plan_text import trees

TEXTS = {
    "strategy": (
        "How do the root files use the modules?",
        (
            Option("auto", "They include them; of many variants, the shorter text is taken"),
            Option("include", "They include them (the text moves unchanged)"),
            Option("extends", "They keep a stub per service, which extends the module"),
        ),
    ),
    "granularity": (
        "How many services does a file contain?",
        (
            Option("auto", "Services that belong together"),
            Option("service", "One service"),
            Option("category", "One category of services"),
        ),
    ),
    "anchors": (
        "What happens to an x- block that several modules merge with <<?",
        (
            Option("auto", "Services extend it from one file where that is exactly the same"),
            Option("copy", "Each module gets a copy"),
            Option("extends", "As auto, and also where copies would be fewer lines"),
        ),
    ),
}


def choose_layout(
    context: Context, opened: OpenProject, request: SplitRequest
) -> Flow[SplitRequest]:
    """Show the layout and let the user change it until it is right; return the final request."""
    while True:
        work = Lay(context.where, context.stage, request)
        proposal: Proposal = yield from worked(context, work)
        current = request.options(opened.settings)
        style = context.style
        body = (*trees(proposal, style), "", *screens.layout(proposal, style))
        options = _options(proposal, current, request)
        text = "Is this layout right?"
        answer = yield Choose("layout", text, tuple(options), body, step=context.step)
        if answer == "accept":
            return request
        if answer == "services":
            request = yield from _choose_module(proposal, current, request)
        elif answer == "merge":
            request = yield from _merge_modules(proposal, current, request)
        elif answer == "divide":
            request = yield from _divide_module(proposal, current, request)
        elif answer == "environments":
            request = yield from _name_environment(proposal, current, request)
        elif answer == "into":
            text = "Directory of the modules:"
            into = yield Fill(
                "into", text, current.into or _default_directory(proposal), check=_path_check
            )
            request = request.using(into=into)
        elif answer == "roots":
            text = "Directory of the root files (commands that name them are rewritten):"
            directory = request.roots or _default_directory(proposal)
            roots = yield Fill("roots", text, directory, check=_path_check)
            request = replace(request, roots=roots)
        elif answer == "reset":
            request = SplitRequest()
        else:
            text, choices = TEXTS[answer]
            default = {"strategy": current.strategy, "anchors": current.anchors}.get(
                answer, current.granularity
            )
            value = yield Choose(answer, text, choices, default=default)
            request = request.using(**{answer: value})


def _options(proposal: Proposal, current: SplitOptions, request: SplitRequest) -> Iterable[Option]:
    yield Option("accept", "Yes, continue", key="y")
    modules = _modules(proposal)
    if modules:
        yield Option("services", "Move services to another module", key="s")
    if len(modules) > 1:
        yield Option("merge", "Merge modules", key="m")
    if any(len(services) > 1 for services in modules.values()):
        yield Option("divide", "Divide a module", key="d")
    if _roots_with_environment(proposal):
        yield Option("environments", "Rename an environment")
    yield Option(
        "granularity",
        f"Services per file: {current.granularity}",
        about="Services that belong together, one service, or one category",
    )
    yield Option(
        "strategy",
        f"Strategy: {current.strategy}",
        about="Root files include the modules, or keep a stub per service that extends them",
    )
    yield Option(
        "into",
        f"Directory: {current.into or _default_directory(proposal)}",
        about="Where the modules are written",
    )
    if request.roots or any("/" not in path for path in proposal.project.root_files):
        yield Option(
            "roots",
            f"Root files: {request.roots or 'do not move'}",
            about="They can move too; commands that name them are rewritten",
        )
    if any(part[1].startswith("x-") for part in proposal.plan.moved) or current.anchors != "auto":
        yield Option(
            "anchors",
            f"Shared x- blocks: {current.anchors}",
            about="Each module gets a copy, or services extend them from one file",
        )
    if request != SplitRequest():
        yield Option("reset", "Reset to the first proposal")


def _default_directory(proposal: Proposal) -> str:
    bases = proposal.project.root_files
    return Family.of(bases[0]).prefix if bases else "docker-compose"


def _modules(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """Return the services by module, without environment files."""
    return {
        path: services
        for path, services in proposal.plan.services.items()
        if posixpath.basename(posixpath.dirname(path)) != ENVIRONMENTS
    }


def _roots_with_environment(proposal: Proposal) -> dict[str, str]:
    """Return the name of the environment of each root file; ``{}`` if there are no environments."""
    has_environments = any(
        posixpath.basename(posixpath.dirname(path)) == ENVIRONMENTS
        for path in proposal.plan.services
    )
    project = proposal.project
    paths = project.root_files if has_environments else []
    return {path: environment_name(project, path) for path in paths}


def _choose_module(
    proposal: Proposal, current: SplitOptions, request: SplitRequest
) -> Flow[SplitRequest]:
    """Ask which services to move, and to which module."""
    modules = _modules(proposal)
    module_of = {name: path for path, services in modules.items() for name in services}
    kinds = {name: _kind(proposal, name) for name in module_of}
    width = max(map(len, module_of), default=0)
    options = tuple(
        Option(name, f"{name:<{width}}  {posixpath.basename(module_of[name])}", group=kinds[name])
        for name in sorted(module_of, key=lambda name: list(kinds.values()).index(kinds[name]))
    )
    services = yield Pick("services", "Which services?", options)
    if not services:
        return request
    targets = [Option(path, path) for path in modules]
    new = Option("new", "A new module")
    own = Option("path", "A file at another path")
    text = f"To which module do {', '.join(services)} move?"
    target = yield Choose("module", text, (new, own, *targets))
    if target == "path":
        default = posixpath.join(
            current.into or _default_directory(proposal), "services", _file_name(proposal, services)
        )
        path = yield Fill("path", "Path of the module:", default, check=_module_check)
        paths = {**request.given.get("modules", {}), **dict.fromkeys(services, path)}
        return request.using(modules=paths, groups=_without(current, services))
    name = _short(target)
    members = (*modules.get(target, ()), *services)
    if target == "new":
        name = yield Fill("group", "Name of the module:", kebab(services[0]), check=_name_check)
        members = services
    return _with_group(request, current, name, tuple(dict.fromkeys(members)))


def _merge_modules(
    proposal: Proposal, current: SplitOptions, request: SplitRequest
) -> Flow[SplitRequest]:
    """Ask which modules to merge, and for the name of the result."""
    modules = _modules(proposal)
    picked = yield Pick("merge", "Which modules become one?", tuple(_module_options(modules)))
    if len(picked) < 2:  # noqa: PLR2004
        return request
    members = tuple(name for path in picked for name in modules[path])
    name = yield Fill("group", "Name of the module:", _short(picked[0]), check=_name_check)
    return _with_group(request, current, name, members)


def _divide_module(
    proposal: Proposal, current: SplitOptions, request: SplitRequest
) -> Flow[SplitRequest]:
    """Ask which services of a module get one of their own, and for its name."""
    modules = {path: names for path, names in _modules(proposal).items() if len(names) > 1}
    path = yield Choose("divide", "Which module is divided?", tuple(_module_options(modules)))
    options = tuple(Option(name, name) for name in modules[path])
    services = yield Pick("services", "Which services leave it?", options)
    if not services or len(services) == len(options):
        return request
    rest = tuple(name for name in modules[path] if name not in services)
    name = yield Fill("group", "Name of the new module:", kebab(services[0]), check=_name_check)
    kept = _with_group(request, current, _short(path), rest)
    return _with_group(kept, replace(current, groups=kept.given["groups"]), name, services)


def _module_options(modules: dict[str, tuple[str, ...]]) -> Iterable[Option]:
    width = max(map(len, map(posixpath.basename, modules)), default=0)
    for path, services in modules.items():
        name = posixpath.basename(path)
        yield Option(path, f"{name:<{width}}  {', '.join(services)}", about=path)


def _with_group(
    request: SplitRequest, current: SplitOptions, name: str, members: tuple[str, ...]
) -> SplitRequest:
    """Return *request* with *members*, and no others, in the group *name*."""
    groups = {**_without(current, members), name: members}
    modules = request.given.get("modules", {})
    others = {service: path for service, path in modules.items() if service not in members}
    return request.using(groups=groups, modules=others)


def _kind(proposal: Proposal, service: str) -> str:
    """Return the category of *service*, by its image or its name."""
    definitions = (services_in(file).get(service) for file in proposal.project.files.values())
    definition = next((each for each in definitions if each is not None), None)
    image = text_of(definition.image) if definition is not None else ""
    return find_placement(service, image or None, catalog_of(proposal.project)).counts_as


def _without(current: SplitOptions, services: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the current groups without *services*."""
    removed = set(services)
    groups = {
        name: tuple(s for s in members if s not in removed)
        for name, members in current.groups.items()
    }
    return {name: members for name, members in groups.items() if members}


def _name_environment(
    proposal: Proposal, current: SplitOptions, request: SplitRequest
) -> Flow[SplitRequest]:
    """Ask for the name of the environment of one root file."""
    roots = {
        p: current.environments.get(p, name)
        for p, name in _roots_with_environment(proposal).items()
    }
    options = tuple(Option(path, f"{path}: {name}") for path, name in roots.items())
    path = yield Choose("environment of", "The environment of which file?", options)
    text = f"Name of the environment of {path}:"
    name = yield Fill("environment", text, roots[path], check=_name_check)
    return request.using(environments={**request.given.get("environments", {}), path: name})


def _short(path: str) -> str:
    return name_in_path(path) if posixpath.basename(path) != path else path


def _file_name(proposal: Proposal, services: Iterable[str]) -> str:
    bases = proposal.project.root_files
    return Family.of(bases[0] if bases else "docker-compose.yml").file(kebab(next(iter(services))))


def _name_check(text: str) -> str:
    return "" if text.strip() and "=" not in text and "," not in text else "a name is needed"


def _path_check(text: str) -> str:
    outside = posixpath.isabs(text) or posixpath.normpath(text or ".").startswith("..")
    return f"{Location(text)} is outside of the project" if outside else ""


def _module_check(text: str) -> str:
    if not text.endswith((".yml", ".yaml")):
        return "the name of a module has to end with .yml"
    return _path_check(text)
