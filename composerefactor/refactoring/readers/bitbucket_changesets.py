"""Bitbucket runs steps for changes of the files in `changesets`.

The directory of the modules is added to a list `includePaths` or `excludePaths` that names the root
file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._globs import matches
from composerefactor.refactoring.readers._lists import follow_list
from composerefactor.refactoring.readers.github_paths import pattern_for
from composerefactor.yaml.nodes import MappingNode, walk

_FILE = re.compile(r"bitbucket-pipelines\.ya?ml")


@reader("Bitbucket pipelines", reads="bitbucket-pipelines.yml", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each list of paths that names a file which is split."""
    for file in around.files(_FILE):
        if "changesets" not in file.text or file.root is None:
            continue
        for node in walk(file.root):
            changesets = value_of(node, "changesets") if isinstance(node, MappingNode) else None
            for key, verb in (("includePaths", "runs for changes of"), ("excludePaths", "ignores")):
                listed = value_of(changesets, key)
                said = f"{verb} {{}}"
                yield from follow_list(file, listed, split, matches, pattern_for, said)
