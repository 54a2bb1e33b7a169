from __future__ import annotations

import pytest

from composerefactor.compose.one_off import reason_it_may_exit
from support.models import stack_of


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("db-migrate", "image: a"),
        ("e2e", "image: a"),
        ("install", "image: a"),
        ("tool", "image: a\n    profiles: [test]"),
        ("keys", "image: a\n    command: bash /scripts/setup-keys.sh"),
        ("keys", "image: a\n    command: [bash, /setup/renew-keys.sh]"),
        ("schema", "image: a\n    command: sh -c 'cd /code && alembic upgrade head'"),
        ("shell", "image: wordpress:cli-php8.3"),
        ("cron", "build: .\n    command: php artisan schedule:run\n    ports: ['80:80']"),
    ],
)
def test_one_sign_is_enough(name: str, service: str) -> None:
    assert reason_it_may_exit(stack_of(f"services:\n  {name}:\n    {service}\n"), name)


@pytest.mark.parametrize(
    "service",
    [
        "image: nginx",
        "image: a\n    profiles: [monitoring]",
        "build: .",
        "image: a\n    command: sh -c 'alembic upgrade head && python bot.py'",
        "image: a\n    command: /app/init/start.sh",
        "image: a\n    command: bash setup-and-serve.sh\n    ports: ['80:80']",
        "image: a\n    command: dumb-init node bot.js",
        "build: .\n    command: php artisan schedule:work",
        "build: .\n    command: sh -c 'while true; do php artisan schedule:run; sleep 60; done'",
        "image: wordpress:6-apache",
        "image: wordpress:cli\n    command: tail -f /dev/null",
    ],
)
def test_other_services_keep_running(service: str) -> None:
    assert reason_it_may_exit(stack_of(f"services:\n  web:\n    {service}\n"), "web") is None


def test_another_service_waits_for_completion() -> None:
    text = """
services:
  web: {image: a, depends_on: {first: {condition: service_completed_successfully}}}
  first: {image: a}
"""
    assert reason_it_may_exit(stack_of(text), "first") == (
        "web waits until it completes successfully"
    )
