"""The review of single changes: each with its diff, to take or to skip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composerefactor.cli.wizard import screens
from composerefactor.cli.wizard.session import Choose, Context, Flow, Option
from composerefactor.cli.wizard.work import SAFE, Item
from composerefactor.compose.masking import Masking

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
        options = tuple(_options(item, remaining))
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


def _options(item: Item, remaining: Sequence[Item]) -> Iterable[Option]:
    if not item.id:
        yield Option("take", "Continue", key="y")
    else:
        yield Option("take", "Take", key="y", is_risky=not item.is_certain or item.is_data_risk)
        yield Option("skip", "Skip", key="n")
    if remaining and item.id:
        certain = [other for other in remaining if other.is_certain]
        if not any(other.is_data_risk for other in (item, *certain)):
            yield Option("rest", f"Take this and the other {len(certain)}", key="a")
        yield Option("none", f"Skip this and the other {len(remaining)}", key="d")
    yield Option("file", f"Show the new file: {item.path}", key="f")
