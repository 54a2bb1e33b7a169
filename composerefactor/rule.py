"""What a rule of a plug-in imports: the contract between rules and what runs them."""

from composerefactor.analysis.findings import Occurrence, Rule, planned, rule

__all__ = ["Occurrence", "Rule", "planned", "rule"]
