"""What a rule of a plug-in imports: the contract between rules and what runs them."""

from composerefactor.analysis.findings import Check, Found, check, planned

__all__ = ["Check", "Found", "check", "planned"]
