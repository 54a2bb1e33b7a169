"""Masking of secrets that are known, and of those that the recogniser finds in any text."""

from __future__ import annotations

import pytest

from composerefactor.compose.files import Library
from composerefactor.compose.invocation import Invocation
from composerefactor.compose.masking import GENERAL, Masking, values_in_env_file
from composerefactor.compose.project import load_project
from support.memory import Memory


@pytest.mark.parametrize(
    "text",
    [
        "quay.io/keycloak/keycloak:26.0",
        "acme/auth:7",
        "acme/password:8.0-alpine",
        "x/token:2024-05",
        "auth: no healthcheck",
        "keycloak: image: 26.0 in dev, 25.0 in prod",
        "./secrets/token:/run/secrets/token:ro",
        "DB_PASSWORD=${DB_PASSWORD}",
        "DB_PASSWORD=${DB_PASSWORD:?set it in .env}",
        "postgres://${U}:${P}@db/x",
        "${DB_PASSWORD:?copy example.env, and set 32 characters (sha256sum)}",
        "${TLS:+--tls} ${TAG:+2024-05-01} ${DEBUG:+app.debug.DebugServer2}",
        "x-scope-orgid=tenant1 x-build-commit-id=0123456789abcdef0123",
        "mc admin user add --help",
        '<setting name="image" value="acme/auth:7.1">nginx:1.27-alpine</setting>',
        "TOKEN_TTL=3600",
        "PASSWORD_FILE=/run/secrets/db",
        "AUTH_ENABLED=true",
        "API_KEY=",
        "pg_isready -p 5432",
        "mkdir -p /data/token",
        "docker compose -p shop up",
        "export PASSWORD=$(cat /run/secrets/db)",
        "127.0.0.1:8080:80/tcp",
        "echo machine h login $USER password $TOKEN > ~/.netrc",
        "db:5432:*:app:${DB_PASSWORD}",
        "redis-server --requirepass ${REDIS_PASSWORD:?set it in .env}",
        "mongodb://app:${DB_PASSWORD}@mongo:27017/shop?authSource=admin",
        "org.springframework.boot.Jackson2ObjectMapperBuilderCustomizer",
        "0x98f3c9e6E3fAce36bAAd05FE09d375Ef1464288B",
        "x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert GENERAL.text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis-cli -a s3cr3t ping", "redis-cli -a *** ping"),
        ("DB_USER: user\nDB_PASSWORD: pass\nDB: shop", "DB_USER: user\nDB_PASSWORD: ***\nDB: shop"),
        ("mysqladmin ping -uroot -ps3cr3t", "mysqladmin ping -uroot -p***"),
        ("docker login -u me -p s3cr3t", "docker login -u me -p ***"),
        ("curl -u admin:s3cr3t http://app/", "curl -u admin:*** http://app/"),
        ("PGPASSWORD=s3cr3t pg_isready -U app", "PGPASSWORD=*** pg_isready -U app"),
        ("http://svc/x?token=s3cr3t&a=1", "http://svc/x?token=***&a=1"),
        ("https://hooks.slack.com/services/T2/B0/x", "https://hooks.slack.com/services/***"),
        ("X-Api-Key: s3cr3t", "X-Api-Key: ***"),
        ('{"password":"s3\\"cr3t","x":1}', '{"password":"***","x":1}'),
        ("${DB_PASSWORD:-s3cr3t}", "${DB_PASSWORD:-***}"),
        ("Server=db;Password=s3cr3t;Encrypt=no", "Server=db;Password=***;Encrypt=no"),
        ("DB_PASSWORD='s3\\'cr3t' run", "DB_PASSWORD='***' run"),
        ("export DB_PASSWORD='s3\\'cr3t'", "export DB_PASSWORD='***'"),
        ("the root password is s3cr3t", "the root password is ***"),
        ("AKIA18XY7ABCDEFGHIJK", "***"),
        ("gsk_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123", "***"),
        ("dapi0123456789abcdef0123456789abcdef", "***"),
        ("DOPPLER=dp.st.dev.aBcDeFgHiJkLmNoPqRsTuVw", "DOPPLER=***"),
        ("kL2mN9pQ4rS7tU1vW3xY5zA8", "***"),
        ("//user:s3cr3t@host/x", "//***@host/x"),
        ("postgres://app:s3'cr3t@db/x", "postgres://app:***@db/x"),
        ("machine h login u password s3cr3t", "machine h login u password ***"),
        ("db:5432:*:app:s3cr3t", "db:5432:*:app:***"),
        ("<db:Password>s3cr3t</db:Password>", "<db:Password>***</db:Password>"),
        ('<add name="ApiKey" value="s3cr3t"/>', '<add name="ApiKey" value="***"/>'),
        ('<add value="s3cr3t" name="Password"/>', '<add value="***" name="Password"/>'),
        ('<add key="Password" value="s3cr3t"/>', '<add key="Password" value="***"/>'),
        ('<add key="s3cr3t" value="a"/>', '<add key="***" value="a"/>'),
        ('<password enc="no">s3cr3t</password>', '<password enc="no">***</password>'),
        ('<entry name="db.password">s3cr3t</entry>', '<entry name="db.password">***</entry>'),
        ("mc alias set m http://m:9000 admin s3cr3t", "mc alias set m http://m:9000 admin ***"),
        (
            "mc alias set --api S3v4 m http://m admin s3cr3t",
            "mc alias set --api S3v4 m http://m admin ***",
        ),
        ("mc --quiet admin user add m app s3cr3t", "mc --quiet admin user add m app ***"),
        (
            "x-honeycomb-team=s3cr3t,x-honeycomb-dataset=web",
            "x-honeycomb-team=***,x-honeycomb-dataset=web",
        ),
        ("x-acme-customer=f81d4fae7dec11d0a765", "x-acme-customer=***"),
        ("${TLS:+Qx7Lm2pRz9Kt}", "${TLS:+***}"),
        ("${DB_PASSWORD:?set it to Qx7Lm2pRz9Kt}", "${DB_PASSWORD:?set it to ***}"),
        ("${DB_PASSWORD?f81d4fae7dec11d0a765}", "${DB_PASSWORD?***}"),
        ("mc config host add m http://m a s3cr3t", "mc config host add m http://m a ***"),
    ],
)
def test_secrets_in_texts(text: str, masked: str) -> None:
    assert GENERAL.text(text) == masked


