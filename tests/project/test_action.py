"""The GitHub Action: a recorded event, a local server in GitHub's place, the real engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.commandline import write
from support.nodes import values

ROOT = Path(__file__).parents[2]
EVENT = (Path(__file__).parent / "events/pull_request.json").read_text(encoding="utf-8")
OLD = "services:\n  db:\n    image: postgres:16\n"
NEW = f"{OLD}    ports: ['5432:5432']\n    environment: {{DB_PASSWORD: correct-horse}}\n"
COMMENTS = "/repos/octo/shop/issues/17/comments"


@dataclass
class GitHub:
    """What the server knows and was asked; *status* refuses every comment."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    merge_base: str = ""
    status: int = 200
    url: str = ""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and value for a request, as GitHub's documentation has it."""
        self.asked.append(f"{method} {path}")
        place, _, query = path.partition("?")
        if place.startswith("/repos/octo/shop/compare/"):
            return 200, {"merge_base_commit": {"sha": self.merge_base}}
        if method == "GET" and place == COMMENTS:
            page = int(re.findall(r"\bpage=(\d+)", query)[0])
            return 200, self.comments[(page - 1) * 100 : page * 100]
        if self.status != 200:
            return self.status, {"message": "Resource not accessible by integration"}
        if method == "POST" and place == COMMENTS:
            self.comments.append({"id": 1000 + len(self.comments), **body})
            return 201, self.comments[-1]
        number = re.fullmatch(r"/repos/octo/shop/issues/comments/(\d+)", place)
        if method == "PATCH" and number:
            found = next(one for one in self.comments if one["id"] == int(number[1]))
            found |= body
            return 200, found
        return 404, {"message": "Not Found"}


@pytest.fixture
def github() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers["Authorization"] != "Bearer token-of-the-run":
                status, value = 401, {"message": "Bad credentials"}
            else:
                status, value = state.answer(
                    self.command, self.path, json.loads(body) if body else None
                )
            text = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(frozen=True, slots=True)
class Done:
    """What a run of the action's script left behind."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]
    summary: str


Review = Callable[..., Done]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a pull request, and beside it a shallow checkout of its merge commit."""
    origin = tmp_path_factory.mktemp("github") / "origin"
    write(origin, {"docker-compose.yml": OLD, "README.md": "shop\n"})
    _git(origin, "init", "-q", "-b", "main")
    _git(origin, "add", "-A")
    _git(origin, "commit", "-qm", "start")
    _git(origin, "checkout", "-qb", "publish")
    write(origin, {"docker-compose.yml": NEW})
    _git(origin, "commit", "-qam", "publish")
    _git(origin, "checkout", "-q", "main")
    write(origin, {"README.md": "the shop\n", "other.yml": "services: {x: {image: y}}\n"})
    _git(origin, "add", "-A")
    _git(origin, "commit", "-qm", "elsewhere")
    _git(origin, "checkout", "-qb", "merge")
    _git(origin, "merge", "-q", "--no-ff", "-m", "merge", "publish")
    _git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    clone = ("clone", "-q", "--depth=1", "--branch=merge", f"file://{origin}", "checkout")
    _git(origin.parent, *clone)
    return origin


@pytest.fixture
def checkout(origin: Path, tmp_path: Path) -> Path:
    """A shallow checkout of a merge commit, as ``actions/checkout`` makes it."""
    return Path(shutil.copytree(origin.parent / "checkout", tmp_path / "checkout"))


