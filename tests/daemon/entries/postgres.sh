#!/bin/sh
# As docker-library/postgres, docker-entrypoint.sh: root makes and gives away the directories of the
# data and of the socket and becomes postgres; the server of the first start listens on no address.
set -e
case "$1" in -*) set -- postgres "$@" ;; esac
if [ "$1" = postgres ]; then
  mkdir -p "$PGDATA" /var/run/postgresql || :
  chmod 00700 "$PGDATA" || :
  chmod 03775 /var/run/postgresql || :
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" ! -user postgres -exec chown postgres '{}' +
    find /var/run/postgresql ! -user postgres -exec chown postgres '{}' +
    exec gosu postgres "$0" "$@"
  fi
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    [ -z "$POSTGRES_PASSWORD_FILE" ] || POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    [ -n "$POSTGRES_PASSWORD" ] || { echo "Error: Database is uninitialized" >&2; exit 1; }
    printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$PGDATA" --username="${POSTGRES_USER:-postgres}" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --no-locale
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    export PGPASSWORD=$POSTGRES_PASSWORD PGUSER=${POSTGRES_USER:-postgres}
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    database=${POSTGRES_DB:-$PGUSER}
    [ "$database" = postgres ] || psql --dbname postgres -c "CREATE DATABASE \"$database\""
    sleep "${SECONDS_OF_FIRST_START:-0}"
    pg_ctl -D "$PGDATA" -m fast -w stop
  fi
fi
exec "$@"