def test_lines_of_a_file() -> None:
    text = 'a:\n  password: "s3 \\" cr3t" # x\n  key: |\n    s3\n\n    cr3t\n  image: acme/auth:7\n'
    masked = 'a:\n  password: "***" # x\n  key: |\n    ***\n\n    ***\n  image: acme/auth:7'
    assert GENERAL.lines(text.splitlines()) == masked.splitlines()


def test_further_lines_of_a_plain_scalar() -> None:
    lines = [
        "DB_PASSWORD: s3",
        "  cr3t",
        "",
        "  more",
        "HOST: db",
        "  x",
        "- DB_PASSWORD=s3",
        "  cr3t",
    ]
    masked = ["DB_PASSWORD: ***", "  ***", "", "  ***", *lines[4:6], "- DB_PASSWORD=***", "  ***"]
    assert GENERAL.lines(lines) == masked


def test_an_anchor_of_words_is_shown_and_what_follows_it_is_not() -> None:
    lines = ["secret: &app-keys", "  a: b", "password: &pw s3cr3t", "password: &pw", "  s3cr3t"]
    masked = [*lines[:2], "password: &pw ***", "password: &pw", "  ***"]
    assert GENERAL.lines(lines) == masked
    assert GENERAL.lines(["password: &Xk29s", "- PASSWORD=&word"]) == [
        "password: ***",
        "- PASSWORD=***",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["x-common-keys: &keys", "  restart: always", "  ports:", "    - 80:80"],
        ["# API_KEY: optional", "  # a note on it"],
        ["auth: *auth", "  image: acme/auth:7"],
        ["  - AUTH_HOST=a", "  - AUTH_PORT=80"],
    ],
)
def test_lines_that_are_no_part_of_a_plain_scalar(lines: list[str]) -> None:
    assert GENERAL.lines(lines) == lines


