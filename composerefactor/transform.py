"""What a transform of a plug-in imports: the contract between transforms and what runs them."""

from composerefactor.refactoring.contract import (
    Change,
    Effect,
    Gain,
    Mending,
    NoOptions,
    Option,
    Part,
    Plan,
    Refusal,
    Restructuring,
    Stay,
    Variant,
    mending,
    option,
    transform,
)

__all__ = [
    "Change",
    "Effect",
    "Gain",
    "Mending",
    "NoOptions",
    "Option",
    "Part",
    "Plan",
    "Refusal",
    "Restructuring",
    "Stay",
    "Variant",
    "mending",
    "option",
    "transform",
]
