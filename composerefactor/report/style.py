"""Colours and weights, on terminals that want them."""

from __future__ import annotations

from msgspec import Struct

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style(Struct, frozen=True):
    """Paints words where *colour* is True and leaves them plain where not."""

    colour: bool = False

    def __call__(self, text: str, *names: str) -> str:
        """Return *text* in the styles *names*: bold, dim, red, green, yellow, cyan."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[name] for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"
