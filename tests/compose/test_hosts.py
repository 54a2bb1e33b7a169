from __future__ import annotations

import pytest

from composerefactor.compose.hosts import hosts_in_command, hosts_in_variable

# The name and value of a variable, and the hosts that it mentions.
TRUE = [
    ("REDIS_URL", "redis://redis:6379", ["redis://redis:6379"]),
    ("REDIS_URL", "redis://:p@ss@redis:6379/0", ["redis://redis:6379"]),
    ("DATABASE_URL", "postgresql://u:p@db/app", ["postgresql://db"]),
    ("DATABASE_URL", "postgresql+asyncpg://u:${PW}@db:5432/app", ["postgresql+asyncpg://db:5432"]),
    ("DATABASE_URL", "${DATABASE_URL:-postgres://u:p@db/app}", ["postgres://db"]),
    ("API", "http://api:8000/v1?x=http", ["http://api:8000"]),
    ("API", "http://${HOST_OF_API:-api}:${API_PORT:-8000}/", ["http://api:8000"]),
    ("API", "http://${API_HOST}:8000", ["http://gateway:8000"]),
    ("SPRING_DATASOURCE_URL", "jdbc:postgresql://db:5432/app", ["postgresql://db:5432"]),
    ("DB", "jdbc:sqlserver://mssql:1433;databaseName=x", ["sqlserver://mssql:1433"]),
    ("DB", "jdbc:oracle:thin:@oracle:1521:xe", ["oracle:1521"]),
    ("MONGO", "mongodb://u:p@m1:27017,m2/db", ["mongodb://m1:27017", "mongodb://m2"]),
    (
        "KAFKA",
        "PLAINTEXT://k1:9092,SASL_SSL://k2:9093",
        ["plaintext://k1:9092", "sasl_ssl://k2:9093"],
    ),
    ("AMQP_URL", "amqp://guest:guest@rabbit//", ["amqp://rabbit"]),
    ("DSN", "user:secret@tcp(mysql:3306)/app", ["mysql:3306"]),
    ("DSN", "mysql://root:secret@tcp(mysqld:3306)/app", ["mysqld:3306"]),
    ("DSN", "pgsql:host=db;port=5432;dbname=app", ["db"]),
    ("ConnectionStrings__Main", "Server=sql,1433;Database=x;Password=y", ["sql:1433"]),
    ("ConnectionStrings__Redis", "redis:6379,password=x,abortConnect=false", ["redis:6379"]),
    ("CONFIG", '{"db": {"host": "pg", "port": 5432}}', ["pg"]),
    ("QDRANT_HOST", "qdrant", ["qdrant"]),
    ("REDIS_HOST", "${REDIS_HOST:-redis}", ["redis"]),
    ("PGHOST", "db", ["db"]),
    ("spring.redis.host", "cache", ["cache"]),
    ("AppSettings__RabbitHostName", "rabbit", ["rabbit"]),
    ("KAFKA_BROKERS", "kafka:9092,kafka2:9092", ["kafka:9092", "kafka2:9092"]),
    ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@k1:9093,2@k2:9093", ["k1:9093", "k2:9093"]),
    ("ZOO_SERVERS", "server.1=zoo1:2888:3888;2181", ["zoo1:2888"]),
    ("REDIS_HOSTS", "local:redis:6379", ["redis:6379"]),
    ("MEMCACHED", "memcached:11211", ["memcached:11211"]),
    ("SMTP_HOST", "mail:25", ["mail:25"]),
    (
        "ELASTIC_HOSTS",
        '["http://es1:9200","http://es2:9200"]',
        ["http://es1:9200", "http://es2:9200"],
    ),
]

FALSE = [
    ("DB_TYPE", "postgres"),
    ("LOG_DRIVER", "redis"),
    ("QUEUE_CONNECTION", "redis"),
    ("DB_CONNECTION", "mysql"),
    ("POSTGRES_DB", "db"),
    ("IMAGE", "redis:6379"),
    ("TOOL", "redis:7"),
    ("RUN_AS_USER", "node:1000"),
    ("API_URL", "http://localhost:8000"),
    ("API_URL", "http://127.0.0.1:8000"),
    ("API_URL", "http://[::1]:8000"),
    ("API_URL", "http://host.docker.internal:8000"),
    ("API_URL", "http://${API_HOST2}:8000"),
    ("API_URL", "http://${ENVIRONMENT}-api:8000"),
    ("DATABASE_URL", "sqlite:///db.sqlite"),
    ("STORE", "s3://redis/backups"),
    ("SOCKET", "unix:///var/run/redis.sock"),
    ("HOST", "127.0.0.1"),
    ("ALLOWED_HOSTS", "web,api"),
    ("CORS_ORIGINS", "http://frontend:3000"),
    ("NO_PROXY", "localhost,redis,db"),
    ("no_proxy", "redis"),
    ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092"),
    ("VIRTUAL_HOST", "web"),
    ("CRON", "0 12:30"),
    ("PORTS", "web:8080"),
    ("START", "12:3000"),
]

COMMANDS = [
    ("wait-for-it db:5432 -- npm start", ["db:5432"]),
    ("sh -c 'until nc -z db 5432; do sleep 1; done'", ["db:5432"]),
    ("bash -c ': > /dev/tcp/db/5432'", ["db:5432"]),
    ("celery --broker redis://redis:6379/0", ["redis://redis:6379"]),
    ("java -Dspring.redis.host=redis -jar app.jar", ["redis"]),
    ("app --db-host=db --port 5432", ["db"]),
    ("app --db.host db", ["db"]),
    ("psql -h db -U app", ["db"]),
    ("curl http://user:pw@api:8080/health", ["http://api:8080"]),
    ("mongosh --eval 'rs.initiate({members:[{host:\"m1:27017\"}]})'", ["m1:27017"]),
    ("docker run redis:7 --name redis", []),
    ("redis-server --port 6379", []),
    ("mysqld --character-set-server=utf8mb4 --port 3306", ["utf8mb4"]),  # not a service
]


@pytest.mark.parametrize(("name", "value", "expected"), TRUE)
def test_hosts_in_variables(name: str, value: str, expected: list[str]) -> None:
    assert [m.text for m in hosts_in_variable(name, value, {"API_HOST": "gateway"})] == expected


@pytest.mark.parametrize(("name", "value"), FALSE)
def test_variables_without_hosts(name: str, value: str) -> None:
    assert hosts_in_variable(name, value, {}) == []


@pytest.mark.parametrize(("text", "expected"), COMMANDS)
def test_hosts_in_commands(text: str, expected: list[str]) -> None:
    assert [m.text for m in hosts_in_command(text, {})] == expected


def test_the_text_of_a_mention_has_no_credentials() -> None:
    text = "postgresql://admin:hunter2@db:5432/app?password=hunter2"
    (mention,) = hosts_in_variable("DATABASE_URL", text, {})
    assert "hunter2" not in repr(mention)
    assert "admin" not in repr(mention)
