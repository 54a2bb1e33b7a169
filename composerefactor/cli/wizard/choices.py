"""Questions about the layout of a split, and about which fixes to make with which options."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.screens import by_transform
from composerefactor.cli.wizard.session import Choose, Context, Fill, Flow, Option, Pick, worked
from composerefactor.cli.wizard.work import ENVIRONMENTS, Lay
from composerefactor.compose.definitions import text_of
from composerefactor.compose.services import services_in
from composerefactor.errors import Location, UsageError
from composerefactor.images.catalog import find_placement
from composerefactor.planning.fixes import FixPlan, PlannedFix
from composerefactor.planning.opening import OpenProject
from composerefactor.planning.propose import Proposal
from composerefactor.planning.registry import fixers, transforms
from composerefactor.planning.requests import FixRequest, Groups, SplitRequest, option_values
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import AnyTransform
from composerefactor.refactoring.contract import Option as TransformOption
from composerefactor.refactoring.modules.grouping import Family, kebab
from composerefactor.refactoring.modules.names import environment_name, name_in_path
from composerefactor.refactoring.split.options import SplitOptions
from composerefactor.report.text import counted

_TEXTS = {
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
            Option("auto", "One service; infrastructure by category"),
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
        body = screens.layout(proposal, context.style)
        options = _options(proposal, current, request)
        answer = yield Choose("layout", "Is this layout right?", tuple(options), body)
        if answer == "accept":
            return request
        if answer == "services":
            request = yield from _choose_module(proposal, current, request)
        elif answer == "environments":
            request = yield from _name_environment(proposal, current, request)
        elif answer == "into":
            text = "Directory of the modules:"
            into = yield Fill(
                "into", text, current.into or _default_directory(proposal), check=_path_check
            )
            request = replace(request, into=into)
        elif answer == "roots":
            text = "Directory of the root files (commands that name them are rewritten):"
            directory = request.roots or _default_directory(proposal)
            roots = yield Fill("roots", text, directory, check=_path_check)
            request = replace(request, roots=roots)
        elif answer == "reset":
            request = SplitRequest()
        else:
            text, choices = _TEXTS[answer]
            default = {"strategy": current.strategy, "anchors": current.anchors}.get(
                answer, current.granularity
            )
            value = yield Choose(answer, text, choices, default=default)
            request = replace(request, **{answer: value})


def _options(proposal: Proposal, current: SplitOptions, request: SplitRequest) -> Iterable[Option]:
    yield Option("accept", "Yes, continue")
    if proposal.plan.services:
        yield Option("services", "Move services to another module")
    if _roots_with_environment(proposal):
        yield Option("environments", "Rename an environment")
    yield Option("granularity", f"Services per file: {current.granularity}")
    yield Option("strategy", f"Strategy: {current.strategy}")
    yield Option("into", f"Directory: {current.into or _default_directory(proposal)}")
    if request.roots or any("/" not in path for path in proposal.project.root_files):
        yield Option("roots", f"Root files: {request.roots or 'do not move'}")
    if any(part[1].startswith("x-") for part in proposal.plan.moved) or current.anchors != "auto":
        yield Option("anchors", f"Shared x- blocks: {current.anchors}")
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
    kinds = {name: _kind(proposal, name, current) for name in module_of}
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
        paths: dict[str, str] = {**dict(request.modules), **dict.fromkeys(services, str(path))}
        return replace(request, modules=tuple(paths.items()), groups=_without(current, services))
    name = _short(target)
    members = (*modules.get(target, ()), *services)
    if target == "new":
        name = yield Fill("group", "Name of the module:", kebab(services[0]), check=_name_check)
        members = services
    groups = (*_without(current, members), (name, tuple(dict.fromkeys(members))))
    others = tuple(pair for pair in request.modules if pair[0] not in members)
    return replace(request, groups=groups, modules=others)


def _kind(proposal: Proposal, service: str, current: SplitOptions) -> str:
    """Return the category of *service*, by its image or its name."""
    definitions = (services_in(file).get(service) for file in proposal.project.files.values())
    definition = next((each for each in definitions if each is not None), None)
    image = text_of(definition.image) if definition is not None else ""
    return find_placement(service, image or None, current.catalog).counts_as


def _without(current: SplitOptions, services: Iterable[str]) -> Groups:
    """Return the current groups without *services*."""
    removed = set(services)
    groups = {
        name: tuple(s for s in members if s not in removed)
        for name, members in current.groups.items()
    }
    return tuple((name, members) for name, members in groups.items() if members)


def _name_environment(
    proposal: Proposal, current: SplitOptions, request: SplitRequest
) -> Flow[SplitRequest]:
    """Ask for the name of the environment of one root file."""
    names = dict(request.environments)
    roots = {
        p: current.environments.get(p, name)
        for p, name in _roots_with_environment(proposal).items()
    }
    options = tuple(Option(path, f"{path}: {name}") for path, name in roots.items())
    path = yield Choose("environment of", "The environment of which file?", options)
    text = f"Name of the environment of {path}:"
    names[path] = yield Fill("environment", text, roots[path], check=_name_check)
    return replace(request, environments=tuple(names.items()))


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


REPAIR, TIDY, ADD = "repair", "tidy", "add"
_GROUPS = {
    REPAIR: "Docker Compose rejects the project without it",
    TIDY: "running containers are not affected",
    ADD: "changes containers",
}
_CONTINUE = "continue"


def goal_of(fixes: Sequence[PlannedFix]) -> str:
    """Return the goal to which the changes of one transform belong."""
    if any(fix.change.repairs for fix in fixes):
        return REPAIR
    return TIDY if all(fix.change.is_safe for fix in fixes) else ADD


def choose_fixes(
    fix_plan: FixPlan, goals: Collection[str], settings: Settings
) -> Flow[FixRequest | None]:
    """Ask which fixers to run, and with which options; return None if none is selected."""
    fixes_by_name = by_transform(fix_plan.applied)
    summaries = {fixer.name: fixer.summary for fixer in fixers()}
    options = [
        Option(
            name,
            f"{name} ({counted(len(fixes), 'change')})",
            checked=goal_of(fixes) in goals,
            group=_GROUPS[goal_of(fixes)],
            about=summaries[name],
        )
        for kind in _GROUPS
        for name, fixes in fixes_by_name.items()
        if goal_of(fixes) == kind
    ]
    guesses_by_name = by_transform(fix_plan.uncertain)
    options += [
        Option(
            name,
            f"{name} ({counted(len(fixes), 'guess')})",
            group="guesses only",
            about=summaries[name],
        )
        for name, fixes in guesses_by_name.items()
        if name not in fixes_by_name
    ]
    picked = yield Pick("transforms", "Which fixes?", tuple(options))
    if not picked:
        return None
    unsafe = ADD in goals or any(
        goal_of(fixes_by_name.get(name) or guesses_by_name[name]) == ADD for name in picked
    )
    request = FixRequest(tuple(picked), unsafe=unsafe)
    return (yield from choose_options(request, settings))


def choose_options(request: FixRequest, settings: Settings, only: str = "") -> Flow[FixRequest]:
    """Ask for the options of the transforms in *request*, or of *only* one, until all are right."""
    known = transforms()
    names = (only,) if only else request.select or ()
    options = {f"{n}.{o.name}": (known[n], o) for n in names for o in known[n].settings}
    while options:
        values = {key: _value(*pair, request, settings) for key, pair in options.items()}
        width = max(map(len, values))
        rows = [
            Option(key, f"{key:<{width}} = {value}", about=options[key][1].help)
            for key, value in values.items()
        ]
        done = Option(_CONTINUE, "Continue with these options")
        key = yield Choose("options", "Options of the transforms:", (done, *rows))
        if key == _CONTINUE:
            break
        value = yield from _choose_value(key, options[key][1], values[key], known)
        others = tuple(pair for pair in request.values if pair[0] != key)
        request = replace(request, values=(*others, (key, value)))
    return request


def _value(
    transform: AnyTransform, option: TransformOption, request: FixRequest, settings: Settings
) -> str:
    """Return the current value of *option*, as ``--set`` takes it."""
    given = dict(request.values).get(f"{transform.name}.{option.name}")
    if given is not None:
        return given
    value = settings.transforms.get(transform.name, {}).get(option.name, option.default)
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _choose_value(
    key: str, option: TransformOption, value: str, known: dict[str, AnyTransform]
) -> Flow[str]:
    choices = ("true", "false") if option.kind is bool else option.choices
    example = f" Example: {option.example}." if option.example else ""
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

    typed: str = yield Fill(f"option {key}", text, value, check=check)
    return typed
