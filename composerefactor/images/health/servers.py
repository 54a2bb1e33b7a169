"""The program that the command of a container starts, and the port on which it listens."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from composerefactor.compose.hosts import name_words
from composerefactor.compose.interpolation import expand
from composerefactor.compose.ports import EVERYWHERE
from composerefactor.confidence import Confidence
from composerefactor.images.health.probes import OWN_HOSTNAME
from composerefactor.images.health.usage import Usage

_PORT = r"(?P<port>\d{2,5}|\$\{[^}]*\}|\$\w+)"
_PORT_OPTIONS = (
    re.compile(rf"--(?:server[._-]|http[._-])?port[= ]['\"]?{_PORT}(?![\w.])"),
    re.compile(rf"-Dserver\.port={_PORT}(?![\w.])"),
    re.compile(rf"(?:--bind|-b|--listen|--http|--addr|-S)[= ]['\"]?[\w.\[\]]*:{_PORT}(?![\w.])"),
    re.compile(rf"\b(?:0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):{_PORT}(?![\w.:])"),
    re.compile(rf"(?<![\w-])-[pl][= ]?{_PORT}(?![\w.:])"),
    re.compile(rf"(?:^|\s)PORT={_PORT}(?![\w.])"),
)
_NUMBER = re.compile(r"\d{2,5}")
_PACKAGE_SCRIPT = r"\b(?:npm|yarn|pnpm|bun)\s+(?:--\S+\s+)*(?:run\s+)?([\w:.-]+)"
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
    """A kind of program.

    Attributes:
        name: Its name.
        port: Its default port, or ``""``.
        http: Whether it answers HTTP requests.
        path: The path of its own page for health checks, or ``""``.
        no_port: The reason why it listens on no port, or ``""``.
    """

    name: str
    port: str = ""
    http: bool = True
    path: str = ""
    no_port: str = ""


_IDLE = r"\bsleep\s+(?:inf|\d{4,})|\btail\s+-[fF]\s+/dev/null"
_WORKER = (
    r"\brq\s+worker|\bdramatiq\b|\barq\b|\bhuey_consumer|\bartisan\s+(?:queue:|schedule:|horizon)"
)
_ASGI = r"\buvicorn\b|\bhypercorn\b|\bdaphne\b|\bfastapi\s+(?:run|dev)\b"
_SERVERS = (
    (r"\bcelery\b.*\bbeat\b", Server("celery beat", no_port="celery beat only sends tasks")),
    (r"\bcelery\b.*\bflower\b", Server("flower", "5555")),
    (r"\bcelery\b.*\bworker\b", Server("celery worker")),
    (r"\bsidekiq\b", Server("sidekiq", no_port="sidekiq takes jobs from a queue")),
    (_WORKER, Server("worker", no_port="it takes jobs from a queue")),
    (_IDLE, Server("shell", no_port="it only keeps the container up")),
    (r"(?:^|[\s/])crond?(?:\s|$)", Server("cron", no_port="cron listens on no port")),
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


def command_line(command: tuple[str, ...]) -> str:
    """Return *command* as one line of text; the text after a shell's ``-c`` is not quoted."""
    return " ".join(" ".join(word.split()) for word in command)


def option_port(text: str) -> str:
    """Return the port in the options of the command line *text*, as written, or ``""``."""
    for pattern in _PORT_OPTIONS:
        match = pattern.search(text)
        if match:
            return match["port"]
    return ""


def find_server(text: str) -> Server | None:
    """Return the kind of program that the command line *text* starts, or None if unknown."""
    return next((server for pattern, server in _SERVERS if re.search(pattern, text)), None)


def find_runtime(text: str) -> str:
    """Return the interpreter that the command line *text* needs on PATH, or ``""``."""
    try:
        words = shlex.split(text, comments=False)
    except ValueError:
        words = text.split()
    names = {word.rpartition("/")[2] for word in words} | set(words)
    return next((r for r, programs in _RUNTIMES.items() if names.intersection(programs)), "")


_CELERY = r"""(?x)(?<![^\s'"])
    (?P<program>(?:(?:[\w./-]*/)?python[\d.]*\s+-m\s+|(?:poetry|uv|pipenv|pdm)\s+run\s+)?(?:[\w./-]*/)?celery)
    \b.*?(?:-A|--app)[= ]?(?P<application>[\w.:]+)
    """


