"""The smoke-test script of a stack, as text."""

from __future__ import annotations

import pkgutil
import posixpath
import shlex
from collections.abc import Iterable

from composerefactor.catalog.catalog import Catalog
from composerefactor.compose.entrypoint import EntryPoint
from composerefactor.compose.project import Project
from composerefactor.smoketest.checks import Kept, ending, endpoints, kept
from composerefactor.smoketest.isolation import isolation, left_out
from composerefactor.topology.stack import Stack

_RUNNER = "smoketest.sh"
_ANSWER_WITHIN = 30
_TIMEOUT = 300
_PAUSE = 3

_HEADER = """\
#!/bin/sh
# Smoke test of {title}: is it valid, does it start, is it healthy, does it answer, does it keep its
# data? It needs docker with Compose v2.24.6 or later, and curl or wget. {name} --help says more.
#
# Written by composerefactor; write it anew when services, ports or volumes change. It holds no
# value of a variable: what a client needs to log in is read in the container.
"""


def smoke_test(
    project: Project, stack: Stack, catalog: Catalog, *, directory: str, name: str
) -> str:
    """Return a POSIX shell script that checks *stack* of *project*.

    *directory* leads from the directory of the script to the project root; *name* is the script's.
    """
    data = kept(project, stack, catalog)
    parts = [
        _HEADER.format(title=" ".join(stack.entry.title.split()), name=name),
        _settings(stack.entry, directory),
        _compose(stack.entry),
        _ends(stack),
        _left_out(stack),
        _function(
            "endpoints",
            (
                _call("endpoint", each.service, each.target, each.scheme, each.path, each.expects)
                for each in endpoints(project, stack, catalog)
            ),
        ),
        _function("data", map(_keeps, data)),
        _clients(data),
        "write_isolation() {\n  cat <<'END'\n" + isolation(project, stack, catalog) + "END\n}\n",
    ]
    runner = (pkgutil.get_data(__package__ or "", _RUNNER) or b"").decode()
    return "\n".join(parts) + runner


def _settings(entry: EntryPoint, directory: str) -> str:
    there = posixpath.normpath(posixpath.join(directory, entry.directory))
    return (
        f"directory={shlex.quote(there)}\n"
        f"timeout={_TIMEOUT} answer_within={_ANSWER_WITHIN} pause={_PAUSE}\n"
    )


def _compose(entry: EntryPoint) -> str:
    """Return the function that runs Compose as *entry* does, on the copy where there is one."""
    options = [word for file in entry.files for word in ("--file", _from(entry, file))]
    after = [word for file in entry.env_files for word in ("--env-file", _from(entry, file))]
    if entry.project_directory is not None:
        after += ["--project-directory", _from(entry, entry.project_directory)]
    after += [word for profile in entry.profiles for word in ("--profile", profile)]
    running = [*after, *(("--project-name", entry.project_name) if entry.project_name else ())]
    return (
        "compose() {\n"
        '  if [ -n "${project:-}" ] && [ "$mode" = isolated ]; then\n'
        '    set -- --file "$isolation" --project-name "$project"'
        f'{_words(after)} "$@"\n'
        + (f'  else\n    set --{_words(running)} "$@"\n' if running else "")
        + "  fi\n"
        f'  docker_compose{_words(options)} "$@"\n'
        "}\n"
    )


def _from(entry: EntryPoint, path: str) -> str:
    """Return *path*, relative to the root, as it is from the directory of *entry*."""
    return path if path.startswith("/") else posixpath.relpath(path, entry.directory)


def _ends(stack: Stack) -> str:
    """Return the function that tells of a service whether it ends by itself."""
    found = ending(stack)
    lines = [
        f"    {' | '.join(map(shlex.quote, names))}) echo {answer} ;;\n"
        for answer, is_certain in (("yes", True), ("maybe", False))
        if (names := [name for name, certain in found.items() if certain is is_certain])
    ]
    return "ends() {\n  case $1 in\n" + "".join(lines) + "    *) echo no ;;\n  esac\n}\n"


def _left_out(stack: Stack) -> str:
    calls = (_call("report", "SKIP", name, why) for name, why in left_out(stack).items())
    return _function("not_copied", calls)


def _keeps(each: Kept) -> str:
    if each.lost:
        what = f"{each.service} keeps its data"
        return f'if [ "$phase" = read ]; then {_call("report", "SKIP", what, each.lost)}; fi'
    if each.client is None:
        return _call("volume", each.service, each.path)
    return _call("store", each.service, each.client.name)


def _clients(found: Iterable[Kept]) -> str:
    """Return the function that prints the text that a client's container runs."""
    clients = {each.client.name: each.client for each in found if each.client and not each.lost}
    cases = [
        f"    {name})\n      cat <<'END'\n{client.script}END\n      ;;\n"
        for name, client in clients.items()
    ]
    return "client() {\n  case $1 in\n" + "".join(cases) + "    *) return 1 ;;\n  esac\n}\n"


def _function(name: str, calls: Iterable[str]) -> str:
    return f"{name}() {{\n" + "".join(f"  {call}\n" for call in calls) + "  return 0\n}\n"


def _call(name: str, *arguments: str) -> str:
    return name + _words(arguments)


def _words(words: Iterable[str]) -> str:
    return "".join(f" {shlex.quote(word)}" for word in words)
