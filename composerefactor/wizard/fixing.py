"""Decisions on what is mended in place: which transforms, with which options."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from composerefactor.errors import UsageError
from composerefactor.proposal.mended import Mend, Mended
from composerefactor.registry import mendings, transforms
from composerefactor.report.rows import counted
from composerefactor.request.fix import FixRequest
from composerefactor.request.options import option_values
from composerefactor.settings.settings import Settings
from composerefactor.transform import AnyTransform
from composerefactor.transform import Option as TransformOption
from composerefactor.wizard.questions import Choose, Fill, Option, Pick
from composerefactor.wizard.screens import by_transform
from composerefactor.wizard.session import Flow

MEND, TIDY, ADD = "mend", "tidy", "add"
_GROUPS = {
    MEND: "the engine rejects the project without",
    TIDY: "what runs stays the same",
    ADD: "changes what runs",
}
_GO_ON = "go on"


def nature(mends: Sequence[Mend]) -> str:
    """Return which goal the changes of one transform belong to."""
    if any(mend.change.repairs for mend in mends):
        return MEND
    return TIDY if all(mend.change.is_safe for mend in mends) else ADD


def transforms_chosen(
    mended: Mended, goals: Collection[str], settings: Settings
) -> Flow[FixRequest | None]:
    """Ask which transforms are to run; None for none of them."""
    found = by_transform(mended.taken)
    summaries = {each.name: each.summary for each in mendings()}
    options = [
        Option(
            name,
            f"{name} ({counted(len(mends), 'change')})",
            checked=nature(mends) in goals,
            group=_GROUPS[nature(mends)],
            about=summaries[name],
        )
        for kind in _GROUPS
        for name, mends in found.items()
        if nature(mends) == kind
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