@pytest.fixture
def review(checkout: Path, origin: Path, github: GitHub, engine: Path, tmp_path: Path) -> Review:
    def run(**given: str) -> Done:
        event = EVENT.replace("BASE_SHA", _git(origin, "rev-parse", "main"))
        event = event.replace("HEAD_SHA", _git(origin, "rev-parse", "publish"))
        files = {n: tmp_path / n for n in ("event.json", "output", "summary.md")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        files["event.json"].write_text(given.pop("event", event), encoding="utf-8")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_EVENT_PATH": str(files["event.json"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary.md"]),
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": "token-of-the-run",
            "REVIEW_PATH": ".",
            "REVIEW_COMMENT": "true",
            "REVIEW_ANNOTATIONS": "true",
            "REVIEW_ARGUMENTS": f"--engine {engine}",
            **given,
        }
        done = subprocess.run(
            [sys.executable, "-I", str(ROOT / "scripts/review_pull_request.py")],
            cwd=checkout,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        outputs = files["output"].read_text(encoding="utf-8").splitlines()
        return Done(
            done.returncode,
            done.stdout,
            done.stderr,
            dict(line.split("=", 1) for line in outputs),
            files["summary.md"].read_text(encoding="utf-8"),
        )

    return run


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments]
    return subprocess.run(
        command, cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_comment_is_begun_and_kept_up_to_date(
    review: Review, github: GitHub, checkout: Path
) -> None:
    github.comments += [{"id": n, "body": f"remark {n}"} for n in range(120)]
    done = review(REVIEW_FAIL_ON="high")
    assert done.code == 0, done.err
    assert done.outputs == {
        "risk": "high",
        "changes": "2",
        "sarif": done.outputs["sarif"],
        "failed": "true",
    }
    assert len(github.comments) == 121
    body = github.comments[-1]["body"]
    assert body.startswith("<!-- composerefactor diff . -->\n### Compose changes")
    assert "5432" in body
    assert "docker-compose.yml:4" in body
    assert "other.yml" not in body  # what happened on the base meanwhile
    assert "correct-horse" not in body + done.summary + done.out
    assert done.summary in body
    assert "::error file=docker-compose.yml,line=4,title=port-opened-to-the-world::" in done.out
    log = json.loads(Path(done.outputs["sarif"]).read_text(encoding="utf-8"))
    assert len(log["runs"][0]["results"]) == 2

    write(checkout, {"docker-compose.yml": OLD})
    again = review(REVIEW_FAIL_ON="high")
    assert again.outputs["failed"] == "false"
    assert len(github.comments) == 121
    assert "equal, 0 containers recreated" in github.comments[-1]["body"]


def test_without_changes_no_comment_is_begun(
    review: Review, github: GitHub, checkout: Path
) -> None:
    write(checkout, {"docker-compose.yml": OLD})
    done = review()
    assert (done.code, github.comments) == (0, []), done.err
    assert done.outputs["risk"] == "none"


def test_with_the_head_checked_out_the_merge_base_counts(
    review: Review, github: GitHub, checkout: Path, origin: Path
) -> None:
    github.merge_base = _git(origin, "merge-base", "main", "publish")
    _git(checkout, "fetch", "-q", "--depth=1", "origin", "publish")
    _git(checkout, "checkout", "-q", "FETCH_HEAD")
    done = review()
    assert done.code == 0, done.err
    assert any("/compare/" in each for each in github.asked)
    assert "is gone" not in github.comments[-1]["body"]
    assert done.outputs["changes"] == "2"


@pytest.mark.long
def test_a_fork_cannot_comment(review: Review, github: GitHub) -> None:
    github.status = 403
    done = review()
    assert done.code == 0, done.err
    assert "::warning::no comment was written" in done.out
    assert "403" in done.out
    assert "5432" in done.summary


MODULES = ("click", "secrets", "sitecustomize", "usercustomize", "json", "queue", "transforms")
BUILD = "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n"


def test_nothing_of_the_checkout_is_imported_and_no_program_gets_the_token(
    review: Review, github: GitHub, checkout: Path, tmp_path: Path
) -> None:
    mark = f"open({str(tmp_path / 'imported')!r}, 'a').write(__name__)\n"
    hostile = {f"{name}.py": mark for name in MODULES}
    hostile |= {"composerefactor/__init__.py": mark, "setup.py": mark, "pyproject.toml": BUILD}
    write(checkout, {**hostile, "x.pth": f"import os; {mark}"})
    git = shutil.which("git")
    seen = tmp_path / "environment"
    spy = f'#!/bin/sh\nenv >> {shlex.quote(str(seen))}\nexec {git} "$@"\n'
    write(tmp_path / "bin", {"git": spy})
    (tmp_path / "bin/git").chmod(0o755)
    done = review(
        PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        ACTIONS_RUNTIME_TOKEN="token-of-the-run",
    )
    assert (done.code, done.outputs["risk"]) == (0, "high"), done.err
    assert len(github.comments) == 1
    assert not (tmp_path / "imported").exists()
    assert "PATH=" in seen.read_text(encoding="utf-8")
    assert "token-of-the-run" not in seen.read_text(encoding="utf-8")


def test_every_python_of_the_action_is_isolated_from_the_checkout() -> None:
    steps = values((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    lines = [line.strip() for step in steps for line in step.get("run", "").splitlines()]
    pythons = [line for line in lines if re.match(r"\S*(python|PYTHON)", line)]
    assert len(pythons) == 3
    assert all(line.split()[1] == "-I" for line in pythons)


def test_what_the_action_installs_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    names = {pin.partition("==")[0] for pin in pins}
    assert all("==" in pin for pin in pins)
    todo, needed = [("composerefactor", "engine")], set[str]()
    while todo:
        name, extra = todo.pop()
        for requirement in map(Requirement, metadata.requires(name) or []):
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            if wanted and (known := canonicalize_name(requirement.name)) not in needed:
                needed.add(known)
                todo.append((known, ""))
    assert needed <= names


def test_github_cannot_be_reached(review: Review, github: GitHub, checkout: Path) -> None:
    done = review(GITHUB_API_URL="http://127.0.0.1:9")
    assert (done.code, github.asked) == (0, []), done.err
    assert "::warning::no comment was written: GitHub could not be reached" in done.out
    assert "5432" in done.summary
    _git(checkout, "fetch", "-q", "--depth=1", "origin", "publish")
    _git(checkout, "checkout", "-q", "FETCH_HEAD")
    done = review(GITHUB_API_URL="http://127.0.0.1:9")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert done.err.startswith("::error::GitHub could not be reached: ")


def test_another_event(review: Review) -> None:
    done = review(event='{"ref": "refs/heads/main"}')
    assert (done.code, "nothing to review" in done.out) == (0, True)


def test_bad_arguments_end_the_run(review: Review) -> None:
    done = review(REVIEW_FAIL_ON="everything")
    assert done.code == 2
    assert "neither a risk nor a kind of change" in done.err


def test_the_action_is_as_the_script_expects() -> None:
    action = values((ROOT / "action.yml").read_text(encoding="utf-8"))
    review = next(s for s in action["runs"]["steps"] if s.get("id") == "review")
    script = (ROOT / "scripts/review_pull_request.py").read_text(encoding="utf-8")
    assert {name for name in review["env"] if name.startswith("REVIEW_")} == set(
        re.findall(r'"(REVIEW_[A-Z_]+)"', script)
    )
    written = set(re.findall(r'^        "(\w+)": ', script, re.MULTILINE))
    used = set(re.findall(r"steps\.review\.outputs\.(\w+)", json.dumps(action)))
    assert used <= written
    # What a pull request's author writes never becomes shell text.
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
    assert action["inputs"]["sarif"]["default"] == "false"
