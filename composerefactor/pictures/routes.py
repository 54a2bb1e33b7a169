"""The curves between services."""

from __future__ import annotations

from composerefactor.pictures.layout import HEIGHT, Box

_HEAD = 6
_BULGE = 40


def route(start: Box, end: Box) -> tuple[str, str]:
    """Return the curve from *start* to *end* and its head, each as the ``d`` of an SVG path."""
    if abs(end.y - start.y) > HEIGHT and abs(end.centre - start.centre) > abs(end.x - start.x) / 3:
        if end.x == start.x and abs(end.y - start.y) > 2 * HEIGHT:
            return _around(start, end)
        return _down(start, end) if end.y > start.y else _up(start, end)
    if end.x > start.x:
        return _across(start, end)
    if end.x == start.x:
        return _around(start, end)
    return _back(start, end)


def _across(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.x + start.width, start.centre, end.x - _HEAD, end.centre
    bend = max(20.0, min(90.0, (x2 - x1) / 2))
    return (
        f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}",
        f"M{end.x:g} {y2:g}l-8 -4v8z",
    )


def _around(start: Box, end: Box) -> tuple[str, str]:
    """One above the other: around the right side."""
    x1, y1, x2, y2 = start.x + start.width, start.centre, end.x + end.width, end.centre
    out = max(x1, x2) + _BULGE
    return (
        f"M{x1:g} {y1:g}C{out:g} {y1:g} {out:g} {y2:g} {x2 + _HEAD:g} {y2:g}",
        f"M{x2:g} {y2:g}l8 -4v8z",
    )


def _back(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.x, start.centre, end.x + end.width + _HEAD, end.centre
    bend = max(20.0, min(90.0, (x1 - x2) / 2))
    return (
        f"M{x1:g} {y1:g}C{x1 - bend:g} {y1:g} {x2 + bend:g} {y2:g} {x2:g} {y2:g}",
        f"M{x2 - _HEAD:g} {y2:g}l8 -4v8z",
    )


def _down(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.middle, start.y + start.height, end.middle, end.y - _HEAD
    bend = max(24.0, (y2 - y1) / 2)
    return (
        f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}",
        f"M{x2:g} {end.y:g}l-4 -8h8z",
    )


def _up(start: Box, end: Box) -> tuple[str, str]:
    x1, y1, x2, y2 = start.middle, start.y, end.middle, end.y + end.height + _HEAD
    bend = max(24.0, (y1 - y2) / 2)
    return (
        f"M{x1:g} {y1:g}C{x1:g} {y1 - bend:g} {x2:g} {y2 + bend:g} {x2:g} {y2:g}",
        f"M{x2:g} {y2 - _HEAD:g}l-4 8h8z",
    )
