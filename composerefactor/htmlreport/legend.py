"""What the colours and lines of a picture mean, as a list below it."""

from __future__ import annotations

from markupsafe import Markup

from composerefactor.pictures.graph import HEALTH, KINDS, LINES

_ITEM = Markup(
    '<li><svg class="topology" width="{width}" height="14" aria-hidden="true">'
    '<g class="{kind}">{mark}</g></svg>{words}</li>'
)
_STRIPE = Markup('<rect class="stripe" width="5" height="14" rx="2"></rect>')
_DOT = Markup('<circle class="health" cx="6" cy="7" r="4.5"></circle>')
_LINE = Markup('<path class="stroke" d="M0 7h28"></path>')
_PORT = Markup('<rect class="pill" x="1" y="1" width="20" height="12" rx="6"></rect>')


def legend() -> Markup:
    """Return the list."""
    items = [_item(kind, words, _STRIPE, 6) for kind, words in KINDS.items()]
    items += [_item(kind, words, _DOT, 12) for kind, words in HEALTH.items()]
    items += [_item(f"line {kind}", words, _LINE, 28) for kind, words in LINES.items()]
    items += [
        _item("open", "port open to the network", _PORT, 22),
        _item("local", "port of this host alone", _PORT, 22),
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup().join(items))


def _item(kind: str, words: str, mark: Markup, width: int) -> Markup:
    return _ITEM.format(width=width, kind=kind, mark=mark, words=words)
