"""Lines of terminal output: a label on the left, text on the right."""

from __future__ import annotations

from collections.abc import Sequence

from composerefactor.report.style import Style

LABEL = 9
"""Width of the left column."""


def row(label: str, text: str, style: Style) -> str:
    """Return one line."""
    return f"{style(f'{label:<{LABEL}}', 'cyan')}{text}".rstrip()


def counted(number: int, noun: str) -> str:
    """Return *number* with *noun* in singular or plural."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun.removesuffix('y')}ies" if noun.endswith("ry") else f"{noun}s"
    return f"{number} {plural}"


def limited(lines: Sequence[str], most: int) -> list[str]:
    """Return at most *most* of *lines*, and how many more there are."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most} more (-v shows all)"]
