"""No command shows a secret of a project in any format, and none masks an image or a name.

Each example is a generated project of :data:`FILES` Compose files and env files, with secrets of
every kind, in places and spellings that a random generator picks. Each project is shown by a part
of the commands, in turn; `make test` runs each command once.
``COMPOSEREFACTOR_SECRET_EXAMPLES`` is the number of files, ``COMPOSEREFACTOR_SECRET_SEED`` the
first project.
"""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest

from support.commandline import CommandLine, write
from support.examples import examples

FILES = 8
"""Compose files and env files of one project."""

TURNS = 7
"""A project is shown by every seventh command."""

EXAMPLES = (
    int(os.environ.get("COMPOSEREFACTOR_SECRET_EXAMPLES", examples(TURNS, 10 * TURNS) * FILES))
    // FILES
)
SEED = int(os.environ.get("COMPOSEREFACTOR_SECRET_SEED", "0"))

IMAGES = (
    *("quay.io/keycloak/keycloak:26.0", "acme/auth:7.1", "x/token:2024-05", "acme/secret:latest"),
    *("registry.local:5000/api-key:v3.2.1", "acme/password:8.0-alpine", "cookie-salt:1"),
)
SERVICES = ("auth", "token-service", "keycloak", "secret-store", "private-api", "cookie", "webhook")
COMMANDS = (
    *(("analyze", "--full", "--format", f) for f in ("text", "markdown", "html", "json", "sarif")),
    *(("analyze", "--format", f) for f in ("github", "junit", "svg")),
    ("analyze", "--smoke-test", "smoke.sh"),
    *(
        (*command, "-v", "--engine", "none", "--format", form)
        for command in (("split", "--check"), ("fix", "--unsafe", "--check"), ("join", "--check"))
        for form in ("text", "json", "markdown")
    ),
    *(
        (*command, "-f", f"broken.{form}.yml")
        for command in (("analyze", "--full"), ("split", "--check", "--engine", "none"))
        for form in ("scalar", "key", "flow", "block")
    ),
)

Make = Callable[[random.Random], str]


def _word(rng: random.Random, length: int = 12, letters: str = string.ascii_letters) -> str:
    """Return a random word with letters and digits, as a generated password is."""
    body = "".join(rng.choice(letters + string.digits) for _ in range(length - 4))
    return f"Q{body}{rng.randrange(10)}z{rng.randrange(10)}"


def _token(prefix: str, length: int) -> Make:
    return lambda rng: prefix + _word(rng, length)


def _hex(*parts: int) -> Make:
    """Return a maker of hexadecimal numbers with hyphens between them."""
    return lambda rng: "-".join("".join(rng.choices("0123456789abcdef", k=n)) for n in parts)


