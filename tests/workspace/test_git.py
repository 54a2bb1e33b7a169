"""What git knows about paths; these git commands run no code and write nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from composerefactor.errors import InputError
from composerefactor.workspace import git as git_module
from composerefactor.workspace.git import Repository, export, find_repository

Fill = Callable[[Path, Mapping[str, bytes]], None]
Git = Callable[..., str]


@pytest.fixture
def repository(project: Path, git: Git, fill: Fill) -> Repository:
    """A project at the top level with one commit of its files."""
    git("init", "--quiet")
    fill(project, {"compose.yaml": b"a\n", "deploy/compose.yaml": b"b\n", "ü x.yml": b"c\n"})
    git("add", ".")
    git("commit", "--quiet", "--message", "x")
    found = find_repository(project)
    assert found is not None
    return found


def test_without_repository(project: Path, git: Git) -> None:
    assert find_repository(project) is None


def test_without_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_repository(repository.root) is None


def test_top_level_and_prefix(repository: Repository) -> None:
    assert repository.top.samefile(repository.root)
    assert repository.prefix == ""
    below = find_repository(repository.root / "deploy")
    assert below is not None
    assert below.top == repository.top
    assert below.prefix == "deploy"


def test_inside_of_the_git_directory(repository: Repository) -> None:
    assert find_repository(repository.root / ".git") is None


def test_variables_that_git_sets_for_hooks(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert find_repository(repository.root) == repository
    assert repository.dirty(["compose.yaml"]) == {}


def test_damaged_repository(repository: Repository) -> None:
    (repository.root / ".git/config").write_text("[broken")
    with pytest.raises(InputError, match=r"git failed: .*bad config"):
        find_repository(repository.root)


def test_ignored(repository: Repository, fill: Fill, tmp_path: Path) -> None:
    rules = b"*.local.yml\n/docker-compose/\n!keep.local.yml\ncompose.yaml\n"
    fill(
        repository.root,
        {".gitignore": rules, "deploy/.gitignore": b"secret*\n", ".git/info/exclude": b"*.tmp\n"},
    )
    assert repository.is_ignored([]) == {}
    assert repository.is_ignored(["new.yml", "compose.yaml"]) == {}
    assert repository.is_ignored(
        [
            "a/b.local.yml",
            "docker-compose/x/ü z.yml",
            "keep.local.yml",
            "deploy/secret.env",
            "x.tmp",
            ":x.tmp",
        ]
    ) == {
        "a/b.local.yml": ".gitignore:1:*.local.yml",
        "docker-compose/x/ü z.yml": ".gitignore:2:/docker-compose/",
        "deploy/secret.env": "deploy/.gitignore:1:secret*",
        "x.tmp": ".git/info/exclude:1:*.tmp",
        ":x.tmp": ".git/info/exclude:1:*.tmp",
    }


@pytest.fixture
def with_submodule(repository: Repository, git: Git, fill: Fill, tmp_path: Path) -> Repository:
    """The repository with the submodule ``lib``, and the link ``linked`` to one of its files."""
    source = tmp_path / "lib"
    source.mkdir()
    git("init", "--quiet", str(source))
    fill(source, {"a.yml": b"a\n", ".gitignore": b"*.tmp\n"})
    git("-C", str(source), "add", ".")
    git("-C", str(source), "commit", "--quiet", "--message", "x")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "lib")
    (repository.root / "linked").symlink_to("lib/a.yml")
    (repository.root / "out").symlink_to("../../secret")
    (repository.root / "here").symlink_to(".")
    (repository.root / "round").symlink_to("here/../../secret")
    git("add", ".")
    git("commit", "--quiet", "--message", "y")
    return repository


def test_files_of_a_submodule(with_submodule: Repository, fill: Fill) -> None:
    repository = with_submodule
    fill(repository.root, {"lib/a.yml": b"b\n", "lib/new.yml": b"c\n"})
    assert repository.is_ignored(["lib/a.yml", "lib/x.tmp", "here/x.yml", "new.yml"]) == {
        "lib/x.tmp": ".gitignore:1:*.tmp"
    }
    assert repository.is_tracked("lib/a.yml")
    assert not repository.is_tracked("lib/new.yml")
    assert repository.dirty(["lib/a.yml", "lib/new.yml", "compose.yaml"]) == {
        "lib/a.yml": "changed since the last commit",
        "lib/new.yml": "not tracked by git",
    }


def test_export_with_submodules_and_links(with_submodule: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (with_submodule.root / "lib/a.yml").write_text("changed\n")
    exported = export(with_submodule, "HEAD", tmp_path / "export").root
    assert (exported / "linked").read_bytes() == b"a\n"
    assert (exported / "here/compose.yaml").read_bytes() == b"a\n"
    assert not os.path.lexists(exported / "out")
    assert not os.path.lexists(exported / "round")


def test_the_files_of_submodules_count_for_the_limit(
    with_submodule: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = sum(entry.size or 0 for entry in git_module._entries_of(with_submodule, "HEAD^{tree}"))
    monkeypatch.setattr(git_module, "MAX_EXPORTED_TOTAL", own)
    with pytest.raises(InputError, match="too large"):
        export(with_submodule, "HEAD", tmp_path / "export")


def test_ignored_below_the_top_level(repository: Repository, fill: Fill) -> None:
    fill(repository.root, {".gitignore": b"services/\n", "deploy/.gitignore": b"*.x\n"})
    below = find_repository(repository.root / "deploy")
    assert below is not None
    assert below.is_ignored(["services/a.yml", "b.x", "c.yml"]) == {
        "services/a.yml": ".gitignore:1:services/",
        "b.x": "deploy/.gitignore:1:*.x",
    }


def test_dirty(repository: Repository, fill: Fill, git: Git) -> None:
    paths = ["compose.yaml", "deploy/compose.yaml", "ü x.yml", "new.yml", "ignored.yml", "none.yml"]
    assert repository.dirty(paths) == {}
    fill(
        repository.root,
        {"compose.yaml": b"1\n", "ü x.yml": b"2\n", "new.yml": b"", "ignored.yml": b""}
        | {".gitignore": b"ignored.yml\n", "unrelated": b""},
    )
    git("add", "ü x.yml")
    assert repository.dirty(paths) == {
        "compose.yaml": "changed since the last commit",
        "ü x.yml": "staged but not committed",
        "new.yml": "not tracked by git",
        "ignored.yml": "not tracked by git",
    }
    assert repository.dirty(["deploy/compose.yaml"]) == {}


def test_dirty_below_the_top_level(repository: Repository, fill: Fill) -> None:
    fill(repository.root, {"deploy/compose.yaml": b"1\n", "deploy/new": b""})
    below = find_repository(repository.root / "deploy")
    assert below is not None
    assert below.dirty(["compose.yaml", "new"]) == {
        "compose.yaml": "changed since the last commit",
        "new": "not tracked by git",
    }


def test_dirty_names_are_no_patterns(repository: Repository, fill: Fill) -> None:
    fill(repository.root, {"compose.yaml": b"1\n"})
    assert repository.dirty(["*.yaml", ":/compose.yaml"]) == {}


def test_dirty_before_the_first_commit(project: Path, git: Git, fill: Fill) -> None:
    git("init", "--quiet")
    fill(project, {"a": b"", "b": b""})
    git("add", "a")
    found = find_repository(project)
    assert found is not None
    assert found.dirty(["a", "b"]) == {"a": "staged but not committed", "b": "not tracked by git"}


def test_merge_conflict(repository: Repository, fill: Fill, git: Git) -> None:
    git("checkout", "--quiet", "-b", "other")
    for branch, content in (("other", b"1\n"), ("-", b"2\n")):
        if branch == "-":
            git("checkout", "--quiet", "-")
        fill(repository.root, {"compose.yaml": content})
        git("commit", "--quiet", "--all", "--message", "x")
    git("-c", "merge.conflictStyle=merge", "read-tree", "-m", "HEAD~1", "HEAD", "other")
    assert repository.dirty(["compose.yaml"]) == {"compose.yaml": "has a merge conflict"}


def test_more_paths_than_one_call_takes(repository: Repository, fill: Fill) -> None:
    names = [f"many/{number}" for number in range(450)]
    fill(repository.root, dict.fromkeys(names, b""))
    assert set(repository.dirty(names)) == set(names)


def test_nothing_of_the_repository_is_run(repository: Repository, fill: Fill, git: Git) -> None:
    marker = repository.root / "ran"
    script = repository.root / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    script.chmod(0o755)
    fill(repository.root, {".gitattributes": b"* filter=evil\n"})
    for name in ("core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "core.pager"):
        git("config", name, str(script))
    git("config", "filter.evil.required", "true")
    fill(repository.root, {"compose.yaml": b"z\n"})
    os.utime(repository.root / "deploy/compose.yaml", (1, 1))
    index = (repository.root / ".git/index").read_bytes()
    found = find_repository(repository.root)
    assert found is not None
    found.is_ignored(["compose.yaml", "x"])
    assert found.dirty(["compose.yaml", "deploy/compose.yaml", "x"]) == {
        "compose.yaml": "changed since the last commit"
    }
    assert not marker.exists()
    assert (repository.root / ".git/index").read_bytes() == index
