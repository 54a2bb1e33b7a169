"""Files such as `.prettierignore` exclude files from a formatter, a linter or an upload.

The directory of the modules is added below a line that names the root file, as in a `.gitignore`.
`.dockerignore` is not among them: a split says what it does to build contexts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._lines import follow_lines

_TOOLS = "prettier|eslint|semgrep|markdownlint|npm|vercel|gcloud|helm|stylelint|yamllint|biome"
_FILE = re.compile(rf"\.(?:{_TOOLS})ignore")


@reader("Ignore files", reads=".prettierignore, .npmignore and others", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each file that excludes a file which is split."""
    for file in around.files(_FILE):
        yield from follow_lines(file, file.source.line_starts, split)