def _hex_token(prefix: str, *parts: int) -> Make:
    return lambda rng: prefix + _hex(*parts)(rng)


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
    _token("github_pat_", 60),
    _token("dckr_pat_", 27),
    _token("glsa_", 32),
    _token("whsec_", 32),
    _token("hvs.", 32),
    _token("figd_", 40),
    _token("nvapi-", 64),
    _token("xai-", 80),
    _token("fly_FlyV1_", 80),
    lambda rng: f"re_{_word(rng, 8)}_{_word(rng, 24)}",
    *(_hex_token(prefix, 40) for prefix in ("pul-", "squ_", "bkua_", "e2b_", "shippo_live_")),
    *(_hex_token(prefix, 8, 4, 4, 4, 12) for prefix in ("sdk-", "pat-na1-")),
    lambda rng: f"{_hex(32)(rng)}-us{rng.randrange(1, 20)}",
    _hex_token("1/1234567890123456:", 32),
    _token("CFPAT-", 43),
    _token("$$argon2id$$v=19$$m=65540,t=3,p=4$$c2FsdHNhbHQ$$", 43),
    lambda rng: f"eyJ{_word(rng, 14)}.{_word(rng, 20)}.{_word(rng, 20)}",
)
NAMES = (
    *("DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "API_KEY", "JWT_SECRET", "GITHUB_TOKEN", "dbPassword"),
    *("spring.datasource.password", "SMTP_PASS", "SA_PWD", "SESSION_SECRET_KEY", "AUTH_TOKEN"),
    *("WIFI_PSK", "DB_PASSWORT"),
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
    "${{A:-${{DB_PASSWORD:-{}}}}}",
    "https://user:{}@git.example.com/a.git",
    "https://oauth2:{}@gitlab.com/a/b.git",
    "amqp://guest:{}@mq:5672/%2f?heartbeat=30",
    "mongodb+srv://a:{}@c0.mongodb.net/?retryWrites=true",
    "http://svc/x?a=1&api_key={}",
    "AccountName=a;AccountKey={};EndpointSuffix=core.windows.net",
    "sentinel,password={},ssl=true",
    "--spring.config.password={} --verbose",
    "jdbc:oracle:thin:app/{}@db:1521:X",
    "app/{}@//db:1521/X",
    'kafka.PlainLoginModule required username="a" user_app="{}";',
    "https://x.azurewebsites.net/api/f?a=1&code={}",
    "-u app:{} --fail",
    "x-honeycomb-team={},x-honeycomb-dataset=web",
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
    ("sh", "-c", "redis-cli -a {} ping | grep PONG"),
    ("sh", "-c", "mysqladmin ping -h localhost -uroot -p{} || exit 1"),
    ("sh", "-c", "mysql -uroot --password='{}' -e 'select 1'"),
    ("sh", "-c", "curl -fsS -u elastic:{} http://localhost:9200/_cat/health"),
    ("sh", "-c", "curl -H 'Authorization: Bearer {}' http://app/"),
    ("valkey-cli", "--no-auth-warning", "-a", "{}", "ping"),
    ("cypher-shell", "-u", "neo4j", "-p", "{}", "RETURN 1"),
    ("rabbitmqctl", "add_user", "app", "{}"),
    ("docker", "login", "-u", "me", "-p", "{}"),
    ("sh", "-c", "echo {} | docker login -u me --password-stdin"),
    ("sh", "-c", "curl -H 'apikey:{}' http://app/"),
    ("run", "--user=app:{}"),
    ("redis-server", "--user default on >{} ~* +@all"),
    ("mc", "alias", "set", "--api", "S3v4", "m", "http://s3:9000", "app", "{}"),
    ("sh", "-c", "mc --quiet admin user add m app {} && echo added"),
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
        found.append(("BASIC_AUTH_USERS", f"a:{self.secret()},b:{self.secret()}"))
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

    def env_file(self) -> str:
        """Return an env file with quotes, escapes, several lines and comments."""
        rng, key = self.rng, self.secret(lambda r: _word(r, 48))
        name, other = rng.sample(NAMES, 2)
        lines = [
            f"{name}={self.secret()}",
            f"export {other}='{self.odd()}'",
            f'A_{name}="{self.secret()}\\"{self.secret()}" # a note',
            f"B_{name} = {self.secret()} # a note",
            f'TLS_KEY="-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----"',
            f"MULTI_{other}='{self.secret()}\n{self.secret()}'",
            f"# {name}={self.secret()}",
            f"V1={self.secret(rng.choice(TOKENS))}",
            f"V2={rng.choice(VALUES).format(self.secret())}",
        ]
        rng.shuffle(lines)
        return "\n".join(lines) + "\n"

    def broken(self) -> dict[str, str]:
        """Return Compose files with errors in or beside a secret."""
        name = self.rng.choice(NAMES)
        head = "services:\n  a:\n    environment:\n"
        return {
            "broken.scalar.yml": f'{head}      {name}: "{self.secret()}\\q"\n',
            "broken.key.yml": f"{head}      {name}: {self.secret()}\n"
            f"     {name}_B: {self.secret()}: 1\n",
            "broken.flow.yml": f"services: {{a: {{environment: {{{name}: {self.secret()}}}\n",
            "broken.block.yml": f"{head}      {name}: |\n        {self.secret()}\n"
            f"       {self.secret()}: [\n",
        }

    def files(self) -> dict[str, str]:
        services = [self.service(*each) for each in zip(self.services, self.images, strict=True)]
        services += ["  built:\n    build:\n      context: .\n      dockerfile_inline: |"]
        services += [f"        FROM alpine:3.20\n        ENV API_KEY {self.secret()}"]
        config = f"configs:\n  c1:\n    content: |\n      password={self.secret()}\n"
        config += f'      <password hidden="yes">{self.secret()}</password>\n'
        config += f'      <add value="{self.secret()}" key="Password"/>\n'
        config += f"      secret_key: {self.secret()}\nx-auth:\n  token: {self.secret()}\n"
        config += f"  password: {self.secret()}\n    {self.secret()}\n"
        config += f"x-values:\n  - name: DB_PASSWORD\n    value: {self.secret()}\n"
        config += f"  - {{key: token, value: {self.secret()}}}\n"
        comment = f"# the root password is {self.secret()}\n# Passwort: {self.secret()}\n"
        override = f"services:\n  {self.services[0]}:\n    environment:\n      DB_PASSWORD: "
        return {
            "compose.yml": "\n".join([f"{comment}services:", *services, config]),
            "compose.prod.yml": f"{override}{self.secret()}\n",
            "app.env": self.env_file(),
            ".env": f"TAG=1.2.3\nPORT=8080\n{self.env_file()}",
            **self.broken(),
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
    for command in COMMANDS[seed % TURNS :: TURNS]:
        outcome = run.plain(tmp_path, *command)
        assert outcome.code in {0, 1, 3}, (command, outcome.err)
        output = outcome.out.decode() + outcome.err
        if "smoke.sh" in command:
            output += (tmp_path / "smoke.sh").read_text(encoding="utf-8")
        assert not _visible(output, project), (command, _visible(output, project))
        if command[:3] == ("analyze", "--full", "--format") and command[-1] != "sarif":
            names = (*project.images, *project.services)
            assert all(name in output for name in names), command
