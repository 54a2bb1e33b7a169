#!/bin/sh
# As docker-library/rabbitmq, docker-entrypoint.sh: root gives away the data and becomes rabbitmq.
set -e
case "$1" in rabbitmq*)
  if [ "$(id -u)" = 0 ]; then
    [ "$1" != rabbitmq-server ] || find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq '{}' +
    exec gosu rabbitmq "$0" "$@"
  fi ;;
esac
if [ -n "$RABBITMQ_DEFAULT_PASS_FILE$RABBITMQ_DEFAULT_USER_FILE" ]; then
  echo 'error: the variables are no longer supported' >&2
  exit 1
fi
exec "$@"
