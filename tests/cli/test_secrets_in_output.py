"""No command shows a secret of a project in any format, and none masks an image or a name.

Each example is a generated project with one secret of every kind, in places and spellings that a
random generator picks. Each example runs a quarter of the commands, in turn.
``COMPOSEREFACTOR_SECRET_EXAMPLES`` is the number of examples, ``COMPOSEREFACTOR_SECRET_SEED`` the
first of them.
"""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from support.commandline import CommandLine, write

EXAMPLES = int(os.environ.get("COMPOSEREFACTOR_SECRET_EXAMPLES", "12"))
SEED = int(os.environ.get("COMPOSEREFACTOR_SECRET_SEED", "0"))

IMAGES = (
    *("quay.io/keycloak/keycloak:26.0", "acme/auth:7.1", "x/token:2024-05", "acme/secret:latest"),
    *("registry.local:5000/api-key:v3.2.1", "acme/password:8.0-alpine", "cookie-salt:1"),
)
SERVICES = ("auth", "token-service", "keycloak", "secret-store", "private-api", "cookie", "webhook")
COMMANDS = (
    *(("analyze", "-v", "--format", f) for f in ("text", "markdown", "html", "json", "sarif")),
    *(("analyze", "--format", f) for f in ("github", "junit", "svg")),
    *(
        (*command, "-v", "--engine", "none", "--format", form)
        for command in (("split", "--check"), ("fix", "--unsafe", "--check"), ("join", "--check"))
        for form in ("text", "json", "markdown")
    ),
)

Make = Callable[[random.Random], str]


def _word(rng: random.Random, length: int = 12, letters: str = string.ascii_letters) -> str:
    """Return a random word with letters and digits, as a generated password is."""
    body = "".join(rng.choice(letters + string.digits) for _ in range(length - 4))
    return f"Q{body}{rng.randrange(10)}z{rng.randrange(10)}"


def _token(prefix: str, length: int) -> Make:
    return lambda rng: prefix + _word(rng, length)


