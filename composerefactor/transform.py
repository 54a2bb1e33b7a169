"""What a transform of a plug-in imports: the contract between transforms and what runs them."""

from composerefactor.refactoring.contract import (
    Change,
    Effect,
    Fixer,
    NoOptions,
    Option,
    Part,
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
    "Effect",
    "Fixer",
    "NoOptions",
    "Option",
    "Part",
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
