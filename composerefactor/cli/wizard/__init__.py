"""The wizard: step by step from a project to what is written."""

from composerefactor.cli.wizard.command import command

__all__ = ["command"]
