"""What a container's command starts: which program runs, and where it listens."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from composerefactor.patterns import regex

_PORT = r"(?P<port>\d{2,5}|\$\{[^}]*\}|\$\w+)"
_OPTIONS = (
    regex(rf"--(?:server[._-]|http[._-])?port[= ]['\"]?{_PORT}(?![\w.])"),
    regex(rf"-Dserver\.port={_PORT}(?![\w.])"),
    regex(rf"(?:--bind|-b|--listen|--http|--addr|-S)[= ]['\"]?[\w.\[\]]*:{_PORT}(?![\w.])"),
    regex(rf"\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):{_PORT}(?![\w.:])"),
    regex(rf"(?<![\w-])-[pl][= ]?{_PORT}(?![\w.:])"),
    regex(rf"(?:^|\s)PORT={_PORT}(?![\w.])"),
)  # fmt: skip
_NUMBER = regex(r"\d{2,5}")
_SCRIPT = regex(r"\b(?:npm|yarn|pnpm|bun)\s+(?:--\S+\s+)*(?:run\s+)?([\w:.-]+)")
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
    (regex(pattern), server)
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
