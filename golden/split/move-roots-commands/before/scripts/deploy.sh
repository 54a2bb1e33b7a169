#!/bin/bash
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
FILES=(-f "$ROOT/docker-compose.yml" -f "$ROOT/docker-compose.prod.yml")
docker compose "${FILES[@]}" pull
docker compose -f "${ROOT}/docker-compose.yml" -f "${ROOT}/docker-compose.$STAGE.yml" up -d
