"""Decisions on a split: which service goes to which module, and where the modules are."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.screens import by_transform
from composerefactor.cli.wizard.session import Choose, Context, Fill, Flow, Option, Pick, worked
from composerefactor.cli.wizard.work import ENVIRONMENTS, Lay
from composerefactor.compose.merge_keys import merged_get, scalar_text
from composerefactor.errors import Location, UsageError
from composerefactor.images.placement import place
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.planning.registry import fixers, transforms
from composerefactor.planning.requests import FixRequest, Groups, SplitRequest, option_values
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import AnyTransform
from composerefactor.refactoring.contract import Option as TransformOption
from composerefactor.refactoring.modules.naming import Family, kebab, variant
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.report.text import counted

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


def layout_chosen(
    context: Context, opened: OpenProject, request: SplitRequest
) -> Flow[SplitRequest]:
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


MEND, TIDY, ADD = "mend", "tidy", "add"
_GROUPS = {
    MEND: "the engine rejects the project without",
    TIDY: "what runs stays the same",
    ADD: "changes what runs",
}
_GO_ON = "go on"


def nature(fixes: Sequence[PlannedFix]) -> str:
    """Return which goal the changes of one transform belong to."""
    if any(fix.change.repairs for fix in fixes):
        return MEND
    return TIDY if all(fix.change.is_safe for fix in fixes) else ADD


def transforms_chosen(
    fix_plan: FixPlan, goals: Collection[str], settings: Settings
) -> Flow[FixRequest | None]:
    """Ask which transforms are to run; None for none of them."""
    found = by_transform(fix_plan.taken)
    summaries = {each.name: each.summary for each in fixers()}
    options = [
        Option(
            name,
            f"{name} ({counted(len(fixes), 'change')})",
            checked=nature(fixes) in goals,
            group=_GROUPS[nature(fixes)],
            about=summaries[name],
        )
        for kind in _GROUPS
        for name, fixes in found.items()
        if nature(fixes) == kind
    ]
    picked = yield Pick("transforms", "Which of these?", tuple(options))
    if not picked:
        return None
    unsafe = ADD in goals or any(nature(found[name]) == ADD for name in picked)
    request = FixRequest(tuple(picked), unsafe=unsafe)
    return (yield from options_chosen(request, settings))


def options_chosen(request: FixRequest, settings: Settings, only: str = "") -> Flow[FixRequest]:
    """Ask for options of the transforms in *request*, or of *only* one, until all are right."""
    known = transforms()
    names = (only,) if only else request.select or ()
    options = {f"{n}.{o.name}": (known[n], o) for n in names for o in known[n].settings}
    while options:
        values = {key: _value(*each, request, settings) for key, each in options.items()}
        width = max(map(len, values))
        rows = [
            Option(key, f"{key:<{width}} = {value}", about=options[key][1].help)
            for key, value in values.items()
        ]
        go_on = Option(_GO_ON, "Go on with these options")
        key = yield Choose("options", "Options of the transforms:", (go_on, *rows))
        if key == _GO_ON:
            break
        value = yield from _asked(key, options[key][1], values[key], known)
        others = tuple(pair for pair in request.values if pair[0] != key)
        request = replace(request, values=(*others, (key, value)))
    return request


def _value(
    transform: AnyTransform, option: TransformOption, request: FixRequest, settings: Settings
) -> str:
    """Return the value that *option* has, as ``--set`` takes it."""
    given = dict(request.values).get(f"{transform.name}.{option.name}")
    if given is not None:
        return given
    value = settings.transforms.get(transform.name, {}).get(option.name, option.default)
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _asked(
    key: str, option: TransformOption, value: str, known: dict[str, AnyTransform]
) -> Flow[str]:
    choices = ("true", "false") if option.kind is bool else option.choices
    example = f" For example {option.example}." if option.example else ""
    text = f"{key}: {option.help}{example}"
    if choices:
        options = tuple(Option(choice, choice) for choice in choices)
        chosen: str = yield Choose(f"option {key}", text, options, default=value)
        return chosen

    def check(answer: str) -> str:
        try:
            option_values([f"{key}={answer}"], known)
        except UsageError as error:
            return error.message
        return ""

    written: str = yield Fill(f"option {key}", text, value, check=check)
    return written