def celery_client(text: str) -> str:
    """Return the beginning of a command that asks the worker of the Celery command line *text*.

    It starts Celery as *text* does, as ``/app/.venv/bin/celery`` or ``poetry run celery``, since it
    may not be on PATH, and names the application. ``""`` if *text* names none.
    """
    match = re.search(_CELERY, text)
    if match is None:
        return ""
    return f"{' '.join(match['program'].split())} -A {match['application']}"


def with_package_scripts(text: str, package: Mapping[str, Any]) -> str:
    """Return *text* with the package.json scripts that it runs appended."""
    scripts = package.get("scripts")
    commands_by_name: Mapping[str, Any] = scripts if isinstance(scripts, dict) else {}
    seen: set[str] = set()
    texts = [text]
    for part in texts:  # Scripts are appended while the list is read.
        for name in re.findall(_PACKAGE_SCRIPT, part):
            script = commands_by_name.get(name)
            if isinstance(script, str) and name not in seen:
                seen.add(name)
                texts.append(script)
    return " ; ".join(texts)


def read_json(read: Callable[[str], str | None], path: str) -> Mapping[str, Any]:
    """Return the object in the JSON file at *path*; ``{}`` if the file is missing or invalid."""
    text = read(path)
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_number(port: str) -> bool:
    """Return whether *port* is a number of 2 to 5 digits."""
    return _NUMBER.fullmatch(port) is not None


_PORT_VARIABLES = (
    "PORT",
    "SERVER_PORT",
    "HTTP_PORT",
    "APP_PORT",
    "UVICORN_PORT",
    "ASPNETCORE_HTTP_PORTS",
)
_PORT_KINDS = frozenset({"http", "grpc", "api", "app", "server", "service", "listen", "container"})
"""Words in the name of a variable such as ``ORDERS_GRPC_PORT`` that do not name a service."""

_SECONDARY_PORTS = frozenset({"443", "8443"})
"""Ports of TLS, which are used only if there is no other port."""
_DEBUG_PORTS = frozenset({"9229", "9230", "5005", "5678", "2345", "35729"})
"""Ports of debuggers and live reload. Delve exits when a client disconnects."""

_COMMON_WEB_PORTS = frozenset({"80", "3000", "5000", "8000", "8080"})


class ListeningPort(Struct, frozen=True):
    """A port on which a service listens.

    Attributes:
        text: The port as written in a Compose file.
        evidence: Where it was found.
        confidence: How sure it is that the service listens on it.
    """

    text: str
    evidence: str
    confidence: Confidence = "likely"


class ImagePorts(Struct, frozen=True):
    """The ports that an image declares.

    Attributes:
        exposed: The ports of EXPOSE.
        variables: The variables of ENV and their values.
        default: The default port of the program that runs, or ``""``.
        default_of: The name of that program.
    """

    exposed: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    default: str = ""
    default_of: str = ""


def listening_port(use: Usage, command: str, image: ImagePorts) -> ListeningPort | None:
    """Return the port on which the service *use* listens, or None if it is unknown.

    The sources in order: an option of *command*; the published port, or of several the one that a
    variable, the image or common usage confirms; a variable; ``expose``; the image. Two sources
    that agree are as good as the documentation; which of several published ports it is may be
    common usage only, which is a guess.
    """
    candidates = [*_variable_ports(use), *_image_ports(use, image)]
    targets = [target for target in use.targets if target not in _DEBUG_PORTS]
    option = option_port(command)
    if is_number(option):
        by_variable = [port for port in _variable_ports(use) if expand(port.text, {}) == option]
        text = by_variable[0].text if by_variable else option
        return ListeningPort(text, "its command", "verified")
    for port in candidates:
        if port.text in targets:
            return ListeningPort(port.text, f"published, and {port.evidence}", "verified")
    if len(targets) == 1:
        return ListeningPort(targets[0], "its published port")
    if targets:
        main_ports = [t for t in targets if t not in _SECONDARY_PORTS] or targets
        common_ports = [target for target in main_ports if target in _COMMON_WEB_PORTS]
        evidence = "one of its published ports"
        return ListeningPort((common_ports or main_ports)[0], evidence, "guess")
    is_set_elsewhere = any(use.environment.get(name, "") is None for name in _PORT_VARIABLES)
    if candidates and is_set_elsewhere:  # a variable of the shell may have another value
        return replace(candidates[0], confidence="guess")
    return candidates[0] if candidates else None


