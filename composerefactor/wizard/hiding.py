"""Lines of files and diffs as they can be shown: without secret values, on one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from composerefactor.patterns import regex
from composerefactor.verify.masking import MASK, is_secret_name, mask_text

_WIDEST = 200
_NAMED = regex(
    r"(?P<before>[+\- ]?\s*(?:-\s+)?[\"']?(?P<name>[A-Za-z_][\w.-]{0,80})[\"']?\s*[:=]\s*)"
    r"(?P<value>\S.*)"
)
_REFERENCE = regex(r"[\"']?\$\{?\w+(?::?\?[^{}$]{0,200})?\}?[\"']?(?:\s+#.*)?")
_BLOCK = regex(r"[|>][-+0-9]*(?:\s+#.*)?")


def shown_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines*, of a file or a diff, without secret values and control characters.

    What stands under a name that sounds secret is hidden to the end of the line, and to the end of
    the text where it is written as a block below its name. Very long lines are cut.
    """
    hidden = -1  # the indentation of the name whose block is hidden
    for line in lines:
        text = line.expandtabs(4)
        bare = text[1:] if text[:1] in {"+", "-"} else text
        indent = len(bare) - len(bare.lstrip())
        if hidden >= 0 and bare.strip() and indent > hidden:
            yield text[: len(text) - len(text.lstrip("+- "))] + MASK
            continue
        hidden = -1 if bare.strip() else hidden
        match = _NAMED.fullmatch(text)
        if match and is_secret_name(match["name"]) and not _REFERENCE.fullmatch(match["value"]):
            if _BLOCK.fullmatch(match["value"]):
                hidden = indent
            else:
                text = f"{match['before']}{MASK}"
        yield _plain(mask_text(text[: 10 * _WIDEST]))


def _plain(text: str) -> str:
    plain = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return plain if len(plain) <= _WIDEST else f"{plain[:_WIDEST]} ..."
