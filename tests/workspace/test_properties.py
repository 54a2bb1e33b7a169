"""For any tree and any changeset: apply gives its result, and undo the tree as it was."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.workspace.apply import apply
from composerefactor.workspace.undo import undo
from support.examples import examples

Tree = dict[str, tuple[int, bytes | None]]

NAMES = st.sampled_from(["a", "b", "c d", "é"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENT = st.none() | st.binary(max_size=8)
FILES = st.dictionaries(PATHS, st.tuples(CONTENT, CONTENT, st.sampled_from([0o644, 0o755, 0o600])))


def below_each_other(paths: set[str]) -> bool:
    """Whether one of the *paths* is the directory of another."""
    return any(str(parent) in paths for path in paths for parent in PurePosixPath(path).parents)


@settings(max_examples=examples(40, 200))
@given(
    FILES.filter(lambda files: not below_each_other(set(files))),
    st.lists(PATHS, max_size=3),
    st.sampled_from([0o755, 0o711, 0o700]),
)
def test_apply_then_undo(
    tree: Callable[[Path], Tree],
    files: dict[str, tuple[bytes | None, bytes | None, int]],
    directories: list[str],
    directory_mode: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path, (content, _, mode) in files.items():
            if content is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(content)
                (root / path).chmod(mode)
        for path in directories:
            if not below_each_other({*files, path}) and path not in files:
                (root / path).mkdir(parents=True, exist_ok=True)
        for found in root.rglob("*"):
            if found.is_dir():
                found.chmod(directory_mode)
        before = tree(root)
        changeset = Changeset(
            tuple(FileChange(path, was, now) for path, (was, now, _) in files.items())
        )
        if changeset.is_empty:
            return
        apply(root, changeset, "test")
        after = tree(root)
        assert {path: found[1] for path, found in after.items() if found[1] is not None} == {
            path: now for path, (_, now, _) in files.items() if now is not None
        }
        for change in changeset.changed:
            assert after[change.path][0] == before[change.path][0]
        for change in changeset.deleted:
            assert_no_empty_directory(root, change.path)
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert undo(root) == [change.path for change in changeset.changes]
        assert tree(root) == before


def assert_no_empty_directory(root: Path, deleted: str) -> None:
    """A directory that contained *deleted* is removed, or contains something else."""
    for parent in (root / deleted).parents:
        if parent == root:
            return
        assert not parent.exists() or any(parent.iterdir())
