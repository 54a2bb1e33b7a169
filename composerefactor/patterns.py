"""Regular expressions that are compiled when they are first asked.

A run asks less than half of them, and compiling all took a tenth of the time of an analysis.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Generic, cast


class _Pattern(Generic[AnyStr]):
    def __init__(self, text: AnyStr, flags: int) -> None:
        self._text: AnyStr = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Return what the compiled pattern has; the next time it is an attribute of this one."""
        value = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, value)
        return value


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what behaves as ``re.compile(text, flags)``, which raises re.error, does.

    It raises that when it is first asked, and is no argument for the functions of ``re``.
    """
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
