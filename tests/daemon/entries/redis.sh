#!/bin/sh
# As docker-library/redis, docker-entrypoint.sh before 8: options alone mean the server; root gives
# the files in the working directory to redis and becomes redis. The server needs no password.
set -e
case "$1" in -*|*.conf) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis '{}' +
  exec gosu redis "$0" "$@"
fi
[ "$(umask)" = 0022 ] && umask 0077
case "$1 $2" in *.conf) ;; redis-server*) shift; set -- redis-server --protected-mode no "$@" ;; esac
exec "$@"
