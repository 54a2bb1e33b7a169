#!/bin/bash
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
FILES=(--project-directory "$ROOT" -f "$ROOT/docker-compose/docker-compose.yml" -f "$ROOT/docker-compose/docker-compose.prod.yml")
docker compose "${FILES[@]}" pull
docker compose --project-directory "${ROOT}" -f "${ROOT}/docker-compose/docker-compose.yml" -f "${ROOT}/docker-compose/docker-compose.$STAGE.yml" up -d
