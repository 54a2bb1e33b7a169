"""What a container's command starts: which program runs, and where it listens."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.compose.interpolation import expand
from composerefactor.images.health.usage import Usage

_PORT = r"(?P<port>\d{2,5}|\$\{[^}]*\}|\$\w+)"
_OPTIONS = (
    re.compile(rf"--(?:server[._-]|http[._-])?port[= ]['\"]?{_PORT}(?![\w.])"),
    re.compile(rf"-Dserver\.port={_PORT}(?![\w.])"),
    re.compile(rf"(?:--bind|-b|--listen|--http|--addr|-S)[= ]['\"]?[\w.\[\]]*:{_PORT}(?![\w.])"),
    re.compile(rf"\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):{_PORT}(?![\w.:])"),
    re.compile(rf"(?<![\w-])-[pl][= ]?{_PORT}(?![\w.:])"),
    re.compile(rf"(?:^|\s)PORT={_PORT}(?![\w.])"),
)  # fmt: skip
_NUMBER = re.compile(r"\d{2,5}")
_SCRIPT = re.compile(r"\b(?:npm|yarn|pnpm|bun)\s+(?:--\S+\s+)*(?:run\s+)?([\w:.-]+)")
_RUNTIMES = {
    "node": (
        *("node", "npm", "npx", "yarn", "pnpm", "next", "nest", "nodemon", "ts-node", "tsx"),
        *("pm2", "pm2-runtime", "vite"),
    ),
    "python": (
        *("python", "uvicorn", "gunicorn", "hypercorn", "daphne", "flask", "celery", "streamlit"),
        *("fastapi", "waitress-serve", "django-admin", "poetry", "uv", "pipenv"),
    ),
    "python3": ("python3",),
    "ruby": ("ruby", "rails", "bundle", "puma", "unicorn", "rackup", "bin/rails", "./bin/rails"),
    "php": ("php", "php-fpm"),
}


class Server(Struct, frozen=True):
    """A kind of program: *port* is its default, *http* whether it answers HTTP.

    *path* is a page of its own that tells its health. *never* says why it listens nowhere.
    """

    name: str
    port: str = ""
    http: bool = True
    path: str = ""
    never: str = ""


_IDLE = r"\bsleep\s+(?:inf|\d{4,})|\btail\s+-[fF]\s+/dev/null"
_WORKER = (
    r"\brq\s+worker|\bdramatiq\b|\barq\b|\bhuey_consumer|\bartisan\s+(?:queue:|schedule:|horizon)"
)
_ASGI = r"\buvicorn\b|\bhypercorn\b|\bdaphne\b|\bfastapi\s+(?:run|dev)\b"
_SERVERS: tuple[tuple[re.Pattern[str], Server], ...] = tuple(
    (re.compile(pattern), server)
    for pattern, server in (
        (r"\bcelery\b.*\bbeat\b", Server("celery beat", never="celery beat only sends tasks")),
        (r"\bcelery\b.*\bflower\b", Server("flower", "5555")),
        (r"\bcelery\b.*\bworker\b", Server("celery worker")),
        (r"\bsidekiq\b", Server("sidekiq", never="sidekiq takes jobs from a queue")),
        (_WORKER, Server("worker", never="it takes jobs from a queue")),
        (_IDLE, Server("shell", never="it only keeps the container up")),
        (r"(?:^|[\s/])crond?(?:\s|$)", Server("cron", never="cron listens on no port")),
        (r"\bstreamlit\s+run\b", Server("streamlit", "8501", path="/_stcore/health")),
        (_ASGI, Server("ASGI server", "8000")),
        (r"\bgunicorn\b", Server("gunicorn", "8000")),
        (r"\bflask\s+(?:--\S+\s+\S+\s+)*run\b", Server("flask", "5000")),
        (r"\bmanage\.py\s+runserver\b", Server("Django", "8000")),
        (r"\bjupyter\b", Server("Jupyter", "8888")),
        (r"\bmlflow\s+(?:server|ui)\b", Server("MLflow", "5000", path="/health")),
        (r"\bnext\s+(?:start|dev)\b", Server("Next.js", "3000")),
        (r"\bnuxt\b(?!\s+(?:build|generate))", Server("Nuxt", "3000")),
        (r"\bvite\s+preview\b", Server("Vite", "4173")),
        (r"\bvite\b(?!\s+build)", Server("Vite", "5173")),
        (r"\bng\s+serve\b", Server("Angular", "4200")),
        (r"\breact-scripts\s+start\b", Server("React", "3000")),
        (r"\bnest\s+start\b", Server("Nest", "3000")),
        (r"\bserve\s+-[slp]", Server("serve", "3000")),
        (r"\bhttp-server\b", Server("http-server", "8080")),
        (r"\brails\s+(?:s|server)\b", Server("Rails", "3000")),
        (r"\bpuma\b|\bunicorn\b|\brackup\b", Server("Rack server", "9292")),
        (r"\bphp-fpm\b", Server("php-fpm", "9000", http=False)),
        (r"\bartisan\s+serve\b", Server("Laravel", "8000")),
        (r"\bartisan\s+octane\b", Server("Laravel Octane", "8000")),
        (r"\bapache2(?:-foreground|ctl)\b|\bhttpd-foreground\b", Server("Apache", "80")),
        (r"\bnginx\b", Server("nginx", "80")),
        (r"\bcaddy\s+run\b", Server("Caddy", "80")),
        (r"\bphp\s+-S\b", Server("php", "")),
    )
)  # fmt: skip


def text_of(command: tuple[str, ...]) -> str:
    """Return *command* as one line of text; the words of a shell's ``-c`` stand for themselves."""
    return " ".join(" ".join(word.split()) for word in command)


