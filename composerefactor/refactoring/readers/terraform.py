"""Terraform, OpenTofu and Packer read a root file into a resource, or copy it to a host.

`file(...)`, `templatefile(...)` and the `source` of a provisioner carry the root file alone; each
without its modules in the same file is pointed out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from composerefactor.errors import Location
from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader
from composerefactor.refactoring.readers._copies import alone, files_that_name

_FILE = re.compile(r".*\.(?:tf|tofu|pkr\.hcl)")
_READ = re.compile(
    r"\b(?:(?:file|filebase64|templatefile|filemd5|filesha256)\s*\(\s*|source\s*=\s*(?:file\()?)"
    r"\"(?:\$\{path\.(?:module|root|cwd)\}/)?(?P<path>[^\"$]{1,300})\""
)


@reader("Terraform", reads="*.tf", include="told")
def follow(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """Yield an outcome for each place that reads a file which is split."""
    for file in files_that_name(around, split, _FILE):
        named: list[tuple[str, Location, str]] = []
        for match in _READ.finditer(file.text):
            line_start = file.source.line_start(match.start())
            if file.text[line_start : match.start()].lstrip().startswith(("#", "//")):
                continue
            written = posixpath.join(posixpath.dirname(file.place), match["path"])
            place = posixpath.normpath(written)
            named.append((place, file.location(match.start()), "carries {}"))
        everything = {place for place, _, _ in named}
        yield from alone(split, named, everything, "carry {} too")
