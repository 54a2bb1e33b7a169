"""Create the files of something new: `make new-transform`, `make new-rule` and `make new-reader`.

What they contain works as it is: a transform that labels services, a rule that finds those without
labels, a reader with a list of files. An existing file is never overwritten.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

TRANSFORM = '''\
"""{sentence}.

Say here what it adds or corrects, why that is right, and what it leaves alone. This is shown by
`composerefactor transforms {name}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from composerefactor.compose.project import Project
from composerefactor.compose.services import Service, StartModel, start_models
from composerefactor.errors import enumerated
from composerefactor.refactoring.contract import Change, Refusal, fixer, option
from composerefactor.transforms._attribute import BlockedSite, addition, blocked_refusal, find_sites


@dataclass(frozen=True, slots=True)
class Options:
    """What the user can choose."""

    team: str = option("platform", help="The team that the label names.", example="payments")


@fixer(
    Options,
    unsafe=True,
    purpose="maintenance",
    cause="nobody knows which team to ask about a service",
)
def {function}(project: Project, options: Options) -> Iterator[Change | Refusal]:
    """Yield a change for each service, or block that services share, without labels."""

    def label_for(_: StartModel, service: Service) -> dict[str, str] | None:
        return None if service.labels else {{"team": options.team}}

    for site in find_sites(start_models(project), label_for, ("labels",)):
        if isinstance(site, BlockedSite):
            yield blocked_refusal(site, "no label")
        else:
            yield addition(site, site.value, f"Add a label to {{enumerated(site.services)}}")
'''

CHANGED = """\
description = "A service without labels gets one"
expect = "changed"
arguments = ["--unsafe"]
docs = true
"""
CHANGED_FILE = """\
services:
  api:
    image: shop/api:3  # ours
"""

UNCHANGED = """\
description = "A service with labels is left alone"
expect = "unchanged"
arguments = ["--unsafe"]
"""
UNCHANGED_FILE = """\
services:
  api:
    image: shop/api:3
    labels: [team=shop]
"""

RULE = '''\
"""{sentence}."""

from __future__ import annotations

from collections.abc import Iterator

from composerefactor.analysis.facts.architecture import Architecture
from composerefactor.analysis.findings import Severity
from composerefactor.analysis.rule import Occurrence, rule


@rule(Severity.LOW, "maintainability")
def {function}(architecture: Architecture) -> Iterator[Occurrence]:
    """{sentence}.

    Say here what is wrong with it and what to do. This is shown with each finding.
    """
    for entry in architecture.entries:
        for name, service in entry.model.services.items():
            if not service.labels:
                yield Occurrence(
                    f"{{name}} has no labels",
                    service.location,
                    name,
                    remedy="add a label with the team that owns it",
                )
'''

CASE = """\
found = [
  "compose.yaml:2 low: web has no labels",
]

[bad]
compose = '''
services:
  web:
    image: nginx:1.27
'''

[good]
compose = '''
services:
  web:
    image: nginx:1.27
    labels: [team=shop]
'''
"""

READER = '''\
"""Another program that reads Compose files: {sentence}."""

from __future__ import annotations

import re
from collections.abc import Iterator

from composerefactor.refactoring.reader import Outcome, PlannedSplit, Surroundings, reader, value_of
from composerefactor.refactoring.readers._patterns import follow_list, matches, pattern_for

_FILE = re.compile(r"{name}\\.ya?ml")


@reader("{sentence}", reads="{name}.yml", include="told")
def {function}(around: Surroundings, split: PlannedSplit) -> Iterator[Outcome]:
    """{sentence} reads the files that `{name}.yml` lists.

    Say here what it does with them, where its rules are documented, and what is edited or told.
    """
    for file in around.files(_FILE):
        listed = value_of(file.root, "files")
        yield from follow_list(file, listed, split, matches, pattern_for, "reads {{}}")
'''

TRANSFORM_STEPS = """\
1. Write what it does in transforms/{function}.py (docs/writing-a-transform.md), and what it is to
   change in golden/{name}/*/before.
2. Run `.venv/bin/pytest tests/test_golden.py -k {name} --update-golden`, and review the
   expected.diff that it writes.
3. Run `.venv/bin/pytest tests/cli/test_snapshots.py --update-golden`, and review what changes.
4. Run `make docs`, then `make test`."""

RULE_STEPS = """\
1. Write what it finds in composerefactor/analysis/rules/{function}.py, or move the function to the
   file of its subject.
2. Write a bad and a good project in tests/analysis/rules/{name}.toml, and run
   `.venv/bin/pytest tests/analysis/rules -k {name}`.
3. Run `.venv/bin/pytest tests/cli/test_snapshots.py --update-golden`, and review what changes.
4. Run `make docs`, then `make test`."""


READER_STEPS = """\
1. Write which files it reads, and how it is made to follow, in
   composerefactor/refactoring/readers/{function}.py (docs/writing-a-reader.md), or move the
   function to the file of its subject.
2. Add the forms that people write to tests/planning/test_readers.py, and files that must be left
   alone; a file that is edited to golden/split/readers and golden/join/readers, too.
3. Run `.venv/bin/pytest tests/test_golden.py -k readers --update-golden`, and review the
   expected.diff that it writes.
4. Run `make docs`, then `make test`."""


def transform_files(name: str) -> dict[str, str]:
    """Return the files of a transform by their paths."""
    cases = Path("golden", name)
    return {
        f"transforms/{function(name)}.py": filled(TRANSFORM, name),
        f"{cases}/basic/case.toml": CHANGED,
        f"{cases}/basic/before/compose.yaml": CHANGED_FILE,
        f"{cases}/left-alone/case.toml": UNCHANGED,
        f"{cases}/left-alone/before/compose.yaml": UNCHANGED_FILE,
    }


def rule_files(name: str) -> dict[str, str]:
    """Return the files of a rule by their paths."""
    return {
        f"composerefactor/analysis/rules/{function(name)}.py": filled(RULE, name),
        f"tests/analysis/rules/{name}.toml": CASE,
    }


def reader_files(name: str) -> dict[str, str]:
    """Return the file of a reader by its path."""
    return {f"composerefactor/refactoring/readers/{function(name)}.py": filled(READER, name)}


def filled(template: str, name: str) -> str:
    """Return *template* with the name, the function's name, and a sentence made of the name."""
    sentence = name.replace("-", " ").capitalize()
    return template.format(name=name, function=function(name), sentence=sentence)


def function(name: str) -> str:
    """Return the name of the function and its module."""
    return name.replace("-", "_")


KINDS = {
    "transform": (transform_files, TRANSFORM_STEPS),
    "rule": (rule_files, RULE_STEPS),
    "reader": (reader_files, READER_STEPS),
}


def create(kind: str, name: str, root: Path = ROOT) -> str:
    """Create the files of a *kind* below *root*, and return what to do next.

    Raises SystemExit for a name that is not in kebab-case, and for a file that exists.
    """
    if not NAME.fullmatch(name):
        raise SystemExit(f"{name}: a name is words in lower case with hyphens, as add-labels")
    files_of, steps = KINDS[kind]
    files = files_of(name)
    existing = [path for path in files if (root / path).exists()]
    if existing:
        raise SystemExit(f"{', '.join(existing)}: exists already, nothing was created")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    created = "".join(f"created {path}\n" for path in files)
    return f"{created}\n{filled(steps, name)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("name")
    given = parser.parse_args()
    print(create(given.kind, given.name))
    sys.exit()