def option_port(text: str) -> str:
    """Return the port that a command line names, as written, or ``""``."""
    for pattern in _OPTIONS:
        found = pattern.search(text)
        if found:
            return found["port"]
    return ""


def server(text: str) -> Server | None:
    """Return what kind of program the command line starts, or None."""
    return next((server for pattern, server in _SERVERS if pattern.search(text)), None)


def runtime(text: str) -> str:
    """Return the interpreter that a command line needs on PATH, or ``""``."""
    try:
        words = shlex.split(text, comments=False)
    except ValueError:
        words = text.split()
    names = {word.rpartition("/")[2] for word in words} | set(words)
    return next((r for r, programs in _RUNTIMES.items() if names.intersection(programs)), "")


def celery_application(text: str) -> str:
    """Return the application that a celery command line names, or ``""``."""
    found = re.search(r"\bcelery\b.*?(?:-A|--app)[= ]?([\w.:]+)", text)
    return found[1] if found else ""


def with_scripts(text: str, package: Mapping[str, Any]) -> str:
    """Return *text* with the package.json scripts that it runs written out after it."""
    scripts = package.get("scripts")
    known: Mapping[str, Any] = scripts if isinstance(scripts, dict) else {}
    seen: set[str] = set()
    found = [text]
    for part in found:  # grows while it is read
        for name in _SCRIPT.findall(part):
            script = known.get(name)
            if isinstance(script, str) and name not in seen:
                seen.add(name)
                found.append(script)
    return " ; ".join(found)


def read_json(read: Callable[[str], str | None], path: str) -> Mapping[str, Any]:
    """Return the object in the JSON file at *path*; {} where there is none."""
    text = read(path)
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_number(port: str) -> bool:
    """Return whether *port* is written as a number."""
    return _NUMBER.fullmatch(port) is not None


_VARIABLES = (
    "PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "APP_PORT",
    "UVICORN_PORT",
    "ASPNETCORE_HTTP_PORTS",
)
_NOT_MAIN = frozenset({"443", "8443", "9229", "9230", "5005", "5678", "2345", "35729"})
"""Ports of TLS, debuggers and live reload; another one is asked where there is another."""


_USUAL = frozenset({"80", "3000", "5000", "8000", "8080"})


class Port(Struct, frozen=True):
    """A port, *text* as a Compose file may have it, and *how* it is known."""

    text: str
    how: str


class Image(Struct, frozen=True):
    """What an image says on its port: EXPOSE, ENV, and the default of what it runs."""

    exposed: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    default: str = ""
    default_of: str = ""


def listening(use: Usage, command: str, image: Image) -> Port | None:
    """Return the port on which the service *use* listens, or None where nothing tells.

    In this order: an option of its *command*; the port that is published, of several the one that
    a variable, the image or its kind confirms; a variable; ``expose``; the image.
    """
    others = [*_variables(use), *_of_image(use, image)]
    option = option_port(command)
    if is_number(option):
        by_variable = [port for port in _variables(use) if expand(port.text, {}) == option]
        return by_variable[0] if by_variable else Port(option, "its command")
    if len(use.targets) == 1:
        return Port(use.targets[0], "its published port")
    for port in others:
        if port.text in use.targets:
            return port
    if use.targets:
        main = [target for target in use.targets if target not in _NOT_MAIN] or use.targets
        usual = [target for target in main if target in _USUAL]
        return Port((usual or list(main))[0], "one of its published ports")
    return others[0] if others else None


def _variables(use: Usage) -> list[Port]:
    found = []
    for name in _VARIABLES:
        value = use.environment.get(name)
        if value and is_number(value):
            found.append(Port(use.written.get(name, value), f"the variable {name}"))
    urls = use.environment.get("ASPNETCORE_URLS") or ""
    port = urls.partition(";")[0].rstrip("/").rpartition(":")[2]
    if is_number(port):
        found.append(Port(port, "the variable ASPNETCORE_URLS"))
    return found


def _of_image(use: Usage, image: Image) -> list[Port]:
    found = [Port(port, "expose") for port in use.exposed if is_number(port)]
    found += [
        Port(value, f"ENV {name} of its Dockerfile")
        for name in _VARIABLES
        for known, value in image.variables
        if known == name and is_number(value)
    ]
    exposed = [port for port in image.exposed if is_number(port)]
    main = [port for port in exposed if port not in _NOT_MAIN] or exposed
    found += [Port(port, "EXPOSE of its Dockerfile") for port in main]
    if image.default:
        found.append(Port(image.default, f"the default of {image.default_of}"))
    return found
