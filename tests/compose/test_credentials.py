from __future__ import annotations

import pytest

from composerefactor.compose.secret_spans import password_spans
from composerefactor.compose.secrets import is_credential, password_variable_name, variable_name


@pytest.mark.parametrize(
    "name",
    [
        *("POSTGRES_PASSWORD", "PGPASSWORD", "DB_PASS", "SA_PWD", "JWT_SECRET", "GITHUB_TOKEN"),
        *("STRIPE_API_KEY", "SECRET_KEY_BASE", "AWS_SECRET_ACCESS_KEY", "EventBusPassword"),
        *("spring.datasource.password", "APIKEY", "SUPABASE_SERVICE_ROLE_KEY", "GRPC_PASS"),
    ],
)
def test_credentials(name: str) -> None:
    assert is_credential(name, "x7f2kk")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_USER", "admin"),
        ("PASSWORD_FILE", "/run/secrets/p"),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "1"),
        ("TOKEN_TTL", "3600"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("PRIMARY_KEY", "id"),
        ("KEY_CONVERTER", "org.apache.kafka.StringConverter"),
        ("SSL_PRIVATE_KEY", "/certs/key.pem"),
        ("KAFKA_SSL_KEYSTORE_CREDENTIALS", "creds"),
        ("BYPASS", "all"),
        ("PWD", "x"),
        ("PASSWORD", ""),
        ("PASSWORD_RESET_ENABLED", "maybe"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("BACK_PROXY_PASS", "http://backend:4000"),
        ("UWSGI_PASS", "uwsgi_server"),
        ("grpc_pass", "grpc_server"),
        ("JWT_SECRET_KEY", "%kernel.project_dir%/config/jwt/private.pem"),
    ],
)
def test_other_variables(name: str, value: str) -> None:
    assert not is_credential(name, value)


def test_a_credential_of_the_image() -> None:
    assert not is_credential("NEO4J_AUTH", "neo4j/s3cret")
    assert is_credential("NEO4J_AUTH", "neo4j/s3cret", frozenset({"NEO4J_AUTH"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("postgres://shop:s3cret@db:5432/shop", ["s3cret"]),
        ("redis://:s3cret@cache:6379/0", ["s3cret"]),
        ("Server=db;Database=x;User Id=sa;Password=Pass@word;Encrypt=no", ["Pass@word"]),
        ("jdbc:mysql://db/x?user=a&password=s3cret&ssl=1", ["s3cret"]),
        ("http://db:5432/@x", []),
        ("postgres://shop@db/shop", []),
        ("mongodb://a:one@x,b:two@y", ["one"]),
    ],
)
def test_passwords_in_connection_strings(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in password_spans(text)] == found


def test_names_of_variables() -> None:
    assert variable_name("EventBusPassword") == "EVENT_BUS_PASSWORD"
    assert variable_name("spring.datasource.password") == "SPRING_DATASOURCE_PASSWORD"
    assert password_variable_name("DATABASE_URL") == "DATABASE_PASSWORD"
    assert password_variable_name("ConnectionStrings__Shop") == "CONNECTION_STRINGS_SHOP_PASSWORD"
