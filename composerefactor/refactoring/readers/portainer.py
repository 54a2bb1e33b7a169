"""Portainer starts a stack from a repository, or from the text of one file.

From a repository it clones all files, so that it follows. In its web editor, and where an action or
its API sends the text of the root file, modules are missing, so that is pointed out. A file that
reads the env file `stack.env` is taken for one of Portainer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._platforms import mentions
from composerefactor.yaml.nodes import MappingNode, ScalarNode, walk

_ENV_FILE = re.compile(r"^[^#\n]*(?<![\w.-])stack\.env(?![\w.-])", re.MULTILINE)
_WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/.*\.ya?ml")


@reader("Portainer", reads="Compose files, .github/workflows/*.yml", include="yes")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each split file of Portainer, and each step that sends one to it."""
    yield from mentions(
        around,
        split,
        _ENV_FILE,
        "named",
        "Portainer's web editor has the root file alone",
        "deploy the stack from the repository",
    )
    roots = {each.path for each in split.splits}
    for file in around.files(_WORKFLOW):
        if "portainer" not in file.text.lower() or file.root is None:
            continue
        for node in walk(file.root):
            uses = value_of(node, "uses") if isinstance(node, MappingNode) else None
            given = value_of(node, "with")
            if not isinstance(uses, ScalarNode) or "portainer" not in uses.value.lower():
                continue
            for entry in given.entries if isinstance(given, MappingNode) else ():
                value = entry.value
                if isinstance(value, ScalarNode) and value.value.removeprefix("./") in roots:
                    yield Outcome(
                        "named",
                        file.location(value),
                        f"sends the text of {value.value} to Portainer without its modules",
                        "send the output of `docker compose config`, or deploy from the repository",
                    )
