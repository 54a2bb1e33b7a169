"""Which fixes to make: all that are safe, or take, look at or skip each kind, or each change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.session import Choose, Context, Fill, Flow, Option
from composerefactor.cli.wizard.work import DATA, SAFE, FixChoices, Item
from composerefactor.compose.masking import Masking
from composerefactor.errors import UsageError
from composerefactor.planning.fix_request import FixRequest, option_values
from composerefactor.planning.registry import fixers
from composerefactor.planning.settings import Settings
from composerefactor.refactoring.contract import Fixer
from composerefactor.refactoring.contract import Option as TransformOption
from composerefactor.report.text import counted

KINDS = "kinds"
_CONTINUE = "continue"


class SettingsError(Exception):
    """The user wants to change the settings of the transform *kind*."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def decide_all(context: Context, choices: FixChoices, decided: dict[str, bool]) -> Flow[None]:
    """Ask which fixes to make, and add the decisions by id to *decided*.

    Nothing is added if the user wants to decide on each kind, or if there is only one kind.
    """
    certain = [item for item in choices.items if item.is_certain]
    safe = [item for item in certain if item.risk == SAFE]
    riskless = [item for item in certain if item.risk != DATA]
    if len({item.kind for item in choices.items}) == 1:
        return
    options = []
    if safe:
        is_one = len(safe) == 1
        if all(item.fix is not None and item.fix.change.repairs for item in safe):
            what = "repairs what" if is_one else "repair what"
            what += " Docker Compose rejects"
        else:
            what = f"{'does' if is_one else 'do'} not affect running containers"
        options.append(Option("safe", f"Take {counted(len(safe), 'change')} that {what}", key="y"))
    if len(riskless) > len(safe):
        options.append(Option("rest", f"Take all {len(riskless)} that risk no data", key="a"))
    options += [Option(KINDS, "Decide on each kind", key="k"), Option("none", "Skip all", key="n")]
    answer = yield Choose(
        "fixes",
        "Which fixes do you want?",
        tuple(options),
        screens.kinds(choices, context.style),
        default="safe" if safe else KINDS,
        step=context.step,
    )
    if answer != KINDS:
        taken = {"safe": safe, "rest": riskless, "none": []}[answer]
        decided |= {item.id: item in taken for item in choices.items}


def decide_kinds(
    context: Context,
    choices: FixChoices,
    request: FixRequest,
    settings: Settings,
    decided: dict[str, bool],
) -> Flow[None]:
    """Ask about each kind of change, and add the decisions by id to *decided*.

    Raises SettingsError if the user wants to change the settings of a kind.
    """
    kinds: dict[str, list[Item]] = {}
    for item in choices.items:
        kinds.setdefault(item.kind, []).append(item)
    for number, (kind, items) in enumerate(kinds.items(), 1):
        undecided = [item for item in items if item.id not in decided]
        if not undecided:
            continue
        body = screens.kind(kind, undecided, number, len(kinds), choices, context.style)
        options = tuple(_kind_options(kind, undecided, request, settings))
        answer = yield Choose(
            f"kind {kind}",
            f"{kind}: {counted(len(undecided), 'change')}. Take?",
            options,
            body,
            default="take" if all(item.risk == SAFE for item in undecided) else "skip",
            step=context.step,
        )
        if answer == "settings":
            raise SettingsError(kind)
        if answer == "look":
            yield from review(context, undecided, decided, choices.opened.masking)
            continue
        decided |= {item.id: answer in {"take", "rest"} and item.is_certain for item in undecided}
        if answer in {"rest", "none"}:
            for other in choices.items:
                is_taken = answer == "rest" and other.is_certain and other.risk != DATA
                decided.setdefault(other.id, is_taken)
            return


