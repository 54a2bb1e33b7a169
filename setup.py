"""What pyproject.toml cannot say: which packages there are, and the JSON of the image catalog."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
DATA = "composerefactor/images/data"
# In the source tree these two are folders at the top level; see package-dir in pyproject.toml.
ELSEWHERE = {"composerefactor.golden", "composerefactor.transforms"}


class BuildPy(build_py):
    """Also writes the catalog's YAML files as JSON, which is read faster.

    An editable install gets them in the source tree, where git ignores them.
    """

    def run(self) -> None:
        """Build the package."""
        super().run()
        folder = (ROOT if self.editable_mode else Path(self.build_lib)) / DATA
        for name, text in json_files().items():
            (folder / name).write_text(text, encoding="utf-8")


def json_files() -> dict[str, str]:
    """Return the text of each JSON file by its name."""
    sys.path.insert(0, str(ROOT))
    try:
        from composerefactor.images.catalog import generate_all  # noqa: PLC0415 - only a build needs it
    finally:
        sys.path.remove(str(ROOT))
    return generate_all()


packages = find_packages(str(ROOT), include=["composerefactor", "composerefactor.*"])
setup(packages=sorted({*packages, *ELSEWHERE}), cmdclass={"build_py": BuildPy})
