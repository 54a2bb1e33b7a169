"""GitLab adds jobs to a pipeline for changes of the files in `changes`.

The directory of the modules is added to a list that names the root file: in `rules`, and in `only`
and `except` of older files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._globs import matches
from composerefactor.refactoring.readers._lists import follow_list
from composerefactor.yaml.nodes import MappingNode, SequenceNode, walk

_FILE = re.compile(r"\.gitlab-ci\.ya?ml|\.gitlab/.*\.ya?ml|.*\.gitlab-ci\.ya?ml")


def _pattern_for(target: str) -> str:
    """Return the pattern: ``**`` at the end of one matches no deeper directory (GitLab)."""
    return f"{target}**/*" if target.endswith("/") else target


@reader("GitLab pipelines", reads=".gitlab-ci.yml", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each list of changes that names a file which is split."""
    for file in around.files(_FILE, anywhere=True):
        if "changes" not in file.text or file.root is None:
            continue
        followed: set[int] = set()
        for node in walk(file.root):
            changes = value_of(node, "changes") if isinstance(node, MappingNode) else None
            listed = changes if isinstance(changes, SequenceNode) else value_of(changes, "paths")
            if listed is not None and id(listed) not in followed:
                followed.add(id(listed))
                yield from follow_list(
                    file, listed, split, matches, _pattern_for, "runs for changes of {}"
                )
