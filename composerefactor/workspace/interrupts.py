"""Signals that arrive while files are written wait until that step is done.

Otherwise a signal, or a second one while files are restored, would leave the project half-way.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_outcomes: list[str] = []
_is_active = threading.Event()


@contextmanager
def uninterrupted(outcome: str) -> Iterator[None]:
    """Hold signals back until the context ends, then handle the first one.

    *outcome* is what :func:`message` reports from then on, unless the context raises an error.
    A context within another one belongs to it. Other threads than the main one receive no signals.
    """
    if _is_active.is_set() or threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal() passes it
        received.append(number)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = {number: handler for number, handler in before.items() if callable(handler)}
    for number in handled:
        signal.signal(number, hold)
    _is_active.set()
    try:
        yield
        _outcomes.append(outcome)
    finally:
        _is_active.clear()
        for number, handler in handled.items():
            signal.signal(number, handler)
    if received:
        handled[received[0]](received[0], None)


def message() -> str:
    """Return what an interrupted process tells the user: whether it has written files before."""
    return (
        f"interrupted; before, {_outcomes[-1]}" if _outcomes else "interrupted, nothing was written"
    )
