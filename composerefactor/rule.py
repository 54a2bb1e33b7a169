"""What a rule of a plug-in imports; the contract itself is in ``analysis/rule.py``."""

from composerefactor.analysis.rule import Occurrence, Rule, fixer_occurrences, rule

__all__ = ["Occurrence", "Rule", "fixer_occurrences", "rule"]
