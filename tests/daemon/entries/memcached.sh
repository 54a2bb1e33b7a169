#!/bin/sh
# As docker-library/memcached, docker-entrypoint.sh.
case "$1" in -*) set -- memcached "$@" ;; esac
exec "$@"
