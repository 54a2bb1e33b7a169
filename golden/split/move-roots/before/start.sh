#!/bin/sh
cd "$(dirname "$0")"
export COMPOSE_FILE=docker-compose.yml
docker compose up -d
