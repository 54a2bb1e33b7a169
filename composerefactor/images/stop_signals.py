"""Whether the program of a service gets the signal with which Docker stops a container.

Docker signals the first process of the container. If that is a shell, it depends on the shell and
on the text whether the program replaces it, or is a process of its own that nobody signals. What is
claimed here has been measured with dash 0.5.12, bash 5.2 and the ash of busybox 1.35, each as the
first process, and with npm 6, 8, 10 and 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from composerefactor.compose.definitions import known_text_of
from composerefactor.compose.project import Project
from composerefactor.compose.services import Service
from composerefactor.errors import Location
from composerefactor.images.dockerfiles import Chain, Instruction, chain_of, context_reader
from composerefactor.images.health.probes import shell_of
from composerefactor.images.health.servers import read_json

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_SHELL_OPTIONS = re.compile(r"-[a-z]*c|-o")
_INITS = frozenset({"tini", "tini-static", "docker-init", "catatonit"})
"""Programs that pass a signal on to their child alone, as ``init: true`` does."""

_HANDLES = re.compile(r"(?<![\w-])(?:exec|trap)(?![\w-])")
_WORD = re.compile(r"[^\s'\"$`\\;|&<>(){}]+")
_SEPARATOR = re.compile(r"&&|\|\||[;|\n]|(?<![<>&])&(?![>&])")
_QUOTED = re.compile(
    r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`", re.DOTALL
)
_FILTERS = frozenset({"tee", "cat", "sed", "awk", "grep", "ts", "jq", "logger", "pino-pretty"})
_ALTERNATIVES = frozenset({"true", ":", "exit", "echo", "false"})
_NO_PROGRAMS = frozenset(
    {
        *("true", "false", ":", "echo", "printf", "exit", "sleep", "wait", "cd", "tail", "cat"),
        *("return", "fi", "done", "esac", "}", ")", "set", "export", "ls", "touch", "kill", "rm"),
        *("sh", "bash", "if", "while", "until", "for", "case", "test", "[", ".", "source", "eval"),
    }
)
_RUNNERS = frozenset({"npm", "npx", "yarn", "pnpm"})
_INTERPRETERS = frozenset({"python", "python3", "node", "ruby", "php", "deno", "bun"})

Reason = Literal["list", "pipe", "loop", "npm"]
"""What is between Docker and the program: the end of a list of commands, a pipe, a loop, npm."""


class LostSignal(Struct, frozen=True):
    """A program that does not get the stop signal.

    Attributes:
        reason: What is between Docker and the program.
        shell: The program that gets the signal: that of the shell, or ``npm``.
        program: The program that does not, without its options; ``""`` for a loop.
        has_init: Whether an init is the first process: then all end at once.
        location: Where the command is written.
        last: The last command of the text for the shell, if that starts the program.
    """

    reason: Reason
    shell: str
    program: str
    has_init: bool
    location: Location
    last: str = ""

    @property
    def takes_exec(self) -> bool:
        """Whether the program gets the signal, and is likely to handle it, with ``exec``."""
        is_program = not self.runs_script and not self.starts_others
        return bool(self.last) and is_program and "=" not in _first_word(self.last)

    @property
    def runs_script(self) -> bool:
        """Whether an interpreter is the program, which may have no handler for the signal.

        As the first process it then ignores the signal: the kernel has no default for that one.
        """
        return _first_word(self.program) in _INTERPRETERS

    @property
    def starts_others(self) -> bool:
        """Whether the program starts the server with a shell of its own, as npm does."""
        return _first_word(self.program) in _RUNNERS


def is_killed(service: Service) -> bool:
    """Return whether *service* asks for SIGKILL, which ends every program at once."""
    signal = service.value("stop_signal")
    return signal is not None and signal.known_text in {"SIGKILL", "KILL", "9"}


def lost_signal(project: Project, service: Service) -> LostSignal | None:
    """Return why the program of *service* does not get the stop signal; None if it may get it."""
    process = _first_process(project, service)
    if process is None:
        return None
    words, has_init, location, image_shell = process
    first = words[0].rpartition("/")[2] if words else ""
    if first == "npm" and image_shell == "dash":
        program = _name(_script(project, service, words[1:]))
        return LostSignal("npm", "npm", program, has_init, location) if program else None
    if first not in _SHELLS or len(words) < 3 or not _SHELL_OPTIONS.fullmatch(words[1]):  # noqa: PLR2004
        return None
    shell = (image_shell or "") if first == "sh" else first
    found = _in_text(words[2], shell)
    return LostSignal(found[0], first, found[1], has_init, location, found[2]) if found else None


def script_as_first_process(project: Project, service: Service) -> str:
    """Return the script that is the first process of *service*, such as ``node server.js``.

    As the first process it ends at the stop signal only if it handles it. ``""`` if there is none,
    or if an init is the first process.
    """
    process = _first_process(project, service)
    if process is None or process[1]:
        return ""
    name = _name(" ".join(process[0][:2]))
    return name if " " in name and _first_word(name) in _INTERPRETERS else ""


def _first_process(
    project: Project, service: Service
) -> tuple[tuple[str, ...], bool, Location, str | None] | None:
    """Return what Docker starts, or the init that it starts: the words, and whether there is one.

    Where it is written and the shell of the image come with it. None if it is not known, or if the
    init signals all processes.
    """
    chain, dockerfile = _chain(project, service)
    started = _started(service, chain, dockerfile)
    if started is None:
        return None
    words, location = started
    init = service.value("init")
    has_init = init is not None and init.known_text in {"true", "yes"}
    if words and words[0].rpartition("/")[2] in _INITS:
        if "-g" in words[: words.index("--") if "--" in words else 2]:
            return None
        words, has_init = words[1 + words[1:2].count("--") :], True
    return words, has_init, location, shell_of(chain) if chain is not None else None


def _chain(project: Project, service: Service) -> tuple[Chain | None, str]:
    """Return how the image of *service* is built, and the path of its Dockerfile.

    An image that is pulled has no instructions; None if the Dockerfile cannot be read.
    """
    if service.build is None:
        image = known_text_of(service.image)
        return (Chain(image, ()) if image else None), ""
    build = service.build.value
    return chain_of(project, build), build.dockerfile_path if build.inline is None else ""


def _started(
    service: Service, chain: Chain | None, dockerfile: str
) -> tuple[tuple[str, ...], Location] | None:
    """Return the words of the first process of *service*, and where they are written.

    None if they are unknown: the image may have another entrypoint.
    """

    def place(instruction: Instruction) -> Location:
        return Location(dockerfile, instruction.line) if dockerfile else service.location

    own_entry, own_command = service.entrypoint, service.command
    if own_entry is not None and own_entry.value:
        value = own_command.value if own_command is not None else ()
        return (*own_entry.value, *value), own_entry.location
    entry = chain.last("ENTRYPOINT") if chain is not None and own_entry is None else None
    if chain is None or (service.build is None and not shell_of(chain)):
        return None
    command = chain.last("CMD") if own_command is None and own_entry is None else None
    if entry is not None:
        if entry.words is None:
            return entry.command, place(entry)
        words = (*entry.words, *(own_command.value if own_command else ()))
        words = (*words, *(command.command if command else ()))
        return words, own_command.location if own_command else place(command or entry)
    if own_command is not None:
        return own_command.value, own_command.location
    return (command.command, place(command)) if command is not None else None


def _in_text(text: str, shell: str) -> tuple[Reason, str, str] | None:
    """Return why a *shell* does not pass a signal on to the program of *text*, and its name.

    The last command comes with it, if it starts the program. *shell* is ``""`` if it is unknown.
    dash starts each command as a process. The others replace themselves with the last command of a
    list, but not with one in a pipe or before ``||``.
    """
    # Quoted text stays as long as it is: only its separators are hidden.
    plain = _QUOTED.sub(lambda match: re.sub(r"[^\s]|\n", "_", match[0]), text).rstrip(" \t\r\n;")
    if _HANDLES.search(plain):
        return None
    parts = list(_parts(plain, text))
    separator, last = parts[-1]
    first = _first_word(last)
    reason: Reason = "list"
    program = ""
    if any(each == "&" for each, _ in parts):
        return None
    if first == "done" and any(_first_word(each) in {"while", "until"} for _, each in parts):
        return "loop", "", ""
    if separator == "|" and first in _FILTERS:
        reason, program = "pipe", _name(parts[-2][1])
    elif separator == "||" and first in _ALTERNATIVES:
        program = _name(parts[-2][1])
    elif separator not in {"|", "||"} and shell == "dash":
        program = _name(last)
        return (reason, program, last) if program else None
    return (reason, program, "") if program else None


def _parts(plain: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of *text* with the separator before it, ``""`` for the first."""
    separator, start = "", 0
    for match in _SEPARATOR.finditer(plain):
        if plain[start : match.start()].strip():
            yield separator, text[start : match.start()].strip()
            separator = match[0]
        start = match.end()
    yield separator, text[start : len(plain)].strip()


def _first_word(command: str) -> str:
    return next(iter(command.split()), "")


def _name(command: str) -> str:
    """Return the program of *command* without options, ``""`` if it is none that runs for long."""
    words = command.split()
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        del words[0]
    if not words or not _WORD.fullmatch(words[0]) or words[0].rpartition("/")[2] in _NO_PROGRAMS:
        return ""
    program = words[0].rpartition("/")[2]
    shown = program in _INTERPRETERS | _RUNNERS and len(words) > 1 and _WORD.fullmatch(words[1])
    return f"{program} {words[1]}" if shown and not words[1].startswith("-") else program


def _script(project: Project, service: Service, arguments: tuple[str, ...]) -> str:
    """Return the command line of the script that npm runs with *arguments*, ``""`` without one."""
    match arguments:
        case ("start",):
            name = "start"
        case ("run" | "run-script", str(name)):
            pass
        case _:
            return ""
    if service.build is None:
        return ""
    package = read_json(context_reader(project, service.build.value), "package.json")
    scripts = package.get("scripts")
    command = scripts.get(name) if isinstance(scripts, Mapping) else None
    if not isinstance(command, str) or re.search(r"[;|&\n]", command) or _HANDLES.search(command):
        return ""
    return command
