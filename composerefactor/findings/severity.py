"""How much a finding matters."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """From what is worth knowing to what breaks or exposes something."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """The name as it is written: ``high``."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Severity:
        """Return the severity called *word*; raises KeyError where there is none."""
        return cls[word.upper()]