def _kind_options(
    kind: str, items: Sequence[Item], request: FixRequest, settings: Settings
) -> Iterator[Option]:
    certain = [item for item in items if item.is_certain]
    guesses = len(items) - len(certain)
    is_risky = any(item.risk == DATA for item in certain)
    if certain:
        rest = f", but not {counted(guesses, 'guess')}" if guesses else ""
        yield Option("take", f"Take {len(certain)}{rest}", key="y", is_risky=is_risky)
    yield Option("look", "Look at each", key="l", about="With its reason and its diff")
    yield Option("skip", "Skip", key="n")
    transform = fixers()[kind]
    if transform.settings:
        values = [f"{o.name}={_value(transform, o, request, settings)}" for o in transform.settings]
        yield Option("settings", "Settings", key="s", about=", ".join(values))
    if certain and not is_risky:
        yield Option("rest", "Take all from here that risk no data", key="a")
    yield Option("none", "Skip all from here", key="d")


def choose_settings(request: FixRequest, settings: Settings, kind: str) -> Flow[FixRequest]:
    """Ask for the settings of the transform *kind* until all are right; return the request."""
    known = fixers()
    options = {f"{kind}.{o.name}": (known[kind], o) for o in known[kind].settings}
    while options:
        values = {key: _value(*pair, request, settings) for key, pair in options.items()}
        width = max(map(len, values))
        rows = [
            Option(key, f"{key:<{width}} = {value}", about=options[key][1].help)
            for key, value in values.items()
        ]
        done = Option(_CONTINUE, "Continue with these settings")
        key = yield Choose("options", f"Settings of {kind}:", (done, *rows))
        if key == _CONTINUE:
            break
        value = yield from _choose_value(key, options[key][1], values[key], known)
        others = tuple(pair for pair in request.values if pair[0] != key)
        request = replace(request, values=(*others, (key, value)))
    return request


def _value(
    transform: Fixer[Any], option: TransformOption, request: FixRequest, settings: Settings
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
    key: str, option: TransformOption, value: str, known: Mapping[str, Fixer[Any]]
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


RETURN = "return"


def review(
    context: Context, items: Sequence[Item], decided: dict[str, bool], masking: Masking
) -> Flow[None]:
    """Ask about each of *items* that is not in *decided* yet, and add the answer there."""
    for number, item in enumerate(items, 1):
        if item.id and item.id in decided:
            continue
        body = screens.change(item, number, len(items), context.style, masking)
        remaining = [i for i in items[number:] if i.id and i.id not in decided]
        options = tuple(_change_options(item, remaining))
        name = f"change {item.id or item.path}"
        text = "Take this change?" if item.id else "This change follows from the others."
        default = "take" if item.is_certain and item.risk == SAFE else "skip"
        while True:
            answer = yield Choose(name, text, options, body, default=default, step=context.step)
            if answer != "file":
                break
            content = screens.file(item.path, item.content, context.style, masking)
            at = item.fix.change.location.line if item.fix is not None else 0
            back = (Option(RETURN, "Back to the change", key="f"),)
            yield Choose("file", "The new content of the file.", back, content, at=at)
        if item.id:
            decided[item.id] = answer in {"take", "rest"}
        if answer in {"rest", "none"}:
            decided |= {i.id: answer == "rest" and i.is_certain for i in remaining}


def _change_options(item: Item, remaining: Sequence[Item]) -> Iterable[Option]:
    if not item.id:
        yield Option("take", "Continue", key="y")
    else:
        yield Option("take", "Take", key="y", is_risky=not item.is_certain or item.is_data_risk)
        yield Option("skip", "Skip", key="n")
    if remaining and item.id:
        certain = [other for other in remaining if other.is_certain]
        if certain and not any(other.is_data_risk for other in (item, *certain)):
            guesses = len(remaining) - len(certain)
            text = f"Take this and the other {len(certain)}"
            if guesses:
                text = f"Take this and {len(certain)} more, but not {counted(guesses, 'guess')}"
            yield Option("rest", text, key="a")
        yield Option("none", f"Skip this and the other {len(remaining)}", key="d")
    yield Option("file", f"Show the new file: {item.path}", key="f")
