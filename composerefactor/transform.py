"""The public API for transforms of plug-ins: what a module with a fixer or refactoring imports."""

from composerefactor.confidence import Confidence
from composerefactor.refactoring.contract import (
    Change,
    Effect,
    FileElement,
    Fixer,
    NoOptions,
    Option,
    Plan,
    Refactoring,
    Refusal,
    SavedLines,
    Unmoved,
    Variant,
    fixer,
    option,
    refactoring,
)

__all__ = [
    "Change",
    "Confidence",
    "Effect",
    "FileElement",
    "Fixer",
    "NoOptions",
    "Option",
    "Plan",
    "Refactoring",
    "Refusal",
    "SavedLines",
    "Unmoved",
    "Variant",
    "fixer",
    "option",
    "refactoring",
]