TOKENS: tuple[Make, ...] = (
    _token("ghp_", 36),
    _token("glpat-", 20),
    _token("sk_live_", 24),
    _token("npm_", 36),
    _token("xoxb-", 24),
    _token("pypi-", 40),
    _token("AIza", 35),
    _token("hf_", 34),
    lambda rng: f"AKIA{_word(rng, 16, string.ascii_uppercase).upper()}",
    lambda rng: f"SG.{_word(rng, 22)}.{_word(rng, 43)}",
    lambda rng: f"{rng.randrange(10**8, 10**9)}:{_word(rng, 35)}",
    lambda rng: f"eyJ{_word(rng, 14)}.{_word(rng, 20)}.{_word(rng, 20)}",
)
NAMES = (
    *("DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "API_KEY", "JWT_SECRET", "GITHUB_TOKEN", "dbPassword"),
    *("spring.datasource.password", "SMTP_PASS", "SA_PWD", "SESSION_SECRET_KEY", "AUTH_TOKEN"),
)
VALUES = (
    "postgres://app:{}@db:5432/x",
    "redis://:{}@cache:6379",
    "http://svc/x?token={}&a=1",
    "https://hooks.slack.com/services/T2/B0/{}",
    "https://discord.com/api/webhooks/123456789/{}",
    "Server=db;User Id=sa;Password={};Encrypt=no",
    "jdbc:mysql://db/x?user=a&password={}&ssl=1",
    "-Dspring.datasource.password={} -Xmx1g",
    "Bearer {}",
    "Basic {}==",
    '{{"user":"a","password":"{}","x":1}}',
    "app:{}@tcp(db:3306)/x",
    "${{DB_PASSWORD:-{}}}",
    "${{API_TOKEN-{}}}",
    "admin:$$apr1$$k3$${}",
)
WORDS = (
    ("redis-server", "--requirepass", "{}"),
    ("redis-cli", "-a", "{}", "ping"),
    ("mysqladmin", "ping", "-uroot", "-p{}"),
    ("mysql", "-u", "root", "-p", "{}"),
    ("run", "--token", "{}"),
    ("run", "--api-key={}"),
    ("mongosh", "-u", "root", "-p", "{}"),
    ("curl", "-u", "admin:{}", "http://app/"),
    ("curl", "-H", "X-Api-Key: {}", "http://app/"),
    ("curl", "-H", "Authorization: Bearer {}", "http://app/"),
    ("sqlcmd", "-S", "db", "-P", "{}"),
    ("sh", "-c", "PGPASSWORD={} pg_isready -U app"),
    ("sh", "-c", "export SECRET_KEY={}; exec app"),
)


class _Project:
    """A generated project, and the secrets in it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - not cryptography
        self.secrets: list[str] = []
        self.images = self.rng.sample(IMAGES, 4)
        self.services = self.rng.sample(SERVICES, 4)

    def secret(self, make: Make = _word) -> str:
        self.secrets.append(make(self.rng))
        return self.secrets[-1]

    def odd(self) -> str:
        """Return a secret with characters that need quotes."""
        middle = self.rng.choice(["&", "%", "!", "+", "^", "~", ",", ";", "|", "*", "?", "\\'"])
        first, second = self.secret(), self.secret()
        return f"{first}{middle}{second}"

    def pairs(self) -> list[tuple[str, str]]:
        rng = self.rng
        found = [(rng.choice(NAMES), self.secret()), (f"{rng.choice(NAMES)}_2", self.odd())]
        found += [(f"V{n}", self.secret(make)) for n, make in enumerate(rng.sample(TOKENS, 3))]
        for n, form in enumerate(rng.sample(VALUES, 4)):
            found.append((f"SETTING_{n}", form.format(self.secret())))
        rng.shuffle(found)
        return found

    def service(self, name: str, image: str) -> str:
        rng = self.rng
        lines = [f"  {name}:", f"    image: {image}", "    environment:"]
        as_list = rng.random() < 0.4
        for key, value in self.pairs():
            text = value.replace("'", "''")
            lines.append(f"      - '{key}={text}'" if as_list else f"      {key}: '{text}'")
        if not as_list:
            lines += ["      TLS_PRIVATE_KEY: |", "        -----BEGIN PRIVATE KEY-----"]
            lines += [f"        {self.secret(lambda r: _word(r, 48))}" for _ in range(2)]
            lines += ["        -----END PRIVATE KEY-----"]
        for attribute in ("command", "healthcheck"):
            words = [w.format(self.secret()) if "{}" in w else w for w in rng.choice(WORDS)]
            quoted = ", ".join(f'"{w}"' for w in words)
            if attribute == "healthcheck":
                lines += ["    healthcheck:", f'      test: ["CMD", {quoted}]']
            elif rng.random() < 0.5:
                lines.append(f"    command: [{quoted}]")
            else:
                lines += ["    command:", *(f'      - "{word}"' for word in words)]
        lines += [f"    labels: {{api.password: {self.secret()}}}", "    env_file: [app.env]"]
        others = [other for other in self.services if other < name]
        return "\n".join([*lines, *([f"    depends_on: [{others[0]}]"] if others else [])])

    def files(self) -> dict[str, str]:
        services = [self.service(*each) for each in zip(self.services, self.images, strict=True)]
        config = f"configs:\n  c1:\n    content: |\n      password={self.secret()}\n"
        config += f"      secret_key: {self.secret()}\n"
        comment = f"# the root password is {self.secret()}\n"
        override = f"services:\n  {self.services[0]}:\n    environment:\n      DB_PASSWORD: "
        env = f"APP_SECRET={self.secret()}\nexport DB_PASSWORD='{self.odd()}'\n"
        env += f'TLS_KEY="-----BEGIN PRIVATE KEY-----\n{self.secret(lambda r: _word(r, 48))}\n'
        env += '-----END PRIVATE KEY-----"\n'
        return {
            "compose.yml": "\n".join([f"{comment}services:", *services, config]),
            "compose.prod.yml": f"{override}{self.secret()}\n",
            "app.env": env,
            ".env": f"DB_PASSWORD={self.secret()}\nTAG=1.2.3\nPORT=8080\n",
            "Makefile": "up:\n\tdocker compose up -d\n\nprod:\n\t"
            f"DB_PASSWORD={self.secret()} docker compose -f compose.yml -f compose.prod.yml up\n",
        }


def _visible(output: str, project: _Project) -> list[str]:
    """Return the secrets that *output* contains, and the images and services that it masks."""
    found = [secret for secret in project.secrets if secret in output]
    for image in project.images:
        repository, _, tag = image.rpartition(":")
        found += [f"{repository}:***"] * (f"{repository}:***" in output)
        found += [f"***:{tag}"] * (f"***:{tag}" in output)
    return found


@pytest.mark.parametrize("seed", range(SEED, SEED + EXAMPLES))
def test_no_output_contains_a_secret(seed: int, tmp_path: Path) -> None:
    project = _Project(seed)
    write(tmp_path, project.files())
    run = CommandLine("none", {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    shown = ""
    for command in COMMANDS[seed % 4 :: 4]:
        outcome = run.plain(tmp_path, *command)
        assert outcome.code in {0, 1, 3}, (command, outcome.err)
        output = outcome.out.decode() + outcome.err
        assert not _visible(output, project), (command, _visible(output, project))
        shown += output
    assert all(image in shown for image in project.images)
    assert all(service in shown for service in project.services)