_GRPC_PORTS = frozenset({"50051"})
"""Ports that programs use for gRPC by convention: it answers no HTTP/1 request."""


def is_grpc_port(use: Usage, port: str) -> bool:
    """Return whether *port* of the service *use* is one for gRPC, by convention or by its name."""
    number = expand(port, {})
    names = [n for n, value in use.environment.items() if value == number]
    return number in _GRPC_PORTS or any("grpc" in name_words(name) for name in names)


_REACHED_LOCALLY = frozenset({*EVERYWHERE, "127.0.0.1", "localhost", "[::1]"})
"""Addresses to bind to that 127.0.0.1 reaches."""

_BIND_OPTION = (
    r"(?:--(?:host|bind|listen|http|addr|address|ip)|-[bH])[= ]['\"]?"
    r"(?!-)(?P<host>[\w.\[\]*$:{}-]*?)(?::\d{2,5})?(?=['\"\s]|$)"
)


def bind_host(command: str) -> str | None:
    """Return the host at which the server of the command line *command* answers.

    None if it binds to an address that is not known.
    """
    match = re.search(_BIND_OPTION, command)
    host = match["host"] if match else ""
    if host in _REACHED_LOCALLY or host.isdecimal() or host.startswith("unix:"):
        return "127.0.0.1"
    return host if re.fullmatch(r"[A-Za-z0-9.-]+", host) else None


def next_host(variables: Mapping[str, str | None]) -> str | None:
    """Return the host at which the server of a standalone Next.js build answers.

    Its server.js binds to the variable HOSTNAME, which Docker sets to the host name of the
    container, so that 127.0.0.1 does not reach it.
    """
    if "HOSTNAME" not in variables:
        return OWN_HOSTNAME
    host = variables["HOSTNAME"]
    return "127.0.0.1" if host in _REACHED_LOCALLY else host


def _variable_ports(use: Usage) -> list[ListeningPort]:
    found_ports = []
    own = set(name_words(use.name))
    named_after_it = [
        name
        for name in use.environment
        if (words := name_words(name))[-1:] == ("port",)
        and (first := set(words[:-1]) - _PORT_KINDS)
        and first <= own
    ]
    for name in (*_PORT_VARIABLES, *named_after_it):
        value = use.environment.get(name)
        if value and is_number(value) and not _is_of_another(use, name):
            found_ports.append(ListeningPort(use.written.get(name, value), f"the variable {name}"))
    urls = use.environment.get("ASPNETCORE_URLS") or ""
    port = urls.partition(";")[0].rstrip("/").rpartition(":")[2]
    if is_number(port):
        found_ports.append(ListeningPort(port, "the variable ASPNETCORE_URLS"))
    return found_ports


def _is_of_another(use: Usage, name: str) -> bool:
    """Return whether the variable *name*, as ``SERVER_PORT``, is the port of another service.

    A variable beside it, as ``SERVER_HOST``, then names that service.
    """
    host = use.environment.get(f"{name.removesuffix('PORT')}HOST") if "_" in name else None
    return bool(host) and "." not in (host or "") and host not in {*_REACHED_LOCALLY, use.name}


def _is_own_port(port: str) -> bool:
    """Return whether *port* is a number, and not the port of a debugger."""
    return is_number(port) and port not in _DEBUG_PORTS


def _image_ports(use: Usage, image: ImagePorts) -> list[ListeningPort]:
    found_ports = [ListeningPort(port, "expose") for port in use.exposed if _is_own_port(port)]
    found_ports += [
        ListeningPort(value, f"ENV {name} of its Dockerfile", "verified")
        for name in _PORT_VARIABLES
        for known, value in image.variables
        if known == name and is_number(value)
    ]
    exposed = [port for port in image.exposed if _is_own_port(port)]
    main_ports = [port for port in exposed if port not in _SECONDARY_PORTS] or exposed
    found_ports += [
        ListeningPort(port, "EXPOSE of its Dockerfile", "verified") for port in main_ports
    ]
    if image.default:
        found_ports.append(ListeningPort(image.default, f"the default of {image.default_of}"))
    return found_ports
