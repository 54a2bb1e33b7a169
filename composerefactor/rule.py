"""What a rule of a plug-in imports; the contract itself is in ``analysis/findings.py``."""

from composerefactor.analysis.findings import Occurrence, Rule, fixer_occurrences, rule

__all__ = ["Occurrence", "Rule", "fixer_occurrences", "rule"]
