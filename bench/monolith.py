"""Writes a monolith of any size, the way people write them."""

from __future__ import annotations

HEADER = """\
# The whole company in one file.
x-logging: &logging
  driver: json-file
  options:
    max-size: "10m"

services:
"""

SERVICE = """\
  # ---------------------------------------------------------------- team {team}
  service-{n}:
    image: registry.example.com/team-{team}/service-{n}:${{TAG_{team}:-1.{n}}}
    restart: unless-stopped
    logging: *logging
    environment:
      # asked for by the auditors
      LOG_LEVEL: info
      DATABASE_URL: postgres://app@database-{team}:5432/service_{n}
    ports:
      - "127.0.0.1:{port}:8080"
    volumes:
      - data-{n}:/var/lib/service
      - ./config/service-{n}.yml:/etc/service.yml:ro
    networks:
      - backend
    healthcheck:
      test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:8080/health"]
      interval: 30s
      retries: 3
"""


def monolith(services: int) -> str:
    """Return a Compose file with *services* services, 22 lines each."""
    bodies = (SERVICE.format(n=n, team=n // 10, port=10000 + n % 50000) for n in range(services))
    volumes = "".join(f"  data-{n}:\n" for n in range(services))
    return f"{HEADER}{chr(10).join(bodies)}\nnetworks:\n  backend:\n\nvolumes:\n{volumes}"


def variants(services: int) -> dict[str, str]:
    """Return three copies of a monolith by file name, each changed the way environments are."""
    base = monolith(services)
    staging = base.replace("LOG_LEVEL: info", "LOG_LEVEL: debug")
    staging = staging.replace("      - ./config/", "      - ./config/staging/")
    production = base.replace("restart: unless-stopped", "restart: always")
    production = production.replace(
        "    networks:\n      -", "    stop_grace_period: 1m\n    networks:\n      -"
    )
    production = "\n".join(
        line for line in production.split("\n") if ':8080"' not in line and line != "    ports:"
    )
    return {
        "docker-compose.yml": base,
        "docker-compose.staging.yml": staging,
        "docker-compose.production.yml": production,
    }
