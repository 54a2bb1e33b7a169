"""Write old forms as Compose writes them today.

Services of a version 1 file go below `services`, one step deeper, and its keys `net`, `log_driver`,
`log_opt`, `volume_driver` and `dockerfile` get their present form; a named volume keeps the name
that it had, without the project before it. The name in `external: {name: x}` moves beside it. The
`mem_limit` family goes to `deploy.resources`, and links without an alias become `depends_on`, since
services on one network know each other by name: both change what the engine sees, so they are made
only when asked for. Links with an alias, and `volumes_from`, have no equal form and stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.compose.file import ComposeFile
from composerefactor.compose.merged import merged_mappings
from composerefactor.compose.project import Project
from composerefactor.legacy import version1
from composerefactor.legacy.forms import Written, externals, limits, links
from composerefactor.transform import Change, NoOptions, Refusal, mending
from composerefactor.yamltree.nodes import Mapping
from composerefactor.yamltree.path import paths


@mending(NoOptions, after=("fix-schema",), first=True)
def modernize(project: Project, options: NoOptions) -> Iterator[Change | Refusal]:  # noqa: ARG001
    """Yield a change for each old form that has one of today."""
    for path, file in project.files.items():
        if path.startswith("../"):
            continue
        if file.top_services:
            yield from version1.nested(file)
            continue
        yield from _version_1_keys(file)
        yield from externals(file)
        for written in Written.all_in(project, file):
            for found in (limits(written), links(written)):
                if found is not None and path not in project.whole:
                    yield found


def _version_1_keys(file: ComposeFile) -> Iterator[Change | Refusal]:
    """Yield what is to be done about keys of version 1, in services and what they merge."""
    bodies = {id(each) for body in file.services.values() for each in merged_mappings(body)}
    for where, node in paths(file.root):
        if id(node) in bodies and isinstance(node, Mapping):
            yield from version1.keys(file, where, node)
