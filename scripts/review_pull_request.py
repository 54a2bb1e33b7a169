"""The program of ``action.yml``: reviews a pull request, comments on it, and writes SARIF.

It runs ``composerefactor diff`` from the base of the pull request to the commit that is checked
out. It reads the variables that GitHub Actions sets, and REVIEW_PATH, REVIEW_FAIL_ON,
REVIEW_COMMENT, REVIEW_ANNOTATIONS and REVIEW_ARGUMENTS. Apart from the tool, it needs only the
standard library of Python.

The checkout is written by the author of the pull request: no Python file in it is imported, and
the programs that read it do not get the token.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PER_PAGE = 100
MAX_PAGES = 30
_SECONDS = 30
_TOKENS = ("GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_")
"""How the names of variables begin that only this process may know."""
_REPORTS = ("json", "markdown", "sarif")


@dataclass(frozen=True, slots=True)
class Request:
    """The pull request of a workflow run: *base* and *head* are commits."""

    repository: str
    number: int
    base: str
    head: str


class ApiError(Exception):
    """A request to GitHub has failed; the message is one line."""


class Api:
    """GitHub's REST API with the token of the workflow."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise SystemExit(f"GITHUB_API_URL is not a URL: {url}")
        self._url, self._token = url.rstrip("/"), token

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON of the response; raises ApiError if there is none."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self._url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise ApiError(f"GitHub returned {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ApiError(f"GitHub could not be reached: {reason}") from error

    def comments(self, request: Request) -> Iterator[dict[str, Any]]:
        """Yield the comments on *request*, the oldest first."""
        for page in range(1, MAX_PAGES + 1):
            path = f"/repos/{request.repository}/issues/{request.number}/comments"
            found = self.request("GET", f"{path}?per_page={PER_PAGE}&page={page}")
            yield from found
            if len(found) < PER_PAGE:
                return

    def merge_base(self, request: Request) -> str:
        """Return the commit at which *request* branched off its base."""
        path = f"/repos/{request.repository}/compare/{request.base}...{request.head}"
        return str(self.request("GET", f"{path}?per_page=1")["merge_base_commit"]["sha"])


def main() -> int:
    """Review, and return 0; the output ``failed`` says whether the workflow has to fail."""
    environ = dict(os.environ)
    for name in environ:
        if name.startswith(_TOKENS):
            del os.environ[name]
    request = pull_request(json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text("utf-8")))
    if request is None:
        print("::notice::not a pull request: nothing to review")
        return 0
    api = Api(environ.get("GITHUB_API_URL", "https://api.github.com"), environ["GITHUB_TOKEN"])
    directory = Path(environ.get("REVIEW_PATH") or ".")
    temporary = Path(environ.get("RUNNER_TEMP") or ".").absolute()
    files = {form: temporary / f"composerefactor.{form}" for form in _REPORTS}
    try:
        old = old_commit(api, request)
    except ApiError as error:
        raise SystemExit(f"::error::{error}") from None
    failed = diff(old, directory, files)
    document = json.loads(files["json"].read_text("utf-8"))
    markdown = files["markdown"].read_text("utf-8")
    append("GITHUB_STEP_SUMMARY", markdown)
    if environ.get("REVIEW_COMMENT") == "true":
        comment(api, request, directory, markdown, differs=bool(document["differs"]))
    outputs = {
        "risk": document["risk"],
        "changes": len(document["changes"]),
        "sarif": files["sarif"],
        "failed": str(failed).lower(),
    }
    append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items()))
    return 0


def pull_request(event: dict[str, Any]) -> Request | None:
    """Return the pull request in the *event* of a webhook, None if it is about something else."""
    pull = event.get("pull_request")
    if not pull:
        return None
    return Request(
        event["repository"]["full_name"],
        int(pull["number"]),
        pull["base"]["sha"],
        pull["head"]["sha"],
    )


def old_commit(api: Api, request: Request) -> str:
    """Return the commit to compare with; fetch it if it is not in the checkout.

    If the merge commit is checked out, which is the default of ``actions/checkout``, this is the
    tip of the base. If the head is checked out, it is the commit at which the head branched off:
    later commits on the base are not changes of the pull request.
    """
    old = api.merge_base(request) if git("rev-parse", "HEAD") == request.head else request.base
    if not has_commit(old):
        git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", old)
    return old


def has_commit(name: str) -> bool:
    """Return whether the checkout contains the commit."""
    command = [program("git"), "cat-file", "-e", f"{name}^{{commit}}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def git(*arguments: str) -> str:
    """Return the output of git; exits with its error message if it fails."""
    done = subprocess.run(
        [program("git"), *arguments], check=False, capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def program(name: str) -> str:
    """Return the path of a program; exits if it is not found."""
    path = shutil.which(name)
    if path is None:
        raise SystemExit(f"{name} was not found")
    return path


def diff(old: str, directory: Path, files: Mapping[str, Path]) -> bool:
    """Write the review to *files*, by format; return whether the check has to fail.

    It also prints the annotations, if they are wanted. ``-I`` keeps Python from looking for modules
    in the current directory, which is that of the pull request, and in PYTHONPATH.
    """
    environ = os.environ
    annotations = environ.get("REVIEW_ANNOTATIONS") == "true"
    command = [
        *(sys.executable, "-I", "-m", "composerefactor", "diff", old, ".", "--quiet"),
        *(("--format", "github") if annotations else ()),
        *(word for form, file in files.items() for word in ("--report", f"{form}={file}")),
        *(
            word
            for kind in environ.get("REVIEW_FAIL_ON", "").split()
            for word in ("--fail-on", kind)
        ),
        *shlex.split(environ.get("REVIEW_ARGUMENTS", "")),
    ]
    code = subprocess.run(command, cwd=directory, check=False).returncode
    if code not in {0, 1}:
        raise SystemExit(code)
    return code == 1


def comment(api: Api, request: Request, directory: Path, markdown: str, *, differs: bool) -> None:
    """Write *markdown* to the comment of the action; create one only if the states differ."""
    marker = f"<!-- composerefactor diff {directory.as_posix()} -->"
    body = {"body": f"{marker}\n{markdown}"}
    try:
        known = next(
            (each for each in api.comments(request) if str(each["body"]).startswith(marker)), None
        )
        if known is not None:
            api.request("PATCH", f"/repos/{request.repository}/issues/comments/{known['id']}", body)
        elif differs:
            path = f"/repos/{request.repository}/issues/{request.number}/comments"
            api.request("POST", path, body)
    except ApiError as error:  # such as for a fork, whose token is read-only
        print(f"::warning::no comment was written: {error}")


def append(variable: str, text: str) -> None:
    """Append *text* to the file that the environment's *variable* names, if it names one."""
    name = os.environ.get(variable)
    if name:
        with Path(name).open("a", encoding="utf-8") as stream:
            stream.write(text)


if __name__ == "__main__":
    sys.exit(main())
