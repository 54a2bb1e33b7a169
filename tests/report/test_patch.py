"""Real ``git apply`` turns the patch into exactly the files of the changeset."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composerefactor.edit.planned_files import Changeset, FileChange
from composerefactor.report.patch import unified_patch
from support.examples import examples

Tree = dict[str, bytes]


def git(top: Path, *args: str, stdin: bytes = b"") -> str:
    """Run git without anything of the user's own settings; its words, which must be no warning."""
    env = {
        "PATH": "/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin",
        "HOME": str(top),
        "LC_ALL": "C",
    }
    done = subprocess.run(
        ["git", *args], cwd=top, env=env, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def tree(top: Path) -> Tree:
    """All files below *top*, git's own left out."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(top).parts
    }


@pytest.fixture(scope="module")
def applied() -> Callable[[Changeset, str], Tree]:
    """Apply a changeset's patch by git in a new repository; the tree that it gives."""

    def run(changeset: Changeset, prefix: str) -> Tree:
        with tempfile.TemporaryDirectory() as name:
            top = Path(name)
            git(top, "init", "--quiet")
            for change in changeset.changes:
                if change.before is not None:
                    path = top / prefix / change.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(change.before)
            patch = unified_patch(changeset, prefix)
            said = git(top, "apply", "--check", "--whitespace=nowarn", "-", stdin=patch)
            said += git(top, "apply", "--whitespace=nowarn", "-", stdin=patch)
            assert said == ""
            return tree(top)

    return run


def expected(changeset: Changeset, prefix: str) -> Tree:
    """The tree that the changeset itself describes."""
    start = f"{prefix}/" if prefix else ""
    return {
        start + path: content
        for path, content in changeset.as_mapping().items()
        if content is not None
    }


PIECES = st.sampled_from(
    [
        *(b"a\n", b"b\n", b"c\r\n", b"\n", b"\r\n", b" \n", b"\t\n", b"\0\n", b"\r", b"x"),
        *("é\n".encode(), b"\xff\xfe\n"),
        *(b"-- a\n", b"++ b\n", b"@@ -1 +1 @@\n", b"\\ No newline at end of file\n"),
    ]
)
CONTENTS = st.lists(PIECES, max_size=30).map(b"".join)
NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in {".", ".."} and not name.lower().startswith(".git"))


@settings(max_examples=examples(30, 200), deadline=None)
@given(
    st.dictionaries(
        NAMES, st.tuples(st.none() | CONTENTS, st.none() | CONTENTS), min_size=1, max_size=4
    ),
    st.sampled_from(["", "sub", "a b/ü"]),
)
def test_any_content_and_name(
    applied: Callable[[Changeset, str], Tree],
    files: dict[str, tuple[bytes | None, bytes | None]],
    prefix: str,
) -> None:
    changeset = Changeset(tuple(FileChange(name, *both) for name, both in files.items()))
    if not changeset.is_empty:
        assert applied(changeset, prefix) == expected(changeset, prefix)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, b"", id="empty file created"),
        pytest.param(b"", None, id="empty file deleted"),
        pytest.param(b"a\n", b"", id="emptied"),
        pytest.param(b"", b"a\n", id="filled"),
        pytest.param(b"a\r\nb\r\n", b"a\r\nc\r\n", id="CRLF"),
        pytest.param(b"a\r\nb\r\n", b"a\nb\n", id="CRLF to LF"),
        pytest.param(b"a\nb", b"a\nb\n", id="last newline added"),
        pytest.param(b"a\nb\n", b"a\nb", id="last newline removed"),
        pytest.param(b"a\nb", b"b", id="none at either end"),
        pytest.param("ä\n".encode("latin-1"), "ö\n".encode("latin-1"), id="no UTF-8"),
    ],
)
def test_ends(
    applied: Callable[[Changeset, str], Tree], before: bytes | None, after: bytes | None
) -> None:
    changeset = Changeset((FileChange("x.yml", before, after),))
    assert applied(changeset, "") == expected(changeset, "")


def test_text() -> None:
    numbers = [b"%d\n" % number for number in range(1, 21)]
    changed = [*numbers[:4], b"five\n", *numbers[5:]]
    changeset = Changeset(
        (
            FileChange("compose.yaml", b"".join(numbers), b"".join(changed)),
            FileChange('docker-compose/ü "x".yml', None, b"services:"),
            FileChange("old file.yml", b"a\n", None),
        )
    )
    assert unified_patch(changeset, "deploy", executable={"old file.yml"}).decode() == (
        "diff --git a/deploy/compose.yaml b/deploy/compose.yaml\n"
        "--- a/deploy/compose.yaml\n"
        "+++ b/deploy/compose.yaml\n"
        "@@ -2,7 +2,7 @@\n"
        " 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        'diff --git "a/deploy/docker-compose/\\303\\274 \\"x\\".yml"'
        ' "b/deploy/docker-compose/\\303\\274 \\"x\\".yml"\n'
        "new file mode 100644\n"
        "--- /dev/null\n"
        '+++ "b/deploy/docker-compose/\\303\\274 \\"x\\".yml"\t\n'
        "@@ -0,0 +1 @@\n"
        "+services:\n"
        "\\ No newline at end of file\n"
        "diff --git a/deploy/old file.yml b/deploy/old file.yml\n"
        "deleted file mode 100755\n"
        "--- a/deploy/old file.yml\t\n"
        "+++ /dev/null\n"
        "@@ -1 +0,0 @@\n"
        "-a\n"
    )


def test_changes_that_share_context_share_a_hunk() -> None:
    lines = [b"%d\n" % number for number in range(30)]
    near, far = list(lines), list(lines)
    near[5] = near[12] = far[5] = far[13] = b"x\n"
    for after, hunks in ((near, 1), (far, 2)):
        change = FileChange("a", b"".join(lines), b"".join(after))
        assert unified_patch(Changeset((change,))).count(b"\n@@ ") == hunks


def test_modes_stay_and_git_is_content(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    changeset = Changeset(
        (FileChange("run.sh", b"a\n", b"b\n"), FileChange("sub/old.sh", b"a\n", None))
    )
    for change in changeset.changes:
        path = tmp_path / change.path
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a\n")
        path.chmod(0o755)
    patch = unified_patch(changeset, executable={"run.sh", "sub/old.sh"})
    git(tmp_path, "add", ".")
    assert git(tmp_path, "apply", "--index", "-", stdin=patch) == ""
    assert tree(tmp_path) == {"run.sh": b"b\n"}
    assert (tmp_path / "run.sh").stat().st_mode & 0o777 == 0o755


def test_nothing_to_say() -> None:
    assert unified_patch(Changeset()) == b""