def test_an_escaped_quote_of_an_env_file() -> None:
    masked = ["API_KEY='***'", "B='x'", r"C_KEY='***'", "D='x'"]
    assert GENERAL.lines([r"API_KEY='s3\'cr3t'", "B='x'", r"C_KEY='s3cr3t\'", "D='x'"]) == masked


def test_a_doubled_quote_after_a_backslash() -> None:
    lines = [r"a_key: 's3\''cr3t'", "b: 'x'", r"- 'C_KEY=s3\''cr3t'", "d: 'x'"]
    assert GENERAL.lines(lines) == ["a_key: '***'", "b: 'x'", "- 'C_KEY=***'", "d: 'x'"]


def test_flow_mappings_in_flow_mappings() -> None:
    line = "services: {a: {environment: {SMTP_PASS: s3cr3t}, image: acme/auth:7}"
    assert GENERAL.lines([line]) == [line.replace("s3cr3t", "***")]


def test_known_secrets_are_masked_wherever_they_are() -> None:
    masking = Masking(["hunter2", "a<b>1&2c", "keycloak", "supersecret"], ["keycloak"])
    assert masking.message("hunter2 of keycloak") == "*** of keycloak"
    assert masking.message("supersecret, supersecrets") == "***, supersecrets"
    assert masking.markup("a&lt;b&gt;1&amp;2c supersecret") == "*** supersecret"
    assert masking.document({"hunter2": ["xhunter2", 1]}) == {"hunter2": ["x***", 1]}
    finding = {"rule": "supersecret", "message": "supersecret"}
    assert masking.document(finding, {"rule"}) == {"rule": "supersecret", "message": "***"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("PRIVATE_DISK=remote", "bind-remote-ports"),
        ("DB_PASSWORD=local", "bind-local-ports"),
        ("DB_PASSWORD=cassandra", "bind-cassandra-ports"),
        ("DB_PASSWORD=remote", "bind-***-ports"),
        ("PRIVATE_DISK=r3mote7", "bind-***-ports"),
    ],
)
def test_words_of_env_files(line: str, shown: str) -> None:
    masking = Masking(values_in_env_file(f"{line}\n"))
    assert masking.message(f"bind-{line.partition('=')[2]}-ports") == shown


def test_parts_of_images_and_directories_are_shown() -> None:
    compose = (
        "services:\n  a: {image: 'quay.io/acme/a:${TAG}', build: ./shop-init, environment: "
        "{A_PASSWORD: acme, B_PASSWORD: shop, C_PASSWORD: spring}}\n"
    )
    entry = Invocation(("compose.yaml",))
    project = load_project([entry], Library(Memory({"compose.yaml": compose})))
    message = Masking.of(project).message("acme-init shop-init spring")
    assert message == "acme-init shop-init ***"


def test_secrets_by_their_use() -> None:
    compose = (
        "services:\n  a: {image: 'https://me:hunter2x@registry.local/a:1', secrets: [s]}\n"
        "  b: {image: b, environment: {X: '${A_PASSWORD:-${B:-hunter3x}}'}}\n"
        "secrets: {s: {environment: THE_WORD}}\n"
    )
    files = Library(Memory({"compose.yml": compose.encode(), ".env": b"THE_WORD=hunter4x\n"}))
    masking = Masking.of(load_project([Invocation(("compose.yml",))], files))
    assert masking.message("hunter2x hunter3x hunter4x") == "*** *** ***"
